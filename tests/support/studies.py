"""What the tests of studies in stores share: a small study, and what is done to its stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.stores import BACKEND

import stmgpu as stm
from stmgpu.store.records import read_record, write_record
from stmgpu.store.run import DOCUMENT, open_run

STUDY = """
years = 2
runs = 3

[population]
objects = 300
constellations = false

[environment]
density = "exponential"

[propagation]
step_days = 15.0

[explosions]
rocket_body = 0.02
payload = 0.02
max_age_years = 60.0

[breakups]
min_length_m = 0.2

[[scenario]]
name = "nothing"

[[scenario]]
name = "removal"
removal = [{ rank = "mass", per_year = 4 }]
"""
BASE = 'environment = { density = "exponential" }\npopulation = { objects = 300 }\nyears = 2\nruns = 1\n'
"""A scenario of few objects."""

TILES = 6
"""One for each run of both scenarios."""


def write_study(folder: Path, text: str = STUDY) -> Path:
    path = folder / "study.toml"
    path.write_text(text)
    return path


def write_table(folder: Path, mass: Callable[[int], object] = lambda k: 1000, kind: str = "rocket body") -> Path:
    rows = [f"{700 + k},{720 + k},{40 + k},{kind},{mass(k)},1990-01-01" for k in range(60)]
    path = folder / "objects.csv"
    path.write_text(
        "# epoch = 2020-01-01\nperigee_km,apogee_km,inc_deg,object_type,mass_kg,launch_date\n" + "\n".join(rows) + "\n"
    )
    return path


def write_table_study(folder: Path, more: str = "years = 2\nruns = 1\n") -> None:
    (folder / "t.toml").write_text(
        f'{more}population = {{ source = "table", path = "objects.csv" }}\n'
        'environment = { density = "exponential" }\n'
    )


def evolve(
    study: Any,
    store: Path,
    years: float | None = None,
    runs: int | None = None,
    seed: int = 7,
    stop: Callable[[], bool] = lambda: False,
    runs_per_tile: int | None = None,
    **keywords: Any,
) -> stm.distribute.Outcome:
    how = {"backend": BACKEND, "threads": 1, "tiling": stm.Tiling(runs_per_tile=runs_per_tile)} | keywords
    return stm.evolve_to_store(study, store, years=years, runs=runs, seed=seed, stop=stop, **how)


def stopping_after(tiles: int) -> Callable[[], bool]:
    asked = iter(range(1000))
    return lambda: next(asked) >= tiles


def flip(path: Path) -> None:
    """Damage one bit of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def unfinished(store: Path) -> Path:
    """All tiles are there, the result is not."""
    run = open_run(store)
    run.reopen(run.document)
    return store


def edit(store: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what ``run.json`` says, and seal it again."""
    document = read_record(store, DOCUMENT)
    change(document)
    write_record(store, DOCUMENT, document)
