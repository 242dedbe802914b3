"""Removal policies: who is chosen, in which order, when, and what is said where nothing is left."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import ValidationError

from stmgpu.constants import EARTH
from stmgpu.debris.policy import (
    CsiRemoval,
    FootprintRemoval,
    FragmentRemoval,
    ListRemoval,
    MassRemoval,
    PersistentRiskRemoval,
    RandomRemoval,
    RiskRemoval,
    Sweep,
    csi,
    footprint,
    select_all,
)
from stmgpu.debris.policy.ranking import Lower, Only, RankedRemoval
from stmgpu.debris.policy.view import Campaign, RemovalPolicy, View
from stmgpu.debris.population import CLASS_NAMES, Kind
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.shells import shell_volumes
from stmgpu.debris.streams import POLICY, generator
from stmgpu.errors import InputError
from stmgpu.typing import Bools, Floats, Ints


def view(n: int = 200, year: float = 2030.0, seed: int = 0, run: int = 0, **columns: Any) -> View:
    rng = np.random.default_rng(seed)
    values = {
        "uid": np.arange(n),
        "norad_id": 1000 + np.arange(n),
        "kind": rng.integers(0, 7, n).astype(np.int8),
        "mass_kg": rng.uniform(1.0, 9000.0, n),
        "radius_m": rng.uniform(0.1, 4.0, n),
        "area_to_mass": np.full(n, 0.01),
        "length_m": rng.uniform(0.1, 8.0, n),
        "a_km": EARTH.radius_km + rng.uniform(500.0, 1500.0, n),
        "ecc": rng.uniform(0.0, 0.01, n),
        "inc_rad": np.radians(rng.uniform(40.0, 100.0, n)),
        "age_years": rng.uniform(0.0, 40.0, n),
        "owner": rng.choice(["CIS", "US", "PRC"], n),
        "constellation": np.full(n, -1, np.int32),
        "weight": np.ones(n),
        "rate": rng.uniform(1e-6, 1e-4, n),
        "catastrophic_rate": rng.uniform(1e-7, 1e-6, n),
        "fragment_rate": rng.uniform(0.0, 0.1, n),
        "lifetime_years": rng.uniform(1.0, 1000.0, n),
        "year": year,
        "rng": generator(7, run, POLICY, round(year * 1000)),
        **columns,
    }
    values.setdefault("controlled", (values["kind"] == Kind.ACTIVE).astype(np.int8))
    return View(**values)


def rows(view: View, which: Bools | Ints) -> View:
    return dataclasses.replace(
        view,
        **{
            f.name: getattr(view, f.name)[which]
            for f in dataclasses.fields(view)
            if isinstance(getattr(view, f.name), np.ndarray)
        },
    )


SCORES = [
    (RiskRemoval, lambda v: v.rate * v.mass_kg),
    (MassRemoval, lambda v: v.mass_kg),
    (FragmentRemoval, lambda v: v.fragment_rate),
    (PersistentRiskRemoval, lambda v: v.rate * v.mass_kg * np.minimum(v.lifetime_years, 200.0)),
    (CsiRemoval, csi),
    (FootprintRemoval, footprint),
]


@pytest.mark.parametrize(("policy", "score"), SCORES)
def test_the_highest_scores_of_eligible_objects_are_chosen(policy: type, score: Callable[..., Any]) -> None:
    seen = view()
    chosen = policy(per_year=7).select(seen)
    # Liou, Johnson and Hill (2010): intact, not active, crossing LEO, e < 0.5
    eligible = np.isin(seen.kind, [Kind.DERELICT, Kind.ROCKET_BODY])
    expected = sorted(np.flatnonzero(eligible), key=lambda k: -score(seen)[k])[:7]
    assert chosen.indices.tolist() == expected
    assert chosen.action == "remove"
    assert (chosen.eligible, chosen.exhausted, len(chosen.failed)) == (eligible.sum(), False, 0)


def test_orbits_beyond_low_earth_orbit_are_left() -> None:
    seen = view(
        4,
        kind=np.full(4, Kind.ROCKET_BODY, np.int8),
        ecc=np.array([0.01, 0.55, 0.1, 0.4]),
        a_km=np.array([7178.0, 15_000.0, 9600.0, 12_000.0]),
    )
    assert sorted(MassRemoval(per_year=9).select(seen).indices) == [0, 3]  # perigees 800, 372, 2262 and 822 km
    wide = MassRemoval(per_year=9, only=Only(max_eccentricity=0.9, max_perigee_km=3000.0))
    assert len(wide.select(seen).indices) == 4


def test_expected_rows_count_by_what_is_left_of_them() -> None:
    seen = view(
        3,
        kind=np.full(3, Kind.DERELICT, np.int8),
        mass_kg=np.array([1000.0, 900.0, 800.0]),
        weight=np.array([0.5, 1.0, 1.0]),
    )
    assert MassRemoval(per_year=2).select(seen).indices.tolist() == [1, 2]


def test_order_of_rows_does_not_matter_and_ties_go_by_uid() -> None:
    seen = view(mass_kg=np.full(200, 1000.0), uid=np.random.default_rng(3).permutation(200))
    order = np.random.default_rng(1).permutation(200)
    mixed = rows(seen, order)
    for policy in (MassRemoval(per_year=20), RiskRemoval(per_year=20), RandomRemoval(per_year=20)):
        first, second = policy.select(seen), policy.select(mixed)
        assert seen.uid[first.indices].tolist() == mixed.uid[second.indices].tolist()
    chosen = seen.uid[MassRemoval(per_year=20).select(seen).indices]
    assert (np.diff(chosen) > 0).all()


def test_only_restricts() -> None:
    seen = view(2000)
    only = Only(
        inclination_deg=(70.0, 75.0),
        altitude_km=(700.0, 1000.0),
        classes=("rocket body",),
        owners=("CIS",),
        min_mass_kg=500.0,
        min_length_m=1.0,
        min_lifetime_years=30.0,
    )
    chosen = MassRemoval(per_year=1000, only=only).select(seen)
    inc, altitude = np.degrees(seen.inc_rad), seen.a_km - EARTH.radius_km
    expected = (
        (inc >= 70)
        & (inc <= 75)
        & (altitude >= 700)
        & (altitude <= 1000)
        & (seen.kind == Kind.ROCKET_BODY)
        & (seen.owner == "CIS")
        & (seen.mass_kg >= 500)
        & (seen.length_m >= 1)
        & (seen.lifetime_years >= 30)
    )
    assert 0 < expected.sum() < 50
    assert sorted(chosen.indices) == np.flatnonzero(expected).tolist()
    debris = MassRemoval(per_year=5000, only=Only(classes=("collision fragment", "mission-related object")))
    assert set(seen.kind[debris.select(seen).indices]) == {Kind.COLLISION_FRAGMENT, Kind.MISSION_RELATED}


def test_active_objects_are_never_chosen() -> None:
    seen = view(kind=np.full(200, Kind.ACTIVE, np.int8))
    for policy in (MassRemoval(per_year=5), RandomRemoval(per_year=5), ListRemoval(ids=(1003, 1004), per_year=1)):
        chosen = policy.select(seen)
        assert len(chosen.indices) == 0
        assert chosen.exhausted
    with pytest.raises(ValidationError, match="class 'active payload' cannot be removed"):
        Only(classes=(CLASS_NAMES[0],))


def test_fewer_objects_than_missions_takes_all_and_says_so() -> None:
    seen = view(30)
    some = MassRemoval(per_year=1000).select(seen)
    assert len(some.indices) == some.eligible > 0
    assert some.exhausted
    none = MassRemoval(per_year=5, only=Only(min_mass_kg=1e6)).select(seen)
    assert (len(none.indices), none.eligible, none.exhausted) == (0, 0, True)
    assert not MassRemoval(per_year=0).select(seen).exhausted


def test_years_and_campaigns() -> None:
    policy = MassRemoval(per_year=1, from_year=2030, until_year=2042, campaign=Campaign(years_on=5, years_off=2))
    in_force = [year for year in range(2020, 2050) if policy.in_force(year + 0.0)]
    assert in_force == [2030, 2031, 2032, 2033, 2034, 2037, 2038, 2039, 2040, 2041]
    assert policy.in_force(2030.0 - 1e-9)  # yearly calls come at sums of steps
    early = policy.select(view(year=2029.0))
    assert (len(early.indices), early.exhausted) == (0, False)
    assert len(policy.select(view(year=2030.0)).indices) == 1


def test_failed_missions_take_a_slot() -> None:
    seen = view(2000)
    sure, risky = (RiskRemoval(per_year=300, failure=p).select(seen) for p in (0.0, 0.2))
    assert sorted([*risky.indices, *risky.failed]) == sorted(sure.indices)
    # binomial, 300 x 0.2: sd 6.9
    assert abs(len(risky.failed) - 60) < 4 * 6.9
    # who fails in 20 % fails in 40 %: one number a uid
    worse = RiskRemoval(per_year=300, failure=0.4).select(seen)
    assert set(risky.failed) < set(worse.failed)
    assert len(RiskRemoval(per_year=300, failure=1.0).select(seen).indices) == 0


def test_random_removal_is_nested_and_does_not_hang_on_others() -> None:
    seen = view(500)
    five, ten = (set(RandomRemoval(per_year=k).select(seen).indices) for k in (5, 10))
    assert five < ten
    fewer = rows(seen, np.unique([*five, *np.flatnonzero(seen.kind == Kind.DERELICT)[:20]]))
    chosen = RandomRemoval(per_year=len(five)).select(fewer)
    assert set(fewer.uid[chosen.indices]) == five
    assert set(RandomRemoval(per_year=5).select(view(500, run=1)).indices) != five
    assert set(RandomRemoval(per_year=5).select(view(500, year=2031.0)).indices) != five


def test_random_removal_prefers_nobody() -> None:
    counts = np.zeros(200)
    for run in range(400):
        seen = view(run=run)
        counts[RandomRemoval(per_year=5).select(seen).indices] += 1
    eligible = np.isin(seen.kind, [Kind.DERELICT, Kind.ROCKET_BODY])
    expected = 400 * 5 / eligible.sum()
    chi = ((counts[eligible] - expected) ** 2 / expected).sum()
    assert chi < eligible.sum() + 4.0 * np.sqrt(2.0 * eligible.sum())


def test_lists_go_in_their_order() -> None:
    seen = view(kind=np.full(200, Kind.ROCKET_BODY, np.int8), a_km=np.full(200, 40_000.0))
    chosen = ListRemoval(ids=(1009, 1002, 5555, 1150), per_year=2).select(seen)
    assert seen.norad_id[chosen.indices].tolist() == [1009, 1002]
    assert not chosen.exhausted
    everything = ListRemoval(ids=(1009, 1002, 5555, 1150)).select(seen)
    assert seen.norad_id[everything.indices].tolist() == [1009, 1002, 1150]
    assert not everything.exhausted
    left = rows(seen, ~np.isin(seen.norad_id, [1009, 1002, 1150]))
    assert not ListRemoval(ids=(1009, 1002, 5555, 1150)).select(left).exhausted  # done, as it was asked to
    assert ListRemoval(ids=(1009, 1002, 5555, 1150), per_year=1).select(left).exhausted


def test_a_listed_id_is_the_object_itself_and_not_a_copy() -> None:
    seen = view(
        6,
        kind=np.full(6, Kind.DERELICT, np.int8),
        norad_id=np.array([7, 8, 7, 0, 0, 8]),
        uid=np.array([10, 11, 2, 3, 4, 50]),
    )
    assert seen.uid[ListRemoval(ids=(7, 8)).select(seen).indices].tolist() == [2, 11]


@pytest.mark.parametrize("ids", [(), (1, 1), (0,), (-5, 3)])
def test_senseless_lists_are_refused(ids: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError, match="ids"):
        ListRemoval(ids=ids)


def test_lowering_and_avoiding() -> None:
    seen = view()
    lower = MassRemoval(per_year=500, action=Lower(lower_years=50)).select(seen)
    assert (lower.action, lower.lower_years) == ("lower", 50.0)
    eligible = np.isin(seen.kind, [Kind.DERELICT, Kind.ROCKET_BODY])
    assert sorted(lower.indices) == np.flatnonzero(eligible & (seen.lifetime_years > 52.5)).tolist()
    avoided = np.where(np.arange(200) < 100, 0.2, 1.0)
    avoid = MassRemoval(per_year=500, action="avoid", avoid_factor=0.2).select(
        dataclasses.replace(seen, avoidance=avoided)
    )
    assert (avoid.action, avoid.factor) == ("avoid", 0.2)
    assert sorted(avoid.indices) == np.flatnonzero(eligible & (avoided == 1.0)).tolist()


def test_sweep_thins_small_debris_in_a_band() -> None:
    n = 20_000
    seen = view(
        n, kind=np.full(n, Kind.EXPLOSION_FRAGMENT, np.int8), length_m=np.random.default_rng(1).uniform(0.01, 0.2, n)
    )
    policy = Sweep(thinning=0.5, length_m=(0.02, 0.1), altitude_km=(800.0, 1000.0))
    chosen = policy.select(seen)
    perigee, apogee = (seen.a_km * (1 + s * seen.ecc) - EARTH.radius_km for s in (-1, 1))
    inside = (perigee >= 800.0) & (apogee <= 1000.0) & (seen.length_m >= 0.02) & (seen.length_m <= 0.1)
    outside = (apogee < 800.0) | (perigee > 1000.0) | (seen.length_m < 0.02) | (seen.length_m > 0.1)
    hit = np.zeros(n, bool)
    hit[chosen.indices] = True
    assert not hit[outside].any()
    p = 1.0 - np.exp(-0.5)
    assert abs(hit[inside].mean() - p) < 4.0 * np.sqrt(p * (1 - p) / inside.sum())
    stronger = Sweep(thinning=1.0, length_m=(0.02, 0.1), altitude_km=(800.0, 1000.0)).select(seen)
    assert set(chosen.indices) < set(stronger.indices)
    assert Sweep(thinning=0.5, altitude_km=(1900.0, 1950.0)).select(seen).exhausted
    intact = dataclasses.replace(seen, kind=np.full(n, Kind.DERELICT, np.int8))
    assert len(policy.select(intact).indices) == 0


def test_several_policies_never_choose_the_same() -> None:
    seen = view()
    first, second = select_all([MassRemoval(per_year=10, failure=0.5), RiskRemoval(per_year=10)], seen)
    assert not set(second.indices) & {*first.indices, *first.failed}
    assert len(second.indices) == 10
    alone = RiskRemoval(per_year=20).select(seen).indices
    assert set(second.indices) <= set(alone)


def test_csi_by_hand() -> None:
    """Rossi, Valsecchi and Alessi (2015): at 1000 km, if it is densest there, M/10,000 times the inclination term."""
    seen = view(
        5,
        a_km=np.full(5, EARTH.radius_km + 1000.0),
        ecc=np.zeros(5),
        mass_kg=np.full(5, 5000.0),
        inc_rad=np.radians([0.0, 90.0, 180.0, 90.0, 90.0]),
    )
    np.testing.assert_allclose(csi(seen)[:3], np.array([1.0, 1.3, 1.6]) / 1.6 * 0.5)
    low = dataclasses.replace(seen, a_km=np.where(np.arange(5) < 2, seen.a_km, EARTH.radius_km + 600.0))
    share = (
        2
        / shell_volumes(EARTH.radius_km + np.array([1000.0, 1050.0]))
        / (3 / shell_volumes(EARTH.radius_km + np.array([600.0, 650.0])))
    )[0]
    np.testing.assert_allclose(csi(low)[1], 1.3 / 1.6 * 0.5 * share)
    life = np.exp(14.18 * 600.0**0.1831 - 42.94) / np.exp(14.18 * 1000.0**0.1831 - 42.94)
    np.testing.assert_allclose(csi(low)[3], 1.3 / 1.6 * 0.5 * life)


def test_footprint_goes_by_active_satellites_nearby() -> None:
    kind = np.full(200, Kind.ACTIVE, np.int8)
    kind[:3] = Kind.ROCKET_BODY
    a = EARTH.radius_km + np.full(200, 560.0)
    a[:3] = EARTH.radius_km + np.array([560.0, 700.0, 1400.0])
    seen = view(kind=kind, a_km=a, ecc=np.full(200, 1e-3), fragment_rate=np.ones(200), lifetime_years=np.full(200, 1e4))
    near, middle, far = footprint(seen)[:3]
    assert near > middle > 1e3 * far
    # a cloud of 100 km standard deviation: 140 km away it is exp(-0.98) as dense (shells of 10 km)
    assert middle / near == pytest.approx(np.exp(-0.5 * 1.4**2), rel=0.1)
    short = footprint(dataclasses.replace(seen, lifetime_years=np.full(200, 10.0)))
    np.testing.assert_allclose(short[0] / near, 10.0 * 0.1 / 25.0)  # lasts 10 years x 0.01/0.1, of 25


class Oldest(RankedRemoval):
    rank: Literal["oldest"] = "oldest"

    def score(self, view: View) -> Floats:
        return view.age_years


def test_a_class_of_ones_own() -> None:
    seen = view()
    chosen = Oldest(per_year=3).select(seen)
    eligible = np.flatnonzero(np.isin(seen.kind, [Kind.DERELICT, Kind.ROCKET_BODY]))
    assert chosen.indices.tolist() == sorted(eligible, key=lambda k: -seen.age_years[k])[:3]
    scenario = Scenario(removal=(Oldest(per_year=3, from_year=2030), RiskRemoval(per_year=1)))
    assert isinstance(scenario.removal[0], Oldest)
    again = Scenario.model_validate_json(scenario.model_dump_json())
    assert again == scenario
    assert Scenario.model_validate({"removal": [{"rank": "oldest", "per_year": 3}]}).removal == (Oldest(per_year=3),)


def test_a_score_of_the_wrong_shape_is_said() -> None:
    class Wrong(RankedRemoval):
        rank: Literal["wrong shape"] = "wrong shape"

        def score(self, view):
            return np.ones(3)

    with pytest.raises(InputError, match=r"score has shape \(3,\), expected one number an object, \(200,\)"):
        Wrong(per_year=1).select(view())
    del RemovalPolicy.registry["wrong shape"]


def test_scores_that_are_no_numbers_are_not_eligible() -> None:
    class Patchy(RankedRemoval):
        rank: Literal["patchy"] = "patchy"

        def score(self, view):
            return np.where(np.arange(len(view)) % 2, np.nan, 1.0)

    chosen = Patchy(per_year=500).select(view())
    assert (chosen.indices % 2 == 0).all()
    del RemovalPolicy.registry["patchy"]


def test_a_name_is_taken_once() -> None:
    with pytest.raises(InputError, match=r"rank 'risk' of .*Other is already used"):

        class Other(RankedRemoval):
            rank: Literal["risk"] = "risk"

    assert RemovalPolicy.registry["risk"] is RiskRemoval


BAD = [
    ({"rank": "risk", "per_year": 5, "failure": 1.5}, "failure"),
    ({"rank": "risk", "per_year": 5, "action": "explode"}, "action"),
    ({"rank": "risk", "per_year": 5, "action": {"lower_years": 0}}, "lower_years"),
    ({"rank": "risk", "per_year": 5, "from_year": 2040, "until_year": 2030}, "until_year 2030 must be later"),
    ({"rank": "risk", "per_year": 5, "campaign": {"years_on": 0, "years_off": 2}}, "years_on"),
    ({"rank": "risk", "per_year": 5, "only": {"altitude_km": [900, 800]}}, r"\[900, 800\] is empty"),
    ({"rank": "risk", "per_year": 5, "ids": [3]}, "ids"),
    ({"rank": "sweep"}, "thinning"),
    ({"rank": "sweep", "thinning": 0.1, "length_m": [0.1, 0.01]}, "is empty"),
    ({"rank": "list", "per_year": 5}, "ids"),
    ({"rank": 5}, "unknown rank 5"),
    ({"rank": "risk", "per_year": 5, "avoid_factor": 0.5}, "needs action = 'avoid'"),
    ({"rank": "risk", "per_year": 5, "action": {"lower_years": 5}, "avoid_factor": 0.0}, "needs action = 'avoid'"),
    ({"rank": "risk", "per_year": 5, "only": {"inclination_deg": [81, 190]}}, "inclination_deg"),
    ({"rank": "risk", "per_year": 5, "only": {"altitude_km": [-200, 800]}}, "altitude_km"),
    ({"rank": "risk", "per_year": 5, "only": {"classes": []}}, "classes"),
    ({"rank": "risk", "per_year": 5, "only": {"owners": []}}, "owners"),
    ({"rank": "sweep", "thinning": 0.1, "altitude_km": [700, 2e6]}, "altitude_km"),
    ({"rank": "sweep", "thinning": 0.1, "length_m": [-0.1, 0.1]}, "length_m"),
]


@pytest.mark.parametrize(("table", "said"), BAD)
def test_bad_tables_are_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Scenario.model_validate({"removal": [table]})


LOOSE = [
    ("per_year", {"per_year": True}),
    ("per_year", {"per_year": "5"}),
    ("per_year", {"per_year": 5.0}),
    ("failure", {"failure": True}),
    ("failure", {"failure": "0.1"}),
    ("from_year", {"from_year": "2024"}),
    ("until_year", {"until_year": True}),
    ("inclination_deg", {"only": {"inclination_deg": ["81", 84]}}),
    ("altitude_km", {"only": {"altitude_km": [True, 900]}}),
    ("min_mass_kg", {"only": {"min_mass_kg": "5"}}),
    ("max_eccentricity", {"only": {"max_eccentricity": True}}),
    ("max_perigee", {"only": {"max_perigee_km": "900"}}),
    ("years_on", {"campaign": {"years_on": "2", "years_off": 1}}),
    ("lower_years", {"action": {"lower_years": "5"}}),
    ("avoid_factor", {"action": "avoid", "avoid_factor": "0.5"}),
    ("horizon_years", {"rank": "persistent risk", "horizon_years": True}),
    ("ids", {"rank": "list", "ids": ["22220"]}),
    ("thinning", {"rank": "sweep", "per_year": None, "thinning": True}),
    ("length_m", {"rank": "sweep", "per_year": None, "thinning": 0.1, "length_m": ["0.01", 0.1]}),
]


@pytest.mark.parametrize(("key", "table"), LOOSE)
def test_truth_values_and_texts_are_no_numbers(key: str, table: dict[str, Any]) -> None:
    full = {"rank": "mass", "per_year": 5, **table}
    with pytest.raises(ValidationError, match=key):
        Scenario.model_validate({"removal": [{k: v for k, v in full.items() if v is not None}]})


def test_lists_stand_for_pairs_and_whole_numbers_for_others() -> None:
    only = {"inclination_deg": [81, 84], "owners": ["CIS"], "max_eccentricity": 1}
    policy = {"rank": "mass", "per_year": 5, "from_year": 2030, "failure": 1, "only": only}
    (made,) = Scenario.model_validate({"removal": [policy]}).removal
    assert (made.from_year, made.failure, made.only.inclination_deg) == (2030.0, 1.0, (81.0, 84.0))
    # numbers of NumPy are numbers
    assert ListRemoval(ids=tuple(np.array([7, 8])), per_year=np.int32(2)).ids == (7, 8)


def test_uniforms_are_the_same_whenever_they_are_asked_for() -> None:
    seen = view()
    np.testing.assert_array_equal(seen.uniforms(100), seen.uniforms(100))
    assert not np.array_equal(seen.uniforms(100), seen.uniforms(101))
    np.testing.assert_array_equal(seen.uniforms(100), view().uniforms(100))
