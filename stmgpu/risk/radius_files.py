"""Files with rules of hard-body radii: TOML, and CSV tables of objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stmgpu.catalog.limits import MAX_NORAD_ID
from stmgpu.catalog.object_data import TYPE_NAMES
from stmgpu.compression import Limits
from stmgpu.errors import InputError
from stmgpu.files import read_toml
from stmgpu.risk.object_tables import LARGEST_M, read_object_table
from stmgpu.risk.radii import Entry, TableRule
from stmgpu.validation import Fields

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

_MAX_BYTES = 8 << 20
_RULE = {"source", "catalog_radii", "tables", "default", "object", "name", "type"}
_VALUES = {"radius_m", "sigma_m", "source"}
_TYPES = sorted(set(TYPE_NAMES.values()) - {""})
_FALLBACK = "cara"


def read_radius_rule(path: str | os.PathLike[str]) -> TableRule:
    """Read a rule.

    Parameters
    ----------
    path : path
        TOML file: `source`, a table ``[default]``, optional lists ``[[object]]`` (with `norad_id`), ``[[name]]``
        (`pattern`) and ``[[type]]`` (`object_type`), each with `radius_m`, and optionally `sigma_m` and `source`;
        `tables`, a list of CSV files beside it; and `catalog_radii`. Or a CSV file, see
        :func:`stmgpu.risk.object_tables.read_object_table`: the rule is then 'cara' for all other objects.

    Raises
    ------
    InputError
        If a file cannot be read, a key is missing or unknown, or a value is not allowed.
    """
    file = Path(path)
    if any(suffix.lower() == ".csv" for suffix in file.suffixes):
        rest = read_radius_rule(Path(__file__).resolve().parent / "rules" / f"{_FALLBACK}.toml")
        return TableRule(name=file.name, default=rest.default, tables=(read_object_table(file),), prefix=rest.name)
    document = read_toml(file, kind="radius rule", limits=Limits(_MAX_BYTES))
    try:
        return _rule(document, file)
    except InputError as error:
        raise InputError(f"radius rule {str(file)!r}: {error}") from None


def _rule(document: dict[str, Any], file: Path) -> TableRule:
    fields = Fields(document)
    _only(document, _RULE, "")
    citation = _text(fields, "source")
    names = document.get("tables", [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise InputError(f"tables must be a list of file names, got {names!r}")
    counts = document.get("catalog_radii", True)
    if not isinstance(counts, bool):
        raise InputError(f"catalog_radii must be true or false, got {counts!r}")
    return TableRule(
        name=file.stem,
        default=_entry(fields.table("default"), document["default"], citation, "default", set()),
        ids={int(key): entry for key, entry in _entries(document, "object", "norad_id", citation).items()},
        names=_entries(document, "name", "pattern", citation),
        types=_entries(document, "type", "object_type", citation),
        tables=tuple(read_object_table(file.parent / name) for name in names),
        catalog_radii=counts,
    )


def _entries(document: Mapping[str, Any], kind: str, key: str, citation: str) -> dict[str, Entry]:
    """Entries of one kind by their key."""
    listed = document.get(kind, [])
    if not isinstance(listed, list):
        raise InputError(f"{kind} must be a list of tables, got {listed!r}; write [[{kind}]]")
    found: dict[str, Entry] = {}
    for number, values in enumerate(listed, start=1):
        where = f"{kind} {number}"
        fields = Fields(values, where)
        if key == "norad_id":
            name = str(fields.whole_number(key, least=1))
            if int(name) > MAX_NORAD_ID:
                raise InputError(f"{where}.norad_id is {name}, allowed is 1 to {MAX_NORAD_ID}")
        else:
            name = _text(fields, key).upper()
        if key == "object_type" and name not in _TYPES:
            raise InputError(f"{where}.object_type is {name!r}, allowed is one of {', '.join(_TYPES)}")
        if name in found:
            raise InputError(f"{where}.{key} is {name!r} again; give it one entry")
        found[name] = _entry(fields, values, citation, where, {key})
    return found


def _entry(fields: Fields, values: Mapping[str, Any], citation: str, where: str, keys: set[str]) -> Entry:
    _only(values, _VALUES | keys, where)
    return Entry(
        _metres(fields, "radius_m"),
        _metres(fields, "sigma_m") if "sigma_m" in fields else 0.0,
        _text(fields, "source") if "source" in fields else citation,
    )


def _metres(fields: Fields, key: str) -> float:
    value = fields.number(key)
    if not 0.0 <= value <= LARGEST_M:
        raise InputError(f"{fields.path(key)} is {value:g}, allowed is 0 to {LARGEST_M:g} m")
    return value


def _text(fields: Fields, key: str) -> str:
    value = fields.text(key)
    if not (value.strip() and value.isprintable() and len(value) <= 300):
        raise InputError(f"{fields.path(key)} is {value[:40]!r}, allowed is printable text of 1 to 300 characters")
    return value


def _only(values: Mapping[str, Any], allowed: set[str], where: str) -> None:
    for key in values:
        if key not in allowed:
            name = f"{where}.{key}" if where else key
            raise InputError(f"{name[:60]!r} is unknown, allowed are {', '.join(sorted(allowed))}")
