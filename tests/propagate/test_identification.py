"""Whose trajectory it is. Truth: the element set that each path was made from, moved along the track."""

from __future__ import annotations

import dataclasses
import logging
import warnings

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.catalog import Catalog
from stmgpu.catalog.trajectories import SYNTHETIC_ID, Trajectories
from stmgpu.errors import UncertainIdentityWarning
from stmgpu.propagate.identification import identify
from stmgpu.propagate.screening_objects import ScreeningObjects

CATALOG = stm.synthetic_catalog(300, seed=3)
START = "2025-01-01T06:00:00"


def moved(catalog: Catalog, km: float) -> Catalog:
    """Objects some km ahead along their orbits."""
    radius = (398600.8 * (60.0 / catalog.mean_motion) ** 2) ** (1.0 / 3.0)
    return dataclasses.replace(catalog, mean_anomaly=np.mod(catalog.mean_anomaly + km / radius, 2 * np.pi))


def paths(catalog: Catalog, *, known: bool = False, hours: float = 3.0) -> Trajectories:
    t = Trajectories.from_dataset(stm.propagate(catalog, START, hours=hours, step_s=120, backend="reference"))
    return t if known else dataclasses.replace(t, norad_id=SYNTHETIC_ID + np.arange(len(t)))


def low(count: int) -> Catalog:
    """Objects with nearly circular orbits."""
    return CATALOG[np.flatnonzero(CATALOG.eccentricity < 0.01)[:count]]


def test_a_path_within_the_tolerance_is_matched(caplog: pytest.LogCaptureFixture) -> None:
    own = low(20)
    with caplog.at_level(logging.INFO), warnings.catch_warnings():
        warnings.simplefilter("error")
        places = identify(paths(moved(own, 8.0)), CATALOG)
    assert CATALOG.norad_id[places].tolist() == own.norad_id.tolist()
    assert len(caplog.messages) == 20
    assert f"follows {own.norad_id[0]} " in caplog.messages[0]


def test_it_is_not_screened_against_itself() -> None:
    own = low(3)
    objects = ScreeningObjects.of(CATALOG, paths(own))
    assert len(objects) == len(CATALOG)
    assert objects.trajectories.norad_id.tolist() == own.norad_id.tolist()
    con = stm.screen(
        CATALOG, start=START, hours=2, threshold_km=20, ephemeris=paths(moved(own, 3.0)), backend="reference"
    )
    assert not (con.primary_name == con.secondary_name).any()
    assert not np.isin(con.secondary, SYNTHETIC_ID + np.arange(3)).any()


def test_others_stay_unknown() -> None:
    own = low(20)
    others = CATALOG[~np.isin(CATALOG.norad_id, own.norad_id)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (identify(paths(own), others) == -1).all()
        assert (identify(paths(moved(own, 200.0)), CATALOG) == -1).all()


def test_a_far_path_is_doubtful() -> None:
    own = low(1)
    with pytest.warns(UncertainIdentityWarning, match=rf"it follows: {own.norad_id[0]} .*\(down to 2[0-9.]+ km\)"):
        assert identify(paths(moved(own, 25.0)), CATALOG).tolist() == [-1]


def test_two_objects_as_near_are_doubtful() -> None:
    own = low(1)
    twin = dataclasses.replace(moved(own, 4.0), norad_id=own.norad_id + 800_000)
    both = dataclasses.replace(
        CATALOG,
        **{name: np.concatenate([getattr(CATALOG, name), getattr(twin, name)]) for name in CATALOG.column_names()},
    )
    with pytest.warns(UncertainIdentityWarning, match=rf"{own.norad_id[0]} .*, {twin.norad_id[0]} "):
        assert identify(paths(moved(own, 1.0)), both).tolist() == [-1]


def test_an_id_of_its_own_is_kept() -> None:
    """Docked spacecraft have ids of their own; so does an object that the catalogue gives under another one."""
    own = low(1)
    t = dataclasses.replace(paths(own), norad_id=np.array([77_777]))
    with pytest.warns(UncertainIdentityWarning, match=r"trajectory 77777 .* state its id"):
        assert identify(t, CATALOG).tolist() == [-1]
    place = identify(paths(own, known=True), CATALOG)
    assert CATALOG.norad_id[place].tolist() == own.norad_id.tolist()


def test_two_trajectories_of_one_object_are_doubtful() -> None:
    own = low(1)
    t = Trajectories.concatenate([paths(own), paths(moved(own, 2.0))])
    with pytest.warns(UncertainIdentityWarning, match="900000002"):
        places = identify(t, CATALOG)
    assert CATALOG.norad_id[places[0]] == own.norad_id[0]
    assert places[1] == -1


def test_two_trajectories_of_one_designator_are_told() -> None:
    own = low(1)
    catalog = dataclasses.replace(CATALOG, object_id=np.array([f"2020-{k:03d}A" for k in range(len(CATALOG))]))
    place = int(np.flatnonzero(CATALOG.norad_id == own.norad_id[0])[0])
    twins = Trajectories.concatenate([paths(own), paths(own)])
    twins = dataclasses.replace(twins, object_id=np.array([catalog.object_id[place]] * 2))
    with pytest.warns(UncertainIdentityWarning, match="trajectories 900000001, 900000002 are all of object"):
        assert identify(twins, catalog).tolist() == [place, place]
