"""Assessments of pairs for which no method of an encounter holds: along their stay, and by samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.messages import kvn
from support.orbits import catalog_of, shared

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.messages.cdm import read_cdm
from stmgpu.risk import monte_carlo
from stmgpu.risk import variables as v
from stmgpu.risk.covariance import covariance_source
from stmgpu.risk.covariance_files import TERMS
from stmgpu.risk.message_assessment import assess_messages
from stmgpu.risk.triage import lines
from stmgpu.time import from_datetime64

START = "2025-03-01T03:20:00"


@pytest.fixture(scope="module")
def catalog() -> stm.Catalog:
    """Two docked objects, one 400 m ahead of them, and one in formation around them."""
    row = np.array([0.0653, 1e-3, 0.9, 1.0, 0.5, 0.3])
    ahead, around = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 6e-5]), np.array([0.0, 2e-5, 1e-5, 0.0, 0.0, 0.0])
    return catalog_of(np.stack([row, row, row + ahead, row + around]))


@pytest.fixture(scope="module")
def conjunctions(catalog: stm.Catalog) -> xr.Dataset:
    return stm.screen(catalog, start=START, hours=0.9, threshold_km=5.0, backend="reference")


def bytes_of(ds: xr.Dataset) -> dict[str, bytes]:
    return {name: ds[name].values.tobytes() for name in v.VARIABLES if ds[name].dtype.kind != "U"}


def test_pairs_that_stay_near_each_other(
    catalog: stm.Catalog, conjunctions: xr.Dataset, kernel_backend: Backend
) -> None:
    """A docked pair gets the probability of its stay instead of none, with limits, and is not decided by it."""
    options: dict[str, Any] = {"radii": "fixed:20", "backend": kernel_backend.name}
    without = stm.assess(conjunctions, catalog, **options)
    risks = stm.assess(conjunctions, catalog, slow="all", **options)
    docked = (conjunctions.primary == 1).values & (conjunctions.secondary == 2).values
    assert docked.any()
    assert np.isnan(without.pc.values[docked]).all()
    assert (risks.pc_method.values[docked] == v.STAY).all()
    stays = risks.isel(conjunction=np.flatnonzero(risks.pc_method.values == v.STAY))
    assert ((stays.pc_lower > 0.0) & (stays.pc_lower <= stays.pc) & (stays.pc == stays.pc_upper)).all()
    hours = (conjunctions.exit - conjunctions.entry).values / np.timedelta64(1, "h")
    assert (hours[docked] > 0.85).all()
    assert ((risks.pc_flags.values[docked] & v.BLENDED) != 0).all()
    assert (risks.triage_reason.values[docked] == without.triage_reason.values[docked]).all()
    assert risks.triage_reason.values[docked][0].startswith("the objects do not move relative to each other")
    assert np.isfinite(risks.pc.values).all()
    order = np.arange(conjunctions.sizes["conjunction"])[::-1]
    shuffled = stm.assess(conjunctions.isel(conjunction=order), catalog, slow="all", **options)
    assert bytes_of(shuffled) == bytes_of(risks.isel(conjunction=order))


def test_stays_with_raised_deviations_say_so(catalog: stm.Catalog, conjunctions: xr.Dataset, tmp_path: Path) -> None:
    """Deviations below 0.005 radii are raised to that; a docked pair, which is inside, keeps its number."""
    docked = (conjunctions.primary == 1).values & (conjunctions.secondary == 2).values
    pair = conjunctions.isel(conjunction=np.flatnonzero(docked)[:1])
    found = []
    for sigma in (0.9, 5.0):
        matrix = np.diag([sigma**2] * 3 + [(1e-3 * sigma) ** 2] * 3)[np.tril_indices(6)]
        rows = [",".join(map(str, ["norad_id", *TERMS]))] + [
            f"{k},{','.join(map(repr, matrix.tolist()))}" for k in (1, 2)
        ]
        (tmp_path / "own.csv").write_text("\n".join(rows) + "\n")
        found.append(stm.assess(pair, catalog, covariance=str(tmp_path / "own.csv"), radii="fixed:300"))
    assert [int(x.pc_method[0]) for x in found] == [v.STAY, v.STAY]
    assert [bool(int(x.pc_flags[0]) & v.CLIPPED) for x in found] == [True, False]
    assert [float(x.pc_lower[0]) for x in found] == pytest.approx([1.0, 1.0])


def test_samples_where_no_method_holds(catalog: stm.Catalog, conjunctions: xr.Dataset, kernel_backend: Backend) -> None:
    """Without stays docked pairs are sampled, and so is what is only bounded: the hits of the states themselves."""
    bare = conjunctions.drop_vars(["entry", "exit"])
    options: dict[str, Any] = {"radii": "fixed:200", "backend": kernel_backend.name, "slow": "all"}
    plain = stm.assess(bare, catalog, **options)
    risks = stm.assess(bare, catalog, samples=3000, seed=5, **options)
    sampled = risks.pc_method.values == v.SAMPLES
    bounded = (plain.pc_flags.values & v.BLENDED) != 0
    assert (sampled == (np.isnan(plain.pc.values) | bounded)).all()
    assert bounded.any()
    order = np.arange(bare.sizes["conjunction"])[::-1]
    shuffled = stm.assess(bare.isel(conjunction=order[1:]), catalog, samples=3000, seed=5, **options)
    assert bytes_of(shuffled) == bytes_of(risks.isel(conjunction=order[1:]))
    assert (risks.attrs["samples"], risks.attrs["samples_seed"]) == (3000, "5")
    assert (risks.pc_lower <= risks.pc).all()
    assert (risks.pc.values[sampled] < risks.pc_upper.values[sampled]).all()
    assert (risks.pc.values[~sampled] == plain.pc.values[~sampled]).all()
    (k,) = np.flatnonzero(sampled)[:1]
    states = stm.propagate(catalog, bare.tca.values[k], hours=1e-6, step_s=1e-3, backend="reference")
    fields = []
    for who in ("primary", "secondary"):
        at = int(bare[who].values[k]) - 1
        r, velocity = (states[name].values.reshape(len(catalog), -1, 3)[at, :1] for name in ("position", "velocity"))
        jd = from_datetime64(bare.tca.values[k : k + 1])
        age = (jd[0] - catalog.epoch_jd[at]) + (jd[1] - catalog.epoch_fr[at])
        matrix = covariance_source("tle").at(np.array([at + 1]), np.hstack([r, velocity]), jd, age).matrix
        fields += [r, velocity, matrix]
    hits = monte_carlo(*fields, 200.0, samples=3000, seed=5, confidence=0.9999, backend="cpu")
    assert hits.lower[0] <= risks.pc.values[k] <= hits.upper[0]


def test_samples_of_a_model_are_asked_for(catalog: stm.Catalog, conjunctions: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"samples is 10, but the covariances \(tle-2013\) are only a model; ask for"):
        stm.assess(conjunctions, catalog, samples=10)
    for wrong in ({"samples": -1}, {"samples": 10**13}, {"samples": 1, "seed": 2**64}):
        with pytest.raises(InputError, match=r"samples|seed"):
            stm.assess(conjunctions, catalog, slow="all", **wrong)


def test_messages_without_relative_speed_are_sampled(kernel_backend: Backend) -> None:
    """No hit does not dismiss a message whose upper limit is above the line."""
    same = {"X_DOT": "-2.888612500", "Y_DOT": "-6.007247516", "Z_DOT": "3.328770172"}
    text = kvn(replace={name: f"{name} = {value} [km/s]" for name, value in same.items()})
    messages = read_cdm(text.encode())
    plain, _ = assess_messages(messages, lines("cara"), backend=kernel_backend)
    assert (plain.pc_method.values[0], plain.pc_flags.values[0] & v.BLENDED) == (v.ENTRIES, v.BLENDED)
    table, _ = assess_messages(messages, lines("cara"), samples=500, seed=3, backend=kernel_backend)
    assert table.pc_method.values.tolist() == [v.SAMPLES]
    assert table.pc_lower.values[0] <= table.pc.values[0] < table.pc_upper.values[0]
    assert table.attrs["samples"] == 500
    terms = ["COMMENT DCP Density Forecast Uncertainty = 0.2"] + [
        f"COMMENT DCP Sensitivity Vector RTN {word}" for word in ("Pos = 1e6 1e6 0 [m]", "Vel = 0 0 0 [m/sec]")
    ]
    for number in (1, 2):
        text = text.replace(f"COMMENT of object {number}\n", "\n".join([*terms, ""]))
    table, _ = assess_messages(read_cdm(text.encode()), lines("cara"), samples=500, seed=3, backend=kernel_backend)
    assert table.pc_method.values.tolist() == [v.SAMPLES]
    assert table.pc_flags.values[0] & v.UNCORRELATED  # their covariances do not hold it


@pytest.mark.slow
def test_pairs_of_a_real_day(kernel_backend: Backend) -> None:
    """Modules and visitors of a space station, and satellites flown together, over six hours of their stays."""
    catalog = stm.read_catalog(shared("catalogs/2024-07-05.tle"))
    station = np.isin(catalog.norad_id, [25544, 49044, 57320, 48274, 53239, 54216])
    con = stm.screen(catalog[station], start="2024-07-06T00:00:00", hours=6, threshold_km=5.0)
    risks = stm.assess(con, catalog[station], slow="all", radii="fixed:10", backend=kernel_backend.name)
    still = (risks.pc_flags.values & v.NO_SPEED) != 0
    stays = risks.pc_method.values == v.STAY
    assert stays.any()
    assert stays[still].all()
    assert np.isfinite(risks.pc.values[stays]).all()
    assert (risks.pc_lower.values[stays] <= risks.pc_upper.values[stays]).all()
