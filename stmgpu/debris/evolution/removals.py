"""Removal policies at work: once a year each run is shown to them, and what they choose is done."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from stmgpu.constants import EARTH
from stmgpu.debris import streams
from stmgpu.debris.collisions.mean_field import MeanField, mean_field
from stmgpu.debris.collisions.mean_field_kernels import Solver
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.evolution.ledger import Ledger
from stmgpu.debris.evolution.members import Members
from stmgpu.debris.evolution.operations import lower
from stmgpu.debris.policy.policies import Selection, View, select_all
from stmgpu.debris.policy.ranking import RankedRemoval
from stmgpu.debris.population.population import Kind
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.shells import SHELL_EDGES_KM, fine_shell_radii_km
from stmgpu.debris.variables import RATES, REMOVAL
from stmgpu.propagate import secular

RATE_YEARS = 5
"""Rates are written down every so many years, and in every year in which a policy needs them."""

_PER_SHELL = 5
_RADII_KM = fine_shell_radii_km(_PER_SHELL)
"""Density changes within a shell of the result, so rates are taken in thinner ones (10 km)."""

_LOG = logging.getLogger(__name__)


class Removals:
    """Policies of a scenario on the runs of a batch.

    Parameters
    ----------
    scenario, members, book, seed, run_numbers, lifetime
        as for :class:`stmgpu.debris.evolution.operations.Controls`.
    """

    def __init__(
        self,
        scenario: Scenario,
        members: Members,
        book: Ledger,
        seed: int,
        run_numbers: NDArray[np.int64],
        lifetime: Lifetime,
    ) -> None:
        self.scenario, self.members, self.book = scenario, members, book
        self.seed, self.run_numbers, self.lifetime = seed, run_numbers, lifetime
        self._notes: list[list[str]] = [[] for _ in run_numbers]
        self._calls = 0
        self._fields: list[MeanField] = []
        self._solver = Solver(members.backend)

    def yearly(self, year: float) -> dict[str, NDArray[np.float64]]:
        """Mean-field rates by shell [runs, shells] of the population as it is; not a number in years without."""
        shells = len(SHELL_EDGES_KM) - 1
        found = {name: np.full((len(self.run_numbers), shells), np.nan) for name in RATES}
        needed = any(policy.needs_rates and policy.in_force(year) for policy in self.scenario.removal)
        self._fields = []
        if needed or self._calls % RATE_YEARS == 0:
            self._fields = self._mean_fields()
            for run, rates in enumerate(self._fields):
                for name, by_shell in (
                    ("rate_catastrophic", rates.shell_catastrophic),
                    ("rate_cratering", rates.shell_cratering),
                ):
                    found[name][run] = by_shell.reshape(-1, _PER_SHELL).sum(axis=1)
        self._calls += 1
        return found

    def act(self, year: float, cut_off: NDArray[np.bool_]) -> None:
        """Let the policies choose, and do what they chose, but in runs that are cut off."""
        if not any(policy.in_force(year) for policy in self.scenario.removal):
            return
        for run in np.flatnonzero(~cut_off).tolist():
            slots = self._slots(run)
            if not len(slots):
                self._tell(run, f"{year:.0f}: the population is empty, nothing is left to remove")
                continue
            view = self._view(run, slots, self._fields[run] if self._fields else None, year)
            selections = select_all(self.scenario.removal, view)
            for number, (policy, chosen) in enumerate(zip(self.scenario.removal, selections, strict=True), 1):
                if chosen.exhausted:
                    wanted = ", fewer than its missions" if isinstance(policy, RankedRemoval) else ""
                    self._tell(
                        run,
                        f"{year:.0f}: policy {number}, {policy.rank!r}, had only {chosen.eligible} objects "
                        f"to choose from{wanted}",
                    )
                failed = slots[chosen.failed]
                self.book.by_class(
                    "removals_failed", self.members.run[failed], self.members.kind[failed], self.members.weight[failed]
                )
                self._apply(run, slots[chosen.indices], chosen, year)

    def notes(self, run: int) -> tuple[str, ...]:
        """What a reader of a run should know; the first occurrence of each kind."""
        return tuple(self._notes[run])

    def _tell(self, run: int, text: str) -> None:
        def kind(note: str) -> str:  # "policy 2": each policy has a note of its own
            return note.split(": ", 1)[1].split(",", 1)[0]

        if kind(text) not in map(kind, self._notes[run]):
            self._notes[run].append(text)
            _LOG.info("scenario %s, run %d, %s", self.scenario.name, self.run_numbers[run], text)

    def _slots(self, run: int) -> NDArray[np.int64]:
        """Objects of a run by uid: sums must not depend on the order of slots."""
        m = self.members
        slots = m.slots()
        slots = slots[m.run[slots] == run]
        return slots[np.argsort(m.uid[slots])]

    def _mean_fields(self) -> list[MeanField]:
        """Rates of all runs."""
        m, spec = self.members, self.scenario
        found = []
        for run in range(len(self.run_numbers)):
            slots = self._slots(run)
            orbit = m.orbits(slots)
            steers = (m.kind[slots] == Kind.ACTIVE) & (m.controlled[slots] != 0)
            found.append(
                mean_field(
                    orbit[secular.A_KM],
                    orbit[secular.ECC],
                    orbit[secular.INC],
                    m.radius_m[slots],
                    m.mass_kg[slots],
                    weight=m.weight[slots],
                    edges_km=_RADII_KM,
                    controlled=steers,
                    length_m=m.length_m[slots],
                    intact=m.kind[slots] <= Kind.MISSION_RELATED,
                    avoided=m.avoidance[slots],
                    constellation=m.constellation[slots],
                    avoidance=spec.collisions.avoidance,
                    avoidance_both=spec.collisions.avoidance_both,
                    trackable_m=spec.collisions.trackable_m,
                    min_length_m=spec.breakups.min_length_m,
                    backend=self._solver,
                )
            )
        return found

    def _view(self, run: int, slots: NDArray[np.int64], rates: MeanField | None, year: float) -> View:
        m = self.members
        orbit = m.orbits(slots)
        owners = np.array(m.owners)
        none = np.zeros(len(slots))
        rotating = self.scenario.propagation.rotating_atmosphere
        return View(
            uid=m.uid[slots],
            norad_id=m.norad_id[slots],
            kind=m.kind[slots],
            mass_kg=m.mass_kg[slots],
            radius_m=m.radius_m[slots],
            area_to_mass=m.area_to_mass[slots],
            length_m=m.length_m[slots],
            a_km=orbit[secular.A_KM],
            ecc=orbit[secular.ECC],
            inc_rad=orbit[secular.INC],
            age_years=year - m.launch_year[slots],
            owner=owners[m.owner[slots]],
            constellation=m.constellation[slots],
            controlled=m.controlled[slots],
            weight=m.weight[slots],
            rate=none if rates is None else rates.rate,
            catastrophic_rate=none if rates is None else rates.catastrophic_rate,
            fragment_rate=none if rates is None else rates.fragment_rate,
            lifetime_years=self.lifetime.years(
                orbit[secular.A_KM],
                orbit[secular.ECC],
                orbit[secular.BALLISTIC],
                orbit[secular.INC] if rotating else None,
            ),
            year=year,
            avoidance=m.avoidance[slots],
            rng=streams.generator(self.seed, int(self.run_numbers[run]), streams.POLICY, round(year * 1000)),
        )

    def _apply(self, run: int, slots: NDArray[np.int64], chosen: Selection, year: float) -> None:
        m, book = self.members, self.book
        if not len(slots):
            return
        book.by_class("removals", m.run[slots], m.kind[slots], m.weight[slots])
        orbit = m.orbits(slots)
        for slot, a in zip(slots, orbit[secular.A_KM], strict=True):
            book.event(
                run=run,
                time=year,
                type=REMOVAL,
                id=0,
                first=m.uid[slot],
                second=-1,
                first_norad=m.norad_id[slot],
                second_norad=0,
                first_class=m.kind[slot],
                second_class=-1,
                first_mass=m.mass_kg[slot],
                second_mass=0.0,
                speed=0.0,
                energy=0.0,
                altitude=a - EARTH.radius_km,
                latitude=0.0,
                fragments=0.0,
                first_cause=m.cause[slot],
                second_cause=0,
            )
        if chosen.action == "remove":
            book.move("removed", m.run[slots], m.weight[slots], m.weight[slots] * m.mass_kg[slots])
            m.drop(slots)
        elif chosen.action == "lower":
            lower(m, slots, chosen.lower_years, self.lifetime, self.scenario.propagation.rotating_atmosphere)
        else:
            m.avoidance[slots] *= chosen.factor
