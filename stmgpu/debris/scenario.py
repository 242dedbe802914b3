"""Scenario files: TOML, checked to the last key.

A file holds one base and any number of ``[[scenario]]`` tables that change parts of it; all are evolved with common
random numbers. The tables themselves stand in :mod:`stmgpu.debris.specs`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from stmgpu.debris.policy.policies import Policy
from stmgpu.debris.specs import (
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

__all__ = [
    "BreakupSpec",
    "CollisionSpec",
    "ConstellationSpec",
    "DisposalSpec",
    "EnvironmentSpec",
    "ExplosionSpec",
    "LaunchSpec",
    "PopulationSpec",
    "PropagationSpec",
    "Scenario",
    "SolarSpec",
    "Strict",
    "Study",
    "input_files",
    "read_study",
    "shipped_scenarios",
    "study_from",
    "study_of",
]


_ONLY_BASE = ("years", "runs")
_LISTS = ("removal", "launches.constellations")
_FILES = ("mocat", "table", "catalog", "cascade")
_CHOICES: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "population": (
        "source",
        {"path": _FILES, "sizes": ("catalog", "cascade"), "objects": ("synthetic",), "constellations": ("synthetic",)},
    ),
    "environment": ("density", {"path": ("jb2008",)}),
    "environment.solar": ("model", {"space_weather": ("repeat", "bootstrap")}),
    "launches": ("model", {"per_year": ("constant", "none")}),
}  # by table: the key that chooses, and which choices its other keys go with


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
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
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
    own = {key: base.pop(key) for key in _ONLY_BASE if key in base}
    try:
        study = Study(
            scenarios=tuple(_laid_over(base, change, f"number {k}", where) for k, change in enumerate(changes, 1)),
            **own,
        )
    except ValidationError as error:
        raise InputError(f"{where}: {_explain(error)}") from None
    names = [s.name for s in study.scenarios]
    if len(set(names)) < len(names):
        raise InputError(
            f"{where}: the names of scenarios repeat ({', '.join(names)}); give each [[scenario]] its own name"
        )
    located: Study = _with_paths(study, lambda path: folder / path)
    return located


def _laid_over(base: dict[str, Any], change: dict[str, Any], number: str, where: str) -> Scenario:
    """A scenario: the base with a table laid over it."""
    try:
        return Scenario.model_validate(_merged(base, change))
    except ValidationError as error:
        name = change.get("name")
        label = f"scenario {name!r}" if isinstance(name, str) else f"scenario {number}"
        raise InputError(f"{where}: {_explain(error, change, label)}") from None


def _merged(base: dict[str, Any], change: dict[str, Any], place: str = "") -> dict[str, Any]:
    """The base with the tables of a scenario laid over it; lists are replaced as a whole, and keys of the base that do
    not go with what the scenario chooses are left out."""
    result = dict(base)
    selector, takers = _CHOICES.get(place, ("", {}))
    if selector in change:
        for key, takes in takers.items():
            if change[selector] not in takes:
                result.pop(key, None)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value, f"{place}.{key}" if place else key) if both else value
    return result


def study_from(settings: Mapping[str, Any], folder: Path | None = None) -> Study:
    """A study from the settings of a store; the files it names lie in ``folder``.

    Raises
    ------
    InputError
        settings that are no study, or a policy class of a user's own that is not imported here.
    """
    try:
        study = Study.model_validate(
            {"scenarios": settings["scenarios"], "years": settings["years"], "runs": settings["runs"]}
        )
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


def _explain(error: ValidationError, change: Mapping[str, Any] | None = None, scenario: str = "") -> str:
    """What pydantic found, a clause for each mistake; what stands in the table of a scenario, ``change``, with the name
    of that ``scenario``. Tables are counted from 1."""
    clauses: list[str] = []
    told: set[str] = set()
    for item in error.errors(include_url=False):
        place = [str(part + 1 if isinstance(part, int) else part) for part in item["loc"]]
        own = _stated(change or {}, item["loc"])
        key, said = ".".join(place), item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden" and own and key in _ONLY_BASE:
            clause = f"unknown key {key}: it stands only in the base, once for all scenarios"
        elif item["type"] == "extra_forbidden":
            allowed = _allowed(place[:-1], () if own else _ONLY_BASE)
            clause = f"unknown key {key}{'' if allowed in told else allowed}"
            told.add(allowed)
        elif item["type"] == "missing":
            clause = f"{key} is missing"
        elif key in _LISTS and isinstance(item["input"], dict):
            clause = f"{key} is a list of tables; write [[{'scenario.' if own else ''}{key}]]"
        elif item["type"] == "value_error" or not place:  # our own words, which name the value
            clause = f"{key}: {said}" if place else said
        else:
            clause = f"{key}: {said} (got {item['input']!r})"
        clauses.append(f"{scenario}: {clause}" if own else clause)
    return "; ".join(clauses[:10]) + (f"; and {len(clauses) - 10} more" if len(clauses) > 10 else "")


def _stated(table: Any, place: Sequence[str | int]) -> bool:
    """Whether a table, or a list in it, has a say at a place."""
    for part in place:
        if not isinstance(table, dict):
            break
        if part not in table:
            return False
        table = table[part]
    return bool(place)


def _allowed(place: Sequence[str], besides: Sequence[str]) -> str:
    """The keys of the table at a place of a scenario file, as far as it is known, and those ``besides`` in the file."""
    model: Any = Scenario
    for part in place:
        field = model.model_fields.get(part)
        model = None if field is None else field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return ""
    keys = [*model.model_fields, *(besides if not place else ())]
    return f" (allowed: {', '.join(keys)})"
