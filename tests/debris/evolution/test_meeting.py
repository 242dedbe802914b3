"""Where two orbits meet: against a search along both orbits."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.debris.evolution.meeting import meeting_states
from stmgpu.propagate.kepler import elements_of, states_of


@pytest.mark.parametrize("seed", range(6))
def test_both_are_on_their_orbits_in_one_direction_where_the_radii_differ_least(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (
        np.array([rng.uniform(6900, 7500), rng.uniform(0, 0.05), *rng.uniform(0.1, 3.0, 1), *rng.uniform(0, 6.28, 3)])
        for _ in range(2)
    )
    position, velocity, gap = meeting_states(first, second)
    for k, orbit in enumerate((first, second)):
        np.testing.assert_allclose(np.array(elements_of(position[k], velocity[k]))[:4], orbit[:4], rtol=1e-9)
    directions = position / np.linalg.norm(position, axis=1)[:, None]
    np.testing.assert_allclose(directions[0], directions[1], atol=1e-12)
    assert gap == pytest.approx(abs(np.linalg.norm(position[0]) - np.linalg.norm(position[1])))
    # brute: along the first orbit, the two points that lie nearest to the plane of the second
    anomalies = np.linspace(0.0, 2.0 * np.pi, 20_001)[:-1]
    track, _ = states_of((*(np.full(20_000, x) for x in first[:5]), anomalies))
    other, _ = states_of((*(np.full(20_000, x) for x in second[:5]), anomalies))
    gaps = []
    for half in (slice(0, 10_000), slice(10_000, None)):
        unit = track[half] / np.linalg.norm(track[half], axis=1)[:, None]
        across = np.abs(unit @ np.cross(*other[[0, 5_000]]))
        at = int(np.argmin(across))
        near = other[np.argmax(other @ unit[at] / np.linalg.norm(other, axis=1))]
        gaps.append(abs(np.linalg.norm(track[half][at]) - np.linalg.norm(near)))
    assert gap == pytest.approx(min(gaps), abs=0.5)


def test_orbits_in_one_plane_meet_at_the_perigee_of_the_first() -> None:
    orbit = np.array([7000.0, 0.01, 1.0, 0.3, 0.7, 2.0])
    position, velocity, gap = meeting_states(orbit, orbit)
    assert gap == pytest.approx(0.0, abs=1e-6)
    assert np.linalg.norm(position[0]) == pytest.approx(6930.0)
    np.testing.assert_allclose(velocity[0], velocity[1], atol=1e-9)
