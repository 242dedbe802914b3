"""The batch: runs of one scenario that are evolved side by side, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stmgpu.debris import streams

if TYPE_CHECKING:
    import numpy as np

    from stmgpu.debris.evolution.ledger import Ledger
    from stmgpu.debris.evolution.members import Members
    from stmgpu.debris.scenario import Scenario
    from stmgpu.typing import Floats, Ints


@dataclass(frozen=True)
class Batch:
    """Runs of one scenario that are evolved side by side.

    Parameters
    ----------
    scenario : Scenario
        Settings of the runs.
    members : Members
        Objects of all runs.
    ledger : Ledger
        Flows, snapshots and events of all runs.
    seed : int
        Seed of the study.
    run_numbers : int64, shape (runs,)
        Number of each run in the study. Random numbers are keyed by it, not by the place of a run in the batch.
    """

    scenario: Scenario
    members: Members
    ledger: Ledger
    seed: int
    run_numbers: Ints

    def __len__(self) -> int:
        return len(self.run_numbers)

    def generator(self, run: int, purpose: int, *numbers: int) -> np.random.Generator:
        """Return the random generator of a run for one purpose and, within it, for some numbers."""
        return streams.generator(self.seed, int(self.run_numbers[run]), purpose, *numbers)

    def uniforms(self, purpose: int, slots: Ints, counter: Ints | int) -> tuple[Floats, Floats]:
        """Draw two numbers in (0, 1) for the object in each slot, keyed by its run, its uid and a counter."""
        members = self.members
        return streams.uniforms(self.seed, self.run_numbers[members.run[slots]], purpose, counter, members.uid[slots])
