"""Benchmark tiles, stores and workers against calls in memory, one worker, and plain Zarr.

    python benchmarks/long_runs.py [CATALOG] [--days 7] [--rounds 3] [--million] [--name long_runs]

CATALOG defaults to the real catalogue of 2024-07-05 beside the checkout, else to the synthetic one. Rounds are
interleaved, so that all sides meet the same load. Cases:

scaling    Dask with one and with two local workers of one thread; starting the cluster is timed apart, and so is what
           passes until the first tile is begun (making the store, the workers reading the catalogue)
overhead   tiles into a store, one after the other, beside the plain call in memory, both with all cores
ephemeris  a day at 60 s: bytes of float64 state a second of the tiles' writing, and of plain Zarr with the same
           chunks, shards and codecs, given the same arrays
million    one million synthetic objects, one hour, 2 km (with --million): seconds, events, peak memory
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np
import zarr
from element_files import FOLDER

import stmgpu as stm
from stmgpu.distribute.cluster import client_of
from stmgpu.store.ephemeris import create_ephemeris, shard_lengths
from stmgpu.store.run import open_run

THRESHOLD_KM = 5.0


def main() -> int:
    options = _options()
    real = FOLDER / "2024-07-05.tle"
    path = options.catalog or (real if real.exists() else None)
    catalog = stm.read_catalog(path) if path else stm.synthetic_catalog()
    result: dict[str, Any] = {
        "catalog": {"source": Path(path).name if path else catalog.source, "objects": len(catalog)},
        "days": options.days,
        "threshold_km": THRESHOLD_KM,
    }
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        scratch = Path(folder)
        for case in (_scaling, _overhead, _ephemeris):
            if not options.only or options.only in case.__name__:
                result[case.__name__[1:]] = case(catalog, options, scratch)
                print(json.dumps(result[case.__name__[1:]]), flush=True)
    if options.million:
        result["million"] = _million(options.scratch)
        print(json.dumps(result["million"]), flush=True)
    if options.name:
        print(machine.write(options.name, result))
    return 0


def _screen(catalog: stm.Catalog, store: Path, options: argparse.Namespace, **how: Any) -> tuple[float, Any]:
    begin = time.perf_counter()
    outcome = stm.screen_to_store(
        catalog,
        store,
        start=options.start,
        days=options.days,
        threshold_km=THRESHOLD_KM,
        if_exists="overwrite",
        **how,
    )
    assert outcome.complete, outcome
    return time.perf_counter() - begin, outcome


def _scaling(catalog: stm.Catalog, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    walls: dict[int, list[float]] = {1: [], 2: []}
    starts: dict[int, list[float]] = {1: [], 2: []}
    inside: dict[int, list[float]] = {1: [], 2: []}
    store_starts: dict[int, list[float]] = {1: [], 2: []}
    tiles = 0
    for _ in range(options.rounds):
        for workers in (1, 2):
            begin = time.perf_counter()
            with client_of(stm.Dask(workers=workers), workers, scratch) as client:
                client.wait_for_workers(workers)
                client.run(_import)  # the workers' imports belong to the start
                starts[workers].append(time.perf_counter() - begin)
                wall, outcome = _screen(
                    catalog, scratch / "scaling.zarr", options, executor=stm.Dask(client=client), threads=1
                )
                walls[workers].append(wall)
                tiles = outcome.tiles
                markers = open_run(scratch / "scaling.zarr").markers().values()
                inside[workers].append(sum(m.summary["wall_s"] for m in markers))
                store_starts[workers].append(_first_tile(scratch / "scaling.zarr") - (time.time() - wall))
    return {
        "tiles": tiles,
        "wall_s": {w: _rounded(v) for w, v in walls.items()},
        "inside_tiles_s": {w: _rounded(v) for w, v in inside.items()},
        "cluster_start_s": {w: _rounded(v) for w, v in starts.items()},
        "until_the_first_tile_s": {w: _rounded(v) for w, v in store_starts.items()},
        "speedup_best": round(min(walls[1]) / min(walls[2]), 3),
        "speedup_median": round(statistics.median(walls[1]) / statistics.median(walls[2]), 3),
        "speedup_from_the_first_tile_median": round(
            _from_first_tile(walls[1], store_starts[1]) / _from_first_tile(walls[2], store_starts[2]), 3
        ),
    }


def _first_tile(store: Path) -> float:
    """Start of the first tile: the time of its marker minus its duration [s since 1970]."""
    paths = (store / "run" / "tiles").glob("*.json")
    return min(p.stat().st_mtime - json.loads(p.read_text())["summary"]["wall_s"] for p in paths)


def _from_first_tile(walls: list[float], starts: list[float]) -> float:
    return statistics.median(wall - start for wall, start in zip(walls, starts, strict=True))


def _import() -> None:
    import stmgpu.distribute.execute  # noqa: F401


def _overhead(catalog: stm.Catalog, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    plain, tiled = [], []
    events = 0
    for _ in range(options.rounds):
        begin = time.perf_counter()
        found = stm.screen(catalog, start=options.start, days=options.days, threshold_km=THRESHOLD_KM)
        plain.append(time.perf_counter() - begin)
        events = found.sizes["conjunction"]
        tiled.append(_screen(catalog, scratch / "overhead.zarr", options)[0])
    ratios = [b / a for a, b in zip(plain, tiled, strict=True)]
    return {
        "events": events,
        "in_memory_s": _rounded(plain),
        "tiles_and_store_s": _rounded(tiled),
        "ratio_best": round(min(tiled) / min(plain), 3),
        "ratio_median": round(statistics.median(ratios), 3),
    }


def _ephemeris(catalog: stm.Catalog, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Writing alone, as the tiles report it, beside plain Zarr; and the whole of it, propagation included."""
    ours, whole, plain = [], [], []
    store = scratch / "ephemeris.zarr"
    for _ in range(options.rounds):
        begin = time.perf_counter()
        stm.propagate_to_store(catalog, store, start=options.start, hours=24, step_s=60.0, if_exists="overwrite")
        whole.append(time.perf_counter() - begin)
        markers = open_run(store).markers().values()
        size = len(catalog) * 1441 * 48
        ours.append(size / 1e6 / sum(m.summary["write_s"] for m in markers))
        plain.append(_plain_zarr(catalog, stm.open_dataset(store), scratch / "plain.zarr"))
    return {
        "state_mb": round(size / 1e6),
        "write_mb_per_s": _rounded(ours),
        "plain_zarr_mb_per_s": _rounded(plain),
        "whole_mb_per_s": _rounded([size / 1e6 / w for w in whole]),
        "write_to_plain_best": round(max(ours) / max(plain), 3),
        "write_to_plain_median": round(statistics.median(ours) / statistics.median(plain), 3),
    }


def _plain_zarr(catalog: stm.Catalog, ds: Any, folder: Path) -> float:
    """MB of state a second that Zarr alone writes: same shards and codecs, one time shard of all objects at a time."""
    shard = shard_lengths(len(catalog), ds.sizes["time"])[1]
    create_ephemeris(folder, catalog.norad_id, ds.time.to_numpy())
    seconds = size = 0.0
    for first in range(0, ds.sizes["time"], shard):
        part = ds.isel(time=slice(first, first + shard))
        arrays = {name: np.ascontiguousarray(part[name]) for name in ("position", "velocity", "error_code")}
        begin = time.perf_counter()
        for name, values in arrays.items():
            zarr.open_array(folder / name, mode="r+")[:, first : first + shard] = values
        seconds += time.perf_counter() - begin
        size += arrays["position"].nbytes + arrays["velocity"].nbytes
    subprocess.run(["rm", "-r", str(folder)], check=True)
    return size / 1e6 / seconds


_MILLION = """
import json, resource, sys, time
import stmgpu as stm
catalog = stm.synthetic_catalog(1_000_000, seed=0)
begin = time.perf_counter()
stm.screen_to_store(catalog, sys.argv[1], hours=1, threshold_km=2.0)
wall = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
found = stm.open_dataset(sys.argv[1])
print(json.dumps({"wall_s": round(wall, 1), "events": found.sizes["conjunction"], "peak_memory_mib": round(peak)}))
"""


def _million(scratch: Path | None) -> dict[str, Any]:
    """Run in a separate process to measure its peak memory."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        done = subprocess.run(
            [sys.executable, "-c", _MILLION, f"{folder}/million.zarr"], capture_output=True, text=True, check=True
        )
    return dict(json.loads(done.stdout))


def _rounded(values: list[float]) -> list[float]:
    return [round(v, 2) for v in values]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", nargs="?", type=Path)
    parser.add_argument("--start", default="2024-07-06T00:00:00")
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="one case: scaling, overhead or ephemeris")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--scratch", type=Path, help="folder for stores, on the disk that shall be measured")
    parser.add_argument("--name", default="long_runs", help="name of the result file; empty writes none")
    return parser.parse_args()


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.2f}, limit of files {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}")
    sys.exit(main())
