"""Covariance models of element sets as TOML files: standard deviations by regime and age, and how they were judged.

``stmgpu covariance fit`` writes such files; ``models/tle-2013.toml`` comes with the package. Every key is checked.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stmgpu.compression import Limits
from stmgpu.errors import InputError
from stmgpu.files import read_content

if TYPE_CHECKING:
    import os

Regime = Literal["LEO1", "LEO2", "LEO3", "LEO4", "MEO", "GEO", "HEO"]
"""Regimes of a model; :func:`stmgpu.risk.tle_covariance.regimes_of` assigns them."""

REGIMES: tuple[str, ...] = get_args(Regime)

Verdict = Literal["", "calibrated", "failed", "too few"]
"""Verdict on a stratum: none without reference, or what `stmgpu.risk.calibration` found."""

NO_REFERENCE = "not judged against independent states: the sigmas may be wrong by a factor of ten or more either way"
"""What a model says of itself that was learned from element sets alone."""

MAX_BYTES = 1 << 20
"""Largest model file that is read [bytes]."""

_Positive = Annotated[float, Field(strict=True, gt=0.0, le=1e12)]
_Axes = tuple[_Positive, _Positive, _Positive]
_Text = Annotated[str, Field(max_length=2000)]
_SHIPPED = Path(__file__).with_name("models") / "tle-2013.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stratum(_Strict):
    """One regime and range of ages.

    Attributes
    ----------
    regime : str
        One of `REGIMES`.
    age_days : tuple of two float
        Youngest and oldest age [d].
    at_days : float, optional
        Age for which the numbers stand [d]; the middle of the range if it is not given.
    sigma_m : tuple of three float
        Standard deviations along the radial, transverse and normal axis [m]: 68.27 % percentiles of the errors.
    tail_m : tuple of three float, optional
        95.45 % percentiles [m]; twice sigma if errors were normal.
    pairs, objects : int, optional
        What the numbers were learned from.
    verdict : {'', 'calibrated', 'failed', 'too few'}
        Verdict of the reference.
    ratio : tuple of three float, optional
        68.27 % percentiles of the errors against the reference, in units of sigma.
    compared : int, optional
        Element sets that were compared with the reference.
    """

    regime: Regime
    age_days: tuple[Annotated[float, Field(strict=True, ge=0.0)], Annotated[float, Field(strict=True, le=3650.0)]]
    at_days: _Positive | None = None
    sigma_m: _Axes
    tail_m: _Axes | None = None
    pairs: Annotated[int, Field(strict=True, ge=0)] | None = None
    objects: Annotated[int, Field(strict=True, ge=0)] | None = None
    verdict: Verdict = ""
    ratio: _Axes | None = None
    compared: Annotated[int, Field(strict=True, ge=0)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Stratum:
        low, high = self.age_days
        if not low < high:
            raise ValueError(f"age_days is [{low:g}, {high:g}], allowed are two rising ages")
        if self.at_days is not None and not low <= self.at_days <= high:
            raise ValueError(f"at_days is {self.at_days:g}, allowed is an age from {low:g} to {high:g}")
        return self

    @property
    def node_days(self) -> float:
        """Age for which the numbers stand [d]."""
        return 0.5 * sum(self.age_days) if self.at_days is None else self.at_days


class CovarianceModel(_Strict):
    """Standard deviations of the positions of element sets by regime and age.

    Attributes
    ----------
    format : int
        1.
    name : str
        Name that stands beside every number that depends on the model.
    obtained : str
        From which data, and how.
    reference : str
        Independent states that it was judged against; empty if there were none.
    criterion : str
        Criterion of the verdicts.
    correlation : float
        Between radial error and transverse velocity error, and between transverse error and radial velocity error.
    stratum : tuple of Stratum
        Regimes and ages; ages of one regime must not overlap.
    """

    format: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    obtained: Annotated[str, Field(min_length=1, max_length=2000)]
    reference: _Text = ""
    criterion: _Text = ""
    notice: _Text = ""
    correlation: Annotated[float, Field(strict=True, gt=-1.0, lt=1.0)]
    stratum: Annotated[tuple[Stratum, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _disjoint(self) -> CovarianceModel:
        for regime in REGIMES:
            rows = self.of(regime)
            for young, old in itertools.pairwise(rows):
                if old.age_days[0] < young.age_days[1]:
                    raise ValueError(
                        f"the ages {list(young.age_days)} and {list(old.age_days)} of {regime} overlap; give each age "
                        "one stratum"
                    )
        judged = sorted({row.verdict for row in self.stratum} - {""})
        if judged and not self.reference:
            raise ValueError(
                f"there is a verdict {judged[0]!r} but no reference; name what the model was judged against"
            )
        return self

    def of(self, regime: str) -> list[Stratum]:
        """Strata of a regime by rising age."""
        return sorted((row for row in self.stratum if row.regime == regime), key=lambda row: row.age_days)

    def judged(self, reference: str, criterion: str, stratum: tuple[Stratum, ...]) -> CovarianceModel:
        """The same model with the verdicts of a reference."""
        return CovarianceModel(
            format=1,
            name=self.name,
            obtained=self.obtained,
            reference=reference,
            criterion=criterion,
            correlation=self.correlation,
            stratum=stratum,
        )

    def digest(self) -> str:
        """SHA-256 of the text of the model, by which results tell models of one name apart."""
        return hashlib.sha256(format_model(self).encode()).hexdigest()


def shipped_model() -> CovarianceModel:
    """Model that comes with the package."""
    return read_model(_SHIPPED)


def read_model(path: str | os.PathLike[str]) -> CovarianceModel:
    """Read a covariance model.

    Parameters
    ----------
    path : path-like
        TOML file with the keys of :class:`CovarianceModel`, and a table ``[[stratum]]`` for each :class:`Stratum`.

    Raises
    ------
    InputError
        If it cannot be read or is no TOML; if a key is unknown or missing, or a value is not allowed: the message
        names each.
    """
    file = Path(path)
    label = f"covariance model {str(file)!r}"
    content = read_content(path, kind="covariance model", limits=Limits(MAX_BYTES)).data
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except RecursionError:
        raise InputError(f"{label} is not TOML: its values are nested too deeply") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{label} is not TOML: it is not UTF-8 text ({error.reason})") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{label} is not TOML: {error}") from None
    try:
        return CovarianceModel.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{label}: {_explained(error)}") from None


def _explained(error: ValidationError) -> str:
    clauses = []
    for item in error.errors(include_url=False)[:5]:
        place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            known = Stratum if place.startswith("stratum.") else CovarianceModel
            clauses.append(f"unknown key {place} (allowed: {', '.join(known.model_fields)})")
        elif item["type"] == "missing":
            clauses.append(f"{place} is missing")
        elif item["type"] == "value_error" or not place:
            clauses.append(f"{place}: {message}" if place else message)
        else:
            clauses.append(f"{place}: {message} (got {str(item['input'])[:60]!r})")
    more = len(error.errors(include_url=False)) - len(clauses)
    return "; ".join(clauses) + (f"; and {more} more" if more else "")


def format_model(model: CovarianceModel) -> str:
    """Text of a model file; reading it gives an equal model."""
    lines = [f"{key} = {_value(getattr(model, key))}" for key in type(model).model_fields if key != "stratum"]
    for row in model.stratum:
        lines += ["", "[[stratum]]"]
        for key in type(row).model_fields:
            value = getattr(row, key)
            if value is not None and value != "":
                lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)
