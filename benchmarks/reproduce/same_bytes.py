"""The same bytes of a screening for any threads, instruction set, order of the catalogue and tiling.

Usage: python benchmarks/reproduce/same_bytes.py [--objects 3000] [--hours 6] [--seed 1]

Compared are all variables of the conjunctions with those of one thread, bit for bit. An instruction set that this
processor lacks, or that was not compiled, is not run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from verdict import Report

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels

START, THRESHOLD_KM = "2025-01-01T00:00:00", 10.0


def differing(ours: xr.Dataset, truth: xr.Dataset) -> int:
    """Number of variables whose bytes are not the same."""
    assert set(ours.variables) == set(truth.variables)
    return sum(
        np.ascontiguousarray(ours[name].values).tobytes() != np.ascontiguousarray(truth[name].values).tobytes()
        for name in truth.variables
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=3000)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    catalog = stm.synthetic_catalog(given.objects, seed=given.seed)
    window = {"start": START, "hours": given.hours, "threshold_km": THRESHOLD_KM}
    truth = stm.screen(catalog, **window, backend="cpu", threads=1)
    report = Report(f"Bytes of the conjunctions of {given.objects:,} synthetic objects in {given.hours:g} h")
    report.check("conjunctions", None, truth.sizes["conjunction"])
    report.check("variables compared", None, len(truth.variables))

    def compare(name: str, ours: xr.Dataset) -> None:
        report.check(f"{name}: variables with other bytes", 0, differing(ours, truth), tolerance_relative=0.0)

    for threads in (2, 7):
        compare(f"{threads} threads", stm.screen(catalog, **window, backend="cpu", threads=threads))
    for level in usable_levels():
        os.environ["STMGPU_ISA"] = level
        compare(f"instructions {level}", stm.screen(catalog, **window, backend="cpu", threads=1))
    os.environ.pop("STMGPU_ISA")
    order = np.random.default_rng(given.seed).permutation(len(catalog))
    compare("another order of the catalogue", stm.screen(catalog[order], **window))
    with tempfile.TemporaryDirectory() as folder:
        for hours in (1, 2):
            for chunk in (700, 1500):
                store = Path(folder) / f"{hours}-{chunk}.zarr"
                stm.screen_to_store(catalog, store, **window, tiling=stm.Tiling(tile_hours=hours, chunk_objects=chunk))
                stored = stm.open_dataset(store, load=True)
                compare(f"tiles of {hours} h and {chunk} objects", stored)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
