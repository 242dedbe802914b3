"""Velocities of the pieces of a breakup."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from stmgpu.debris.breakup.velocities import draw_velocity


@pytest.mark.parametrize(
    ("event", "chi", "median"),
    [
        ("explosion", -2.0, 28.2),
        ("collision", -2.0, 12.6),
        ("explosion", -1.0, 44.7),
        ("collision", -1.0, 100.0),
        ("explosion", 0.0, 70.8),
        ("collision", 0.0, 794.0),
    ],
)
def test_speeds(event: str, chi: float, median: float) -> None:
    """Medians [m/s] of equations 11 and 12, spread of 0.4, all directions alike."""
    n = 40_000
    v = draw_velocity(np.full(n, chi), rng=np.random.default_rng(10), event=event, fastest_km_s=np.inf) * 1e3  # type: ignore[arg-type]
    speed = np.log10(np.linalg.norm(v, axis=1))
    assert speed.mean() == pytest.approx(np.log10(median), abs=0.01)
    assert speed.std() == pytest.approx(0.4, abs=0.006)
    unit = v / np.linalg.norm(v, axis=1)[:, None]
    assert np.abs(unit.mean(axis=0)).max() < 4.0 / np.sqrt(3 * n)
    np.testing.assert_allclose(unit.T @ unit / n, np.eye(3) / 3.0, rtol=0, atol=0.01)


def test_speeds_end_at_the_cap() -> None:
    """The law is cut off: below the limit its shape stays (a Kolmogorov test against the truncated normal)."""
    n, chi = 20_000, -0.5
    mean, limit = 0.9 * chi + 2.9, 0.2
    speed = np.linalg.norm(
        draw_velocity(np.full(n, chi), rng=np.random.default_rng(11), event="collision", fastest_km_s=limit), axis=1
    )
    assert speed.max() <= limit * (1 + 1e-12)
    z = (np.log10(speed * 1e3) - mean) / 0.4
    top = stats.norm.cdf((np.log10(limit * 1e3) - mean) / 0.4)
    assert stats.kstest(z, lambda x: np.minimum(stats.norm.cdf(x) / top, 1.0)).pvalue > 1e-3
