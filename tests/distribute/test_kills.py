"""Runs killed at random: worker, scheduler, client, a full disk. What is done stays, and the bytes are the same.

Five kills in the ordinary suite; ``STMGPU_KILLS=50`` is the nightly form.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.stores import result_of, small_catalog

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.store import check_store

pytestmark = [
    pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here"),
    pytest.mark.slow,
    pytest.mark.alone,
]

KILLS = int(os.environ.get("STMGPU_KILLS", "5"))
CLI = [sys.executable, "-m", "stmgpu.cli"]


@pytest.fixture(scope="module")
def tle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "objects.tle"
    stm.write_catalog(small_catalog(4000), path, format="3le")
    return path


def command(tle: Path, store: Path, *more: str) -> list[str]:
    return [
        *CLI,
        "screen",
        str(tle),
        "--start",
        "2025-01-01T03:20:00",
        "--hours",
        "30",
        "--threshold-km",
        "10",
        "--tile-hours",
        "1",
        "--threads",
        "1",
        "--out",
        str(store),
        *more,
    ]


@pytest.fixture(scope="module")
def expected(tle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    store = tmp_path_factory.mktemp("serial") / "s.zarr"
    subprocess.run(command(tle, store), check=True, capture_output=True)
    return result_of(store)


def begin(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def tiles_done(store: Path) -> int:
    return len(list((store / "run" / "tiles").glob("*.json")))


def wait_for_tiles(process: subprocess.Popen[str], store: Path, count: int) -> bool:
    """Until so many tiles are done; False where the run ended before."""
    end = time.monotonic() + 300
    while process.poll() is None:
        assert time.monotonic() < end, f"{count} tiles were not done within 300 s"
        if tiles_done(store) >= count:
            return True
        time.sleep(0.01)
    return False


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 MB of its own, so that it can be filled."""
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
        == 0
    )
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    return filler


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Dask workers below a client: the processes that its nannies started and that have no children of their own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [
            p for p in psutil.Process(process.pid).children(recursive=True) if "spawn_main" in " ".join(p.cmdline())
        ]
    return []


@contextlib.contextmanager
def own_cluster(certificate: Path | None = None) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A scheduler and two workers as processes of their own: (address, [scheduler, workers]).

    With a certificate (a PEM file that holds its key too, and signs itself) they speak TLS and nothing else.
    """
    options = ["--host", "tcp://127.0.0.1", "--no-dashboard"]
    if certificate is not None:
        options = [
            "--host",
            "tls://127.0.0.1",
            "--no-dashboard",
            *(word for name in ("ca-file", "cert", "key") for word in (f"--tls-{name}", str(certificate))),
        ]
    scheduler = begin([sys.executable, "-m", "distributed.cli.dask_scheduler", *options, "--port", "0"])
    assert scheduler.stderr is not None
    address = next(m.group() for line in scheduler.stderr if (m := re.search(r"t(cp|ls)://127\.0\.0\.1:\d+", line)))
    workers = [
        begin(
            [
                sys.executable,
                "-m",
                "distributed.cli.dask_worker",
                address,
                *options,
                "--nthreads",
                "1",
                "--death-timeout",
                "60",
            ]
        )
        for _ in range(2)
    ]
    try:
        yield address, [scheduler, *workers]
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.communicate()


def test_random_kills(tle: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    """One store after the other is computed with a random disaster on the way, until there were enough of them."""
    seed = int(os.environ.get("STMGPU_KILLS_SEED", "1"))
    rng = random.Random(seed)
    kinds = ["client", "worker", "disk", "scheduler"]
    kills = 0
    with small_disk(tmp_path / "disk") as disk:
        ends_full = os.path.ismount(disk)
        while kills < KILLS:
            store = disk / f"s{kills}.zarr"
            for _ in range(3):  # three disasters a store, then it may finish
                kind = kinds[kills % len(kinds)] if kills < len(kinds) else rng.choice(kinds)
                if kind == "disk" and not ends_full:
                    kind = "client"  # no right to mount a disk that can be filled
                kills += disaster(kind, rng, tle, store, disk)
                if store.exists():
                    damage = [
                        f
                        for f in check_store(store)
                        if "unfinished" not in f.what and "no marker" not in f.what and "without a marker" not in f.what
                    ]
                    assert not damage, (seed, kills, kind, damage)
                if kills >= KILLS:
                    break
            last = subprocess.run(command(tle, store), capture_output=True, text=True, check=False)
            assert last.returncode == 0, (seed, kills, last.stderr)
            assert check_store(store) == []
            assert result_of(store) == expected, (seed, kills)
            assert not list(store.rglob("*.partial")) + list((store / "run").glob("result.*"))
            shutil.rmtree(store)


def disaster(kind: str, rng: random.Random, tle: Path, store: Path, disk: Path) -> int:
    """Begin a run and let something happen to it at a random moment; whether it did."""
    at = tiles_done(store) + rng.randrange(6)
    if kind == "scheduler":
        with own_cluster() as (address, (scheduler, *_)):
            process = begin(command(tle, store, "--executor", "dask", "--scheduler", address))
            hit = wait_for_tiles(process, store, at)
            scheduler.kill()
            _, stderr = process.communicate(timeout=120)
            assert process.returncode in (0, 1), stderr
            assert process.returncode == 0 or re.search(
                "rerun the same command|resume: stmgpu |cannot be reached", stderr
            ), stderr
            assert "Traceback" not in stderr
        return int(hit)
    more = ["--executor", "dask", "--workers", "2"] if kind == "worker" else []
    process = begin(command(tle, store, *more))
    hit = wait_for_tiles(process, store, at)
    time.sleep(rng.random() * 0.05)
    if kind == "client":
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    elif kind == "worker":
        if workers := workers_of(process):
            rng.choice(workers).kill()
        _, stderr = process.communicate(timeout=120)  # Dask goes on with the others, or a new one
        assert process.returncode == 0, stderr
    else:
        filler = fill(disk)
        _, stderr = process.communicate(timeout=60)
        filler.unlink()
        assert process.returncode in (0, 1), stderr
        assert process.returncode == 0 or "free some space" in stderr or "No space left" in stderr, stderr
    return int(hit)


def test_tls_is_honoured(tle: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    pem = tmp_path / "both.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            str(tmp_path / "key"),
            "-out",
            str(tmp_path / "cert"),
        ],
        check=True,
        capture_output=True,
    )
    pem.write_text((tmp_path / "key").read_text() + (tmp_path / "cert").read_text())
    with own_cluster(pem) as (address, _):
        assert address.startswith("tls://")
        dask = ["--executor", "dask", "--scheduler", address]
        refused = subprocess.run(command(tle, tmp_path / "n.zarr", *dask), capture_output=True, text=True, check=False)
        assert refused.returncode in (1, 2), refused.stderr  # without certificates of its own
        assert "Traceback" not in refused.stderr
        done = subprocess.run(
            command(
                tle, tmp_path / "s.zarr", *dask, "--tls-ca", str(pem), "--tls-cert", str(pem), "--tls-key", str(pem)
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "n.zarr").exists()
    assert result_of(tmp_path / "s.zarr") == expected


def test_two_clients_on_one_store(tle: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    """Started by mistake, at the same time: both finish, and nothing is spoilt."""
    store = tmp_path / "s.zarr"
    processes = [begin(command(tle, store)) for _ in range(2)] + [begin(command(tle, store, "--executor", "dask"))]
    for process in processes:
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
    assert check_store(store) == []
    assert result_of(store) == expected


def test_a_request_to_stop_ends_with_75_after_the_tile(tle: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    store = tmp_path / "s.zarr"
    for more in ([], ["--executor", "dask", "--workers", "2"]):
        process = begin(command(tle, store, *more))
        assert wait_for_tiles(process, store, tiles_done(store) + 2)
        process.send_signal(signal.SIGUSR1)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 75, stderr
        assert "asked to stop" in stderr
        assert tiles_done(store) < 31
    assert subprocess.run(command(tle, store), capture_output=True, check=False).returncode == 0
    assert result_of(store) == expected


def test_sigterm_ends_with_143_and_keeps_what_is_done(tle: Path, tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    process = begin(command(tle, store))
    assert wait_for_tiles(process, store, 2)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert tiles_done(store) >= 2
    assert all("unfinished" in f.what or "without a marker" in f.what for f in check_store(store))
