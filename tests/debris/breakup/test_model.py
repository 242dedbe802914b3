"""NASA Standard Breakup Model against the laws of conservation and published results.

Truth: Johnson et al. 2001 (Adv. Space Res. 28, 1377) and Krisko 2011 (ODQN 15-4); unit tests of ESA's C++
implementation (esa/NASA-breakup-model-cpp); the rest by integration with scipy where it says so.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from stmgpu.debris.breakup import Body, Breakup, collision, explosion, sample_fragments
from stmgpu.debris.breakup import area_to_mass as am
from stmgpu.debris.breakup.size_law import (
    expected_count,
    expected_fragments,
    expected_mass,
    is_catastrophic,
    largest_length,
    length_of_mass,
)
from stmgpu.errors import InputError


def body(mass: float, *, rocket: bool = False) -> Body:
    """A body of the usual density."""
    return Body(mass, float(length_of_mass(mass)), rocket_body=rocket)


# ---------------------------------------------------------------------------------------------------- collisions
def check(debris: Breakup, *bodies: Body) -> None:
    """What every breakup must keep."""
    total = sum(b.mass_kg for b in bodies)
    assert abs(debris.closure) < 1e-12
    assert debris.mass_in_kg == pytest.approx(total)
    assert debris.mass_below_kg >= 0.0
    assert debris.momentum_residual < 1e-10
    for column in (debris.length_m, debris.area_m2, debris.mass_kg, debris.area_to_mass):
        assert column.shape == (len(debris),)
        assert np.isfinite(column).all()
        assert (column > 0.0).all()
    np.testing.assert_allclose(debris.area_m2, debris.area_to_mass * debris.mass_kg, rtol=1e-12)
    assert debris.delta_v_km_s.shape == (len(debris), 3)
    assert np.isfinite(debris.delta_v_km_s).all()
    for k, parent in enumerate(bodies):
        mine = debris.parent == k
        assert debris.mass_kg[mine].sum() <= parent.mass_kg * (1.0 + 1e-12)
    assert (debris.length_m <= max(b.length_m for b in bodies) * (1.0 + 1e-12)).all()


masses = st.floats(-3.0, 4.3).map(lambda x: 10.0**x)
lengths = st.floats(0.3, 3.0)


@settings(max_examples=150, deadline=None)
@given(
    masses,
    masses,
    lengths,
    lengths,
    st.booleans(),
    st.booleans(),
    st.floats(-1.0, 1.2).map(lambda x: 10.0**x),
    st.sampled_from([0.02, 0.05, 0.1, 0.3, 1.0]),
    st.sampled_from(am.BRIDGES),
    st.integers(0, 2**32),
)
@example(1000.0, 1000.0, 1.0, 1.0, False, False, 15.0, 0.1, "linear", 1)  # equal masses, fast
@example(1000.0, 1000.0, 1.0, 1.0, True, False, 0.1, 0.1, "linear", 1)  # equal masses, slow
@example(1e4, 1e-3, 1.0, 1.0, True, False, 15.0, 0.1, "linear", 1)  # tiny projectile
@example(1e-3, 1e4, 1.0, 1.0, True, False, 0.1, 0.1, "linear", 1)
def test_collisions_conserve(
    m1: float,
    m2: float,
    f1: float,
    f2: float,
    rocket1: bool,
    rocket2: bool,
    speed: float,
    shortest: float,
    bridge: am.Bridge,
    seed: int,
) -> None:
    """Mass and momentum of random bodies, dense or bulky, at 0.1 to 15 km/s."""
    first = Body(m1, f1 * float(length_of_mass(m1)), rocket_body=rocket1)
    second = Body(m2, f2 * float(length_of_mass(m2)), rocket_body=rocket2)
    debris = collision(
        first, second, speed_km_s=speed, rng=np.random.default_rng(seed), min_length_m=shortest, bridge=bridge
    )
    check(debris, first, second)
    assert debris.catastrophic == bool(is_catastrophic(m1, m2, speed))
    small = ~debris.remnant
    heavy = first if m1 >= m2 else second
    mean = float(
        expected_fragments(
            m1,
            m2,
            speed,
            min_length_m=shortest,
            max_length_m=heavy.length_m,
            rocket_body=heavy.rocket_body,
            bridge=bridge,
        )
    )
    assert abs(int(small.sum()) - mean) < 1.0  # floor or one more, none lost to the budget of mass
    assert (debris.length_m[small] >= shortest).all()
    assert (debris.length_m[small] <= min(1.0, heavy.length_m) * (1 + 1e-12)).all()
    if debris.catastrophic:
        assert int(debris.remnant.sum()) <= 8
        assert (debris.length_m >= shortest).all()
    else:
        assert int(debris.remnant.sum()) == (1 if speed > np.sqrt(2.0) else 2)
        assert debris.mass_kg[debris.remnant].max() > 0.9 * heavy.mass_kg


@settings(max_examples=60, deadline=None)
@given(masses, lengths, st.booleans(), st.floats(0.05, 3.0), st.sampled_from([0.02, 0.1, 0.5]), st.integers(0, 2**32))
def test_explosions_conserve(
    mass: float, factor: float, rocket: bool, scale: float, shortest: float, seed: int
) -> None:
    parent = Body(mass, factor * float(length_of_mass(mass)), rocket_body=rocket)
    debris = explosion(parent, scale=scale, rng=np.random.default_rng(seed), min_length_m=shortest)
    check(debris, parent)
    high = min(float(largest_length(scale, mass, rocket_body=rocket, event="explosion")), parent.length_m)
    mean = float(expected_count(scale, shortest, high_m=high, event="explosion"))
    assert abs(int((~debris.remnant).sum()) - mean) < 1.0
    assert np.isnan(debris.energy_j_g)


def test_a_catastrophic_collision() -> None:
    """Iridium and Cosmos: 1218 fragments of 10 cm to 1 m, up to 8 remnants of what is left, shares as the masses."""
    rng = np.random.default_rng(3)
    events = [collision(body(950.0), body(560.0), speed_km_s=11.7, rng=rng) for _ in range(100)]
    small = [int((~e.remnant).sum()) for e in events]
    assert set(small) <= {1218, 1219}
    assert np.mean(small) == pytest.approx(1218.09, abs=0.12)
    assert events[0].energy_j_g == pytest.approx(500.0 * 560.0 / 950.0 * 11.7**2)
    below = float(expected_mass(1510.0, rocket_body=False, low_m=1e-3, high_m=0.1))
    assert events[0].mass_below_kg == pytest.approx(below, rel=1e-9)
    share = np.mean([np.mean(e.parent[~e.remnant] == 1) for e in events])
    assert share == pytest.approx(560.0 / 1510.0, abs=0.01)
    mass = [e.mass_kg[~e.remnant].sum() for e in events]
    assert np.mean(mass) == pytest.approx(1093.0, rel=0.06)  # a little is cut where the draw weighs too much
    assert max(int(e.remnant.sum()) for e in events) == 8


def test_rocket_bodies_leave_large_remnants() -> None:
    """Two SL-16 stages: three quarters of the mass in 2 to 8 remnants, both parents shed."""
    stage = Body(8300.0, 7.0, rocket_body=True)
    rng = np.random.default_rng(4)
    for _ in range(20):
        debris = collision(stage, stage, speed_km_s=12.0, rng=rng)
        assert 2 <= int(debris.remnant.sum()) <= 8
        assert set(debris.parent[debris.remnant].tolist()) == {0, 1}
        fragments = expected_mass(16600.0, rocket_body=True)
        assert debris.mass_kg[debris.remnant].sum() == pytest.approx(16600.0 - float(fragments), rel=0.05)
        assert abs(np.mean(debris.parent[~debris.remnant]) - 0.5) < 0.03


def test_longer_than_the_lighter_body_is_of_the_heavier() -> None:
    small = Body(10.0, 0.25)
    debris = collision(body(1000.0), small, speed_km_s=10.0, rng=np.random.default_rng(5))
    assert (debris.parent[debris.length_m > 0.25] == 0).all()
    assert (debris.parent == 1).any()


def test_order_of_the_bodies_does_not_matter() -> None:
    a = collision(body(900.0), body(50.0, rocket=True), speed_km_s=9.0, rng=np.random.default_rng(6))
    b = collision(body(50.0, rocket=True), body(900.0), speed_km_s=9.0, rng=np.random.default_rng(6))
    np.testing.assert_array_equal(a.mass_kg, b.mass_kg)
    np.testing.assert_array_equal(a.delta_v_km_s, b.delta_v_km_s)
    np.testing.assert_array_equal(a.parent, 1 - b.parent)


@settings(max_examples=150, deadline=None)
@given(st.floats(-1.0, 4.0), st.floats(-3.0, 4.0), st.floats(-2.0, 1.3), st.integers(0, 2**32 - 1))
@example(3.0, 3.0, -0.5, 1)
def test_pieces_carry_no_more_than_the_impact(first: float, second: float, speed: float, seed: int) -> None:
    """Masses and speeds over decades; a fast one has energy to spare, so nothing is changed there."""
    m, v = (10.0**first, 10.0**second), 10.0**speed
    debris = collision(body(m[0]), body(m[1]), speed_km_s=v, rng=np.random.default_rng(seed))
    carried = 0.5 * debris.mass_kg @ (debris.delta_v_km_s**2).sum(axis=1)
    available = 0.5 * m[0] * m[1] / (m[0] + m[1]) * v**2
    assert carried <= available
    assert debris.momentum_residual < 1e-12


def test_slow_impacts_of_long_bodies_are_bounded() -> None:
    """Remnants of long, light bodies have large ratios of area to mass, to which the law gives high speeds; up to a
    hundredth of the energy is in the cloud of what is too small."""
    stage, share = Body(860.0, 100.0), []
    for seed in range(30):
        debris = collision(stage, stage, speed_km_s=0.315, rng=np.random.default_rng(seed))
        carried = 0.5 * debris.mass_kg @ (debris.delta_v_km_s**2).sum(axis=1)
        share.append(carried / (0.25 * 860.0 * 0.315**2))
    assert 0.97 < max(share) <= 1.0
    assert sum(s > 0.97 for s in share) >= 3


def test_cratering_leaves_one_target() -> None:
    """0.5 kg at 10 km/s into 1 t: M = 50 kg, one remnant of m_t + m_p less what was shed, hardly moved."""
    rng = np.random.default_rng(7)
    for _ in range(20):
        debris = collision(body(1000.0), body(0.5), speed_km_s=10.0, rng=rng)
        assert not debris.catastrophic
        assert int(debris.remnant.sum()) == 1
        shed = debris.mass_kg[~debris.remnant].sum() + debris.mass_below_kg
        assert debris.mass_kg[-1] == pytest.approx(1000.5 - shed)
        assert shed <= 50.0 * (1 + 1e-9)
        assert shed > 30.0
        assert np.linalg.norm(debris.delta_v_km_s[-1]) < 0.01
        assert debris.parent[-1] == 0


def test_a_slow_bump_leaves_both() -> None:
    debris = collision(body(950.0), body(560.0), speed_km_s=0.1, rng=np.random.default_rng(8), min_length_m=0.05)
    assert sorted(debris.parent[debris.remnant].tolist()) == [0, 1]
    assert debris.mass_kg[debris.remnant].min() > 555.0
    still = collision(body(950.0), body(560.0), speed_km_s=0.0, rng=np.random.default_rng(8))
    assert still.mass_kg.tolist() == [950.0, 560.0]


def test_small_bodies_shed_no_more_than_they_are() -> None:
    """2 kg at 10 km/s: the power law alone would have 8 fragments of 10 cm and longer, of 11 kg."""
    assert float(expected_count(2.0, 0.1, high_m=1.0)) > 8.0
    rng = np.random.default_rng(9)
    counts = [int((~collision(body(1.0), body(1.0), speed_km_s=10.0, rng=rng).remnant).sum()) for _ in range(400)]
    mean = float(expected_fragments(1.0, 1.0, 10.0, min_length_m=0.1))
    assert np.mean(counts) == pytest.approx(mean, abs=4.0 * 0.5 / 20.0)
    assert mean < 2.0


# ------------------------------------------------------------------------------------------------------- velocities


def test_balancing_moves_the_light_ones_little() -> None:
    """Speeds of light fragments keep their law; the momentum as drawn was not zero."""
    rng = np.random.default_rng(12)
    events = [collision(body(950.0), body(560.0), speed_km_s=11.7, rng=rng) for _ in range(20)]
    assert min(e.momentum_drawn for e in events) > 1e-4
    assert max(e.momentum_residual for e in events) < 1e-12
    deviation = []
    for e in events:
        light = ~e.remnant & (e.mass_kg < 1.0)
        speed = np.linalg.norm(e.delta_v_km_s[light], axis=1) * 1e3
        deviation.append(np.log10(speed) - (0.9 * np.log10(e.area_to_mass[light]) + 2.9))
    z = np.concatenate(deviation)
    assert z.mean() == pytest.approx(0.0, abs=0.01)
    assert z.std() == pytest.approx(0.4, abs=0.01)


# -------------------------------------------------------------------------------------------------- single fragments
def test_single_fragments_are_those_of_collisions() -> None:
    """Lengths, A/M and parents of ``sample_fragments`` and of whole collisions have the same distributions."""
    rng = np.random.default_rng(13)
    heavy, light = body(950.0), Body(560.0, 0.4)
    events = [collision(heavy, light, speed_km_s=11.7, rng=rng) for _ in range(8)]
    whole = [
        np.concatenate([getattr(e, name)[~e.remnant] for e in events])
        for name in ("length_m", "area_to_mass", "parent")
    ]
    single = sample_fragments(
        10_000,
        total_mass_kg=1510.0,
        rocket_body=False,
        rng=rng,
        max_length_m=heavy.length_m,
        speed_km_s=11.7,
        share=560.0 / 1510.0,
        second_length_m=0.4,
    )
    for a, b in ((whole[0], single.length_m), (whole[1], single.area_to_mass)):
        assert stats.ks_2samp(a, b).pvalue > 1e-3
    assert np.mean(single.parent) == pytest.approx(np.mean(whole[2]), abs=0.02)
    assert (single.parent[single.length_m > 0.4] == 0).all()
    assert np.linalg.norm(single.delta_v_km_s, axis=1).max() <= 1.3 * 11.7


def test_single_fragments_of_many_breakups() -> None:
    mass = np.array([5.0, 5000.0])
    single = sample_fragments(
        2, total_mass_kg=mass, rocket_body=[False, True], rng=np.random.default_rng(14), speed_km_s=[1.0, 10.0]
    )
    assert len(single) == 2
    assert single.length_m[0] <= largest_length(5.0, 5.0, rocket_body=False)
    assert (single.mass_kg <= mass).all()
    assert len(sample_fragments(0, total_mass_kg=10.0, rocket_body=False, rng=np.random.default_rng(14))) == 0
    tiny = sample_fragments(5, total_mass_kg=0.01, rocket_body=False, rng=np.random.default_rng(14))
    assert (tiny.length_m == 0.1).all()


# ------------------------------------------------------------------------------------------------------------ misuse
@pytest.mark.parametrize(
    "call",
    [
        lambda rng: Body(0.0, 1.0),
        lambda rng: Body(1.0, np.nan),
        lambda rng: collision(body(1.0), body(1.0), speed_km_s=-1.0, rng=rng),
        lambda rng: collision(body(1.0), body(1.0), speed_km_s=np.inf, rng=rng),
        lambda rng: collision(body(1.0), body(1.0), speed_km_s=1.0, rng=rng, min_length_m=1e-4),
        lambda rng: collision(body(1.0), body(1.0), speed_km_s=1.0, rng=rng, min_length_m=0.1, bridge="none"),
        lambda rng: explosion(body(1.0), scale=0.0, rng=rng),
        lambda rng: am.bridge_weight(0.1, "none"),
        lambda rng: expected_count(1.0, 0.1, event="bang"),
    ],
)
def test_mistakes_are_told(call: object) -> None:
    with pytest.raises(InputError):
        call(np.random.default_rng(1))  # type: ignore[operator]


def test_same_seed_same_breakup() -> None:
    a, b = (collision(body(900.0), body(50.0), speed_km_s=9.0, rng=np.random.default_rng(6)) for _ in range(2))
    assert a.mass_kg.tobytes() == b.mass_kg.tobytes()
    assert a.delta_v_km_s.tobytes() == b.delta_v_km_s.tobytes()
