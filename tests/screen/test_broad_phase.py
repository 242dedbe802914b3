"""The broad phase: the hash grid finds exactly what the slow obvious twin finds, wherever the objects are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from support.plans import plan_for

from stmgpu.backend import Backend, get_backend
from stmgpu.backend.cpu import CpuBackend, usable_levels
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.constants import WGS72
from stmgpu.errors import CapacityError
from stmgpu.screen import broad_phase_kernels as module
from stmgpu.screen.broad_phase import Block, Candidates
from stmgpu.screen.broad_phase_kernels import HashGrid
from stmgpu.screen.broad_phase_reference import KdTree
from stmgpu.screen.plan import NODE_STEP_S, Plan
from stmgpu.typing import Floats


def two_body(state: np.ndarray, seconds: float) -> np.ndarray:
    """States [6, n] after two-body motion, by Runge-Kutta 4 in steps of 5 s at most."""

    def rate(y):
        return np.concatenate([y[3:], -WGS72.mu_km3_s2 * y[:3] / np.linalg.norm(y[:3], axis=0) ** 3])

    steps = max(1, int(np.ceil(abs(seconds) / 5.0)))
    h = seconds / steps
    for _ in range(steps):
        a = rate(state)
        b = rate(state + 0.5 * h * a)
        c = rate(state + 0.5 * h * b)
        state = state + h / 6.0 * (a + 2.0 * b + 2.0 * c + rate(state + h * c))
    return state


def orbit_block(state: np.ndarray, plan: Plan) -> Block:
    """Nodes of objects whose states at the sample of row 0 are ``state`` [6, n]."""
    n = state.shape[1]
    pad = -(-n // 16) * 16
    first = int(plan.node_before(0)) - 1
    nodes = np.arange(first, first + 4)
    states = np.full((len(nodes), 6, pad), np.nan)
    for k, t in enumerate(plan.node_s(nodes) - plan.sample_s(0)):
        states[k, :, :n] = two_body(state, float(t))
    codes = np.full((len(nodes), pad), 9, np.int8)
    codes[:, :n] = 0
    return Block(states, codes, first)


def pairs(c: Candidates) -> set[tuple[int, int, int]]:
    found = list(zip(c.first.tolist(), c.second.tolist(), c.row.tolist(), strict=True))
    assert len(found) == len(set(found)), "a pair was reported twice"
    return set(found)


def meeting(state: Floats, plan: Plan, some: set[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
    """Those pairs that really come within the threshold during their interval: followed second by second."""
    if not some:
        return set()
    i, j, row = np.array(sorted(some)).T
    met = np.zeros(len(i), bool)
    for r in np.unique(row):
        at = row == r
        y = two_body(state, float(plan.edge_s(r) - plan.sample_s(0)))
        for _ in range(int(plan.step_s)):
            after = two_body(y, 1.0)
            a, b = y[:3, j[at]] - y[:3, i[at]], after[:3, j[at]] - after[:3, i[at]]
            s = np.clip(-(a * (b - a)).sum(axis=0) / np.maximum(((b - a) ** 2).sum(axis=0), 1e-30), 0.0, 1.0)
            met[at] |= np.linalg.norm(a + s * (b - a), axis=0) < plan.threshold_km - 0.001
            y = after
    return set(zip(i[met].tolist(), j[met].tolist(), row[met].tolist(), strict=True))


def search(state: Floats, threshold_km: float, step_s: float, backend: Backend) -> tuple[set[Any], set[Any], set[Any]]:
    """(pairs of the grid, pairs of the twin that really meet, pairs of the twin with the pads of float32 added)."""
    plan = plan_for((2460000.5, 0.0), NODE_STEP_S, threshold_km, state.shape[1], step_s)
    block = orbit_block(state, plan)
    n, rows = block.states.shape[2], np.arange(plan.rows)
    grid, twin = HashGrid(plan, backend, n, plan.rows), KdTree(plan, ReferenceBackend(), n, plan.rows)
    on_device = Block(backend.put(block.states), backend.put(block.codes), block.first_node)
    grid.measure(on_device)
    twin.measure(block)
    twin.error = twin.error + 4e-7 * 9000.0
    widened = pairs(twin.find(block, rows))
    c = grid.find(on_device, rows)
    c.first, c.second, c.row = backend.get(c.first), backend.get(c.second), backend.get(c.row)
    return pairs(c), meeting(state, plan, widened), widened


@pytest.fixture
def kernels(backend: Backend) -> Backend:
    if not backend.runs_kernels:
        pytest.skip("the reference backend is the twin itself")
    return backend


def sphere(rng: np.random.Generator, n: int, radius: ArrayLike, cap: float = 10.0) -> Floats:
    """Points on a sphere, or on a cap of it: the smaller ``cap``, the more crowded."""
    x = rng.normal(size=(n, 3)) + np.array([0.3, 0.5, 0.8]) * (1.0 / cap - 0.1) * 3.0
    return x * (radius / np.linalg.norm(x, axis=1))[:, None]


def circular(rng: np.random.Generator, position: Floats) -> Floats:
    direction = np.cross(position, rng.normal(size=position.shape))
    speed = np.sqrt(398600.8 / np.linalg.norm(position, axis=1))
    return direction * (speed / np.linalg.norm(direction, axis=1))[:, None]


@pytest.mark.slow
@pytest.mark.parametrize("step", [15.0, 30.0, 60.0, 120.0])
@pytest.mark.parametrize("threshold", [0.1, 5.0, 200.0])
def test_random_shells(kernels, step: float, threshold: float) -> None:
    rng = np.random.default_rng(5)
    n = 500 if threshold > 100 else 3000
    cap = {0.1: 0.05, 5.0: 0.5, 200.0: 10.0}[threshold]
    position = sphere(rng, n, rng.uniform(6700.0, 6700.0 + 10.0 * threshold, n), cap)
    state = np.concatenate([position, circular(rng, position)], axis=1).T
    found, meet, widened = search(state, threshold, step, kernels)
    assert meet <= found
    assert found <= widened
    assert len(meet) > 15


def test_pairs_at_cell_boundaries_and_interval_ends(kernels: Backend) -> None:
    rng = np.random.default_rng(6)
    plan = plan_for((2460000.5, 0.0), NODE_STEP_S, 5.0, 10, 60.0)
    cell, h = plan.cell_km, plan.half_step_s
    states = []
    while len(states) < 3000:
        # the first of each pair exactly on, just below or just above a cell face, edge or corner, the seam included
        a = (rng.integers(-18, 19, 3) + rng.choice([0.0, -1e-9, 1e-9, 0.3, -0.7], 3)) * cell
        if not 6500.0 < np.linalg.norm(a) < 9000.0:
            continue
        # head-on at up to twice the common speed, meeting anywhere in the interval, its ends included
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        speed = rng.uniform(1.0, 7.79)
        meet = rng.choice([-1.0, -0.999999, 0.0, 0.5, 0.999999, 1.0]) * h
        miss = np.cross(direction, rng.normal(size=3))
        miss *= rng.choice([0.0, 4.9, 5.0]) / np.linalg.norm(miss)
        states += [[*a, *(direction * speed)], [*(a + miss + direction * 2.0 * speed * meet), *(-direction * speed)]]
    found, meet, widened = search(np.array(states).T, 5.0, 60.0, kernels)
    assert meet <= found
    assert found <= widened
    assert len([1 for i, j, _ in meet if j == i + 1 and i % 2 == 0]) > 500


def test_fast_and_distant_objects_are_tested_apart(kernels: Backend) -> None:
    rng = np.random.default_rng(7)
    n = 2500
    position = sphere(rng, n, rng.choice([6650.0, 6700.0, 26600.0, 42164.0], n))
    velocity = circular(rng, position)
    fast = rng.random(n) < 0.2
    velocity[fast] *= rng.uniform(1.02, 1.4, int(fast.sum()))[:, None]
    velocity[:5] *= 3.0  # unbound: their reach spans many cells
    found, meet, widened = search(np.concatenate([position, velocity], axis=1).T, 20.0, 60.0, kernels)
    assert meet <= found
    assert found <= widened
    assert len(meet) > 15


def test_objects_that_fail_take_no_part(backend: Backend) -> None:
    rng = np.random.default_rng(8)
    position = sphere(rng, 60, 7000.0) * 0.0 + np.array([7000.0, 0.0, 0.0]) + rng.normal(size=(60, 3))
    velocity = np.tile([0.0, 7.5, 0.0], (60, 1))
    plan = plan_for((2460000.5, 0.0), NODE_STEP_S, 5.0, 60, 60.0)
    block = orbit_block(np.concatenate([position, velocity], axis=1).T, plan)
    block.codes[2, 7] = 6
    block.codes[1, 9] = 1
    block.states[1, :, 9] = np.nan
    search_type = HashGrid if backend.runs_kernels else KdTree
    broad = search_type(plan, backend, block.states.shape[2], 4)
    on_device = Block(backend.put(block.states), backend.put(block.codes), block.first_node)
    broad.measure(on_device)
    c = broad.find(on_device, np.arange(plan.rows))
    taking_part = set(backend.get(c.first).tolist()) | set(backend.get(c.second).tolist())
    assert taking_part == set(range(60)) - {7, 9}


@pytest.mark.parametrize("isa", usable_levels() or ["none"])
def test_every_instruction_set_finds_the_same(isa: str) -> None:
    if isa == "none":
        pytest.skip("no compiled kernels here")
    rng = np.random.default_rng(9)
    position = sphere(rng, 3000, rng.uniform(6700.0, 6800.0, 3000))
    state = np.concatenate([position, circular(rng, position)], axis=1).T
    assert search(state, 5.0, 60.0, CpuBackend(2, isa))[0] == search(state, 5.0, 60.0, CpuBackend(1, "scalar"))[0]


@pytest.mark.slow
def test_overflow_is_retried_and_unbearable_crowds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = get_backend("cpu")
    crowd = np.zeros((6, 400))
    crowd[:3] = np.array([[7000.0], [0.0], [0.0]]) + np.random.default_rng(1).normal(size=(3, 400)) * 0.1
    crowd[4] = 7.5
    found, meet, _ = search(crowd, 5.0, 60.0, backend)
    assert len(found) == len(meet) == 2 * 400 * 399 // 2  # 79,800 a row, far above the first capacity
    monkeypatch.setattr(module, "_MAX_CAPACITY", 1000)
    with pytest.raises(CapacityError, match="79800 candidate pairs"):
        search(crowd, 5.0, 60.0, backend)


def test_measured_error_bounds_the_interpolation(backend: Backend) -> None:
    """Circular motion with a wrong velocity at the nodes: the bound measured from nodes covers the true error."""
    rng = np.random.default_rng(10)
    n, radius = 64, 6800.0
    rate = np.sqrt(398600.8 / radius**3)
    plan = plan_for((2460000.5, 0.0), NODE_STEP_S, 5.0, n, 60.0)
    first = int(plan.node_before(0)) - 1
    t = plan.node_s(np.arange(first, first + 6))[:, None]
    phase = rng.uniform(0, 2 * np.pi, n)
    wrong = rng.normal(size=(3, n)) * 10.0 ** rng.uniform(-6, -2, n)  # up to tens of m/s

    def at(time):
        u = rate * time + phase
        return radius * np.stack([np.cos(u), np.sin(u), 0 * u], axis=1)

    states = np.concatenate(
        [
            at(t),
            radius * rate * np.stack([-np.sin(rate * t + phase), np.cos(rate * t + phase), 0 * (t + phase)], axis=1)
            + wrong,
        ],
        axis=1,
    )
    block = Block(backend.put(states), backend.zeros((6, n), np.int8), first)
    broad = (HashGrid if backend.runs_kernels else KdTree)(plan, backend, n, 4)
    error = backend.get(broad.measure(block)[0])
    u = np.linspace(0.0, 1.0, 41)[:, None, None]
    s, step = states[1:-1], NODE_STEP_S
    r0, v0, r1, v1 = s[:-1, None, :3], s[:-1, None, 3:], s[1:, None, :3], s[1:, None, 3:]
    hermite = (
        (1 + 2 * u) * (1 - u) ** 2 * r0
        + u * (1 - u) ** 2 * step * v0
        + u * u * (3 - 2 * u) * r1
        + u * u * (u - 1) * step * v1
    )
    truth = np.stack([at(t[k + 1, 0] + u[:, :, 0] * step) for k in range(len(s) - 1)])
    actual = np.linalg.norm(hermite - truth, axis=2).max(axis=(0, 1))
    assert np.all(actual <= error)
    assert np.all(error <= 12.0 * actual)
