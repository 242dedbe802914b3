"""Every kernel compiles for every supported GPU; needs the NVRTC wheels but no GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stmgpu.backend import nvrtc
from stmgpu.backend.signature import parse
from stmgpu.backend.source import flatten, kernel_files
from stmgpu.errors import BackendError

GOOD = 'extern "C" __global__ void twice(double* a, int n) { int i = threadIdx.x; if (i < n) a[i] = a[i] * 2.0; }\n'
FUSABLE = 'extern "C" __global__ void axpy(double* a, double x) { a[0] = a[1] * x + a[2]; }\n'


@pytest.fixture(scope="module", autouse=True)
def _bindings() -> None:
    try:
        nvrtc.version()
    except BackendError as error:
        pytest.skip(str(error))


def _promises_no_spills(file: Path) -> bool:
    header = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("//"):
            break
        header.append(line.lstrip("/ "))
    return "no spills" in " ".join(header).lower()


@pytest.mark.slow
@pytest.mark.parametrize("arch", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize("file", kernel_files(), ids=lambda f: f.name)
def test_kernels_compile(file: Path, arch: int) -> None:
    compiled = nvrtc.compile_file(file, arch)
    assert compiled.cubin.startswith(b"\x7fELF")
    assert {u.kernel for u in compiled.usage} == {s.name for s in parse(file)}
    assert all(0 < u.registers <= 255 for u in compiled.usage)
    if _promises_no_spills(file):
        spilled = [u for u in compiled.usage if u.spill_store_bytes or u.spill_load_bytes]
        assert not spilled, f"{file.name} promises no spills on sm_{arch}: {spilled}"


def test_spills_are_read_from_the_log() -> None:
    """64 values that stay alive across a barrier cannot fit into 32 registers."""
    body = "".join(f"double v{k} = a[{k} * n + i];" for k in range(64))
    total = "".join(f"a[{k} * n + i] = v{k} * v{(k * 7 + 3) % 64};" for k in range(64))
    text = (
        'extern "C" __global__ void __launch_bounds__(1024, 2) crowded(double* a, int n) '
        f"{{ int i = threadIdx.x; {body} __syncthreads(); {total} }}\n"
    )
    (usage,) = nvrtc.compile_text(text, "crowded.cu", 90).usage
    assert usage.registers <= 32
    assert usage.spill_store_bytes > 0
    assert usage.spill_load_bytes > 0


def test_multiply_and_add_are_not_fused() -> None:
    """The bytes must be those of a CPU without contraction: the option has to reach the machine code."""
    split = nvrtc.compile_text(FUSABLE, "axpy.cu", 90).cubin
    fused = tuple(o for o in nvrtc.OPTIONS if o != "-fmad=false")
    assert nvrtc.compile_text(FUSABLE, "axpy.cu", 90, fused).cubin != split


def test_error_carries_the_log() -> None:
    with pytest.raises(BackendError, match=r"(?s)broken\.cu does not compile for sm_80.*nowhere"):
        nvrtc.compile_text('extern "C" __global__ void f() { nowhere(); }\n', "broken.cu", 80)


def test_unknown_architecture_is_named() -> None:
    with pytest.raises(BackendError, match=r"cannot compile for sm_35; it knows sm_75"):
        nvrtc.compile_text(GOOD, "good.cu", 35)


def test_cache_is_keyed_by_everything_that_changes_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "good.cu"
    file.write_text(GOOD)
    first = nvrtc.cached_cubin(file, 90)
    assert first.read_bytes() == nvrtc.compile_text(flatten(file), file.name, 90).cubin
    written = first.stat().st_mtime_ns
    assert nvrtc.cached_cubin(file, 90) == first
    assert first.stat().st_mtime_ns == written
    assert nvrtc.cached_cubin(file, 80) != first
    monkeypatch.setattr(nvrtc, "OPTIONS", (*nvrtc.OPTIONS, "-lineinfo"))
    assert nvrtc.cached_cubin(file, 90) != first
    monkeypatch.undo()
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path / "cache"))
    file.write_text(GOOD.replace("2.0", "3.0"))
    assert nvrtc.cached_cubin(file, 90) != first
    assert sorted(p.suffix for p in first.parent.iterdir()) == [".cubin"] * 4, "no half-written file is left"


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "another architecture", "unreadable"])
def test_damaged_file_is_compiled_anew(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "good.cu"
    file.write_text(GOOD)
    path, other = (nvrtc.cached_cubin(file, arch) for arch in (90, 80))
    whole = path.read_bytes()
    if damage == "unreadable":
        read = Path.read_bytes

        def refused(self: Path) -> bytes:
            if self == path:
                monkeypatch.undo()
                monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path / "cache"))
                raise PermissionError("not yours")
            return read(self)

        monkeypatch.setattr(Path, "read_bytes", refused)
    else:
        data = {"truncated": whole[:-1], "empty": b"", "garbage": b"\0" * len(whole)}.get(damage, other.read_bytes())
        path.write_bytes(data)
    assert nvrtc.cached_cubin(file, 90) == path
    assert path.read_bytes() == whole
    assert "which is damaged" in caplog.text
    assert len(list(path.parent.iterdir())) == 2


def test_nothing_flushes_subnormal_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler gets our options, the last of them included, and none that takes them back."""
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path))
    given: list[list[str]] = []
    bindings = nvrtc._bindings()
    compile_program = bindings.nvrtcCompileProgram

    def recorded(program: Any, number: int, options: list[bytes]) -> Any:
        given.append([option.decode() for option in options])
        return compile_program(program, number, options)

    monkeypatch.setattr(bindings, "nvrtcCompileProgram", recorded)
    file = tmp_path / "scaled.cu"
    file.write_text('extern "C" __global__ void scaled(float* a, float x) { a[0] = a[1] * x; }\n')
    machine_code = nvrtc.cached_cubin(file, 90).read_bytes()
    (options,) = given
    assert [o for o in options if "ftz" in o or "fast" in o] == ["-ftz=false"]
    assert ".ftz" not in nvrtc.compile_ptx(file.read_text(), "scaled.cu", 90)
    assert ".ftz" in nvrtc.compile_ptx(file.read_text(), "scaled.cu", 90, (*nvrtc.OPTIONS, "-ftz=true"))
    flushing = (*nvrtc.OPTIONS, "-ftz=true")
    assert nvrtc.compile_text(file.read_text(), "scaled.cu", 90, flushing).cubin != machine_code


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    monkeypatch.setenv("STMGPU_CACHE_DIR", str(tmp_path / "taken"))
    file = tmp_path / "good.cu"
    file.write_text(GOOD)
    with pytest.raises(nvrtc.CacheError, match="STMGPU_CACHE_DIR"):
        nvrtc.cached_cubin(file, 90)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.cu", "taken"]
