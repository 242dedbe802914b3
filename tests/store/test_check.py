"""Random damage to every kind of store: `check` names it, and no reader gives other values than the true ones.

24 damages of each store; ``STMGPU_DAMAGES=500`` is the nightly form, ``STMGPU_DAMAGES_SEED`` chooses them.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.damage import DAMAGES, damaged
from support.stores import propagate, result_of, screen, small_catalog
from support.studies import BASE, evolve, stopping_after, write_study

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.errors import StmgpuError, StoreError
from stmgpu.store import check_store, provenance

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")

COUNT = int(os.environ.get("STMGPU_DAMAGES", "24"))
SEED = int(os.environ.get("STMGPU_DAMAGES_SEED", "11"))


@dataclass
class Case:
    """A store and the truth about it."""

    kind: str
    complete: bool
    store: Path
    resume: Callable[[Path], object]
    truth: xr.Dataset
    known: set[str] = field(default_factory=set)

    @cached_property
    def facts(self) -> dict[str, Any]:
        return told(self.store)


def told(store: Path) -> dict[str, Any]:
    """What `info` says and a result depends on."""
    facts = provenance(store)
    return {
        name: facts.get(name) for name in ("kind", "schema", "complete", "attributes", "settings", "catalog", "code")
    }


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """A store of each kind, complete and in progress."""
    folder = tmp_path_factory.mktemp("stores")
    study = write_study(
        folder, BASE.replace("objects = 300", "objects = 60").replace("years = 2\nruns = 1", "years = 1\nruns = 3")
    )
    crowd, few = small_catalog(250), small_catalog(20)
    runs: dict[str, Callable[..., object]] = {
        "conjunctions": lambda store, **how: screen(crowd, store, 2.5, **how),
        "ephemeris": lambda store, **how: propagate(few, store, 5.0, **how),
        "ensemble": lambda store, **how: evolve(study, store, **how),
    }
    found = {}
    for kind, run in runs.items():
        tiles = {} if kind == "ensemble" else {"tile_hours": 1.0 if kind == "conjunctions" else 0.1}
        whole = folder / f"{kind}.zarr"
        run(whole, **tiles)
        truth = stm.open_dataset(whole).load()
        found[kind] = Case(kind, True, whole, run, truth)
        part = folder / f"{kind}-part.zarr"
        run(part, stop=stopping_after(2), **tiles)
        found[f"{kind} in progress"] = Case(kind, False, part, run, truth)
    for case in found.values():
        case.known = set(map(str, check_store(case.store)))
        assert len(case.known) == (not case.complete), case.known
    return found


def rows(ds: xr.Dataset) -> set[tuple[Any, ...]]:
    names = (
        "tca",
        "primary",
        "secondary",
        "primary_name",
        "miss_distance",
        "relative_speed",
        "miss_radial",
        "altitude",
    )
    return set(zip(*(ds[name].to_numpy().tolist() for name in names), strict=True))


def is_true(found: xr.Dataset, case: Case) -> bool:
    """Whether a reader's values are true: all of them, or those of the tiles that it could read."""
    if case.complete:
        return bool(found.identical(case.truth))
    if case.kind == "conjunctions":
        return rows(found) <= rows(case.truth)
    if case.kind == "ephemeris":
        truth = case.truth.sel(time=found.time)
        return all(found[name].to_numpy().tolist() == truth[name].to_numpy().tolist() for name in found.variables)
    for name in case.truth.data_vars:
        if name.startswith("event"):
            continue
        a, b = found[name].to_numpy(), case.truth[name].to_numpy()
        if not np.array_equal(np.where(np.isnan(a), b, a), b, equal_nan=True):
            return False
    return True


def attack(case: Case, kind: str, seed: str) -> None:
    with damaged(case.store, kind, random.Random(seed)) as what:
        try:
            findings = set(map(str, check_store(case.store)))
        except StoreError:
            findings = {"refused"}
        assert findings - case.known, (what, "was not named")
        with suppress(StmgpuError):
            found = stm.open_dataset(case.store, partial=not case.complete)
            with suppress(ValueError):  # Zarr's, of a checksum: numbers of an ephemeris are read when they are used
                assert is_true(found.load(), case), what
        with suppress(StmgpuError):
            assert told(case.store) == case.facts, what


@pytest.mark.parametrize("name", ["conjunctions", "ephemeris", "ensemble"])
def test_damage_is_never_data(cases: dict[str, Case], name: str) -> None:
    """Every damage once."""
    for number, kind in enumerate(DAMAGES):
        attack(cases[name if number % 2 else f"{name} in progress"], kind, f"{name} {number}")
    assert set(map(str, check_store(cases[name].store))) == set(), "every damage was undone"


@pytest.mark.slow
@pytest.mark.parametrize("state", ["", " in progress"])
@pytest.mark.parametrize("name", ["conjunctions", "ephemeris", "ensemble"])
def test_many_damages(cases: dict[str, Case], name: str, state: str) -> None:
    case = cases[name + state]
    kinds = list(DAMAGES)
    for number in range(COUNT):
        attack(case, kinds[number % len(kinds)], f"{SEED} {name}{state} {number}")


@pytest.mark.slow
@pytest.mark.parametrize("state", ["", " in progress"])
@pytest.mark.parametrize("name", ["conjunctions", "ephemeris", "ensemble"])
def test_repair_and_resume_give_the_true_bytes(cases: dict[str, Case], name: str, state: str, tmp_path: Path) -> None:
    """A store that is repaired and resumed ends with the bytes of the whole, unless its document is damaged."""
    case, whole = cases[name + state], result_of(cases[name].store)
    mended, kinds = 0, list(DAMAGES)
    for number in range(-(-COUNT // 24)):
        kind = kinds[number % len(kinds)]
        copy = Path(shutil.copytree(case.store, tmp_path / f"{number}.zarr"))
        with damaged(copy, kind, random.Random(f"{SEED} repair {name}{state} {number}")) as what:
            unrepaired = Path(shutil.copytree(copy, tmp_path / f"{number}-unrepaired.zarr", symlinks=True))
            with suppress(StmgpuError):  # resumed at once: an error, or what is true
                case.resume(unrepaired)
                with suppress(StmgpuError):
                    assert stm.open_dataset(unrepaired).load().identical(case.truth), what
            try:
                findings = check_store(copy, repair=True)
                case.resume(copy)
            except StmgpuError:
                assert any("another store" in f.cure or "move it" in f.cure for f in check_store(copy)), what
            else:
                assert result_of(copy) == whole, (what, findings)
                assert check_store(copy) == [], what
                mended += 1
    assert mended >= COUNT // 48
