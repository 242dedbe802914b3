"""Removal policies: once a year each run is presented to them, and their selection is carried out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris import streams
from stmgpu.debris.collisions.mean_field import MeanField, mean_field
from stmgpu.debris.collisions.mean_field_kernels import Solver
from stmgpu.debris.evolution.operations import lower
from stmgpu.debris.policy.policies import select_all
from stmgpu.debris.policy.ranking import RankedRemoval
from stmgpu.debris.policy.view import Selection, View
from stmgpu.debris.population.population import Kind
from stmgpu.debris.shells import SHELL_EDGES_KM, fine_shell_radii_km
from stmgpu.debris.variables import RATES, REMOVAL, REMOVAL_FAILED
from stmgpu.errors import counted
from stmgpu.propagate import orbit_table

if TYPE_CHECKING:
    from stmgpu.debris.environment.lifetime import Lifetime
    from stmgpu.debris.evolution.batch import Batch
    from stmgpu.typing import Bools, Floats, Ints

RATE_YEARS = 5
"""Interval at which mean-field rates are recorded [a]; they are too in every year in which a policy needs them."""

_PER_SHELL = 5
_RADII_KM = fine_shell_radii_km(_PER_SHELL)
"""Edges of the shells in which rates are computed: density changes within a shell of the result, so these are 10 km."""

_LOG = logging.getLogger(__name__)


class Removals:
    """Applies the removal policies of a scenario to the runs of a batch.

    Parameters
    ----------
    batch : Batch
        Runs.
    lifetime : Lifetime
        Residual lifetimes, for policies that rank by them or lower orbits.
    """

    def __init__(self, batch: Batch, lifetime: Lifetime) -> None:
        self.batch, self.scenario, self.members, self.lifetime = batch, batch.scenario, batch.members, lifetime
        self._notes: list[list[str]] = [[] for _ in range(len(batch))]
        self._calls = 0
        self._fields: list[MeanField] = []
        self._solver = Solver(batch.members.backend)

    def rates(self, year: float) -> dict[str, Floats]:
        """Compute mean-field rates of the present population, shape (runs, shells); NaN in years without."""
        shells = len(SHELL_EDGES_KM) - 1
        by_variable = {name: np.full((len(self.batch), shells), np.nan) for name in RATES}
        needed = any(policy.needs_rates and policy.in_force(year) for policy in self.scenario.removal)
        self._fields = []
        if needed or self._calls % RATE_YEARS == 0:
            self._fields = self._mean_fields()
            for run, rates in enumerate(self._fields):
                for name, by_shell in (
                    ("rate_catastrophic", rates.shell_catastrophic),
                    ("rate_cratering", rates.shell_cratering),
                ):
                    by_variable[name][run] = by_shell.reshape(-1, _PER_SHELL).sum(axis=1)
        self._calls += 1
        return by_variable

    def apply(self, year: float, cut_off: Bools) -> None:
        """Let the policies select objects, and carry out their selection, in all runs that are not cut off."""
        if not any(policy.in_force(year) for policy in self.scenario.removal):
            return
        present = self._by_run()
        for run in np.flatnonzero(~cut_off).tolist():
            slots = present[run]
            if not len(slots):
                self._note(run, f"{year:.0f}: the population is empty, so nothing was removed")
                continue
            view = self._view(run, slots, self._fields[run] if self._fields else None, year)
            selections = select_all(self.scenario.removal, view)
            for number, (policy, selection) in enumerate(zip(self.scenario.removal, selections, strict=True), 1):
                if selection.exhausted:
                    wanted = ", fewer than its missions" if isinstance(policy, RankedRemoval) else ""
                    self._note(
                        run,
                        f"{year:.0f}: policy {number}, {policy.rank!r}, had only "
                        f"{counted(selection.eligible, 'object')} to choose from{wanted}",
                    )
                failed = slots[selection.failed]
                self.batch.ledger.add_by_class(
                    "removals_failed", self.members.run[failed], self.members.kind[failed], self.members.weight[failed]
                )
                self._record(run, failed, year, REMOVAL_FAILED)
                self._carry_out(run, slots[selection.indices], selection, year)

    def notes(self, run: int) -> tuple[str, ...]:
        """Return the notes of a run, the first occurrence of each kind."""
        return tuple(self._notes[run])

    def _note(self, run: int, text: str) -> None:
        def kind(note: str) -> str:  # such as "policy 2": one note a policy
            return note.split(": ", 1)[1].split(",", 1)[0]

        if kind(text) not in map(kind, self._notes[run]):
            self._notes[run].append(text)
            _LOG.info("scenario %s, run %d, %s", self.scenario.name, self.batch.run_numbers[run], text)

    def _by_run(self) -> list[Ints]:
        """Return the slots of each run, sorted by uid so that sums do not depend on the order of slots."""
        m = self.members
        slots = m.slots()
        slots = slots[np.argsort(m.run[slots], kind="stable")]
        parts = np.split(slots, np.searchsorted(m.run[slots], np.arange(1, len(self.batch))))
        return [part[np.argsort(m.uid[part])] for part in parts]

    def _mean_fields(self) -> list[MeanField]:
        """Compute the mean-field rates of all runs."""
        m, spec = self.members, self.scenario
        fields = []
        for slots in self._by_run():
            orbit = m.orbits(slots)
            steers = m.controlled[slots] != 0
            fields.append(
                mean_field(
                    orbit[orbit_table.A_KM],
                    orbit[orbit_table.ECC],
                    orbit[orbit_table.INC],
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
        return fields

    def _view(self, run: int, slots: Ints, rates: MeanField | None, year: float) -> View:
        m = self.members
        orbit = m.orbits(slots)
        owners = np.array(m.owners)
        zeros = np.zeros(len(slots))
        rotating = self.scenario.propagation.rotating_atmosphere
        return View(
            uid=m.uid[slots],
            norad_id=m.norad_id[slots],
            kind=m.kind[slots],
            mass_kg=m.mass_kg[slots],
            radius_m=m.radius_m[slots],
            area_to_mass=m.area_to_mass[slots],
            length_m=m.length_m[slots],
            a_km=orbit[orbit_table.A_KM],
            ecc=orbit[orbit_table.ECC],
            inc_rad=orbit[orbit_table.INC],
            age_years=year - m.launch_year[slots],
            owner=owners[m.owner[slots]],
            constellation=m.constellation[slots],
            controlled=m.controlled[slots],
            weight=m.weight[slots],
            rate=zeros if rates is None else rates.rate,
            catastrophic_rate=zeros if rates is None else rates.catastrophic_rate,
            fragment_rate=zeros if rates is None else rates.fragment_rate,
            lifetime_years=self.lifetime.years(
                orbit[orbit_table.A_KM],
                orbit[orbit_table.ECC],
                ballistic_m2_kg=orbit[orbit_table.BALLISTIC],
                inc_rad=orbit[orbit_table.INC],
                rotating=rotating,
            ),
            year=year,
            avoidance=m.avoidance[slots],
            rng=self.batch.generator(run, streams.POLICY, round(year * 1000)),
        )

    def _carry_out(self, run: int, slots: Ints, selection: Selection, year: float) -> None:
        m, ledger = self.members, self.batch.ledger
        if not len(slots):
            return
        ledger.add_by_class("removals", m.run[slots], m.kind[slots], m.weight[slots])
        self._record(run, slots, year, REMOVAL)
        if selection.action == "remove":
            ledger.transfer("removed", m.run[slots], m.weight[slots], m.weight[slots] * m.mass_kg[slots])
            m.drop(slots)
        elif selection.action == "lower":
            lower(
                m,
                slots,
                years=selection.lower_years,
                lifetime=self.lifetime,
                rotating=self.scenario.propagation.rotating_atmosphere,
            )
        else:
            m.avoidance[slots] *= selection.factor

    def _record(self, run: int, slots: Ints, year: float, kind: int) -> None:
        """Add missions to the event table."""
        m = self.members
        orbit = m.orbits(slots)
        for slot, a in zip(slots, orbit[orbit_table.A_KM], strict=True):
            self.batch.ledger.add_event(
                run=run,
                time=year,
                type=kind,
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
                first_cause=max(m.cause[slot], 0),
                second_cause=0,
            )
