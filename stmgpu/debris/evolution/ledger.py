"""What happens in a batch of runs, written down: flows since the start, snapshots, events, balances.

Flows are sums of weights since the start; a snapshot keeps them together with the population at that time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.debris.evolution.census import census
from stmgpu.debris.evolution.members import Members
from stmgpu.debris.population.population import CLASS_NAMES
from stmgpu.debris.shells import SHELL_EDGES_KM, shell_of
from stmgpu.debris.variables import BY_CLASS, BY_RUN, BY_SHELL, EVENTS, NOW_BY_CLASS, NOW_BY_SHELL, RATES

FLOWS = ("initial", "launched", "fragments", "decayed", "removed", "disposed", "destroyed")
"""What enters and leaves: counts and masses. What breakups shed below the smallest length that is followed is neither;
``breakup_balance`` says whether each of them accounts for it."""

_COLUMNS = ["run", *(name for name in EVENTS if name not in ("scenario", "run"))]
_ENTERS = {"initial": 1.0, "launched": 1.0, "fragments": 1.0}


class Ledger:
    """Flows, snapshots and events of a batch.

    Parameters
    ----------
    runs
        runs of the batch.
    """

    def __init__(self, runs: int) -> None:
        shells, classes = len(SHELL_EDGES_KM) - 1, len(CLASS_NAMES)
        self.runs = runs
        self.flows: dict[str, NDArray[np.float64]] = {
            **{name: np.zeros((runs, shells)) for name in BY_SHELL},
            **{name: np.zeros((runs, classes)) for name in BY_CLASS},
            **{name: np.zeros(runs) for name in BY_RUN},
        }
        self.counts = {name: np.zeros(runs) for name in FLOWS}
        self.masses = {name: np.zeros(runs) for name in FLOWS}
        self.closure, self.momentum, self.energy = np.zeros(runs), np.zeros(runs), np.zeros(runs)
        self.years: list[float] = []
        self._snapshots: list[dict[str, NDArray[np.float64]]] = []
        self._events: list[tuple[Any, ...]] = []

    # ----------------------------------------------------------------------------------------------- writing down
    def by_shell(
        self, run: NDArray[np.integer], altitude_km: NDArray[np.float64], amounts: Mapping[str, NDArray[np.float64]]
    ) -> None:
        """Add to flows by shell; what lies outside of all shells is in no shell."""
        shell = shell_of(altitude_km)
        inside = shell >= 0
        place = run[inside], shell[inside]
        for name, amount in amounts.items():
            np.add.at(self.flows[name], place, amount[inside])

    def by_class(
        self, name: str, run: NDArray[np.integer], kind: NDArray[np.integer], amount: NDArray[np.float64]
    ) -> None:
        """Add to a flow by class."""
        np.add.at(self.flows[name], (run, kind), amount)

    def move(self, flow: str, run: NDArray[np.integer] | int, count: Any, mass_kg: Any) -> None:
        """Objects and mass that enter or leave."""
        np.add.at(self.counts[flow], run, count)
        np.add.at(self.masses[flow], run, mass_kg)

    def event(self, **columns: Any) -> None:
        """A row of the event table."""
        self._events.append(tuple(columns[name] for name in _COLUMNS))

    def snapshot(self, year: float, members: Members, rates: Mapping[str, NDArray[np.float64]]) -> None:
        """Keep the population as it is now, and all flows up to now."""
        counted = census(members, self.runs)
        now = {name: counted[k, :, :, :-1].transpose(0, 2, 1) for k, name in enumerate(NOW_BY_SHELL)}
        now |= {name: counted[k, :, :, -1] for k, name in enumerate(NOW_BY_CLASS)}
        self.years.append(year)
        self._snapshots.append(
            {
                **now,
                **{name: rates[name].copy() for name in RATES},
                **{name: flow.copy() for name, flow in self.flows.items()},
            }
        )

    # ------------------------------------------------------------------------------------------------- reading off
    def balances(self, members: Members) -> dict[str, NDArray[np.float64]]:
        """Relative errors [runs] of object count and mass: what is there against what entered and left; and of the
        worst breakup: mass, momentum relative to what its fragments carry, energy beyond that of the impact."""
        slots = members.slots()
        run, weight = members.run[slots], members.weight[slots]
        found = {}
        for name, flows, there in (
            ("count_balance", self.counts, weight),
            ("mass_balance", self.masses, weight * members.mass_kg[slots]),
        ):
            expected = np.zeros(self.runs)
            entered = np.zeros(self.runs)
            for flow, amount in flows.items():
                expected += amount * _ENTERS.get(flow, -1.0)
                entered += amount * (flow in _ENTERS)
            found[name] = (np.bincount(run, there, self.runs) - expected) / np.maximum(entered, 1e-300)
        return {
            **found,
            "breakup_balance": self.closure.copy(),
            "momentum_balance": self.momentum.copy(),
            "energy_balance": self.energy.copy(),
        }

    def series(self, run: int) -> dict[str, NDArray[np.float64]]:
        """All snapshots of one run by variable, first dimension time."""
        return {name: np.stack([s[name][run] for s in self._snapshots]) for name in self._snapshots[0]}

    def events(self, run: int) -> dict[str, NDArray[Any]]:
        """The event table of one run by column."""
        rows = [row for row in self._events if row[0] == run]
        return {name: np.array([row[k] for row in rows], EVENTS[name][0]) for k, name in enumerate(_COLUMNS) if k}
