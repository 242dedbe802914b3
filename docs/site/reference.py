"""Pages of the reference that are made from the code: API, command line, schema of stores, exit codes."""

from __future__ import annotations

import importlib
import inspect
import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

import typer

import stmgpu
from stmgpu.cli import app
from stmgpu.cli.exit_codes import MEANINGS
from stmgpu.store.schema import ENCOUNTERS, KINDS, SCHEMA_VERSION, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stmgpu.variables import Variable

GROUPS = {
    "Catalogues and trajectories": (
        "Catalog read_catalog read_satcat synthetic_catalog write_catalog Trajectories read_trajectories read_oem"
    ),
    "Propagation": "propagate propagate_to_store SGP4Propagator read_ephemeris",
    "Screening": "screen screen_to_store closest involving failures brute write_csv",
    "Risk": ("assess assess_store encounters messages_of read_cdm write_cdm read_socrates write_socrates"),
    "Growth of debris": (
        "evolve evolve_to_store read_study Study Scenario load_population Population RankedRemoval RiskRemoval "
        "MassRemoval RandomRemoval"
    ),
    "Stores": "open_dataset write_dataset check_store merge_store provenance",
    "Where a run computes": "Serial Dask SlurmArray slurm_cluster Tiling get_backend",
    "Times, errors, versions": "Epoch parse_utc StmgpuError StaleElementsWarning show_versions",
}
"""Public names of :mod:`stmgpu` by subject; those that are in no group follow in one of their own."""

MODULES = {
    "stmgpu.plot": "Figures",
    "stmgpu.risk": "Collision risk",
    "stmgpu.debris": "Studies of debris",
    "stmgpu.debris.statistics": "Statistics of studies",
}
"""Further public packages: all names of their ``__all__`` are documented."""


def made(name: str) -> str:
    """What is added to a page of the reference from the code; nothing for other pages."""
    parts = {"api": _api, "commands": _commands, "store-schema": _schema, "exit-codes": _exit_codes}
    part = parts.get(name.removeprefix("reference/").removesuffix(".md"))
    return "\n" + part() if part and name.startswith("reference/") else ""


def pages() -> dict[str, str]:
    """Text of the page of every public object by its name."""
    return {f"reference/api/{name}.rst": _object(name) for name in _homes().values()}


# ------------------------------------------------------------------------------------------------------------ API
def _groups() -> dict[str, list[str]]:
    """Full names of the public objects by the heading under which they stand."""
    named = {name for names in GROUPS.values() for name in names.split()}
    groups = {title: [f"stmgpu.{name}" for name in names.split()] for title, names in GROUPS.items()}
    others = [f"stmgpu.{name}" for name in stmgpu.__all__ if name not in named]
    if others := [name for name in others if name not in MODULES]:
        groups["Others"] = others
    for module, title in MODULES.items():
        names = [f"{module}.{name}" for name in importlib.import_module(module).__all__]
        groups[f"{title}: `{module}`"] = [name for name in names if callable(_value(name))]
    return groups


def _homes() -> dict[str, str]:
    """For every public name the one under which the object is documented, since some objects have several."""
    first: dict[int, str] = {}
    return {name: first.setdefault(id(_value(name)), name) for names in _groups().values() for name in names}


def _api() -> str:
    homes, text = _homes(), []
    for title, names in _groups().items():
        text += [f"## {title}", "", "| name | what it does |", "|---|---|"]
        for name in names:
            headline = (inspect.getdoc(_value(name)) or "").partition("\n\n")[0]
            text.append(f"| [`{name.split('.')[-1]}`](api/{homes[name]}.rst) | {_prose(headline)} |")
        text.append("")
    entries = [f"api/{name}" for name in dict.fromkeys(homes.values())]
    return "\n".join([*text, "```{toctree}", ":hidden:", "", *entries, "```", ""])


def _prose(text: str) -> str:
    """A headline of a docstring on one line, its roles and literals as Markdown."""
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text).replace("``", "`")
    return _cell(text)


def _heading(title: str, line: str) -> list[str]:
    return [title, line * len(title), ""]


def _value(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    called = isinstance(value, ModuleType) and "__call__" in vars(type(value))
    return type(value).__call__ if called else value


def _object(name: str) -> str:
    """A page for one object. Packages that can be called are shown as the function that a call runs."""
    value = _value(name)
    heading = "\n".join(_heading(name, "="))
    if inspect.isclass(value):
        extra = "" if issubclass(value, Exception) else "   :members:\n"
        return f"{heading}\n.. autoclass:: {name}\n{extra}"
    if isinstance(getattr(stmgpu, name.removeprefix("stmgpu."), None), ModuleType):
        name = f"{value.__module__}.{value.__qualname__}"
    return f"{heading}\n.. {'autofunction' if inspect.isroutine(value) else 'autodata'}:: {name}\n"


# ------------------------------------------------------------------------------------------------------- commands
def _commands() -> str:
    text: list[str] = []
    group = typer.main.get_command(app)
    for name, command, context in _every(group, group.context_class(group, info_name="stmgpu")):
        usage = " ".join([name, *command.collect_usage_pieces(context)])
        text += ["", f"## {name}", "", inspect.cleandoc((command.help or "").replace("\f", ""))]
        text += ["", "```text", usage, "```"]
        records = [p.get_help_record(context) for p in command.get_params(context)]
        text += ["", "| parameter | meaning |", "|---|---|"]
        text += [f"| `{_cell(names)}` | {_cell(meaning)} |" for names, meaning in filter(None, records)]
    return "\n".join(text) + "\n"


def _every(group: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    """Full name of every command below a group, the command, and a context of it."""
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        below = command.context_class(command, info_name=word, parent=context)
        if hasattr(command, "list_commands"):
            yield from _every(command, below)
        elif not command.hidden:
            yield below.command_path, command, below


def _cell(text: str) -> str:
    """Text in a cell of a table: on one line, with bars that end no cell."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


# --------------------------------------------------------------------------------------------------------- stores
def _schema() -> str:
    text = [f"The version of the schema is {SCHEMA_VERSION}."]
    for name, kind in KINDS.items():
        title = f"{kind.title[0].upper()}{kind.title[1:]}"
        text += ["", f"## Kind `{name}`", "", f"{title}. Read from schema version {kind.since} on."]
        text += ["", *_extents(kind), *_variables(kind.variables)]
        for table, columns in kind.tables.items():
            what = "States and covariances" if table == ENCOUNTERS else "Table"
            text += ["", f"### {what}: group `{table}` of kind `{name}`", "", *_variables(columns)]
    return "\n".join(text) + "\n"


def _extents(kind: Kind) -> list[str]:
    rows = [f"| `{dim}` | {chunk:,} | {shard:,} |" for dim, (chunk, shard) in kind.extents.items()]
    return ["| dimension | chunk, at most | shard, at most |", "|---|---|---|", *rows, ""]


def _variables(variables: dict[str, Variable] | Any) -> list[str]:
    rows = []
    for name, spec in variables.items():
        meaning = spec.long_name.replace("|", "\\|")
        if spec.flags:
            words = ", ".join(f"{code} {word}" for code, word in spec.flags.items())
            meaning += f" ({'bits' if spec.masks else 'codes'}: {words})"
        meaning += "" if spec.required else " *optional*"
        rows.append(f"| `{name}` | {', '.join(spec.dims)} | {spec.dtype} | {spec.units} | {meaning} |")
    return ["| variable | dimensions | type | units | meaning |", "|---|---|---|---|---|", *rows]


def _exit_codes() -> str:
    rows = [f"| {code} | {_cell(meaning)} |" for code, meaning in MEANINGS.items()]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows, ""])
