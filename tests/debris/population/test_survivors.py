"""Which area-to-mass ratios are left among fragments: against fragments that are made, fall, and are counted."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.debris.breakup.area_to_mass import draw_chi
from stmgpu.debris.population import Kind
from stmgpu.debris.population.filling import fill_missing, survivors_weight


@pytest.mark.parametrize("lifetime", [1.0, 10.0, 100.0])
def test_the_weight_is_that_of_fragments_that_fall(lifetime: float) -> None:
    """Made evenly over time and altitude, each falls by dh/ds = -(H / t) exp(-h / H); those near h = 0 are counted."""
    rng, scale, age, count = np.random.default_rng(1), 50.0, 30.0, 400_000
    made, since = rng.uniform(-300.0, 600.0, count), rng.uniform(0.0, age, count)
    with np.errstate(divide="ignore", invalid="ignore"):
        now = scale * np.log(np.exp(made / scale) - since / lifetime)
    left, without = (np.abs(now) < 10.0).sum(), (np.abs(made) < 10.0).sum()
    assert survivors_weight(np.array(lifetime), np.array(age)) == pytest.approx(left / without, rel=0.04)


def test_limits_of_the_weight() -> None:
    weight = survivors_weight(np.array([np.inf, 1e6, 0.3, 1e-9]), np.full(4, 30.0))
    assert weight[:2] == pytest.approx([1.0, 1.0], abs=1e-4)
    assert weight[2] == pytest.approx(0.01 * np.log(101.0))
    assert weight[3] < 1e-8


def test_fragments_that_last_are_as_the_breakup_model_makes_them_and_others_are_compact() -> None:
    count = 20_000
    columns = (np.full(count, Kind.EXPLOSION_FRAGMENT), np.zeros(count), np.zeros(count))
    fresh, lasting, low = (
        np.log10(
            fill_missing(
                *columns, np.random.default_rng(3), stay_years=stay, age_years=np.full(count, 20.0)
            ).area_to_mass
        )
        for stay in (None, np.full(count, 1e9), np.full(count, 0.2))
    )
    assert lasting.mean() == pytest.approx(fresh.mean(), abs=0.03)
    assert low.mean() < fresh.mean() - 0.2
    # and exactly: the mean over draws of the model, each with its weight
    lengths = fill_missing(*columns, np.random.default_rng(3)).length_m
    chi = draw_chi(lengths, rocket_body=np.zeros(count, np.bool_), rng=np.random.default_rng(4))
    weight = survivors_weight(0.2 / 10.0**chi, np.full(count, 20.0))
    assert low.mean() == pytest.approx((weight * chi).sum() / weight.sum(), abs=0.03)


def test_the_note_says_so() -> None:
    filled = fill_missing(
        [Kind.UNATTRIBUTED], [0.0], [0.0], np.random.default_rng(1), stay_years=[1.0], age_years=[9.0]
    )
    assert "given that they have not decayed yet" in filled.notes[0]
