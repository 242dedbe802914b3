"""The synthetic population: repeatable, and shaped like the real one."""

from __future__ import annotations

import numpy as np
import pytest
from sgp4.api import WGS72, Satrec, SatrecArray

from stmgpu.catalog import Catalog, orbits, synthetic_catalog
from stmgpu.errors import InputError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return synthetic_catalog()


def test_same_seed_same_bytes(catalog: Catalog) -> None:
    assert synthetic_catalog().equals(catalog)
    assert synthetic_catalog(500, seed=1).digest() != synthetic_catalog(500, seed=2).digest()
    assert synthetic_catalog(500, seed=1).digest() == synthetic_catalog(500, seed=1).digest()


def test_proportions(catalog: Catalog) -> None:
    """The proportions of the public catalogue of mid-2024."""
    summary = catalog.summary()
    share = {name: count / len(catalog) for name, count in summary["regimes"].items()}
    assert share == pytest.approx({"LEO": 0.82, "MEO": 0.04, "GEO": 0.06, "HEO": 0.08}, abs=0.005)
    assert summary["deep_space"] / len(catalog) == pytest.approx(0.15, abs=0.005)


def test_heights_and_inclinations(catalog: Catalog) -> None:
    perigee, apogee = orbits.apsis_heights_km(catalog.mean_motion, catalog.eccentricity)
    assert perigee.min() > 180.0
    leo = apogee < 2000.0
    height = ((perigee + apogee) / 2.0)[leo]
    inclination = np.degrees(catalog.inclination[leo])
    assert np.mean((height > 500.0) & (height < 600.0)) > 0.25
    for low, high, least in ((52.5, 53.5, 0.14), (97.0, 99.5, 0.25), (42.5, 43.5, 0.08), (70.0, 75.0, 0.12)):
        assert np.mean((inclination > low) & (inclination < high)) > least


def test_epochs_are_recent(catalog: Catalog) -> None:
    ages = catalog.summary(at="2025-01-01")["age_days"]
    assert ages["median"] < 0.5
    assert 5.0 < ages["max"] <= 10.0
    assert catalog.epoch.max() <= np.datetime64("2025-01-01")


def test_names_and_ids(catalog: Catalog) -> None:
    assert catalog.norad_id.tolist() == list(range(1, 27_001))
    assert (catalog.name[0], catalog.name[-1]) == ("SYN-00001", "SYN-27000")


def test_some_pairs_share_an_orbit(catalog: Catalog) -> None:
    rows = np.stack([catalog.mean_motion, catalog.inclination, catalog.raan, catalog.epoch_fr], axis=1)
    _, counts = np.unique(rows, axis=0, return_counts=True)
    assert 24 <= np.sum(counts == 2) <= 60


def test_every_object_propagates(catalog: Catalog) -> None:
    """SGP4 accepts every element set for a week, and sees the same share of deep space."""
    part = catalog[::20]
    records = []
    for i in range(len(part)):
        record = Satrec()
        record.sgp4init(
            WGS72, "i", 0, part.epoch_jd[i] + part.epoch_fr[i] - 2433281.5, part.bstar[i], 0.0, 0.0,
            part.eccentricity[i], part.argp[i], part.inclination[i], part.mean_anomaly[i], part.mean_motion[i],
            part.raan[i],
        )  # fmt: skip
        records.append(record)
    error, position, _ = SatrecArray(records).sgp4(np.full(8, 2460676.5) + np.arange(8.0), np.zeros(8))
    assert np.mean(error == 0) > 0.999
    assert np.linalg.norm(position[error == 0], axis=-1).min() > 6378.0
    period = orbits.sgp4_period_min(part.mean_motion, part.eccentricity, part.inclination)
    assert np.array_equal(period >= 225.0, [record.method == "d" for record in records])


@pytest.mark.parametrize("n", [1, 2, 3, 7, 50, 1234])
def test_any_size(n: int) -> None:
    assert len(synthetic_catalog(n, seed=n)) == n


def test_epoch_moves_the_epochs_only() -> None:
    first, second = synthetic_catalog(50), synthetic_catalog(50, epoch="2030-06-01T12:00:00")
    assert second.raan.tolist() == first.raan.tolist()
    assert second.epoch.max() > np.datetime64("2030-05-31")


@pytest.mark.parametrize("arguments", [{"n": 0}, {"n": 2.5}, {"n": True}, {"n": 10**9}, {"seed": -1}, {"seed": "a"},
                                       {"epoch": "soon"}])  # fmt: skip
def test_refuses(arguments: dict) -> None:
    with pytest.raises(InputError):
        synthetic_catalog(**{"n": 10, **arguments})
