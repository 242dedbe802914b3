"""Catalogues for tests: random populations, and objects fitted to pass another at a chosen time and distance.

And the comparison of the engine with the oracle on such a catalogue.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from sgp4.api import WGS72 as SGP4_WGS72
from sgp4.api import Satrec
from support.paths import SHARED
from support.plans import plan_for

from stmgpu.backend import Backend
from stmgpu.catalog.catalog import Catalog
from stmgpu.constants import WGS72
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.brute import brute
from stmgpu.screen.engine import run
from stmgpu.screen.window_ends import END_EDGE, START_EDGE
from stmgpu.time import Epoch, parse_utc

DATA = SHARED / "data"
ELEMENTS = ("mean_motion", "eccentricity", "inclination", "raan", "argp", "mean_anomaly")
START = parse_utc("2025-03-01T00:00:00")


def shared(name: str) -> Path:
    """A file of the team's real data, which may not be shipped; the test is skipped where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"real data {name} is not part of the project (its owner's terms); looked in {path.parent}")
    return path


def catalog_of(
    rows: np.ndarray, epoch: Epoch = START, epoch_offset_s: ArrayLike = 0.0, first_id: int = 1, bstar: float = 0.0
) -> Catalog:
    """A catalogue of rows (mean motion [rad/min], e, i, raan, argp, M [rad]) with epochs ``epoch + offset``."""
    rows = np.atleast_2d(rows)
    seconds = np.broadcast_to(np.asarray(epoch_offset_s, float), len(rows)) + epoch.fr * 86400.0
    days = np.floor(seconds / 86400.0)
    columns = dict(zip(ELEMENTS, rows.T, strict=True))
    for name in ("raan", "argp", "mean_anomaly"):
        columns[name] = np.mod(columns[name], 2 * np.pi)
    return Catalog.from_columns(
        norad_id=np.arange(first_id, first_id + len(rows)),
        bstar=bstar,
        epoch_jd=epoch.jd + days,
        epoch_fr=seconds / 86400.0 - days,
        **columns,
    )


def join(*parts: Catalog) -> Catalog:
    """Several catalogues as one; ids are numbered anew."""
    names = [name for name in Catalog.column_names() if name != "norad_id"]
    columns = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
    return Catalog.from_columns(norad_id=np.arange(1, sum(map(len, parts)) + 1), **columns)


def random_rows(rng: np.random.Generator, n: int, kind: str = "leo") -> np.ndarray:
    """Elements of one regime: 'leo', 'shell' (one altitude), 'heo', 'gto', 'geo'."""
    perigee, apogee = {
        "leo": lambda: (lambda h: (h, h + rng.exponential(30.0, n)))(rng.uniform(350.0, 1200.0, n)),
        "shell": lambda: (rng.uniform(548.0, 552.0, n),) * 2,
        "heo": lambda: (rng.uniform(300.0, 2000.0, n), rng.uniform(35000.0, 45000.0, n)),
        "gto": lambda: (rng.uniform(180.0, 600.0, n), rng.uniform(5000.0, 36000.0, n)),
        "geo": lambda: (rng.uniform(35750.0, 35786.0, n), rng.uniform(35786.0, 35822.0, n)),
    }[kind]()
    rp, ra = perigee + 6378.135, apogee + 6378.135
    a, e = 0.5 * (rp + ra), (ra - rp) / (ra + rp)
    inclination = rng.uniform(0.0, 0.1, n) if kind == "geo" else np.arccos(rng.uniform(-0.3, 0.9, n))
    angles = rng.uniform(0.0, 2 * np.pi, (3, n))
    return np.stack([60.0 * np.sqrt(WGS72.mu_km3_s2 / a**3), np.maximum(e, 1e-5), inclination, *angles], axis=1)


def sgp4_state(row: np.ndarray, epoch: Epoch, t_s: float = 0.0) -> np.ndarray:
    """State [6] of one object ``t_s`` after its epoch, from the published code."""
    n, e, i, raan, argp, m = row
    sat = Satrec()
    sat.sgp4init(SGP4_WGS72, "i", 0, epoch.jd - 2433281.5 + epoch.fr, 0.0, 0.0, 0.0, e, argp, i, m, n, raan)
    code, r, v = sat.sgp4_tsince(t_s / 60.0)
    assert code == 0
    return np.array([*r, *v])


def kepler_row(state: np.ndarray) -> np.ndarray:
    """Osculating two-body elements of a state, in the order of :data:`ELEMENTS`."""
    r, v = state[:3], state[3:]
    radius = np.linalg.norm(r)
    h = np.cross(r, v)
    ecc = np.cross(v, h) / WGS72.mu_km3_s2 - r / radius
    e = float(np.linalg.norm(ecc))
    a = 1.0 / (2.0 / radius - v @ v / WGS72.mu_km3_s2)
    node = np.array([-h[1], h[0], 0.0])
    inclination = np.arctan2(np.hypot(h[0], h[1]), h[2])
    raan = np.arctan2(node[1], node[0])
    x, y = node / np.linalg.norm(node), np.cross(h, node) / np.linalg.norm(h) / np.linalg.norm(node)
    argp = np.arctan2(ecc @ y, ecc @ x)
    nu = np.arctan2(r @ y, r @ x) - argp
    anomaly = np.arctan2(np.sqrt(1 - e * e) * np.sin(nu), e + np.cos(nu))
    return np.array([60.0 * np.sqrt(WGS72.mu_km3_s2 / a**3), e, inclination, raan, argp, anomaly - e * np.sin(anomaly)])


def fit(state: np.ndarray, epoch: Epoch) -> np.ndarray:
    """Mean elements whose SGP4 state at their epoch is ``state``: the difference is fed back until it is gone."""
    target = state.copy()
    for _ in range(40):
        row = kepler_row(target)
        off = state - sgp4_state(row, epoch)
        target = target + off
        if np.abs(off[:3]).max() < 1e-9:
            break
    assert np.abs(off[:3]).max() < 1e-6, off
    return row


def passing(
    rng: np.random.Generator, row: np.ndarray, t_s: float, miss_km: float, turn: float | None = None, epoch=START
) -> Catalog:
    """An object that passes ``row`` (epoch START) at ``t_s`` after START at ``miss_km``, turned by ``turn`` [rad].

    The miss vector is perpendicular to the relative velocity, so the minimum of distance is where it should be, up to
    the microns by which SGP4's velocity is not the derivative of its position.
    """
    state = sgp4_state(row, START, t_s)
    r, v = state[:3], state[3:]
    turn = rng.uniform(0.3, np.pi) if turn is None else turn
    axis = r / np.linalg.norm(r)
    other = v * np.cos(turn) + np.cross(axis, v) * np.sin(turn) + axis * (axis @ v) * (1 - np.cos(turn))
    dv = other - v
    direction = np.cross(dv, rng.normal(size=3))
    at = epoch.plus(t_s)
    new = fit(np.concatenate([r + miss_km * direction / np.linalg.norm(direction), other]), at)
    return catalog_of(new, at)


def engine_events(
    catalog: Catalog,
    start: Epoch,
    duration_s: float,
    threshold_km: float,
    backend: Backend,
    step_s: float | None = None,
) -> NDArray[Any]:
    """Events of the engine as the oracle gives them: catalogue positions, time, distance, flags."""
    plan = plan_for((start.jd, start.fr), duration_s, threshold_km, len(catalog), step_s)
    result = run(ScreeningObjects(catalog), plan, backend)
    assert result.part.certificate.holds, result.part.certificate
    e = result.events
    out = np.array(
        list(
            zip(
                np.minimum(e.first, e.second),
                np.maximum(e.first, e.second),
                e.tca_s - plan.start_s,
                e.miss_km,
                e.flags & (START_EDGE | END_EDGE),
                strict=True,
            )
        ),
        dtype=[("first", "i8"), ("second", "i8"), ("tca_s", "f8"), ("miss_km", "f8"), ("flags", "i4")],
    )
    return out[np.lexsort((out["second"], out["first"], out["tca_s"]))]


def assert_same(ours: NDArray[Any], truth: NDArray[Any], threshold_km: float, wall_km: float = 1e-6) -> None:
    """Same events; only minima within a millimetre of the threshold may differ."""

    def group(events):
        groups = {}
        for e in events:
            if abs(e["miss_km"] - threshold_km) > wall_km:
                groups.setdefault((int(e["first"]), int(e["second"])), []).append(e)
        return groups

    mine, theirs = group(ours), group(truth)
    lost, extra = sorted(theirs.keys() - mine.keys()), sorted(mine.keys() - theirs.keys())
    assert not lost
    assert not extra
    for pair, expected in theirs.items():
        found = mine[pair]
        assert len(found) == len(expected), (pair, found, expected)
        by_time = (sorted(events, key=lambda x: x["tca_s"]) for events in (found, expected))
        for f, e in zip(*by_time, strict=True):
            assert f["flags"] & (START_EDGE | END_EDGE) == e["flags"], (pair, f, e)
            assert abs(f["miss_km"] - e["miss_km"]) < 1e-5, (pair, f, e)
            assert abs(f["tca_s"] - e["tca_s"]) < 0.5, (pair, f, e)  # slow pairs have flat minima


def compare(
    catalog: Catalog,
    backend: Backend,
    duration_s: float,
    threshold_km: float,
    start: Epoch = START,
    step_s: float | None = None,
    truth: NDArray[Any] | None = None,
) -> NDArray[Any]:
    truth = (
        brute(catalog, (start.jd, start.fr), duration_s=duration_s, threshold_km=threshold_km)
        if truth is None
        else truth
    )
    assert_same(engine_events(catalog, start, duration_s, threshold_km, backend, step_s), truth, threshold_km)
    return truth
