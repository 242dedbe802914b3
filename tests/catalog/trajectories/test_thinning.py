"""States that are too close together. Truth: the rule itself, on random steps."""

from __future__ import annotations

import numpy as np

from stmgpu.catalog.trajectories.thinning import RATIO, kept_samples


def test_no_step_is_less_than_an_eighth_of_one_beside_it() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        steps = np.exp(rng.uniform(np.log(1e-3), np.log(600.0), rng.integers(1, 60)))
        time_ns = np.round(np.concatenate([[0.0], np.cumsum(steps)]) * 1e9).astype(np.int64)
        keep = kept_samples(time_ns)
        left = np.diff(time_ns[keep])
        assert keep[[0, -1]].all()
        assert (RATIO * left[1:] >= left[:-1]).all()
        assert (RATIO * left[:-1] >= left[1:]).all()
        assert kept_samples(time_ns[keep]).all()


def test_seconds_beside_minutes_stay_but_the_first_few() -> None:
    """A burn recorded every second in a table of minutes."""
    time_s = np.concatenate([np.arange(10) * 60.0, 540.0 + np.arange(1, 121), 660.0 + np.arange(1, 11) * 60.0])
    keep = kept_samples((time_s * 1e9).astype(np.int64))
    assert time_s[~keep].tolist() == [*range(541, 548), *range(653, 660)]
