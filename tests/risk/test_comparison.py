"""Approximations of the collision probability: published values, their domains, and bounds of the exact one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.risk import comparison, encounter_geometry, maximum_probability, plane_probability
from stmgpu.risk.comparison import METHODS, Plane, compare, serra_bounds, small_radius

DATA = SHARED / "data" / "pc"

PUBLISHED = {
    "Alfano2005": "alfano2005",
    "Chan1997": "chan1997",
    "Laas2015": "serra2016",
    "Patera2005": "patera2005",
}
OTHERWISE = {
    ("Alfano test case 5", "Alfano2005"): "published with more than the 50 intervals of the paper",
    ("Alfano test case 5", "Chan1997"): "1e-184, no probability whatever the digits",
    ("Alfano test case 5", "Laas2015"): "published with fewer terms; more of them come closer to the exact value",
}


def _planes(n: int, seed: int, largest: float) -> Plane:
    """Discs up to a number of minor sigmas, misses up to 5 sigmas, aspect ratios up to 30."""
    rng = np.random.default_rng(seed)
    aspect = 10.0 ** rng.uniform(0, 1.5, n)
    miss = rng.uniform(0, 5, (2, n))
    return Plane(miss[0] * aspect, miss[1], aspect, np.ones(n), 10.0 ** rng.uniform(-4, np.log10(largest), n))


def test_published_values() -> None:
    file = DATA / "orekit_plane_cases.json"
    if not file.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases = json.loads(file.read_text())["cases"]
    xm, zm, sx, sz, radius = (np.abs([float(case[key]) for case in cases]) for key in ("xm", "ym", "sx", "sy", "R"))
    swap = sx < sz
    plane = Plane(
        np.where(swap, zm, xm), np.where(swap, xm, zm), np.where(swap, sz, sx), np.where(swap, sx, sz), radius
    )
    found = {name: METHODS[method](plane) for name, method in PUBLISHED.items()}
    off = {
        (case["name"], name)
        for k, case in enumerate(cases)
        for name, expected in case["expected"].items()
        if not abs(found[name][k] - expected["value"]) <= expected["atol"]
    }
    assert off == set(OTHERWISE)
    exact, (lower, upper) = plane_probability(*plane, backend="reference"), serra_bounds(plane)
    assert (lower <= exact).all()
    assert (exact <= upper).all()


@pytest.mark.parametrize(
    ("method", "largest", "error"),
    [
        ("foster1992", 0.5, 2e-3),
        ("chan1997", 0.01, 5e-3),
        ("alfano2005", 0.5, 1e-3),
        ("patera2005", 1.0, 1e-6),
        ("serra2016", 3.0, 1e-11),
        ("small_radius", 0.01, 1e-3),
    ],
)
def test_error_where_a_method_holds(method: str, largest: float, error: float) -> None:
    """Patera's difference of large terms is bad for tiny discs, Alfano's of error functions far out in the tail."""
    plane = _planes(300, 1, largest)
    exact = plane_probability(*plane, backend="reference")
    kept = (exact > 1e-9) & (plane.radius > 1e-2) if method in {"patera2005", "alfano2005"} else exact > 0.0
    np.testing.assert_allclose(METHODS[method](plane)[kept], exact[kept], rtol=error)


def test_compare_leaves_out_what_has_no_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    """The values of each method however many encounters are held at once, and NaN without a plane."""
    monkeypatch.setattr(comparison, "_TOGETHER", 7)
    plane = _planes(20, 5, 1.0)
    plane.sigma_minor[3], plane.miss_major[10], plane.radius[19] = 0.0, np.nan, 0.0
    found = compare(plane)
    kept = np.delete(np.arange(20), [3, 10, 19])
    for name, method in METHODS.items():
        assert np.isnan(found[name][[3, 10, 19]]).all()
        np.testing.assert_allclose(found[name][kept], method(Plane(*(x[kept] for x in plane))), rtol=1e-14)
    assert all(np.isnan(x).all() for x in compare(Plane(*np.full((5, 3), np.nan))).values())


@pytest.mark.slow
def test_a_miss_of_any_number_of_sigmas_ends() -> None:
    """A message may state a miss of a million sigmas, whose square must not be a number of terms."""
    found = compare(Plane(*(np.array([x]) for x in (1e6, 1e6, 1.0, 1.0, 10.0))))
    assert all(values[0] == 0.0 or np.isnan(values[0]) for values in found.values())
    assert found["chan1997"][0] == 0.0


def test_each_method_fails_somewhere() -> None:
    """Why none of them is the default: a disc of a hundred sigmas across a needle."""
    plane = Plane(*(np.array([x]) for x in (500.0, 90.0, 1000.0, 1.0, 100.0)))
    exact = plane_probability(*plane, backend="reference")
    for method in ("foster1992", "chan1997", "alfano2005", "small_radius"):
        assert abs(METHODS[method](plane)[0] / exact[0] - 1.0) > 4e-3, method


def test_bounds_hold() -> None:
    plane = _planes(500, 2, 30.0)
    lower, upper = serra_bounds(plane)
    exact = plane_probability(*plane, backend="reference")
    assert (lower <= exact * (1.0 + 1e-12)).all()
    assert (exact <= upper * (1.0 + 1e-12)).all()


def test_rows_of_esa() -> None:
    """2,170 encounters: density and maximum at 1e-7, the probability at 4e-3, the error of theirs."""
    file = DATA / "armellin_esa_2170.csv"
    if not file.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    table = np.genfromtxt(file, delimiter=",", skip_header=1)
    covariances = []
    for first in (8, 20):
        rr, tt, nn, rt, rn, tn = table[:, first : first + 6].T
        rows = [[rr, rt, rn], [rt, tt, tn], [rn, tn, nn]]
        covariances.append(np.moveaxis(np.array(rows), -1, 0) * 1e6)
    radius = 1e3 * table[:, 1]
    found = encounter_geometry(
        table[:, 2:5], table[:, 5:8], covariances[0], table[:, 14:17], table[:, 17:20], covariances[1], radius,
        backend="cpu",
    )  # fmt: skip
    plane = Plane(found.miss_major_m, found.miss_minor_m, found.sigma_major_m, found.sigma_minor_m, radius)
    exact, approximate, largest = table[:, 26:29].T
    np.testing.assert_allclose(small_radius(plane), approximate, rtol=1e-7)
    distance2 = (plane.miss_major / plane.sigma_major) ** 2 + (plane.miss_minor / plane.sigma_minor) ** 2
    np.testing.assert_allclose(
        radius**2 / (np.e * plane.sigma_major * plane.sigma_minor * distance2), largest, rtol=1e-7
    )
    np.testing.assert_allclose(plane_probability(*plane, backend="cpu"), exact, rtol=4e-3)
    assert (maximum_probability(*plane, backend="cpu")[0] >= plane_probability(*plane, backend="cpu")).all()
