"""What a piece of work may ask of a device: launches, kernels of CuPy, waits and bytes moved.

Each costs microseconds on the host, whatever it works on; together they are more than half of a screening's time. The
inputs are fixed, so are the counts. A count above its bound is a regression; one that fell by more than a tenth asks
for a lower bound, so that what was gained is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from support.plans import plan_for
from support.workflows import START, crowd

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.debris.evolution.loop import Evolution, Loop
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import CollisionSpec, EnvironmentSpec
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.screen.broad_phase import Candidates
from stmgpu.screen.engine import Screener
from stmgpu.screen.events import Events


@dataclass(frozen=True)
class Cost:
    """What a device was asked for.

    Attributes
    ----------
    launches : int
        Launches of the product's kernels.
    cupy_kernels : int
        Launches of CuPy's: elementwise, reductions, scans, sorts.
    cupy_kinds : int
        Different ones of them, each of which is compiled at its first launch.
    waits : int
        Times that the host waits for the device.
    bytes_moved : int
        Bytes copied to the device and back.
    """

    launches: int = 0
    cupy_kernels: int = 0
    cupy_kinds: int = 0
    waits: int = 0
    bytes_moved: int = 0


BUDGETS = {
    "a grid of states": Cost(launches=2, cupy_kernels=1, cupy_kinds=1, waits=0, bytes_moved=240),
    "a list of states": Cost(launches=2, cupy_kernels=18, cupy_kinds=10, waits=4, bytes_moved=24),
    "a block of a screening": Cost(launches=9, cupy_kernels=176, cupy_kinds=35, waits=10, bytes_moved=13_172),
    "a refinement": Cost(launches=15, cupy_kernels=1_315, cupy_kinds=46, waits=55, bytes_moved=1_752),
    "a move of debris": Cost(launches=5, cupy_kernels=15, cupy_kinds=10, waits=4, bytes_moved=23_809),
    "a year of debris": Cost(launches=79, cupy_kernels=215, cupy_kinds=20, waits=64, bytes_moved=6_415_142),
}
"""Upper bounds, as counted last."""


@contextmanager
def counting(backend: Backend) -> Iterator[list[Cost]]:
    """Costs of a block on the virtual device, in a list that has them at its end."""
    virtual: Any = backend.xp.virtual
    costs: list[Cost] = []
    with virtual.counted() as counts:
        yield costs
    own = counts.elementwise + counts.reductions + counts.scans + counts.sorts
    moved = counts.upload_bytes + counts.download_bytes
    costs.append(Cost(sum(counts.launches.values()), own, len(counts.cupy_kernels), counts.waits, moved))


def verdict(name: str, cost: Cost) -> list[str]:
    """Sentences on each count that does not fit its bound."""
    found = []
    for (what, count), bound in zip(asdict(cost).items(), asdict(BUDGETS[name]).values(), strict=True):
        if count > bound:
            found.append(f"{name} takes {count} {what}, its budget is {bound}: do with less")
        elif count < 0.9 * bound:
            found.append(f"{name} takes {count} {what}, its budget is {bound}: lower it to what was counted")
    return found


def screener(backend: Backend) -> tuple[Screener, list[Candidates]]:
    """A screening of three hours whose first hour is done, and the candidates that would be refined next."""
    catalog = stm.synthetic_catalog(500, seed=4)
    plan = plan_for(START, 3.0 * 3600.0, 50.0, len(catalog))
    found, pending = Screener(ScreeningObjects(catalog), plan, backend), []
    found.run(0, 1)

    def refine(candidates: Candidates) -> tuple[Events, int]:
        pending.append(candidates)
        return Events.concatenate([]), 0

    found.refiner.refine = refine  # type: ignore[method-assign]
    return found, pending


def block(backend: Backend) -> Cost:
    """The second hour of a screening without its refinement."""
    search, _ = screener(backend)
    with counting(backend) as costs:
        search.run(1, 2)
    return costs[0]


def refinement(backend: Backend) -> Cost:
    """Refinement of the candidates of an hour."""
    search, pending = screener(backend)
    search.run(1, 2)
    assert len(pending[0]) > 100
    with counting(backend) as costs:
        type(search.refiner).refine(search.refiner, pending[0])
    return costs[0]


def grid(backend: Backend) -> Cost:
    """300 objects at 30 times."""
    propagator = SGP4Propagator(stm.synthetic_catalog(300, seed=6), backend, START, (0.0, 3600.0))
    with counting(backend) as costs:
        propagator.grid(np.linspace(0.0, 3600.0, 30))
    return costs[0]


def singles(backend: Backend) -> Cost:
    """1,000 objects and times that are on the device already."""
    propagator = SGP4Propagator(stm.synthetic_catalog(300, seed=6), backend, START, (0.0, 3600.0))
    index, times = backend.put(np.arange(1000) % 300), backend.put(np.linspace(0.0, 3600.0, 1000))
    with counting(backend) as costs:
        propagator.at(index, times)
    return costs[0]


def _debris(backend: Backend, years: float) -> Evolution:
    scenario = Scenario(environment=EnvironmentSpec(density="exponential"), collisions=CollisionSpec(cube_km=100.0))
    return Evolution(scenario, crowd(), years=years, seed=5, run_numbers=[0, 3], backend=backend)


def move(backend: Backend) -> Cost:
    """The first move of two runs, with the six meetings before it; nothing is launched and nothing explodes."""
    loop, costs = Loop(_debris(backend, 0.1)), []
    advance = loop._move

    def counted(*args: Any) -> None:
        with counting(backend) as cost:
            advance(*args)
        costs.append(cost[0])

    loop._move = counted  # type: ignore[method-assign]
    loop.run()
    return costs[0]


def year(backend: Backend) -> Cost:
    """A year of two runs, with all of its steps, collisions and the two records."""
    loop = Loop(_debris(backend, 1.0))
    with counting(backend) as costs:
        loop.run()
    return costs[0]


CASES: dict[str, Callable[[Backend], Cost]] = dict(
    zip(BUDGETS, (grid, singles, block, refinement, move, year), strict=True)
)
"""What is counted, by the name of its budget."""
