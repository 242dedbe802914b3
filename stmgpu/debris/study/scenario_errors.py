"""Faults of a scenario file in plain words: the key, its value and what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from stmgpu.debris.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

ONLY_BASE = ("years", "runs")
"""Keys of the study, which stand in the base."""

MAX_LISTED = 50
"""Number of faults that a message lists."""

_LISTS = ("removal", "launches.constellations", "events")
_NUMBERS = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:g} or less",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text",
    "string_too_short": "a text of {min_length} or more characters",
    "string_too_long": "a text of {max_length} or fewer characters",
    "path_type": "the name of a file",
    "tuple_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "too_short": "a list of {min_length} or more entries",
    "too_long": "a list of {max_length} or fewer entries",
}
"""By type of pydantic's error: what is allowed."""


def explain(error: ValidationError, change: Mapping[str, Any] | None = None, scenario: str = "") -> list[str]:
    """Describe the faults that pydantic reports, one clause each.

    Parameters
    ----------
    error : ValidationError
        Faults.
    change : mapping, optional
        Table of a scenario; faults in it are prefixed with ``scenario``, others stand in the base.
    scenario : str
        Name of the scenario for the reader.

    Returns
    -------
    list of str
        Items of lists are counted from 1.
    """
    clauses: list[str] = []
    listed: set[str] = set()
    for item in error.errors(include_url=False):
        in_change = _is_set(change or {}, item["loc"])
        clause = _clause(item, listed, in_change=in_change)
        clauses.append(f"{scenario}: {clause}" if in_change else clause)
    return clauses


def joined(clauses: Sequence[str]) -> str:
    """Join clauses, each once, into one message that does not grow without end."""
    different = list(dict.fromkeys(clauses))
    more = f"; and {len(different) - MAX_LISTED} more" if len(different) > MAX_LISTED else ""
    return "; ".join(different[:MAX_LISTED]) + more


def _clause(item: ErrorDetails, listed: set[str], *, in_change: bool) -> str:
    """Describe one fault; ``listed`` are the lists of allowed keys that were given before."""
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    place = [str(part + 1 if isinstance(part, int) else part) for part in item["loc"]]
    if place and place[-1] == "[key]":
        *table, key = place[:-1]
        return f"unknown key {'.'.join([*table, key])} (allowed: {_choices(context).replace(chr(39), '')})"
    key = ".".join(place)
    if kind == "extra_forbidden" and in_change and key in ONLY_BASE:
        return f"unknown key {key}: move it to the base, where it applies to all scenarios"
    if kind == "extra_forbidden":
        allowed = _allowed(place[:-1], () if in_change else ONLY_BASE)
        said = "" if allowed in listed else allowed
        listed.add(allowed)
        return f"unknown key {key}{said}"
    if kind == "missing":
        return f"{key} is missing"
    if key in _LISTS and isinstance(value, dict):
        return f"{key} is a list of tables; write [[{'scenario.' if in_change else ''}{key}]]"
    if kind == "value_error":  # raised by our validators, which name the value
        message = item["msg"].removeprefix("Value error, ")
        return f"{key}: {message}" if place else message
    if kind == "literal_error":
        return f"{key} is {value!r}; allowed: {_choices(context)}"
    return f"{key} is {value!r}; allowed: {_NUMBERS.get(kind, 'another value').format(**context)}"


def _choices(context: Mapping[str, Any]) -> str:
    """List the values that are allowed, separated by commas."""
    return re.sub(r" or (?=[^ ]+$)", ", ", str(context.get("expected", "")))


def _is_set(table: object, place: Sequence[str | int]) -> bool:
    """Whether a table, or a list in it, sets the value at a location."""
    for part in place:
        if not isinstance(table, dict):
            break
        if part not in table:
            return False
        table = table[part]
    return bool(place)


def _allowed(place: Sequence[str], besides: Sequence[str]) -> str:
    """List the allowed keys of the table at a location, and the ``besides`` ones at the top level; empty if unknown."""
    model: Any = Scenario
    for part in place:
        field = model.model_fields.get(part)
        model = None if field is None else field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return ""
    keys = [*model.model_fields, *(besides if not place else ())]
    return f" (allowed: {', '.join(keys)})"
