"""Write a catalogue as TLE, 3LE, or OMM in CSV, JSON, KVN or XML.

OMM forms keep every bit that their units can express: elements read from degrees and revolutions per day, and those of
`synthetic_catalog`, are equal when read again. Two-line sets keep their own digits only.
"""

from __future__ import annotations

import csv
import io
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from stmgpu.catalog.ccsds.field_names import COMMON_KEYWORDS, RADIUS_KEYWORD, TEXTS, USER
from stmgpu.catalog.columns import COLUMNS
from stmgpu.catalog.object_data import DECAY_KEYWORD, OWNER_KEYWORD, STATUS_KEYWORD
from stmgpu.catalog.tle.lines import tle_lines
from stmgpu.csv_cells import protected
from stmgpu.errors import InputError
from stmgpu.files import replacing
from stmgpu.time import UNIX_EPOCH_JD, format_utc, to_datetime64

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from stmgpu.catalog.catalog import Catalog
    from stmgpu.typing import Floats

_METADATA = {"CENTER_NAME": "EARTH", "REF_FRAME": "TEME", "TIME_SYSTEM": "UTC", "MEAN_ELEMENT_THEORY": "SGP4"}
_CREATOR = "STMGPU"
_MEAN_ELEMENTS = (
    "EPOCH", "MEAN_MOTION", "ECCENTRICITY", "INCLINATION", "RA_OF_ASC_NODE", "ARG_OF_PERICENTER", "MEAN_ANOMALY",
)  # fmt: skip
_TLE_PARAMETERS = (
    "EPHEMERIS_TYPE", "CLASSIFICATION_TYPE", "NORAD_CAT_ID", "ELEMENT_SET_NO", "REV_AT_EPOCH", "BSTAR",
    "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT",
)  # fmt: skip
_NUMBERS = {*_MEAN_ELEMENTS[1:], *_TLE_PARAMETERS, "MASS", RADIUS_KEYWORD} - {"CLASSIFICATION_TYPE"}

Table = dict[str, list[str]]


def write_catalog(catalog: Catalog, path: str | os.PathLike[str], *, format: str | None = None) -> None:
    """Write a catalogue to a file, completely or not at all.

    Parameters
    ----------
    catalog : Catalog
        The objects to write.
    path : path
        File to write; an existing one is replaced once the new one is complete.
    format : {'tle', '3le', 'csv', 'json', 'kvn', 'xml'}, optional
        The format; by the suffix of the path if not given.

    Raises
    ------
    InputError
        If the format is unknown, cannot hold some object, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_catalog(synthetic_catalog(3), folder + "/three.csv")
    """
    target = Path(path)
    content = format_catalog(catalog, target.suffix.lstrip(".").lower() if format is None else format)
    try:
        with replacing(target) as file:
            file.write(content)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"catalogue file {str(target)!r} cannot be written: {reason}; check folder and rights"
        ) from None


def format_catalog(catalog: Catalog, format: str) -> bytes:
    """Format a catalogue as the bytes of a file.

    Parameters
    ----------
    catalog : Catalog
        The objects to write.
    format : {'tle', '3le', 'csv', 'json', 'kvn', 'xml'}
        The format.

    Raises
    ------
    InputError
        If the format is unknown or cannot hold some object.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> format_catalog(synthetic_catalog(1), "tle").decode()[:8]
    '1 00001U'
    """
    writers: dict[str, Callable[[Catalog], str]] = {
        "tle": lambda c: tle_lines(c, names=False),
        "3le": lambda c: tle_lines(c, names=True),
        "csv": lambda c: _csv(_flat(omm_fields(c))),
        "json": lambda c: _json(_flat(omm_fields(c))),
        "kvn": lambda c: _kvn(omm_fields(c), _stamp(c)),
        "xml": lambda c: _xml(omm_fields(c), _stamp(c)),
    }
    if format not in writers:
        raise InputError(f"catalogue format {format!r} is unknown; allowed: {', '.join(writers)}")
    return writers[format](catalog).encode("utf-8")


def losses(catalog: Catalog, format: str) -> tuple[str, ...]:
    """Notes on what a form does not hold of a catalogue, or rounds, as reading it again shows.

    Parameters
    ----------
    catalog : Catalog
        The objects to write.
    format : {'tle', '3le', 'csv', 'json', 'kvn', 'xml'}
        The format.

    Raises
    ------
    InputError
        If the format is unknown or cannot hold some object.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> losses(synthetic_catalog(3), "csv")
    ()
    """
    from stmgpu.catalog.reader import read_catalog

    if format not in ("tle", "3le") or len(catalog) == 0:
        format_catalog(catalog[:0], format)
        return ()  # the others hold every value, as their tests show
    again = read_catalog(format_catalog(catalog, format))
    missing, rounded = {}, {}
    for name, column in COLUMNS.items():
        ours, read = getattr(catalog, name), getattr(again, name)
        if column.kind == "float64" and column.default is not None and math.isnan(float(column.default)):
            missing[name] = ~(np.isnan(ours) & np.isnan(read))
        elif column.kind == "float64":
            rounded[name.removesuffix("_fr")] = ~np.isclose(ours, read, rtol=1e-12, atol=0.0)
        else:
            missing[name] = ours != read
    notes = []
    for verb, changed in (("does not hold", missing), ("rounds", rounded)):
        names = [name for name, mask in changed.items() if mask.any() and name != "epoch_jd"]
        if names:
            count = int(np.logical_or.reduce([changed[name] for name in names]).sum())
            notes.append(f"{format} {verb} {', '.join(names)} of {count} of {len(catalog)} objects")
    return tuple(notes)


def omm_fields(catalog: Catalog) -> Table:
    """OMM keywords and their texts, one list of n per keyword, with the digits needed to read the same values.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> omm_fields(synthetic_catalog(2))["NORAD_CAT_ID"]
    ['1', '2']
    """
    dot_units, ddot_units = 1036800.0 / math.pi, 2985984000.0 / 2.0 / math.pi
    table: Table = {
        "OBJECT_NAME": catalog.name.tolist(),
        "OBJECT_ID": catalog.object_id.tolist(),
        "EPOCH": _epochs(catalog),
        "MEAN_MOTION": _invert(catalog.mean_motion, lambda x: x / 720.0 * math.pi, 720.0 / math.pi),
        "ECCENTRICITY": _texts(catalog.eccentricity),
        "INCLINATION": _degrees(catalog.inclination),
        "RA_OF_ASC_NODE": _degrees(catalog.raan),
        "ARG_OF_PERICENTER": _degrees(catalog.argp),
        "MEAN_ANOMALY": _degrees(catalog.mean_anomaly),
        "EPHEMERIS_TYPE": ["0"] * len(catalog),
        "CLASSIFICATION_TYPE": catalog.classification.tolist(),
        "NORAD_CAT_ID": [str(value) for value in catalog.norad_id.tolist()],
        "ELEMENT_SET_NO": [str(value) for value in catalog.element_set_no.tolist()],
        "REV_AT_EPOCH": [str(value) for value in catalog.rev_at_epoch.tolist()],
        "BSTAR": _texts(catalog.bstar),
        "MEAN_MOTION_DOT": _invert(catalog.mean_motion_dot, lambda x: x / dot_units, dot_units),
        "MEAN_MOTION_DDOT": _invert(catalog.mean_motion_ddot, lambda x: x / ddot_units, ddot_units),
    }
    days = to_datetime64(np.where(np.isnan(catalog.decay_jd), UNIX_EPOCH_JD, catalog.decay_jd), 0.0)
    described = {
        "OBJECT_TYPE": catalog.object_type,
        STATUS_KEYWORD: catalog.status,
        OWNER_KEYWORD: catalog.owner,
        DECAY_KEYWORD: np.where(np.isnan(catalog.decay_jd), "", days.astype("datetime64[D]").astype(str)),
    }
    table |= {USER + keyword: texts.tolist() for keyword, texts in described.items() if (texts != "").any()}
    for keyword, column in (("MASS", catalog.mass_kg), (RADIUS_KEYWORD, catalog.hard_body_radius_m)):
        if not np.isnan(column).all():
            table[keyword] = ["" if math.isnan(value) else repr(value) for value in column.tolist()]
    return table


def _degrees(radians: Floats) -> list[str]:
    return _invert(radians, lambda x: x * (math.pi / 180.0), 180.0 / math.pi, top=360.0)


def _texts(values: Floats) -> list[str]:
    return [repr(value) for value in values.tolist()]


def _invert(values: Floats, forward: Callable[[Floats], Floats], scale: float, *, top: float = math.inf) -> list[str]:
    """Texts of numbers that a reader's conversion `forward` turns into the given values, short ones preferred.

    Where no float does (the conversion's grid may be coarser than the values'), one that comes within one unit in the
    last place is written.
    """
    estimate = np.minimum(values * scale, top)
    best = estimate.copy()
    is_matched = np.zeros(len(values), np.bool_)
    decimals = [np.round(estimate, digits) for digits in (4, 8, 12)]
    neighbours = [estimate]
    for direction in (-np.inf, np.inf):
        step = estimate
        for _ in range(3):
            step = np.nextafter(step, direction)
            neighbours.append(step)
    significant = np.array([float(f"{value:.5e}") for value in estimate.tolist()])
    near = np.spacing(np.abs(values))
    attempts = [(candidate, 0.0) for candidate in (*decimals, significant, *neighbours)]
    attempts += [(candidate, 1.0) for candidate in decimals[:2]]  # what was published, if it is that close
    for candidate, tolerance in attempts:
        hit = ~is_matched & (np.abs(forward(candidate) - values) <= tolerance * near) & (candidate <= top)
        best[hit] = candidate[hit]
        is_matched |= hit
    return _texts(best)


def _epochs(catalog: Catalog) -> list[str]:
    """Epochs with 6 decimals where these are exact, else with the 30 that a reader takes."""
    micros = np.rint(catalog.epoch_fr * 86_400e6)
    exact = (micros / 86_400e6 == catalog.epoch_fr) & (micros < 86_400e6)
    days = to_datetime64(catalog.epoch_jd, 0.0)
    texts: list[str] = [text[:-1] for text in format_utc(days + micros.astype("timedelta64[us]"), 6).tolist()]
    for index in np.flatnonzero(~exact).tolist():
        seconds = Fraction(float(catalog.epoch_fr[index])) * 86_400
        scaled = int(seconds * 10**30)  # truncation: never up to the next day
        whole, rest = divmod(scaled, 10**30)
        day = str(days[index])[:10]
        texts[index] = f"{day}T{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{rest:030d}"
    return texts


def _flat(table: Table) -> Table:
    """Table with the keywords of CSV and JSON, where OBJECT_TYPE is common and USER_DEFINED_ is not."""
    common = {USER + keyword: keyword for keyword in COMMON_KEYWORDS}
    return {common.get(keyword, keyword): texts for keyword, texts in table.items()}


def _csv(table: Table) -> str:
    buffer = io.StringIO(newline="")
    rows = csv.writer(buffer, lineterminator="\n")
    rows.writerow(table)
    cells = [list(map(protected, texts)) if keyword in TEXTS else texts for keyword, texts in table.items()]
    rows.writerows(zip(*cells, strict=True))
    return buffer.getvalue()


def _json(table: Table) -> str:
    """One object a line; numbers are written as in the other formats."""
    lines = []
    for values in zip(*table.values(), strict=True):
        pairs = (
            f"{json.dumps(keyword)}:{value if keyword in _NUMBERS else json.dumps(value)}"
            for keyword, value in zip(table, values, strict=True)
            if value != "" or keyword not in _NUMBERS
        )
        lines.append("{" + ",".join(pairs) + "}")
    return "[" + ",\n".join(lines) + "]\n"


def _stamp(catalog: Catalog) -> str:
    """Creation date of the messages: the newest epoch, so that the same catalogue gives the same bytes."""
    if len(catalog) == 0:
        return ""
    return str(format_utc(catalog.epoch.max(), 0))[:-1]


def _sections(table: Table) -> tuple[dict[str, list[str]], list[dict[str, str]]]:
    extras = ["MASS"] if "MASS" in table else []
    users = [keyword for keyword in table if keyword.startswith(USER)]
    keywords = {
        "metadata": ["OBJECT_NAME", "OBJECT_ID", *_METADATA],
        "meanElements": list(_MEAN_ELEMENTS),
        "spacecraftParameters": extras,
        "tleParameters": list(_TLE_PARAMETERS),
        "userDefinedParameters": users,
    }
    records = [{**_METADATA, **dict(zip(table, values, strict=True))} for values in zip(*table.values(), strict=True)]
    return keywords, records


def _kvn(table: Table, stamp: str) -> str:
    keywords, records = _sections(table)
    lines = []
    for record in records:
        lines += ["CCSDS_OMM_VERS = 3.0", f"CREATION_DATE = {stamp}", f"ORIGINATOR = {_CREATOR}"]
        for names in keywords.values():
            lines += [
                f"{name} = {record[name]}"
                for name in names
                if record[name] != "" or name in ("OBJECT_NAME", "OBJECT_ID")
            ]
        lines.append("")
    return "\n".join(lines)


def _xml(table: Table, stamp: str) -> str:
    keywords, records = _sections(table)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<ndm>"]
    header = f"<header><CREATION_DATE>{stamp}</CREATION_DATE><ORIGINATOR>{_CREATOR}</ORIGINATOR></header>"
    for record in records:
        lines.append(f'<omm id="CCSDS_OMM_VERS" version="3.0">{header}<body><segment>')
        for section, names in keywords.items():
            if section == "meanElements":
                lines.append("<data>")
            present = [name for name in names if record[name] != "" or section == "metadata"]
            if present:
                lines.append(
                    f"<{section}>" + "".join(_element(name, record[name]) for name in present) + f"</{section}>"
                )
        lines.append("</data></segment></body></omm>")
    lines.append("</ndm>\n")
    return "\n".join(lines)


def _element(name: str, value: str) -> str:
    if name.startswith("USER_DEFINED_"):
        return f'<USER_DEFINED parameter="{name.removeprefix("USER_DEFINED_")}">{escape(value)}</USER_DEFINED>'
    return f"<{name}>{escape(value)}</{name}>"
