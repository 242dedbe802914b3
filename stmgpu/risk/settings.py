"""Settings of an assessment: where covariances, radii and lines come from, by name."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from stmgpu.choices import SlowMethods
from stmgpu.errors import InputError
from stmgpu.risk.covariance import CovarianceSource, covariance_source
from stmgpu.risk.montecarlo import MOST_SAMPLES
from stmgpu.risk.radii import RadiusRule, radius_rule
from stmgpu.risk.triage import Lines, lines
from stmgpu.validation import number, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.validation import Fields

FILES = ("covariance", "radii", "lines")
"""Settings that may name a file."""

DECISION_HOURS = 24.0
"""Time before TCA at which a decision is made unless the user says otherwise [h]."""

_LONGEST_H = 720.0


@dataclass(frozen=True)
class AssessmentSettings:
    """Everything that an assessment depends on, besides the objects that were screened.

    Parameters
    ----------
    covariance : str
        Source of the covariances, see :func:`stmgpu.risk.covariance.covariance_source`.
    radii : str
        Rule of the hard-body radii, see :func:`stmgpu.risk.radii.radius_rule`.
    lines : str
        Lines of the triage, see :func:`stmgpu.risk.triage.lines`.
    decision_hours : float
        Time before TCA at which a decision is made [h], for the forecast.
    slow : {'stated', 'all'}
        Whether curved and slow encounters get a probability for stated covariances alone, or also for modelled ones.
    samples, seed : int
        Monte Carlo samples of each conjunction for which no method holds, 0 for none, and their seed.
    conjunctions : str
        Digest of the conjunctions in their store; empty in memory.
    rows : int
        Number of conjunctions in their store.

    Examples
    --------
    >>> AssessmentSettings("rtn:100,300,100", "fixed:20").source().name
    'rtn:100,300,100'
    """

    covariance: str = "tle"
    radii: str = "socrates"
    lines: str = "cara"
    decision_hours: float = DECISION_HOURS
    slow: SlowMethods = "stated"
    samples: int = 0
    seed: int = 0
    conjunctions: str = ""
    rows: int = 0

    def __post_init__(self) -> None:
        hours = number("decision_hours", self.decision_hours)
        if not 0.0 < hours <= _LONGEST_H:
            raise InputError(f"decision_hours is {hours:g}, allowed is above 0 and at most {_LONGEST_H:g}")
        object.__setattr__(self, "decision_hours", hours)
        if self.slow not in get_args(SlowMethods):
            raise InputError(f"slow is {self.slow!r}, allowed are {' and '.join(get_args(SlowMethods))}")
        if whole_number("samples", self.samples, 0) > MOST_SAMPLES:
            raise InputError(f"samples is {self.samples}, allowed are at most {MOST_SAMPLES}")
        if whole_number("seed", self.seed, 0) >= 2**64:
            raise InputError(f"seed must be a whole number from 0 to 2^64 - 1, got {self.seed}")

    @classmethod
    def from_json(cls, fields: Fields) -> AssessmentSettings:
        """Settings from the fields that `to_json` wrote; `InputError` names a field that is missing or wrong."""
        return cls(
            fields.text("covariance"),
            fields.text("radii"),
            fields.text("lines"),
            fields.number("decision_hours"),
            cast("SlowMethods", fields.text("slow")),
            *((fields.whole_number("samples"), fields.whole_number("seed")) if "samples" in fields else (0, 0)),
            fields.text("conjunctions"),
            fields.whole_number("rows"),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {
            "covariance": self.covariance,
            "radii": self.radii,
            "lines": self.lines,
            "decision_hours": self.decision_hours,
            "slow": self.slow,
            **({"samples": self.samples, "seed": self.seed} if self.samples else {}),
            "conjunctions": self.conjunctions,
            "rows": self.rows,
        }

    def digest(self) -> str:
        """Digest of the settings."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def methods(self) -> dict[str, Any]:
        """Keywords of :class:`stmgpu.risk.assessor.Assessor`."""
        names = ("decision_hours", "slow", "samples", "seed")
        return {name: getattr(self, name) for name in names}

    def source(self, folder: Path | None = None, *, norad_ids: Mapping[str, int] | None = None) -> CovarianceSource:
        """The source of the covariances; `folder` has its files, `norad_ids` the ids of objects by designator."""
        located = "+".join(_located(part, folder) for part in _parts(self.covariance))
        return covariance_source(located, norad_ids=norad_ids)

    def rule(self, folder: Path | None = None) -> RadiusRule:
        """The rule of the radii; `folder` has its file."""
        return radius_rule(_located(self.radii, folder))

    def limits(self, folder: Path | None = None) -> Lines:
        """The lines of the triage; `folder` has their file."""
        return lines(_located(self.lines, folder))

    def files(self) -> tuple[AssessmentSettings, dict[str, Path]]:
        """The same settings with files by the names that they have in a store, and the files by these names."""
        files: dict[str, Path] = {}
        named: dict[str, Any] = {}
        for name in FILES:
            parts = []
            for place, part in enumerate(_parts(getattr(self, name))):
                path, equals, rest = (part, "", "") if Path(part).is_file() else part.partition("=")
                kept = f"{name}-{place}{Path(path).suffix}"
                if Path(path).is_file():
                    files[kept] = Path(path)
                    part = f"{kept}{equals}{rest}"
                parts.append(part)
            named[name] = "+".join(parts)
        return replace(self, **named), files

    def attributes(self, folder: Path | None = None) -> dict[str, Any]:
        """What an assessment stands on, as attributes of its result: sources by name, and what they are worth."""
        source, rule, limits = self.source(folder), self.rule(folder), self.limits(folder)
        check_samples(self.samples, self.slow, source)
        return {
            "covariance_model": source.name,
            **({"covariance_notice": source.notice} if source.notice else {}),
            "hard_body_rule": rule.name,
            "hard_body_citations": json.dumps(dict(rule.citations), sort_keys=True),
            "triage_lines": limits.name,
            "red_line": limits.act,
            "watch_line": limits.watch,
            "decision_hours": self.decision_hours,
            **({"samples": self.samples, "samples_seed": str(self.seed)} if self.samples else {}),
        }


def check_samples(samples: int, slow: SlowMethods, source: CovarianceSource) -> None:
    """Raise :class:`InputError` if samples are asked for covariances that no method of slow encounters is used for."""
    if samples and slow == "stated" and source.notice:
        raise InputError(
            f"samples is {samples}, but the covariances ({source.name}) are only a model; ask for methods of slow "
            "encounters with them, too (--slow all, slow='all'), or give stated covariances"
        )


def _parts(text: str) -> list[str]:
    """Sources of which the first that has something counts, such as those of ``own.oem+tle``."""
    return [text] if Path(text).is_file() else re.split(r"\+(?!\d)", text)


def _located(text: str, folder: Path | None) -> str:
    """A name as it is; the name of a file in a folder with its path."""
    name = text.partition("=")[0]
    if folder is not None and name and Path(name).name == name and (folder / name).is_file():
        return str(folder / text)
    return text
