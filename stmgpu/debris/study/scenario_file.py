"""Scenario files: a TOML base and the scenarios that change parts of it.

A file holds one base and any number of ``[[scenario]]`` tables that override parts of it; all scenarios are evolved
with common random numbers. Every key is checked against the tables of :mod:`stmgpu.debris.specs`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from stmgpu.compression import Limits
from stmgpu.debris.scenario import Scenario, Study
from stmgpu.debris.study.scenario_errors import ONLY_BASE, explain, joined
from stmgpu.errors import InputError
from stmgpu.files import archive_and_member, read_toml

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["input_files", "read_study", "shipped_scenarios", "study_from_document", "study_from_settings"]

Model = TypeVar("Model", bound=BaseModel)

_FILES = ("mocat", "table", "catalog", "cascade")
_WITH_HISTORIES = ("mocat", "table", "catalog")
_CHOICES: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "population": (
        "source",
        {
            "path": _FILES,
            "sizes": ("catalog", "cascade"),
            "objects": ("synthetic",),
            "constellations": ("synthetic",),
            "ballistic": _WITH_HISTORIES,
            "histories": _WITH_HISTORIES,
        },
    ),
    "environment": ("density", {"path": ("jb2008",)}),
    "environment.solar": ("model", {"space_weather": ("repeat", "bootstrap")}),
    "launches": ("model", {"per_year": ("constant", "none")}),
}
"""By table: the key that selects a model, and the models with which each of its other keys is valid."""

MAX_BYTES = 1 << 20
"""Largest scenario file that is read [bytes]."""


def read_study(path: str | os.PathLike[str]) -> Study:
    """Read a scenario file.

    Parameters
    ----------
    path : path-like
        TOML file: tables of :class:`~stmgpu.debris.scenario.Scenario`, optional ``years`` and ``runs``, and
        ``[[scenario]]`` tables, each with a ``name`` and what it changes. Without any, the file is one scenario. At
        least one key must be set.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        an unreadable file, invalid TOML, a file without a key, an unknown key or an invalid value; the message names
        the key and what is allowed.
    """
    file = Path(path)
    document = read_toml(path, kind="scenario", limits=Limits(MAX_BYTES))
    if not document:  # a file that was never written, more often than a wish for 100 years of defaults
        raise InputError(f"{file} sets no key; for a study of the defaults write one of them, such as years = 100")
    return study_from_document(document, file.parent, str(file))


def shipped_scenarios() -> dict[str, Path]:
    """Return the scenario files that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).resolve().parents[1] / "scenarios").glob("*.toml"))}


def study_from_document(document: dict[str, Any], folder: Path, where: str) -> Study:
    """Make a study from the contents of a scenario file; paths are relative to ``folder``."""
    base = dict(document)
    changes = base.pop("scenario", [{}])
    if not (isinstance(changes, list) and changes and all(isinstance(c, dict) for c in changes)):
        raise InputError(f"{where}: scenario must be a list of tables; write at least one [[scenario]]")
    limits = {key: base.pop(key) for key in ONLY_BASE if key in base}
    scenarios: list[Scenario] = []
    faults: list[str] = []
    for number, change in enumerate(changes, 1):
        try:
            scenarios.append(Scenario.model_validate(_override(base, change)))
        except ValidationError as error:
            faults += explain(error, change, _label(change, number))
    try:
        study = Study(scenarios=tuple(scenarios), **limits)
    except ValidationError as error:
        faults += explain(error)
    names = [change.get("name", base.get("name", "base")) for change in changes]
    if len({str(name) for name in names}) < len(names):
        faults.append(
            f"the names of scenarios repeat ({', '.join(map(str, names))}); give each [[scenario]] its own name"
        )
    if faults:
        raise InputError(f"{where}: {joined(faults)}")
    return _with_paths(study, lambda path: folder / path)


def _label(change: dict[str, Any], number: int) -> str:
    """Name a scenario for the reader."""
    name = change.get("name")
    return f"scenario {name!r}" if isinstance(name, str) else f"scenario number {number}"


def _override(base: dict[str, Any], change: dict[str, Any], place: str = "") -> dict[str, Any]:
    """Override the base with the tables of a scenario.

    Lists are replaced as a whole. Keys of the base that are invalid with a choice of the scenario (see ``_CHOICES``)
    are dropped, so that a scenario may switch off what the base configures.
    """
    result = dict(base)
    selector, valid_for = _CHOICES.get(place, ("", {}))
    if selector in change:
        for key, choices in valid_for.items():
            if change[selector] not in choices:
                result.pop(key, None)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _override(result[key], value, f"{place}.{key}" if place else key) if both else value
    return result


def study_from_settings(
    scenarios: Sequence[Mapping[str, Any]], *, years: float, runs: int, folder: Path | None = None
) -> Study:
    """Make a study from the settings of a store; its input files are in ``folder``.

    Raises
    ------
    InputError
        settings that are not a study, or a user-defined policy class that has not been imported.
    """
    try:
        study = Study.model_validate({"scenarios": list(scenarios), "years": years, "runs": runs})
    except ValidationError as error:
        raise InputError(f"the settings of the store are not a study: {joined(explain(error))}") from None
    return study if folder is None else _with_paths(study, lambda path: folder / path)


def input_files(study: Study) -> tuple[Study, dict[str, Path]]:
    """Replace the paths in a study by bare file names; return it and the path of each name.

    A file of a zip archive keeps its name in the archive, behind that of the archive.
    """
    names: dict[Path, str] = {}

    def name_of(path: Path) -> Path:
        archive, member = archive_and_member(str(path))
        file = Path(archive or path)
        place, name, number = file.absolute(), file.name, 1
        if place not in names:  # keep the stem in front: some readers take the year from it
            while name in names.values():
                number += 1
                name = f"{file.stem}-{number}{file.suffix}"
            names[place] = name
        return Path(names[place], member)

    renamed = _with_paths(study, name_of)
    return renamed, {name: path for path, name in names.items()}


def _with_paths(model: Model, change: Callable[[Path], Path]) -> Model:
    """Return a copy of a model with every path in it changed."""

    def changed(value: object) -> object:
        if isinstance(value, Path):
            return change(value)
        if isinstance(value, BaseModel):
            return _with_paths(value, change)
        if isinstance(value, tuple):
            return tuple(changed(item) for item in value)
        return value

    return model.model_copy(update={name: changed(getattr(model, name)) for name in type(model).model_fields})
