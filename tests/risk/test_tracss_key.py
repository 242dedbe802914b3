"""One hundred rows of the answer key of TraCSS: what their printed geometry fixes, and what it leaves open.

A row has Pc, distance d, Mahalanobis distance M and two radii, but no covariance. For a small disc

    Pc = R^2 / (2 s_major s_minor) exp(-M^2 / 2),

so that (d, M) fix the sigma along the miss alone, d / M, and Pc the product of both sigmas once R is known: one of
three unknowns (both sigmas and the angle of the miss) stays free. So no Pc of the key follows from its geometry. What
does follow is tested here:

| claim | found |
|---|---|
| the rows called robust are those that are not diluted | all have M^2 >= 2; the smallest is 2.022 |
| Pc is the exact integral for the product of sigmas that it implies, at any angle of the miss | to 1e-3 |
| the printed radii were not used for Pc | slope of ln(Pc e^(M^2/2) d^2 / M^2) on ln(R1 + R2): 0.07 +- 0.05, not 2 |
| a combined radius of 1 m (0.5 m each, as the key's documents say) is possible | aspect ratios of 1.8 in the median |
| with the printed radii aspect ratios would scatter by decades | 90 % below 4.7, or below 128 |
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.risk import maximum_probability, plane_probability
from stmgpu.typing import Floats

FILE = SHARED / "data" / "pc" / "tracss_top100.json"
RADIUS_M = 1.0


@pytest.fixture(scope="module")
def key() -> dict[str, Floats]:
    if not FILE.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    rows = json.loads(FILE.read_text())["top_100"]
    assert len(rows) == 100
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0] if not isinstance(rows[0][name], str)}
    return columns | {"miss_m": 1e3 * columns["min_range_km"], "radii_m": columns["obj1_hbr_m"] + columns["obj2_hbr_m"]}


def product_of_sigmas(key: dict[str, Floats], radius_m: Floats | float) -> Floats:
    """Of both sigmas, from Pc, M and a radius, for a small disc [m^2]."""
    return radius_m**2 / (2.0 * key["pc"]) * np.exp(-0.5 * key["mahalanobis"] ** 2)


def least_aspect(key: dict[str, Floats], radius_m: Floats | float) -> Floats:
    """Least ratio of the sigmas: one of them is then along the miss, d / M."""
    ratio = product_of_sigmas(key, radius_m) / (key["miss_m"] / key["mahalanobis"]) ** 2
    return np.maximum(ratio, 1.0 / ratio)


def test_robust_rows_are_not_diluted(key: dict[str, Floats], kernel_backend: Backend) -> None:
    """The maximum over the size of the covariance lies at a scale of 1 or more, whatever its shape is."""
    assert (key["mahalanobis"] ** 2).min() == pytest.approx(2.022, abs=1e-3)
    for aspect in (1.0, 2.0, 30.0):
        sigma = np.sqrt(product_of_sigmas(key, RADIUS_M))
        major, minor = sigma * np.sqrt(aspect), sigma / np.sqrt(aspect)
        for angle in (0.0, 0.7, np.pi / 2):
            miss = key["mahalanobis"] * major * np.cos(angle), key["mahalanobis"] * minor * np.sin(angle)
            scale = maximum_probability(*miss, major, minor, RADIUS_M, backend=kernel_backend)[1]
            np.testing.assert_allclose(scale, key["mahalanobis"] / np.sqrt(2.0), rtol=1e-3)
            assert (scale > 1.0).all()


def test_the_exact_integral_gives_the_printed_pc(key: dict[str, Floats], kernel_backend: Backend) -> None:
    sigma = np.sqrt(product_of_sigmas(key, RADIUS_M))
    for aspect in (1.0, 4.0):
        major, minor = sigma * np.sqrt(aspect), sigma / np.sqrt(aspect)
        for angle in (0.0, 0.7, np.pi / 2):
            miss = key["mahalanobis"] * major * np.cos(angle), key["mahalanobis"] * minor * np.sin(angle)
            found = plane_probability(*miss, major, minor, RADIUS_M, backend=kernel_backend)
            np.testing.assert_allclose(found, key["pc"], rtol=1e-3)


def test_the_printed_radii_are_not_those_of_pc(key: dict[str, Floats]) -> None:
    """Pc would rise with the square of the radius; it does not depend on it."""
    value = np.log(key["pc"] * np.exp(0.5 * key["mahalanobis"] ** 2) * (key["miss_m"] / key["mahalanobis"]) ** 2)
    radius = np.log(key["radii_m"])
    slope, rest = np.polyfit(radius, value, 1)
    error = np.std(value - slope * radius - rest, ddof=2) / (np.std(radius) * np.sqrt(len(radius)))
    assert abs(slope) < 3.0 * error
    assert 2.0 - slope > 10.0 * error


def test_one_metre_asks_for_ordinary_covariances(key: dict[str, Floats]) -> None:
    ordinary, printed = least_aspect(key, RADIUS_M), least_aspect(key, key["radii_m"])
    assert np.median(ordinary) == pytest.approx(1.75, abs=0.01)
    assert np.percentile(ordinary, 90) < 5.0 < 60.0 < np.percentile(printed, 90)
