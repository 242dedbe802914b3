"""What is filled in where masses, sizes and dates of a population are missing."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.debris.population import (
    FILLED_AREA,
    FILLED_MASS,
    FILLED_RADIUS,
    Kind,
)
from stmgpu.debris.population.filling import fill_missing
from stmgpu.errors import InputError


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_intact_objects_get_medians_of_their_class() -> None:
    mass = np.concatenate([np.linspace(500.0, 1500.0, 21), [0.0, 800.0, 0.0]])
    radius = np.concatenate([np.sqrt(0.01 * mass[:21] / np.pi), [0.0, 0.0, 2.0]])
    filled = fill_missing(np.full(24, Kind.ROCKET_BODY), mass, radius, rng())
    np.testing.assert_allclose(filled.area_to_mass, 0.01)
    # the median of the 21 would be 1000 kg, the known 800 kg make it 975
    np.testing.assert_allclose(filled.mass_kg[21:], [975.0, 800.0, np.pi * 4.0 / 0.01])
    np.testing.assert_allclose(np.pi * filled.radius_m**2, 0.01 * filled.mass_kg)
    everything = FILLED_MASS | FILLED_RADIUS | FILLED_AREA
    assert filled.filled[21:].tolist() == [everything, FILLED_RADIUS | FILLED_AREA, FILLED_MASS | FILLED_AREA]
    assert not filled.filled[:21].any()
    assert filled.notes == (
        "24 rocket bodies: mass of 1 filled from radius and the class median A/m 0.01 m^2/kg; mass "
        "of 1 filled with the class median 975 kg; radius of 2 filled from mass and the class "
        "median A/m 0.01 m^2/kg",
    )
    # length of an intact object of 1000 kg: (6000 / (92.937 pi))^(1 / 2.26) = 3.81 m (ESA's breakup model)
    assert filled.length_m[10] == pytest.approx(3.81, abs=0.005)


def test_few_known_objects_mean_a_draw() -> None:
    """Payloads: log10 of mass 1.73 +- 1.08 (MOCAT-MC 2023-01-01, counted by us)."""
    n = 4000
    mass = np.zeros(n)
    mass[:19] = 1e5
    filled = fill_missing(np.full(n, Kind.DERELICT), mass, np.zeros(n), rng())
    drawn = np.log10(filled.mass_kg[19:])
    assert drawn.mean() == pytest.approx(1.73, abs=0.06)
    assert drawn.std() == pytest.approx(1.08, abs=0.05)
    assert "mass of 3,981 drawn around 54 kg (19 known)" in filled.notes[0]


def test_constellations_are_no_measure_for_others() -> None:
    n = 100
    mass = np.concatenate([np.full(60, 260.0), np.full(39, 5.0), [0.0]])
    constellation = np.where(np.arange(n) < 60, 0, -1)
    filled = fill_missing(
        np.full(n, Kind.ACTIVE), mass, np.where(mass > 0, 1.0, 0.0), rng(), constellation=constellation
    )
    assert filled.mass_kg[-1] == 5.0
    # but for each other
    mass[0] = 0.0
    filled = fill_missing(
        np.full(n, Kind.ACTIVE), mass, np.where(mass > 0, 1.0, 0.0), rng(), constellation=constellation
    )
    assert filled.mass_kg[[0, -1]].tolist() == [260.0, 5.0]
    assert filled.notes[0].startswith("60 active payloads of constellation 0: mass of 1 filled with the class median")


def test_fragments_are_drawn_by_the_breakup_model() -> None:
    """Power laws of 1.71 and 1.6 from 10 cm to 1 m; sd of chi 0.54 for stages, 0.49 for spacecraft at 11 cm."""
    n = 20_000
    for kind, b in ((Kind.COLLISION_FRAGMENT, 1.71), (Kind.UNATTRIBUTED, 1.6)):
        filled = fill_missing(np.full(n, kind), np.zeros(n), np.zeros(n), rng())
        expected = (0.3**-b - 1.0) / (0.1**-b - 1.0)
        assert (filled.length_m > 0.3).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / n))
        np.testing.assert_allclose(np.pi * filled.radius_m**2, 0.556945 * filled.length_m**2.0047077)
        np.testing.assert_allclose(filled.mass_kg * filled.area_to_mass, np.pi * filled.radius_m**2)
        assert (filled.filled == FILLED_MASS | FILLED_RADIUS | FILLED_AREA).all()
        assert len(filled.notes) == 1
    stage = np.repeat([True, False], n // 2)
    radius = np.full(n, np.sqrt(0.556945 * 0.11**2.0047077 / np.pi))
    chi = np.log10(
        fill_missing(np.full(n, Kind.UNATTRIBUTED), np.zeros(n), radius, rng(), rocket_body_parent=stage).area_to_mass
    )
    assert (chi[stage].mean(), chi[stage].std()) == pytest.approx((-0.519, 0.542), abs=0.025)
    assert (chi[~stage].mean(), chi[~stage].std()) == pytest.approx((-0.978, 0.485), abs=0.025)


def test_what_is_known_stays() -> None:
    filled = fill_missing(
        [Kind.UNATTRIBUTED, Kind.UNATTRIBUTED, Kind.DERELICT],
        [2.0, 2.0, 100.0],
        [0.3, 0.0, 1.0],
        rng(),
        area_to_mass=[0.0, 0.5, 0.02],
        length_m=[0.0, 0.0, 2.5],
    )
    assert filled.mass_kg.tolist() == [2.0, 2.0, 100.0]
    np.testing.assert_allclose(filled.area_to_mass, [np.pi * 0.09 / 2.0, 0.5, 0.02])
    np.testing.assert_allclose(filled.radius_m, [0.3, np.sqrt(1.0 / np.pi), 1.0])
    assert filled.length_m[2] == 2.5
    assert filled.filled.tolist() == [0, FILLED_RADIUS, 0]


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_impossible_sizes_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="mass_kg in row 1"):
        fill_missing([Kind.DERELICT] * 2, [1.0, value], [1.0, 1.0], rng())
