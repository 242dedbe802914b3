"""Cube: the kernels against their NumPy twin, and both against the analytic rate of Kessler (1981)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.debris.collisions import cube as cube_module
from stmgpu.debris.collisions import cube_kernels as module
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.collisions.encounters import Encounters
from stmgpu.debris.collisions.kessler import kessler_rate
from stmgpu.debris.collisions.lattice import Lattice
from stmgpu.debris.streams import ANGLE, uniforms
from stmgpu.errors import CapacityError, InputError
from stmgpu.propagate.kepler import states_of
from stmgpu.propagate.secular_reference import j2_rates

Array = NDArray[np.float64]
LATTICES = ["cube", "shell"]
SIZE_KM = {"cube": 250.0, "shell": 110.0}  # large: a few thousand objects shall meet often
BIG_SEED = 0xFEDCBA9876543210


@dataclass
class State:
    """What Cube reads of a SecularState; slots beyond n hold garbage."""

    orbit: Any
    uid: Any
    run: Any
    mode: Any
    n: int


def _state(backend: Backend, elements: Array, radius_km: Any, uid: Any = None, run: Any = 0, mode: Any = 0) -> State:
    n = elements.shape[1]
    capacity = (n // 16 + 2) * 16
    orbit = np.full((10, capacity), np.nan)
    orbit[:6, :n], orbit[8, :n] = elements, radius_km
    uids, runs, modes = np.full(capacity, -5), np.full(capacity, 99, np.int32), np.zeros(capacity, np.int8)
    uids[:n], runs[:n], modes[:n] = np.arange(n) if uid is None else uid, run, mode
    return State(backend.put(orbit), backend.put(uids), backend.put(runs), backend.put(modes), n)


def _population(n: int, seed: int = 1, max_ecc: float = 0.9) -> Array:
    """Elements [6, n]: many in one layer, so that they meet, and some with any eccentricity."""
    rng = np.random.default_rng(seed)
    elements = rng.uniform(0.0, 2.0 * np.pi, (6, n))
    elements[0] = 7000.0 + rng.normal(0.0, 2.0, n)
    elements[1] = rng.uniform(0.0, 0.003, n)
    wide = rng.random(n) < 0.2
    elements[1, wide] = rng.uniform(0.0, max_ecc, int(wide.sum()))
    elements[0, wide] = rng.uniform(6600.0, 7000.0, int(wide.sum())) / (1.0 - elements[1, wide])
    elements[2] = np.arccos(rng.uniform(-1.0, 1.0, n))
    return elements


def _batch(backend: Backend, seed: int = 1, n: int = 3008) -> State:
    """Three runs side by side, a tenth of the slots empty, uids that are large and in no order."""
    rng = np.random.default_rng(seed)
    run = rng.integers(0, 3, n)
    uid = rng.permutation(n) + (1 << 40)
    mode = np.where(rng.random(n) < 0.1, 2, rng.integers(0, 2, n))
    elements = _population(n, seed)
    elements[:, mode == 2] = np.nan
    return _state(backend, elements, rng.uniform(1e-4, 1e-2, n), uid, run, mode)


def _cube(backend: Backend, lattice: str, **other: Any) -> Cube:
    given = {"seed": BIG_SEED, "run_numbers": [4, 2**32 - 1, 17], "resamples": 3, **other}
    return Cube(backend, cube_km=SIZE_KM[lattice], lattice=lattice, **given)


def _same(a: Encounters, b: Encounters, but: tuple[str, ...] = ()) -> None:
    for f in fields(Encounters):
        if f.name not in but:
            assert getattr(a, f.name).tobytes() == getattr(b, f.name).tobytes(), f.name


@pytest.mark.parametrize("lattice", LATTICES)
@pytest.mark.parametrize("step", [0, 2**47 - 1])
def test_kernels_and_twin_meet_the_same_pairs(kernel_backend: Backend, lattice: str, step: int) -> None:
    """One wrong bit of the random numbers, or a wrong cell, would change nearly every pair."""
    ours = _cube(kernel_backend, lattice).encounters(_batch(kernel_backend), step)
    reference = ReferenceBackend()
    truth = _cube(reference, lattice).encounters(_batch(reference), step)
    assert len(truth) > 100
    assert len(np.unique(truth.run)) == 3
    for name in ("first", "second", "run", "resample"):
        assert np.array_equal(getattr(ours, name), getattr(truth, name)), name
    for name, scale in (
        ("position_km", 1e5),
        ("r_first", 1e5),
        ("r_second", 1e5),
        ("v_first", 10.0),
        ("v_second", 10.0),
        ("speed_km_s", 10.0),
    ):
        assert np.abs(getattr(ours, name) - getattr(truth, name)).max() <= 2e-12 * scale, name
    np.testing.assert_allclose(ours.rate_per_s, truth.rate_per_s, rtol=1e-9)


@pytest.mark.parametrize("lattice", LATTICES)
def test_nodes_and_perigees_turn_between_steps(backend: Backend, lattice: str) -> None:
    """Three steps of 10 days at once are those steps one by one, with elements turned by J2 to the middle of each."""
    state, days = _batch(backend), 10.0
    together = _cube(backend, lattice).encounters(state, 5, steps=3, interval_s=days * 86_400.0)
    orbit = backend.get(state.orbit).copy()
    assert np.array_equal(np.unique(together.step), [0, 1, 2])
    for k in range(3):
        node, perigee, _ = j2_rates(orbit[0], orbit[1], np.cos(orbit[2]))
        turned = orbit.copy()
        turned[3] += node * (k + 0.5) * days * 86_400.0
        turned[4] += perigee * (k + 0.5) * days * 86_400.0
        state.orbit[...] = backend.put(turned)
        alone, mine = _cube(backend, lattice).encounters(state, 5 + k), together.step == k
        assert mine.sum() > 100
        for name in ("first", "second", "run", "resample", "words"):
            assert np.array_equal(getattr(alone, name), getattr(together, name)[..., mine]), name
        assert np.abs(alone.r_first - together.r_first[mine]).max() < 1e-6
        np.testing.assert_allclose(alone.rate_per_s, together.rate_per_s[mine], rtol=1e-9)
    still = _cube(backend, lattice).encounters(state, 5, steps=3)
    assert still.r_first[:50].tobytes() != together.r_first[:50].tobytes()


@pytest.mark.parametrize("lattice", LATTICES)
def test_what_an_encounter_is(backend: Backend, lattice: str) -> None:
    """Order, uids, one cell, and the rate V pi (R1 + R2)^2 / V_cell / resamples."""
    state = _batch(backend)
    cube = _cube(backend, lattice)
    e = cube.encounters(state, 9)
    uid, run, mode, radius = (backend.get(a) for a in (state.uid, state.run, state.mode, state.orbit[8]))
    assert (uid[e.first] < uid[e.second]).all()
    assert np.array_equal(run[e.first], e.run)
    assert np.array_equal(run[e.second], e.run)
    assert (mode[e.first] != 2).all()
    assert (mode[e.second] != 2).all()
    order = np.lexsort((e.resample, uid[e.second], uid[e.first], e.run))
    assert np.array_equal(order, np.arange(len(e)))
    shift = cube.shifts(9)[e.resample, e.run]
    cells = cube.sampling.lattice.cells(e.r_first, shift)
    assert np.array_equal(cells, cube.sampling.lattice.cells(e.r_second, shift))
    volume = cube.sampling.lattice.volume_km3(cells, shift)
    speed = np.linalg.norm(e.v_first - e.v_second, axis=1)
    np.testing.assert_allclose(e.speed_km_s, speed, rtol=1e-13)
    np.testing.assert_allclose(
        e.rate_per_s, speed * np.pi * (radius[e.first] + radius[e.second]) ** 2 / volume / 3, rtol=1e-10
    )
    np.testing.assert_allclose(e.position_km, 0.5 * (e.r_first + e.r_second), rtol=1e-15)


@pytest.mark.parametrize(
    ("ecc", "error"),
    [(0.0, 1e-13), (0.01, 1e-13), (0.3, 1e-12), (0.7, 1e-12), (0.9, 2e-12), (0.95, 1e-8), (0.99, 2e-4)],
)
def test_keplers_equation(kernel_backend: Backend, ecc: float, error: float) -> None:
    """Positions against stmgpu.propagate.kepler: what kernels/include/kepler.h says of E, times the semi-major axis."""
    n, a = 48, 8000.0
    elements = np.zeros((6, n))
    elements[0], elements[1], elements[2:5] = a, ecc, [[0.7], [2.0], [4.0]]
    cube = Cube(kernel_backend, seed=1, run_numbers=5, cube_km=1e7, resamples=64)  # all in one cell
    e = cube.encounters(_state(kernel_backend, elements, 1.0), 3)
    assert len(e) > 60 * n * (n - 1) // 2
    u, _ = uniforms(1, 5, ANGLE, (3 << 16) | e.resample, e.second)
    r, v = states_of((a, ecc, 0.7, 2.0, 4.0, (u - 0.5) * 2.0 * np.pi))
    assert np.abs(e.r_second - r).max() <= 1.5 * error * a
    assert np.abs(e.v_second - v).max() <= 1.5 * error * 8.0 / (1.0 - ecc) ** 2


@pytest.mark.parametrize("lattice", LATTICES)
def test_same_bytes_on_every_instruction_set_and_with_threads(isa: str, lattice: str) -> None:
    """9,000 slots: threads share a row."""
    elements = _population(9000)
    elements[0, 4000:] *= 1.0 + 1e-3 * np.arange(5000) / 5000
    found = [
        Cube(b, seed=3, run_numbers=[1], cube_km=40.0, resamples=1, lattice=lattice).encounters(
            _state(b, elements, 1e-3), 0
        )
        for b in (CpuBackend(1, isa), CpuBackend(3, isa), CpuBackend(1, "scalar"))
    ]
    assert len(found[0]) > 50
    _same(found[0], found[1])
    _same(found[0], found[2])


@pytest.mark.parametrize("lattice", LATTICES)
def test_slots_do_not_matter(backend: Backend, lattice: str) -> None:
    state = _batch(backend)
    e = _cube(backend, lattice).encounters(state, 1)
    host = [backend.get(a) for a in (state.orbit, state.uid, state.run, state.mode)]
    order = np.random.default_rng(2).permutation(state.n)
    moved = State(*(backend.put(np.ascontiguousarray(a[..., order])) for a in host), state.n)
    other = _cube(backend, lattice).encounters(moved, 1)
    assert len(e) > 100
    _same(e, other, but=("first", "second"))
    assert np.array_equal(order[other.first], e.first)
    assert np.array_equal(order[other.second], e.second)


@pytest.mark.parametrize("lattice", LATTICES)
def test_a_run_does_not_see_its_batch(backend: Backend, lattice: str) -> None:
    state = _batch(backend)
    together = _cube(backend, lattice).encounters(state, 5)
    run = backend.get(state.run)
    slots = np.flatnonzero(run[: state.n] == 1)
    orbit, uid, mode = (backend.get(a)[..., slots] for a in (state.orbit, state.uid, state.mode))
    alone = _cube(backend, lattice, run_numbers=2**32 - 1).encounters(
        _state(backend, orbit[:6], orbit[8], uid, 0, mode), 5
    )
    mine = together.run == 1
    assert mine.sum() > 20
    assert np.array_equal(slots[alone.first], together.first[mine])
    assert np.array_equal(slots[alone.second], together.second[mine])
    assert alone.rate_per_s.tobytes() == together.rate_per_s[mine].tobytes()
    assert alone.r_first.tobytes() == together.r_first[mine].tobytes()


def test_resamples_hang_on_their_number(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows cut into batches give the same, and steps in any order."""
    state = _batch(kernel_backend)
    whole = _cube(kernel_backend, "shell", resamples=7)
    truth = whole.encounters(state, 12)
    monkeypatch.setattr(module, "_BATCH_KEYS", 2 * 3008)
    cut = _cube(kernel_backend, "shell", resamples=7)
    cut.encounters(state, 13)
    _same(truth, cut.encounters(state, 12))
    monkeypatch.setattr(cube_module, "_SHIFTS", 1)
    _same(truth, _cube(kernel_backend, "shell", resamples=7).encounters(state, 12))
    assert whole.encounters(state, 13).r_first[:50].tobytes() != truth.r_first[:50].tobytes()


def test_overflow_is_found_again(kernel_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in one cell: n (n - 1) / 2 pairs, far more than there is room for at first."""
    n = 400
    state = _state(kernel_backend, _population(n, max_ecc=0.1), 1e-3)
    cube = Cube(kernel_backend, seed=1, run_numbers=0, cube_km=1e7, resamples=2)
    e = cube.encounters(state, 0)
    assert len(e) == 2 * n * (n - 1) // 2
    assert len(np.unique(np.stack([e.first, e.second, e.resample]), axis=1).T) == len(e)
    monkeypatch.setattr(module, "_MAX_PAIRS", 1000)
    with pytest.raises(CapacityError, match="smaller cells"):
        Cube(kernel_backend, seed=1, run_numbers=0, cube_km=1e7, resamples=2).encounters(state, 0)


@pytest.mark.parametrize("lattice", LATTICES)
def test_far_orbits_are_reached(kernel_backend: Backend, lattice: str) -> None:
    """Far beyond the first numbering of the cells, in small cells, and back."""
    elements = _population(2000, max_ecc=0.01)
    elements[0, :200] *= 60.0
    elements[1, :200] = 0.5
    found = [
        Cube(b, seed=1, run_numbers=0, cube_km=100.0, resamples=2, lattice=lattice).encounters(
            _state(b, elements, 1e-3), 0
        )
        for b in (kernel_backend, ReferenceBackend())
    ]
    assert len(found[0]) > 20
    assert np.array_equal(found[0].first, found[1].first)
    assert np.array_equal(found[0].second, found[1].second)


@pytest.mark.parametrize("lattice", LATTICES)
@pytest.mark.parametrize("apogee", [1e12, np.nan])
def test_what_cannot_be_numbered_is_refused(kernel_backend: Backend, lattice: str, apogee: float) -> None:
    elements = _population(64, max_ecc=0.1)
    elements[0, 37] = apogee
    with pytest.raises(InputError, match="slot 37 has its apogee at"):
        Cube(kernel_backend, seed=1, run_numbers=0, cube_km=5.0, resamples=1, lattice=lattice).encounters(
            _state(kernel_backend, elements, 1e-3), 0
        )


@pytest.mark.parametrize("n", [0, 1, 17])
@pytest.mark.parametrize("lattice", LATTICES)
def test_nobody_to_meet(backend: Backend, lattice: str, n: int) -> None:
    state = _state(backend, _population(n), 1e-3, mode=[0] * min(n, 1) + [2] * (n - 1))
    e = Cube(
        backend, seed=1, run_numbers=0, cube_km=1e3 if lattice == "cube" else 100.0, resamples=2, lattice=lattice
    ).encounters(state, 0)
    assert len(e) == 0
    assert e.position_km.shape == e.v_second.shape == (0, 3)
    assert e.first.dtype == np.int64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lattice": "hexagonal"}, "choose one of cube, shell"),
        ({"cube_km": 0.0}, "positive length"),
        ({"cube_km": float("inf")}, "positive length"),
        ({"cube_km": 500.0, "lattice": "shell"}, "bands of latitude"),
        ({"resamples": 0}, "from 1 to"),
        ({"resamples": 1 << 16}, "from 1 to"),
        ({"seed": -1}, "seed must be"),
        ({"run_numbers": [-1]}, "run numbers must be"),
    ],
)
def test_input_errors(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"seed": 1, "run_numbers": [0], "cube_km": 10.0, "resamples": 1, "lattice": "cube", **wrong}
    with pytest.raises(InputError, match=message):
        Cube(ReferenceBackend(), **given)


def test_step_out_of_range() -> None:
    with pytest.raises(InputError, match="step must be"):
        Cube(ReferenceBackend(), seed=1, run_numbers=0, cube_km=10.0).shifts(-1)


def test_shifts_are_uniform_and_their_own() -> None:
    cube = Cube(ReferenceBackend(), seed=1, run_numbers=range(40), cube_km=10.0, resamples=50)
    shifts = np.stack([cube.shifts(step) for step in range(5)])
    assert shifts.shape == (5, 50, 40, 3)
    assert len(np.unique(shifts)) == shifts.size
    assert abs(shifts.mean() - 0.5) < 4.0 / (12.0 * shifts.size) ** 0.5


@pytest.mark.parametrize("lattice", LATTICES)
def test_walls_have_no_place(lattice: str) -> None:
    """Two points (1, 2, 3) km apart share a 20 km cube in 0.95 * 0.9 * 0.85 of all shifts, wherever they are; along the
    radius of thin shells 0.15 km of 0.4 km apart, 1 - 0.15 / 0.4."""
    grid = Lattice.of(lattice, 20.0)
    rng = np.random.default_rng(4)
    shift = rng.random((40_000, 3))
    for place in ([0.0, 0.0, 7000.0], [7000.0, 0.0, 0.0], [4000.3, -3000.1, 5000.0], [-7000.0, -1e-9, 100.0]):
        r = np.broadcast_to(np.array(place), shift.shape)
        if lattice == "cube":
            other, expected = r + np.array([1.0, 2.0, 3.0]), 0.95 * 0.9 * 0.85
        else:
            other, expected = r * (1.0 + 0.15 / np.linalg.norm(r[0])), 1.0 - 0.15 / 0.4
        share = (grid.cells(r, shift) == grid.cells(other, shift)).all(axis=1).mean()
        assert abs(share - expected) < 4.0 * (expected * (1.0 - expected) / len(shift)) ** 0.5


def test_volumes() -> None:
    """Points uniform in space fall into cells by volume (chi^2, 4 sigma), which at 7,000 km is that of the cube."""
    assert (Lattice.of("cube", 20.0).volume_km3(np.zeros((3, 3)), np.zeros(3)) == 8000.0).all()
    grid = Lattice.of("shell", 200.0)
    rng = np.random.default_rng(5)
    inner, outer, n = 6998.0, 7002.0, 400_000
    direction = rng.normal(size=(n, 3))
    radius = rng.uniform(inner**3, outer**3, n) ** (1.0 / 3.0)
    r = direction * (radius / np.linalg.norm(direction, axis=1))[:, None]
    shift = np.array([0.3, 0.7, 0.2])
    cells = grid.cells(r, shift)
    kinds, counts = np.unique(cells, axis=0, return_counts=True)
    volume = grid.volume_km3(kinds, shift)
    # the points fill a part of each layer's thickness: reduce a cell's volume to it
    low, high = (kinds[:, 0] - 0.3) * grid.cell_km, (kinds[:, 0] + 0.7) * grid.cell_km
    part = (np.minimum(high, outer) ** 3 - np.maximum(low, inner) ** 3) / (high**3 - low**3)
    expected = n * volume * part / (4.0 / 3.0 * np.pi * (outer**3 - inner**3))
    assert expected.sum() == pytest.approx(n, rel=1e-9)
    chi2 = ((counts - expected) ** 2 / expected)[expected > 20.0]
    assert abs(chi2.sum() - len(chi2)) < 4.0 * (2.0 * len(chi2)) ** 0.5
    assert np.median(volume) == pytest.approx(200.0**3, rel=0.1)
    origin = grid.volume_km3(np.array([[0.0, 5.0, 0.0]]), shift)
    assert origin[0] > 0.0


ORBITS = [  # a, e, i [km, 1, deg] of two kinds of objects, and the lattice and size that resolves their density
    ((7150.0, 0.02, 98.0), (7200.0, 0.02, 53.0), "cube", 50.0),
    ((7150.0, 0.001, 98.0), (7152.0, 0.002, 53.0), "shell", 50.0),
    ((7578.0, 0.0005, 87.9), (7579.0, 0.0007, 66.0), "shell", 50.0),
    ((24400.0, 0.72, 28.0), (7000.0, 0.03, 63.0), "shell", 100.0),
]


@pytest.mark.parametrize(("one", "other", "lattice", "cube_km"), ORBITS)
def test_mean_rate_is_kesslers_integral(
    one: tuple[float, float, float], other: tuple[float, float, float], lattice: str, cube_km: float
) -> None:
    """3,000 objects of each kind with random nodes and perigees: within 3 sigma and 2 % for the smearing."""
    rng = np.random.default_rng(6)
    n, steps = 3000, 16
    backend = CpuBackend(1)
    cube = Cube(backend, seed=1, run_numbers=0, cube_km=cube_km, resamples=8, lattice=lattice)
    rates = []
    for step in range(steps):
        elements = rng.uniform(0.0, 2.0 * np.pi, (6, 2 * n))
        elements[:3] = np.repeat(np.array([one, other]).T * [[1.0], [1.0], [np.pi / 180.0]], n, axis=1)
        e = cube.encounters(_state(backend, elements, 1e-3), step)
        rates.append(e.rate_per_s[(e.first < n) != (e.second < n)].sum() / n**2)
    a, ecc, inc = np.array([one, other]).T
    truth = kessler_rate(a, ecc, np.radians(inc), [1e-3, 1e-3])
    mean, error = np.mean(rates) / truth, np.std(rates) / truth / steps**0.5
    assert error < 0.15
    assert abs(mean - 1.0) < 3.0 * error + 0.02


def test_kesslers_integral_of_jovian_moons() -> None:
    """Himalia and Elara: 4.1442e-10 a year for combined radii of 125 km; another way to reach them would miss it."""
    a, ecc, inc = (
        [11_470_000.0, 11_740_000.0],
        [0.15780296425457715, 0.206984667802385],
        [0.48171087355043496, 0.4328416544945937],
    )
    assert kessler_rate(a, ecc, inc, [85.0, 40.0], mu_km3_s2=1.26686534e8) * 31_557_600.0 == pytest.approx(
        4.1442e-10, rel=1e-4
    )
    assert kessler_rate([7000.0, 8000.0], [0.01, 0.01], [1.0, 1.0], [1.0, 1.0]) == 0.0
