"""Which blocks of the kernels must be run: all for which no reason is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtual_device import blocks

from stmgpu.backend import nvrtc
from stmgpu.errors import BackendError


@pytest.fixture(scope="module", autouse=True)
def compiler() -> None:
    try:
        nvrtc.version()
    except BackendError as error:
        pytest.skip(str(error))


def test_a_block_that_is_not_run_needs_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = blocks.covered(tmp_path)
    assert len(blocks.unexplained(nothing)) == len(nothing)
    every = {name: (kernel, set(range(len(kernel.blocks)))) for name, (kernel, _) in nothing.items()}
    assert blocks.unexplained(every) == []
    kernel, _ = every["census_shells"]
    (sentence,) = blocks.unexplained({**every, "census_shells": (kernel, set(range(1, len(kernel.blocks))))})
    assert sentence == "census_shells: 1 blocks were not run, no reason is known"
    assert blocks.main(tmp_path) == 1
    assert sentence.split(":")[0] in capsys.readouterr().out


def test_known_reasons_are_of_kernels_that_exist(tmp_path: Path) -> None:
    found = blocks.covered(tmp_path)
    for name, (count, _) in blocks.UNREACHED.items():
        assert count < len(found[name][0].blocks)


def test_divisions_of_large_numbers_are_expected(tmp_path: Path) -> None:
    kernel, _ = blocks.covered(tmp_path)["fill_rows"]
    slow = {k for k, block in enumerate(kernel.blocks) if blocks.divides_large_numbers(block)}
    assert len(slow) == 1
    assert blocks.unexplained({"fill_rows": (kernel, set(range(len(kernel.blocks))) - slow)}) == []
