"""Density, relative speed and rates against Kessler's formulas, integrated independently, and conservation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from support import ensembles
from support.ensembles import population

from stmgpu.constants import EARTH
from stmgpu.debris import statistics as st
from stmgpu.debris.collisions.mean_field import mean_field
from stmgpu.debris.statistics.density import cell_volume, latitude_time_share, shell_volume
from stmgpu.errors import InputError
from stmgpu.time import YEAR_S


def test_density_times_volume_is_the_number_of_objects() -> None:
    rng = np.random.default_rng(1)
    objects = population(
        EARTH.radius_km + rng.uniform(600.0, 1500.0, 300),
        rng.uniform(0.0, 180.0, 300),
        rng.uniform(0.0, 0.03, 300),
        kind=rng.integers(0, 7, 300),
        weight=rng.uniform(0.5, 2.0, 300),
    )
    by_shell = st.spatial_density(objects)
    volume = shell_volume(by_shell.shell_lower, by_shell.shell_upper)
    np.testing.assert_allclose(
        (by_shell * volume).sum("shell"), np.bincount(objects.kind, objects.weight, 7), rtol=1e-12
    )
    by_cell = st.latitude_density(objects)
    cells = cell_volume(np.arange(200.0, 2001.0, 50.0), np.radians(np.arange(-90.0, 91.0, 5.0)))
    np.testing.assert_allclose((by_cell * cells[:, :, None]).sum("latitude"), by_shell * volume, rtol=1e-10, atol=1e-9)


def test_density_of_an_ensemble() -> None:
    ds = ensembles.study(runs=3)
    found = st.spatial_density(ds)
    assert found.attrs["units"] == "km-3"
    assert found.dims == ds["number"].dims
    volume = 4.0 / 3.0 * np.pi * ((EARTH.radius_km + 850.0) ** 3 - (EARTH.radius_km + 800.0) ** 3)
    at = found.sel(shell=825.0, **{"class": "collision fragment"}).isel(scenario=0, time=0)
    np.testing.assert_allclose(at, 600.0 / volume, rtol=1e-7)
    np.testing.assert_allclose(
        st.flux(ds, 7.5).isel(scenario=0, time=0).sel(shell=825.0, **{"class": "collision fragment"}),
        600.0 / volume * 7.5 * 1e-6 * YEAR_S,
        rtol=1e-7,
    )


@pytest.mark.parametrize("inclination", [33.0, 98.0])
def test_density_of_one_orbit_is_kesslers(inclination: float) -> None:
    """Kessler (1981): S = 1/(2 pi^3 r a sqrt((sin^2 i - sin^2 b)(r - q)(Q - r))), at the middle of small cells."""
    a, e = 7200.0, 0.02
    q, top = a * (1.0 - e), a * (1.0 + e)
    radius, latitude = np.array([7100.0, 7150.0, 7290.0]), np.array([-20.0, 0.0, 25.0])
    for r in radius:
        for b in latitude:
            cell = st.latitude_density(
                population(a, inclination, e),
                altitude_edges_km=[r - EARTH.radius_km - 0.5, r - EARTH.radius_km + 0.5],
                latitude_edges_deg=[b - 0.05, b + 0.05],
            )
            i, lat = np.radians(inclination), np.radians(b)
            want = 1.0 / (2.0 * np.pi**3 * r * a * np.sqrt((np.sin(i) ** 2 - np.sin(lat) ** 2) * (r - q) * (top - r)))
            assert float(cell.sum()) == pytest.approx(want, rel=1e-4)


def test_latitude_share_of_equatorial_and_polar_orbits() -> None:
    edges = np.radians([-90.0, -10.0, 10.0, 90.0])
    np.testing.assert_allclose(latitude_time_share([0.0, np.pi], edges), [[0, 1, 0], [0, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(latitude_time_share([np.pi / 2], edges), [[4 / 9, 1 / 9, 4 / 9]], atol=1e-12)


def test_relative_speed_at_the_equator() -> None:
    """Two objects at one inclination meet at the equator along parallel tracks, or northbound against southbound: 0 and
    2 v sin i with equal odds."""
    v = np.sqrt(EARTH.mu_km3_s2 / (EARTH.radius_km + 775.0))
    for inclination in (30.5, 80.5, 99.5):
        objects = population([EARTH.radius_km + 775.0] * 2, inclination)
        speed = st.relative_speed(objects, altitude_edges_km=[750.0, 800.0], latitude_edges_deg=[-1.0, 1.0])
        assert float(speed[0, 0]) == pytest.approx(v * np.sin(np.radians(inclination)), rel=2e-3)
    nobody = st.relative_speed(objects, altitude_edges_km=[300.0, 350.0], latitude_edges_deg=[-1.0, 1.0])
    assert np.isnan(float(nobody[0, 0]))
    crossing = population([EARTH.radius_km + 775.0] * 2, [89.5, 90.5])  # nearly polar: 0 or 2 v, as above
    assert float(
        st.relative_speed(crossing, altitude_edges_km=[750.0, 800.0], latitude_edges_deg=[-1.0, 1.0])[0, 0]
    ) == pytest.approx(v, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [(98.5, 53.5), (74.5, 82.5), (65.5, 30.5)])
def test_meetings_of_two_orbits_are_the_integral_of_kessler(first: float, second: float) -> None:
    """Two circular orbits spread over one shell: density squared times mean relative speed, summed over cells, is the
    integral over latitude by quadrature, with the headings of both at every latitude."""
    lower, upper = 800.0, 810.0
    a = EARTH.radius_km + 805.0
    v = np.sqrt(EARTH.mu_km3_s2 / a)

    def integrand(b, i):
        share = 1.0 / (np.pi * np.sqrt((np.sin(i) ** 2 - np.sin(b) ** 2).clip(1e-300)))
        sine = np.cos(i) / np.cos(b)
        cosine = np.sqrt(np.maximum(1.0 - sine**2, 0.0))
        speeds = [np.sqrt(max(2.0 - 2.0 * (sine[0] * sine[1] + s * cosine[0] * cosine[1]), 0.0)) for s in (1.0, -1.0)]
        # time in db is share cos b db, and the zone db holds cos b db / 2 of the shell: densities are 2 share / shell
        return 2.0 * share[0] * share[1] * v * np.mean(speeds) * np.cos(b)

    def meetings(inclinations):
        objects = population([a] * len(inclinations), inclinations)
        zones = np.arange(-90.0, 90.1, 1.0)
        density = st.latitude_density(objects, altitude_edges_km=[lower, upper], latitude_edges_deg=zones).sum("class")
        speed = st.relative_speed(objects, altitude_edges_km=[lower, upper], latitude_edges_deg=zones).fillna(0.0)
        return float((density**2 * speed * cell_volume([lower, upper], np.radians(zones))).sum())

    i = np.radians([first, second])
    edge = min(np.pi / 2 - abs(np.pi / 2 - x) for x in i) - np.radians(1e-4)
    want = 2.0 * quad(integrand, 0.0, edge, args=(i,), limit=400)[0] / shell_volume(lower, upper)
    # what two objects share is what both have less what each has with itself
    found = 0.5 * (meetings([first, second]) - meetings([first]) - meetings([second]))
    assert found == pytest.approx(want, rel=0.03)


def test_density_speed_and_the_mean_field_agree() -> None:
    """Independent code: half of n^2 V times the cross-section, over all cells, against rates without latitudes."""
    rng = np.random.default_rng(1)
    objects = population(
        EARTH.radius_km + rng.uniform(600.0, 1200.0, 2000),
        rng.uniform(20.0, 120.0, 2000),
        rng.uniform(0.0, 0.02, 2000),
        radius_m=1.3,
    )
    edges = np.arange(400.0, 1500.1, 20.0)
    density, speed = (
        st.latitude_density(objects, altitude_edges_km=edges).sum("class"),
        st.relative_speed(objects, altitude_edges_km=edges).fillna(0.0),
    )
    volume = cell_volume(edges, np.radians(np.arange(-90.0, 90.1, 5.0)))
    rate = 0.5 * float((density**2 * speed * volume).sum()) * np.pi * 2.6e-3**2 * YEAR_S
    field = mean_field(
        objects.a_km, objects.ecc, objects.inc_rad, objects.radius_m, objects.mass_kg, edges_km=edges + EARTH.radius_km
    )
    assert rate == pytest.approx(field.total, rel=0.01)
    assert float(st.crash_clock(field)) == pytest.approx(365.25 / field.total_without_avoidance)


def test_flux_is_density_times_speed() -> None:
    objects = population(EARTH.radius_km + np.array([700.0, 720.0, 905.0]), [98.0, 53.0, 74.0])
    speed, density = st.relative_speed(objects), st.latitude_density(objects)
    found = st.flux(objects)
    here = density.sum("class") > 0.0
    np.testing.assert_allclose(
        found.sum("class").where(here), (density.sum("class") * speed).where(here) * 1e-6 * YEAR_S, rtol=1e-12
    )
    assert not found.isnull().any()
    np.testing.assert_allclose(st.flux(objects, 10.0), density * 10.0 * 1e-6 * YEAR_S, rtol=1e-12)
    with pytest.raises(InputError, match=r"speed_km_s = 0\.0 is out of range"):
        st.flux(objects, 0.0)


def test_impossible_cells() -> None:
    objects = population(7000.0, 50.0)
    with pytest.raises(InputError, match="altitude_edges_km must be at least two ascending numbers"):
        st.spatial_density(objects, [800.0, 700.0])
    with pytest.raises(InputError, match="latitude_edges_deg from -100 to 90"):
        st.latitude_density(objects, latitude_edges_deg=[-100.0, 0.0, 90.0])
