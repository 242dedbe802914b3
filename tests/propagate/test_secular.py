"""Mean elements over decades: drag, J2, radiation pressure.

Truth: the secular rates of J2 (Kozai 1959), King-Hele's series (1964, ch. 4), the osculating equations integrated by
SciPy, averages over a revolution taken by brute force, and the dense NumPy twin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import iv
from support.secular_states import (
    DAY,
    HEIGHTS,
    LOW,
    MU,
    RADIUS,
    SPACING,
    SUN,
    Array,
    apart,
    flat_air,
    single,
    some_orbits,
    state_of,
    stepped,
    thermosphere,
)

from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.errors import InputError
from stmgpu.propagate import orbit_table
from stmgpu.propagate.orbit_table import SecularState
from stmgpu.propagate.secular import Secular
from stmgpu.propagate.secular_forces import OMEGA_RAD_S, SRP_FROM_M2_KG, SRP_KICKS_FROM_M2_KG, DensityTable

TILTS = np.array([[0.3, 0.2, -0.3, 0.1], [-0.1, 0.0, 0.2, 0.3]])


# ------------------------------------------------------------------------------------------------------------ drag
@pytest.mark.parametrize("growth", [0.11, 0.15])
def test_kernel_against_twin(kernel_backend: Backend, growth: float) -> None:
    """One step of 5 days of orbits with e from 0 to 0.9; the twin takes 128 points and Runge-Kutta steps."""
    orbit = some_orbits(409, 1)
    tables = np.stack([thermosphere(growth=growth), thermosphere(1e-10, 35.0, growth)])
    run = np.arange(409) % 2
    options: dict[str, Any] = {"run": run, "tilt": TILTS}
    ours, gone = stepped(kernel_backend, orbit, tables, **options)
    truth, truly_gone = stepped(ReferenceBackend(), orbit, tables, **options)
    assert np.array_equal(gone, truly_gone)
    assert 5 < gone.sum() < 100
    lives = gone == 0
    sunk = np.abs(truth[orbit_table.A_KM] - orbit[orbit_table.A_KM])
    off = np.abs(ours[orbit_table.A_KM] - truth[orbit_table.A_KM])
    # the largest belong to orbits that lose 100 km and more in this step, days before their end
    assert (off <= 3e-2 * sunk + 1e-9)[lives].all()
    assert np.quantile((off / np.maximum(sunk, 1e-9))[lives], 0.99) < 5e-3
    assert np.median((off / np.maximum(sunk, 1e-9))[lives]) < 1e-4
    assert (np.abs(ours[orbit_table.ECC] - truth[orbit_table.ECC]) * orbit[orbit_table.A_KM] <= 3e-2 * sunk + 2e-3)[
        lives
    ].all()
    calm = lives & (sunk < 1.0)
    for row, bound in ((orbit_table.INC, 1e-6), (orbit_table.RAAN, 1e-6), (orbit_table.MEAN, 1e-3)):
        assert apart(ours[row], truth[row])[calm].max() < bound
    assert (apart(ours[orbit_table.ARGP], truth[orbit_table.ARGP]) * orbit[orbit_table.ECC])[calm].max() < 1e-6


def test_circular_rate(backend: Backend) -> None:
    """-0.0693 km/day at 500 km with Vallado's density and C_d A/m = 0.022: da/dt = -rho B sqrt(mu a)."""
    a = RADIUS + 500.0
    ours, _ = stepped(backend, single(a, 0.0), flat_air(63.822), days=0.01, rotating=False, oblate=False)
    rate = (ours[orbit_table.A_KM, 0] - a) / 0.01
    assert rate == pytest.approx(-6.967e-13 * 1e3 * 0.022 * np.sqrt(MU * a) * DAY, rel=1e-5)
    assert rate == pytest.approx(-0.0693, rel=1e-3)


@pytest.mark.parametrize("e", [0.001, 0.01, 0.03, 0.1, 0.2])
def test_king_hele_series(backend: Backend, e: float) -> None:
    """Rates of a and e in an atmosphere of constant scale height; the series ends at e^3."""
    height, ballistic = 60.0, 0.1
    a = (RADIUS + 400.0) / (1.0 - e)
    rho = 6.967e-13 * np.exp(100.0 / height)
    z = a * e / height
    i0, i1, i2, i3, i4 = (iv(k, z) * np.exp(-z) for k in range(5))
    da = i0 + 2 * e * i1 + 0.75 * e**2 * (i0 + i2) + 0.25 * e**3 * (3 * i1 + i3)
    de = i1 + e / 2 * (i0 + i2) - e**2 / 8 * (5 * i1 - i3) - e**3 / 16 * (5 * i0 + 4 * i2 - i4)
    scale = -ballistic * rho * 1e3
    ours, _ = stepped(
        backend, single(a, e, ballistic=ballistic), flat_air(height), days=0.001, rotating=False, oblate=False
    )
    bound = max(2e-4, 0.05 * e**2)
    assert (ours[orbit_table.A_KM, 0] - a) / (0.001 * DAY) == pytest.approx(scale * np.sqrt(MU * a) * da, rel=bound)
    assert (ours[orbit_table.ECC, 0] - e) / (0.001 * DAY) == pytest.approx(scale * np.sqrt(MU / a) * de, rel=2 * bound)


@pytest.mark.parametrize(
    ("e", "perigee_km", "rotating"),
    [(0.002, 300.0, False), (0.05, 250.0, False), (0.6, 220.0, False), (0.02, 300.0, True)],
)
def test_against_osculating_orbit(backend: Backend, e: float, perigee_km: float, rotating: bool) -> None:
    """Newton's equations with drag, without J2, over whole revolutions from perigee to perigee."""
    a, i, ballistic, table = (RADIUS + perigee_km) / (1.0 - e), 0.9, 0.002, thermosphere()
    omega = np.array([0.0, 0.0, OMEGA_RAD_S if rotating else 0.0])
    span = 8 * 2.0 * np.pi * np.sqrt(a**3 / MU)

    def motion(_: float, y: Array) -> Array:
        r, v = y[:3], y[3:]
        size = np.sqrt(r @ r)
        rho = np.exp(np.interp(size - RADIUS, HEIGHTS, table))
        wind = v - np.cross(omega, r)
        return np.concatenate([v, -MU / size**3 * r - 0.5e3 * rho * ballistic * np.sqrt(wind @ wind) * wind])

    start = np.zeros(6)
    start[0] = a * (1.0 - e)
    start[4:] = np.sqrt(MU / a * (1.0 + e) / (1.0 - e)) * np.array([np.cos(i), np.sin(i)])
    end = solve_ivp(motion, (0.0, span), start, method="DOP853", rtol=1e-11, atol=1e-9).y[:, -1]
    r, v = end[:3], end[3:]
    osculating_a = 1.0 / (2.0 / np.sqrt(r @ r) - v @ v / MU)
    momentum = np.cross(r, v)
    osculating_e = np.sqrt(1.0 - momentum @ momentum / (MU * osculating_a))
    ours, _ = stepped(backend, single(a, e, i, ballistic), table, days=span / DAY, rotating=rotating, oblate=False)
    bound = 1e-2 if rotating else 2e-3
    assert ours[orbit_table.A_KM, 0] - a == pytest.approx(osculating_a - a, rel=bound)
    assert ours[orbit_table.ECC, 0] - e == pytest.approx(osculating_e - e, rel=bound, abs=2e-6)


def test_lifetime_does_not_depend_on_the_step(kernel_backend: Backend) -> None:
    """Steps of 2.5, 5 and 10 days; truth for circular orbits: the integral of dh / (rho B sqrt(mu a))."""
    heights, ballistic, table = np.array([300.0, 350.0, 400.0, 450.0]), 0.05, thermosphere()
    fine = np.linspace(150.0, heights, 20001)
    per_km = 1.0 / (np.exp(np.interp(fine, HEIGHTS, table)) * 1e3 * ballistic * np.sqrt(MU * (RADIUS + fine)))
    truth = np.trapezoid(per_km, fine, axis=0) / DAY
    orbit = np.concatenate([single(RADIUS + h, 0.0, ballistic=ballistic) for h in heights], axis=1)
    for days in (2.5, 5.0, 10.0):
        assert np.abs(_lifetimes(kernel_backend, orbit, table, days, rotating=False) / truth - 1.0).max() < 2e-3
    eccentric = np.concatenate([single((RADIUS + 200.0) / (1.0 - e), e, ballistic=0.03) for e in (0.05, 0.2, 0.3)], 1)
    by_step = np.array([_lifetimes(kernel_backend, eccentric, table, days) for days in (0.5, 2.5, 5.0, 10.0)])
    assert (by_step.min(axis=0) > 30.0).all()
    assert (np.ptp(by_step, axis=0) / by_step[0]).max() < 3e-3


def _lifetimes(backend: Backend, orbit: Array, table: Array, days: float, rotating: bool = True) -> Array:
    """Days until each object is gone; its last step is taken again in thousandths."""
    lives, state = np.full(orbit.shape[1], np.nan), state_of(backend, orbit)
    secular = Secular(backend, 150.0, rotating=rotating, oblate=False)
    air = DensityTable(backend.put(table[None]), LOW, SPACING)
    for step in range(4000):
        if not np.isnan(lives).any():
            break
        before = backend.get(state.orbit).copy()
        secular.step(state, days * DAY, density=air, sun=SUN)
        for k in np.flatnonzero(backend.get(state.gone[: state.n]) != 0):
            last = state_of(backend, before[:, k : k + 1])
            parts = 0
            while parts < 1010 and not backend.get(last.gone)[0]:
                secular.step(last, days * DAY / 1000.0, density=air, sun=SUN)
                parts += 1
            lives[k] = days * (step + parts / 1000.0)
            state.mode[k] = orbit_table.ABSENT
    return lives


def test_densities_outside_the_table(backend: Backend) -> None:
    """Above the last height no drag at all; below the first its cell's slope goes on."""
    high = single((RADIUS + 2001.0) / 0.9, 0.1, ballistic=100.0)
    ours, _ = stepped(backend, high, thermosphere())
    assert ours[orbit_table.A_KM, 0] == high[orbit_table.A_KM, 0]
    assert ours[orbit_table.ECC, 0] == high[orbit_table.ECC, 0]
    low = single(RADIUS + 90.0, 0.0, ballistic=1e-6)
    ours, _ = stepped(backend, low, flat_air(50.0), days=0.01, decay_km=50.0, rotating=False, oblate=False)
    rho = 6.967e-13 * np.exp(410.0 / 50.0)
    rate = -rho * 1e-3 * np.sqrt(MU * (RADIUS + 90.0))
    assert ours[orbit_table.A_KM, 0] - low[orbit_table.A_KM, 0] == pytest.approx(rate * 0.01 * DAY, rel=1e-3)


# ------------------------------------------------------------------------------------------------------------ J2
def test_j2_rates(backend: Backend) -> None:
    """Secular rates written out again, in orbits without drag; a, e and i stay as they are."""
    orbit = some_orbits(33, 2, (2100.0, 8000.0))
    orbit[orbit_table.SRP] = 0.0
    ours, gone = stepped(backend, orbit, thermosphere())
    a, e, i = orbit[:3]
    n, p = np.sqrt(MU / a**3), a * (1.0 - e**2)
    factor = 1.08262668e-3 * n * (6378.137 / p) ** 2 * 5.0 * DAY
    for row, turned in (
        (orbit_table.RAAN, -1.5 * factor * np.cos(i)),
        (orbit_table.ARGP, 0.75 * factor * (5.0 * np.cos(i) ** 2 - 1.0)),
        (orbit_table.MEAN, n * 5.0 * DAY + 0.75 * factor * np.sqrt(1 - e**2) * (3.0 * np.cos(i) ** 2 - 1.0)),
    ):
        assert apart(ours[row], orbit[row] + turned).max() < 1e-10
        assert ours[row].min() >= 0.0
        assert ours[row].max() < 2.0 * np.pi
    assert np.array_equal(ours[:3], orbit[:3])
    assert np.array_equal(ours[orbit_table.BALLISTIC :], orbit[orbit_table.BALLISTIC :])
    assert not gone.any()


def test_sun_synchronous_orbit(backend: Backend) -> None:
    """The node of a circular orbit 800 km high at 98.6 degrees follows the Sun: 360 degrees in a year."""
    ours, _ = stepped(backend, single(RADIUS + 800.0, 0.0, np.radians(98.603), 0.0), thermosphere(), days=10.0)
    assert np.degrees(ours[orbit_table.RAAN, 0] - 1.0) / 10.0 == pytest.approx(360.0 / 365.2422, rel=1e-3)


def test_angles_are_wrapped(backend: Backend) -> None:
    orbit = some_orbits(64, 3, (3000.0, 4000.0))
    orbit[[orbit_table.RAAN, orbit_table.ARGP, orbit_table.MEAN]] = np.resize(
        [0.0, -1e-18, 2.0 * np.pi, -7.0, 100.0, 1e-18, 6.9], (3, 64)
    )
    ours, _ = stepped(backend, orbit, thermosphere(), days=1e-12)
    angles = ours[[orbit_table.RAAN, orbit_table.ARGP, orbit_table.MEAN]]
    assert angles.min() >= 0.0
    assert angles.max() < 2.0 * np.pi


# ------------------------------------------------------------------------------------------------------------ radiation
def _vectors(o: Array) -> tuple[Array, Array]:
    """h = sqrt(1 - e^2) n and e vector of one orbit."""
    _, e, i, raan, argp = o[:5]
    node = np.array([np.cos(raan), np.sin(raan), 0.0])
    normal = np.array([np.sin(i) * np.sin(raan), -np.sin(i) * np.cos(raan), np.cos(i)])
    return np.sqrt(1.0 - e * e) * normal, e * (np.cos(argp) * node + np.sin(argp) * np.cross(normal, node))


def _averaged(o: Array, shadow: bool) -> tuple[Array, Array]:
    """Rates of both vectors [1/s]: Gauss's equations for a constant force, over 7200 mean anomalies."""
    a, e = o[:2]
    h, e_vector = _vectors(o)
    along = e_vector / e
    across = np.cross(h, along) / np.sqrt(h @ h)
    eccentric = (np.arange(7200) + 0.5) / 7200 * 2.0 * np.pi
    weight = (1.0 - e * np.cos(eccentric))[:, None] / 7200
    r = a * ((np.cos(eccentric) - e)[:, None] * along + np.sqrt(1 - e * e) * np.sin(eccentric)[:, None] * across)
    v = (
        np.sqrt(MU / a)
        / (1 - e * np.cos(eccentric))[:, None]
        * (-np.sin(eccentric)[:, None] * along + np.sqrt(1 - e * e) * np.cos(eccentric)[:, None] * across)
    )
    sun = np.array(SUN)
    force = np.tile(-4.56e-6 * 1e-3 * o[orbit_table.SRP] * sun, (7200, 1))
    if shadow:
        behind = r @ sun
        force[(behind < 0.0) & ((r * r).sum(axis=1) - behind**2 < RADIUS**2)] = 0.0
    momentum = np.cross(r, v)
    de = (np.cross(force, momentum) + np.cross(v, np.cross(r, force))) / MU
    dh = np.cross(r, force) / np.sqrt(MU * a)
    return (weight * dh).sum(axis=0), (weight * de).sum(axis=0)


def _kick(backend: Backend, o: Array, days: float) -> tuple[Array, Array, Array]:
    """Changes of both vectors by radiation alone, and the orbit after it."""
    without = o.copy()
    without[orbit_table.SRP] = 0.0
    ours, _ = stepped(backend, np.concatenate([o, without], axis=1), thermosphere(), days=days)
    (h1, e1), (h0, e0) = _vectors(ours[:, 0]), _vectors(ours[:, 1])
    return h1 - h0, e1 - e0, ours[:, 0]


@pytest.mark.parametrize(("a", "e", "i"), [(42164.0, 0.02, 0.1), (26560.0, 0.6, 1.1), (30000.0, 0.3, 3.0)])
def test_radiation_in_full_sunlight(backend: Backend, a: float, e: float, i: float) -> None:
    """The Sun is high over these planes: the averaged equations against the mean over a revolution."""
    o = single(a, e, i, 0.0, 12.0, raan=np.arctan2(0.36, 0.48) + 0.3)
    h, _ = _vectors(o[:, 0])
    assert abs(h @ np.array(SUN)) > np.sqrt(h @ h) * RADIUS / (a * (1.0 - e))  # no shadow
    lit = 0.001 * DAY
    dh, de = _averaged(o[:, 0], shadow=False)
    kick_h, kick_e, after = _kick(backend, o, 0.001)
    size = np.sqrt(de @ de)
    assert np.abs(kick_e / lit - de).max() < 2e-4 * size
    assert np.abs(kick_h / lit - dh).max() < 2e-4 * size
    assert after[orbit_table.A_KM] == a


def test_radiation_with_shadow(backend: Backend) -> None:
    """A low orbit, a third of it in the shadow: sign and direction, the size to a tenth."""
    o = single(RADIUS + 2100.0, 0.01, 1.2, 0.0, 1.2, raan=2.76)
    _, de = _averaged(o[:, 0], shadow=True)
    _, unshaded = _averaged(o[:, 0], shadow=False)
    assert np.sqrt(de @ de) < 0.85 * np.sqrt(unshaded @ unshaded)
    _, kick, _ = _kick(backend, o, 0.001)
    kick = kick / (0.001 * DAY)
    assert kick @ de / np.sqrt(kick @ kick * (de @ de)) > 0.99
    assert np.sqrt(kick @ kick) == pytest.approx(np.sqrt(de @ de), rel=0.1)


def test_radiation_of_degenerate_orbits(backend: Backend) -> None:
    """Circular and equatorial orbits have no perigee and no node, and still move by 1.5 sqrt(a/mu) P."""
    orbit = np.concatenate(
        [
            single(10000.0, 0.0, 0.0, 0.0, 1.2),
            single(10000.0, 0.0, np.pi, 0.0, 1.2),
            single(10000.0, 0.0, np.pi / 2, 0.0, 1.2),
            single(10000.0, 0.3, 0.0, 0.0, 1.2),
        ],
        axis=1,
    )
    ours, _ = stepped(backend, orbit, thermosphere())
    assert np.isfinite(ours).all()
    largest = 1.5 * np.sqrt(10000.0 / MU) * 4.56e-9 * 1.2 * 5.0 * DAY
    assert (ours[orbit_table.ECC, :3] > 0.1 * largest).all()
    assert (np.abs(ours[orbit_table.ECC] - orbit[orbit_table.ECC]) < largest).all()


def test_kicks_of_light_objects(backend: Backend) -> None:
    """A step of 30 days with a direction to the Sun every 5 days is for light objects six steps of 5 days, and for
    others one kick with the mean direction."""
    high = some_orbits(64, 8, (2200.0, 4000.0), 0.3)  # no drag: angles and radiation only
    day = 2.0 * np.pi / 365.25 * 5.0 * np.arange(6)
    suns = np.stack([np.cos(day), 0.92 * np.sin(day), 0.4 * np.sin(day)], axis=1)
    ours, _ = stepped(backend, high, thermosphere(), days=30.0, sun=suns)
    light = high[orbit_table.SRP] > SRP_KICKS_FROM_M2_KG
    assert 10 < light.sum() < 60
    often = high
    for sun in suns:
        often, _ = stepped(backend, often, thermosphere(), days=5.0, sun=sun)
    middle = (suns / np.sqrt((suns**2).sum(axis=1))[:, None]).mean(axis=0)
    once, _ = stepped(backend, high, thermosphere(), days=30.0, sun=middle)
    for truth, which in ((often, light), (once, ~light)):
        # in separate steps the rates follow the eccentricity, which the kicks change by a hundredth
        np.testing.assert_allclose(ours[:3, which], truth[:3, which], rtol=1e-9, atol=1e-6)
        assert apart(ours[orbit_table.RAAN], truth[orbit_table.RAAN])[which].max() < 1e-3
        assert (apart(ours[orbit_table.ARGP], truth[orbit_table.ARGP]) * truth[orbit_table.ECC])[which].max() < 1e-3
    assert np.abs(once[orbit_table.ECC] - often[orbit_table.ECC])[light].max() > 1e-4


def test_small_reflectors_feel_nothing(backend: Backend) -> None:
    orbit = np.concatenate([single(9000.0, 0.01, srp=SRP_FROM_M2_KG * k) for k in (1.0, 1.001)], axis=1)
    ours, _ = stepped(backend, orbit, thermosphere())
    assert ours[orbit_table.ECC, 0] == 0.01
    assert ours[orbit_table.ECC, 1] != 0.01


# ------------------------------------------------------------------------------------------------------------ modes
def test_gone_flags(backend: Backend) -> None:
    """Gone: objects whose perigee fell below decay_km in the step, or lies there to begin with, kept ones too."""
    low = single(RADIUS + 140.0, 0.0)
    orbit = np.concatenate(
        [
            single(RADIUS + 155.0, 0.0),
            single(RADIUS + 400.0, 0.0),
            single((RADIUS + 140.0) / 0.8, 0.2, 1.0, 0.0),
            low,
            low,
        ],
        axis=1,
    )
    mode = [orbit_table.FREE, orbit_table.FREE, orbit_table.FREE, orbit_table.KEPT, orbit_table.ABSENT]
    _, gone = stepped(backend, orbit, thermosphere(), mode=mode)
    assert gone.tolist() == [1, 0, 1, 1, 0]
    _, gone = stepped(backend, orbit, thermosphere(), mode=mode, decay_km=100.0, days=1e-3)
    assert gone.tolist() == [0, 0, 0, 0, 0]


def test_kept_and_absent(backend: Backend) -> None:
    """Station-kept objects turn by J2 alone; where there is no object not a bit changes, whatever it holds."""
    orbit = some_orbits(48, 4, (200.0, 900.0), 0.1)
    orbit[:, 5] = np.nan
    orbit[:, 8] = 0.0
    mode = np.resize([orbit_table.KEPT, orbit_table.FREE, orbit_table.ABSENT], 48)
    assert mode[5] == mode[8] == orbit_table.ABSENT
    run = np.where(mode == orbit_table.ABSENT, 1_000_000, 0)  # never looked up
    with np.errstate(all="raise"):
        ours, gone = stepped(backend, orbit, thermosphere(), mode=mode, run=run)
    kept, absent = mode == orbit_table.KEPT, mode == orbit_table.ABSENT
    assert ours[:, absent].tobytes() == orbit[:, absent].tobytes()
    assert np.array_equal(ours[:3, kept], orbit[:3, kept])
    assert apart(ours[orbit_table.RAAN], orbit[orbit_table.RAAN])[kept].min() > 1e-4
    assert (ours[orbit_table.A_KM] < orbit[orbit_table.A_KM])[(mode == orbit_table.FREE) & (gone == 0)].all()
    assert not gone[kept | absent].any()


# ------------------------------------------------------------------------------------------------------------ bytes
def _mixture() -> tuple[Array, Array, dict[str, Any]]:
    orbit = some_orbits(500, 5, (140.0, 2100.0))
    return (
        orbit,
        np.stack([thermosphere(), thermosphere(5e-11), flat_air(80.0)]),
        {"run": np.arange(500) % 3, "mode": np.where(np.arange(500) % 11 == 0, np.arange(500) % 22 // 11 + 1, 0)},
    )


def test_same_bytes_on_every_instruction_set(isa: str) -> None:
    orbit, tables, columns = _mixture()
    truth = stepped(CpuBackend(1, "scalar"), orbit, tables, steps=4, tilt=TILTS[[0, 1, 0]], **columns)
    for threads in (1, 2):
        here = stepped(CpuBackend(threads, isa), orbit, tables, steps=4, tilt=TILTS[[0, 1, 0]], **columns)
        assert [x.tobytes() for x in here] == [x.tobytes() for x in truth]


def test_neighbours_do_not_matter(kernel_backend: Backend) -> None:
    """In another order, or alone in its run: the same bytes."""
    orbit, tables, columns = _mixture()
    whole, gone = stepped(kernel_backend, orbit, tables, steps=2, **columns)
    order = np.random.default_rng(6).permutation(500)
    moved = {name: column[order] for name, column in columns.items()}
    shuffled, gone_too = stepped(kernel_backend, orbit[:, order], tables, steps=2, **moved)
    assert shuffled.tobytes() == whole[:, order].tobytes()
    assert gone_too.tobytes() == gone[order].tobytes()
    for run in range(3):
        own = columns["run"] == run
        alone, gone_alone = stepped(kernel_backend, orbit[:, own], tables[run], steps=2, mode=columns["mode"][own])
        assert alone.tobytes() == whole[:, own].tobytes()
        assert gone_alone.tobytes() == gone[own].tobytes()


# ------------------------------------------------------------------------------------------------------------ state
def test_state_grows(backend: Backend) -> None:
    state = state_of(backend, some_orbits(20, 7), run=3)
    assert (state.capacity, state.n) == (32, 20)
    assert backend.get(state.mode).tolist() == [orbit_table.FREE] * 20 + [orbit_table.ABSENT] * 12
    before = backend.get(state.orbit).copy()
    state.grow(30)
    assert state.capacity == 32
    state.grow(33)
    assert (state.capacity, state.n) == (64, 20)
    state.grow(1000)
    assert state.capacity == 1008
    assert backend.get(state.orbit)[:, :32].tobytes() == before.tobytes()
    assert backend.get(state.uid)[:20].tolist() == list(range(20))
    assert backend.get(state.run)[:20].tolist() == [3] * 20
    assert (backend.get(state.mode)[20:] == orbit_table.ABSENT).all()


def test_empty_state(backend: Backend) -> None:
    state = SecularState(backend, 1)
    air = DensityTable(backend.put(thermosphere()[None]), LOW, SPACING)
    Secular(backend, 150.0).step(state, DAY, density=air, sun=SUN)
    assert state.n == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dt_s": 0.0}, "step must be a positive"),
        ({"dt_s": np.nan}, "step must be a positive"),
        ({"log_density": np.zeros(5)}, r"\[runs, heights\]"),
        ({"log_density": np.zeros((2, 1))}, r"\[runs, heights\]"),
        ({"spacing_km": 0.0}, "heights of the density"),
        ({"lowest_km": np.inf}, "heights of the density"),
        ({"sun": (0.0, 0.0, 0.0)}, "direction"),
        ({"sun": (1.0, 0.0)}, "direction"),
        ({"sun": (np.nan, 0.0, 1.0)}, "direction"),
    ],
)
def test_input_that_cannot_be_used(change: dict[str, Any], message: str) -> None:
    backend = ReferenceBackend()
    arguments: dict[str, Any] = {
        "dt_s": DAY,
        "log_density": np.zeros((1, 5)),
        "lowest_km": 100.0,
        "spacing_km": 10.0,
        "sun": SUN,
    }
    arguments |= change
    heights = ("log_density", "lowest_km", "spacing_km")
    state = state_of(backend, single(7000.0, 0.0))
    with pytest.raises(InputError, match=message):
        density = DensityTable(**{name: arguments[name] for name in heights})
        Secular(backend, 150.0).step(state, arguments["dt_s"], density=density, sun=arguments["sun"])


@pytest.mark.parametrize(
    "make", [lambda b: SecularState(b, 0), lambda b: Secular(b, -1.0), lambda b: Secular(b, np.nan)]
)
def test_state_that_cannot_be_made(make: Callable[[Backend], object]) -> None:
    with pytest.raises(InputError):
        make(ReferenceBackend())
