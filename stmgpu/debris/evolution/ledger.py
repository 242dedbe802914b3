"""The ledger of a batch of runs: flows, snapshots, events and balances.

Flows are sums of weights since the start. A snapshot holds them together with the population at that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.evolution.census import census, size_and_inclination
from stmgpu.debris.evolution.operators import count_fleets
from stmgpu.debris.population.population import CLASS_NAMES
from stmgpu.debris.shells import SHELL_EDGES_KM, shell_of
from stmgpu.debris.variables import BY_CLASS, BY_FLEET, BY_RUN, BY_SHELL, EVENTS, NOW_BY_CLASS, NOW_BY_SHELL, RATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from stmgpu.debris.evolution.members import Members
    from stmgpu.debris.evolution.operators import Fleets
    from stmgpu.debris.specs import OutputSpec
    from stmgpu.typing import Floats

FLOWS = ("initial", "launched", "fragments", "decayed", "removed", "disposed", "destroyed")
"""Flows of objects and mass into and out of a run. Mass shed below the smallest length followed is in none of them;
``breakup_balance`` is the residual of each breakup, in which it is included."""

_COLUMNS = ["run", *(name for name in EVENTS if name not in ("scenario", "run"))]
_INFLOWS = frozenset({"initial", "launched", "fragments"})


class Ledger:
    """Flows, snapshots and events of a batch.

    Parameters
    ----------
    runs : int
        Number of runs in the batch.
    output : OutputSpec
        Sizes by which objects are counted.
    fleets : Fleets
        Constellations that are counted.

    Attributes
    ----------
    flows : dict
        Cumulative flows by variable: by shell and run, by class and run, or by run.
    counts, masses : dict of ndarray
        Cumulative objects and mass [kg] of each of :data:`FLOWS`, shape (runs,).
    closure, momentum, energy : ndarray of float64
        Largest residuals of mass, momentum and energy over all breakups of a run, shape (runs,).
    years : list of float
        Decimal years of the snapshots.
    """

    def __init__(self, runs: int, output: OutputSpec, fleets: Fleets) -> None:
        shells, classes = len(SHELL_EDGES_KM) - 1, len(CLASS_NAMES)
        self.runs, self.output, self.fleets = runs, output, fleets
        self.flows: dict[str, Floats] = {
            **{name: np.zeros((runs, shells)) for name in BY_SHELL},
            **{name: np.zeros((runs, classes)) for name in BY_CLASS},
            **{name: np.zeros(runs) for name in BY_RUN},
            **({name: np.zeros((runs, len(fleets))) for name in BY_FLEET} if len(fleets) else {}),
        }
        self.counts = {name: np.zeros(runs) for name in FLOWS}
        self.masses = {name: np.zeros(runs) for name in FLOWS}
        self.closure, self.momentum, self.energy = np.zeros(runs), np.zeros(runs), np.zeros(runs)
        self.years: list[float] = []
        self._snapshots: list[dict[str, Floats]] = []
        self._events: list[tuple[float, ...]] = []

    # ----------------------------------------------------------------------------------------------- recording
    def add_by_shell(self, run: NDArray[np.integer], altitude_km: Floats, amounts: Mapping[str, Floats]) -> None:
        """Add amounts [m] to flows by shell; amounts outside all shells are not counted."""
        shell = shell_of(altitude_km)
        inside = shell >= 0
        place = run[inside], shell[inside]
        for name, amount in amounts.items():  # unbuffered: several encounters may share a shell
            np.add.at(self.flows[name], place, amount[inside])

    def add_by_class(self, name: str, run: NDArray[np.integer], kind: NDArray[np.integer], amount: Floats) -> None:
        """Add amounts [m] to a flow by class."""
        np.add.at(self.flows[name], (run, kind), amount)

    def transfer(
        self, flow: str, run: NDArray[np.integer] | int, count: Floats | float, mass_kg: Floats | float
    ) -> None:
        """Record objects and mass that enter or leave by one of :data:`FLOWS`."""
        np.add.at(self.counts[flow], run, count)
        np.add.at(self.masses[flow], run, mass_kg)

    def add_event(self, **columns: float) -> None:
        """Append a row to the event table; ``scheduled`` is 0 unless it is given."""
        self._events.append(tuple({"scheduled": 0, **columns}[name] for name in _COLUMNS))

    def snapshot(self, year: float, members: Members, rates: Mapping[str, Floats]) -> None:
        """Keep the present population and all flows up to now."""
        counted = census(members, self.runs)
        # the census has the classes before the shells, and totals over all altitudes in its last column
        now = {name: counted[k, :, :, :-1].transpose(0, 2, 1) for k, name in enumerate(NOW_BY_SHELL)}
        now |= {name: counted[k, :, :, -1] for k, name in enumerate(NOW_BY_CLASS)}
        sizes, inclinations = size_and_inclination(members, self.runs, self.output.size_edges_m)
        now |= {
            "number_by_size": sizes[..., :-1].transpose(0, 2, 1),
            "number_by_inclination": inclinations[..., :-1].transpose(0, 2, 1),
            "population_by_size": sizes[..., -1],
            **count_fleets(members, self.runs, self.fleets),
        }
        self.years.append(year)
        self._snapshots.append(
            {
                **now,
                **{name: rates[name].copy() for name in RATES},
                **{name: flow.copy() for name, flow in self.flows.items()},
            }
        )

    # ------------------------------------------------------------------------------------------------- results
    def balances(self, members: Members) -> dict[str, Floats]:
        """Compute the relative errors of conservation, each of shape (runs,).

        Count and mass: objects present against inflows minus outflows. Breakups: the largest residual of mass, of
        momentum relative to that of the fragments, and of energy in excess of that of the impact.
        """
        slots = members.slots()
        run, weight = members.run[slots], members.weight[slots]
        balances = {}
        for name, flows, present in (
            ("count_balance", self.counts, weight),
            ("mass_balance", self.masses, weight * members.mass_kg[slots]),
        ):
            expected = np.zeros(self.runs)
            entered = np.zeros(self.runs)
            for flow, amount in flows.items():
                expected += amount * (1.0 if flow in _INFLOWS else -1.0)
                entered += amount * (flow in _INFLOWS)
            # relative to all that ever entered: the number present may be zero, and a difference of large numbers
            balances[name] = (np.bincount(run, present, self.runs) - expected) / np.maximum(entered, 1e-300)
        return {
            **balances,
            "breakup_balance": self.closure.copy(),
            "momentum_balance": self.momentum.copy(),
            "energy_balance": self.energy.copy(),
        }

    def series(self, run: int) -> dict[str, Floats]:
        """Return the snapshots of one run by variable, first dimension time."""
        return {name: np.stack([s[name][run] for s in self._snapshots]) for name in self._snapshots[0]}

    def events(self, run: int) -> dict[str, NDArray[np.generic]]:
        """Return the event table of one run by column."""
        rows = [row for row in self._events if row[0] == run]
        return {name: np.array([row[k] for row in rows], EVENTS[name][0]) for k, name in enumerate(_COLUMNS) if k}
