"""Settings of a study in a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stmgpu.debris.study.preparation import check_study
from stmgpu.debris.study.scenario_file import study_from_settings
from stmgpu.errors import InputError
from stmgpu.validation import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from stmgpu.debris.scenario import Study


@dataclass(frozen=True)
class EnsembleSettings:
    """Everything that a study depends on, besides the contents of its input files.

    Parameters
    ----------
    scenarios : tuple of mappings
        Scenarios as plain values; input files by the names that they have in the store. They become a `Study` with
        `study`, since policies of a user's own can only be made where their class is imported.
    years : float
        Length [a].
    runs : int
        Runs of each scenario.
    seed : int
        Seed of the study.
    begin_year : float
        Decimal year in which all runs begin.
    notes : tuple of str
        Sources and gaps of the populations, for the reader of the result.
    """

    scenarios: tuple[Mapping[str, Any], ...]
    years: float
    runs: int
    seed: int
    begin_year: float
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, study: Study, *, seed: int, begin_year: float, notes: Iterable[str]) -> EnsembleSettings:
        """Settings of a study whose input files are named as in the store."""
        scenarios = tuple(scenario.model_dump(mode="json") for scenario in study.scenarios)
        return cls(scenarios, study.years, study.runs, int(seed), begin_year, tuple(notes))

    @classmethod
    def from_json(cls, fields: Fields) -> EnsembleSettings:
        """Settings from the fields that `to_json` wrote; `InputError` names a field that is missing or wrong."""
        scenarios = fields.items("scenarios")
        for number, scenario in enumerate(scenarios, 1):
            Fields(scenario, f"{fields.path('scenarios')} {number}").text("name")
        notes = fields.items("notes")
        if not all(isinstance(note, str) for note in notes):
            raise InputError(f"{fields.path('notes')} must be a list of texts, got {notes!r}")
        return cls(
            tuple(scenarios),
            fields.number("years"),
            fields.whole_number("runs", 1),
            fields.whole_number("seed"),
            fields.number("begin_year"),
            tuple(notes),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {
            "scenarios": [dict(scenario) for scenario in self.scenarios],
            "years": self.years,
            "runs": self.runs,
            "seed": self.seed,
            "begin_year": self.begin_year,
            "notes": list(self.notes),
        }

    @property
    def names(self) -> list[str]:
        """Names of the scenarios."""
        return [str(scenario["name"]) for scenario in self.scenarios]

    def study(self, folder: Path | None = None) -> Study:
        """The study, with its input files in ``folder``.

        Raises
        ------
        InputError
            If the scenarios are not valid, or name a policy whose class is not imported.
        """
        study = study_from_settings(self.scenarios, years=self.years, runs=self.runs, folder=folder)
        check_study(study, self.seed)
        return study
