"""Scenario files: TOML, checked to the last key.

A file holds one base and any number of ``[[scenario]]`` tables that change parts of it; all are evolved with common
random numbers. The tables themselves stand in :mod:`stmgpu.debris.tables`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from stmgpu.debris.policy import Policy
from stmgpu.debris.tables import (
    BreakupSpec,
    CollisionSpec,
    ConstellationSpec,
    DisposalSpec,
    EnvironmentSpec,
    ExplosionSpec,
    LaunchSpec,
    PopulationSpec,
    Positive,
    PropagationSpec,
    SolarSpec,
    Strict,
)
from stmgpu.errors import InputError

__all__ = ["BreakupSpec", "CollisionSpec", "ConstellationSpec", "DisposalSpec", "EnvironmentSpec", "ExplosionSpec",
           "LaunchSpec", "PopulationSpec", "PropagationSpec", "Scenario", "SolarSpec", "Strict", "Study", "input_files",
           "read_study", "shipped_scenarios", "study_from", "study_of"]


class Scenario(Strict):
    """Everything that one run depends on, besides its seed and number."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = "base"
    population: PopulationSpec = PopulationSpec()
    environment: EnvironmentSpec = EnvironmentSpec()
    propagation: PropagationSpec = PropagationSpec()
    collisions: CollisionSpec = CollisionSpec()
    breakups: BreakupSpec = BreakupSpec()
    launches: LaunchSpec = LaunchSpec()
    explosions: ExplosionSpec = ExplosionSpec()
    disposal: DisposalSpec = DisposalSpec()
    removal: tuple[Policy, ...] = ()
    max_objects: Annotated[int, Field(strict=True, ge=100, le=50_000_000)] = 2_000_000


class Study(Strict):
    """Scenarios that are compared, and the years and runs they get unless the command says otherwise."""

    scenarios: tuple[Scenario, ...]
    years: Positive = 100.0
    runs: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 20


def read_study(path: str | Path) -> Study:
    """Read a scenario file.

    Parameters
    ----------
    path
        TOML file: tables of :class:`Scenario`, optional ``years`` and ``runs``, and ``[[scenario]]`` tables, each with
        a ``name`` and what it changes. Without any, the file is one scenario.

    Raises
    ------
    InputError
        no file, no TOML, an unknown key or an impossible value; the message names the key and what is allowed.
    """
    file = Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the scenario file {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no TOML: it is not UTF-8 text ({error.reason})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file} is no TOML: {error}") from error
    return study_of(document, file.parent, str(file))


def shipped_scenarios() -> dict[str, Path]:
    """Scenario files that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).resolve().parent / "scenarios").glob("*.toml"))}


def study_of(document: dict[str, Any], folder: Path, where: str) -> Study:
    """A study from the contents of a scenario file; relative paths begin at ``folder``."""
    base = dict(document)
    changes = base.pop("scenario", [{}])
    if not (isinstance(changes, list) and changes and all(isinstance(c, dict) for c in changes)):
        raise InputError(f"{where}: scenario must be [[scenario]] tables, at least one")
    own = {key: base.pop(key) for key in ("years", "runs") if key in base}
    try:
        scenarios = tuple(Scenario.model_validate(_merged(base, change)) for change in changes)
        study = Study(scenarios=scenarios, **own)
    except ValidationError as error:
        raise InputError(f"{where}: {_explain(error)}") from None
    names = [s.name for s in study.scenarios]
    if len(set(names)) < len(names):
        raise InputError(f"{where}: the names of scenarios repeat ({', '.join(names)}); give each [[scenario]] its own "
                         "name")
    located: Study = _with_paths(study, lambda path: folder / path)
    return located


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The base with the tables of a scenario laid over it; lists are replaced as a whole."""
    result = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def study_from(settings: Mapping[str, Any], folder: Path | None = None) -> Study:
    """A study from the settings of a store; the files it names lie in ``folder``.

    Raises
    ------
    InputError
        settings that are no study, or a policy class of a user's own that is not imported here.
    """
    try:
        study = Study.model_validate({"scenarios": settings["scenarios"], "years": settings["years"],
                                      "runs": settings["runs"]})
    except ValidationError as error:
        raise InputError(f"the settings of the store are no study: {_explain(error)}") from None
    return study if folder is None else _with_paths(study, lambda path: folder / path)


def input_files(study: Study) -> tuple[Study, dict[str, Path]]:
    """The study with bare names instead of paths, and the path that each name stands for."""
    names: dict[Path, str] = {}

    def name_of(path: Path) -> Path:
        place, name, number = path.absolute(), path.name, 1
        if place not in names:  # a name keeps its beginning, from which some readers take the year
            while name in names.values():
                number += 1
                name = f"{path.stem}-{number}{path.suffix}"
            names[place] = name
        return Path(names[place])

    renamed = _with_paths(study, name_of)
    return renamed, {name: path for path, name in names.items()}


def _with_paths(model: Any, change: Callable[[Path], Path]) -> Any:
    """A model with every path in it changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, Path):
            return change(value)
        if isinstance(value, BaseModel):
            return _with_paths(value, change)
        if isinstance(value, tuple):
            return tuple(changed(item) for item in value)
        return value

    return model.model_copy(update={name: changed(getattr(model, name)) for name in type(model).model_fields})


def _explain(error: ValidationError) -> str:
    """What pydantic found, a clause for each mistake."""
    clauses: list[str] = []
    told: set[str] = set()
    for item in error.errors(include_url=False):
        place = [str(part) for part in item["loc"]]
        said = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            allowed = _allowed(place[:-1])
            clauses.append(f"unknown key {'.'.join(place)}{'' if allowed in told else allowed}")
            told.add(allowed)
        elif item["type"] == "missing":
            clauses.append(f"{'.'.join(place)} is missing")
        elif item["type"] == "value_error" or not place:  # our own words, which name the value
            clauses.append(f"{'.'.join(place)}: {said}" if place else said)
        else:
            clauses.append(f"{'.'.join(place)}: {said} (got {item['input']!r})")
    return "; ".join(clauses[:10]) + (f"; and {len(clauses) - 10} more" if len(clauses) > 10 else "")


def _allowed(place: Sequence[str]) -> str:
    """The keys of the table at a place of a scenario file, as far as it is known."""
    model: Any = Scenario
    for part in place:
        field = model.model_fields.get(part)
        model = None if field is None else field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return ""
    keys = [*model.model_fields, *(("years", "runs") if not place else ())]
    return f" (allowed: {', '.join(keys)})"
