"""Compare positions of the kernels with the sgp4 package: two catalogues, -3 to +14 days, every half day.

Usage: python benchmarks/sgp4_accuracy.py [--out FILE]   (default: results/sgp4_accuracy.json)

Counted are states without an error code, of objects that never reach code 7 (decaying objects at the end of the
theory's domain, where rounding is amplified without limit; they are listed).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import element_files
import machine
import numpy as np

from stmgpu.backend.cpu import CpuBackend
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.propagate.sgp4 import SGP4Propagator

DAYS = np.arange(-3.0, 14.01, 0.5)
EDGES_MM = [0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 1e3, 1e9]


def compare(name: str) -> dict[str, Any]:
    satrecs = element_files.read(name)
    elements, start = element_files.columns(satrecs), (element_files.STARTS[name], 0.0)
    t_s, span = DAYS * 86400.0, (DAYS[0] * 86400.0, DAYS[-1] * 86400.0)
    ours = SGP4Propagator(elements, CpuBackend(), start, span)
    n = ours.n
    states, code = (a[..., :n] for a in ours.grid(t_s))
    truth, published = (a[..., :n] for a in SGP4Propagator(elements, ReferenceBackend(), start, span).grid(t_s))
    numbers = np.array([s.satnum for s in satrecs])[ours.order]
    deep = np.array([s.method == "d" for s in satrecs])[ours.order]
    lost = (code == 7).any(axis=0)
    usable = (code == 0) & (published == 0) & ~lost
    position = np.where(usable, np.sqrt(((states - truth)[:, :3] ** 2).sum(1)), np.nan) * 1e6
    velocity = np.where(usable, np.sqrt(((states - truth)[:, 3:] ** 2).sum(1)), np.nan) * 1e6
    result: dict[str, Any] = {
        "objects": n,
        "times": len(DAYS),
        "states_with_other_code": int((code != published).sum()),
        "code_7": sorted(numbers[lost].tolist()),
    }
    print(
        f"{name}: {n} objects, {len(DAYS)} times, {result['states_with_other_code']} states with another code, "
        f"left out for code 7: {result['code_7']}"
    )
    for group, mask in (("near_earth", ~deep), ("deep_space", deep)):
        off, speed = position[:, mask], velocity[:, mask]
        off, speed = off[~np.isnan(off)], speed[~np.isnan(speed)]
        counts = np.histogram(off, EDGES_MM)[0]
        result[group] = {
            "objects": int(mask.sum()),
            "states": len(off),
            "median_mm": float(np.median(off)),
            "p99_mm": float(np.quantile(off, 0.99)),
            "max_mm": float(off.max()),
            "max_mm_s": float(speed.max()),
            "edges_mm": EDGES_MM,
            "counts": counts.tolist(),
        }
        print(
            f"  {group}: {len(off)} states, median {np.median(off):.2g} mm, 99 % {np.quantile(off, 0.99):.2g} mm, "
            f"max {off.max():.2g} mm and {speed.max():.2g} mm/s"
        )
        for low, high, count in zip(EDGES_MM[:-1], EDGES_MM[1:], counts, strict=True):
            if count:
                print(f"    {low:8.0e} .. {high:8.0e} mm {count:9d} {'#' * int(np.ceil(60 * count / len(off)))}")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="JSON file to write; default results/sgp4_accuracy.json")
    options = parser.parse_args()
    result = {"catalogs": {name: compare(name) for name in element_files.STARTS}}
    print(machine.write("sgp4_accuracy", result, options.out))


if __name__ == "__main__":
    main()
