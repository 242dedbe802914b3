"""What the tests of long computations share: a small catalogue, and the files that make two stores equal."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels

BACKEND = "cpu" if usable_levels() else "reference"
START = "2025-01-01T03:20:00"
HOURS, THRESHOLD_KM = 5.5, 20.0


def small_catalog(objects: int = 1500, seed: int = 3) -> stm.Catalog:
    return stm.synthetic_catalog(objects, seed=seed)


def result_of(store: Path) -> dict[str, str]:
    """Digest of every file of a store's result: everything that is not about its computation."""
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*"))
        if path.is_file() and path.relative_to(store).parts[0] != "run"
    }


def run_keywords(tile_hours: float | None = None, chunk_objects: int | None = None, **keywords: Any) -> dict[str, Any]:
    """Keywords of a run in a store, on the fastest backend that was compiled unless they name another."""
    return {"backend": BACKEND, "tiling": stm.Tiling(tile_hours, chunk_objects)} | keywords


def screen(catalog: stm.Catalog, store: Path, hours: float = HOURS, **keywords: Any) -> stm.distribute.Outcome:
    return stm.screen_to_store(
        catalog, store, start=START, hours=hours, threshold_km=THRESHOLD_KM, **run_keywords(**keywords)
    )


def propagate(catalog: stm.Catalog, store: Path, hours: float = 9.0, **keywords: Any) -> stm.distribute.Outcome:
    return stm.propagate_to_store(catalog, store, start=START, hours=hours, step_s=60.0, **run_keywords(**keywords))


def crowd_catalog(objects: int) -> stm.Catalog:
    """Circular orbits of slightly different periods that meet at 02:00 in one point, at no other time of the night."""
    rng = np.random.default_rng(1)
    spread = np.linspace(-1.0, 1.0, objects)
    motion = 2.0 * np.pi / 97.0
    return stm.Catalog.from_columns(
        norad_id=np.arange(1, objects + 1),
        epoch="2025-01-01T02:00:00",
        mean_motion=motion * (1.0 + 1e-6 * spread),
        eccentricity=1e-4,
        inclination=rng.uniform(0.3, 2.8, objects),
        raan=1.0,
        argp=0.0,
        mean_anomaly=0.0,
        bstar=0.0,
    )
