"""Orbit Mean-Elements Messages (CCSDS 502.0-B-3): from fields of text to columns of a catalogue.

Unit conversions follow the OMM reader of the published SGP4 code, so that elements equal its own to the last bit.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog import orbits
from stmgpu.catalog.assemble import Records
from stmgpu.catalog.ccsds.field_names import RADIUS_KEYWORD, USER
from stmgpu.catalog.limits import CLASSIFICATIONS, LONGEST_CODE, LONGEST_NAME, Fault
from stmgpu.catalog.object_data import (
    DATE,
    DECAY_KEYWORD,
    OWNER_KEYWORD,
    STATUS_KEYWORD,
    TYPE_NAMES,
    decay_days,
    status_name,
)
from stmgpu.messages.times import parse_utc_many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stmgpu.catalog.ccsds.omm_tables import FieldTable, Texts
    from stmgpu.typing import Bools, Floats, Ints, Strings

_DEG_TO_RAD = math.pi / 180.0
_DOT_UNITS = 1036800.0 / math.pi  # of rad/min^2 in rev/day^2
_DDOT_UNITS = 2985984000.0 / 2.0 / math.pi  # of rad/min^3 in rev/day^3
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\+?\d{1,18}(?:\.0*)?", re.ASCII)  # tables of numbers write 90001.0 beside a missing value
_ALIASES = ("TLE", "SGP")  # written by some producers of element sets for SGP4
_THEORIES = ("SGP4", "SGP/SGP4", "SGP4/SDP4", "SDP4", *_ALIASES)
_UNUSED_BY_SGP4 = (
    "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT", "ELEMENT_SET_NO", "REV_AT_EPOCH", "MASS", RADIUS_KEYWORD,
)  # fmt: skip
_END_OF_DAY = re.compile(r"([0-9-]{8,10})([T ])24:00:00(?:\.0*)?(Z?)$", re.ASCII)
_FIXED_METADATA = {
    "CENTER_NAME": (("EARTH",), "EARTH"),
    "REF_FRAME": (("TEME",), "TEME: other frames need a theory of their own"),
    "TIME_SYSTEM": (("UTC",), "UTC"),
    "MEAN_ELEMENT_THEORY": (_THEORIES, f"one of {', '.join(_THEORIES)}; other theories' elements do not fit SGP4"),
}


def convert(table: FieldTable, *, lenient: bool = False) -> Records:
    """Convert fields of many OMM to columns of `Catalog`.

    Parameters
    ----------
    table : FieldTable
        Texts of all records.
    lenient : bool
        Whether harmless breaches are mended, each with a note.

    Returns
    -------
    Records
        Columns, with a fault for every field that cannot be used.
    """
    count = len(table.positions)
    faults: list[Fault] = []
    ids = table.get("NORAD_CAT_ID")

    def fault(mask: Bools, keyword: str, allowed: str) -> None:
        if mask.any():
            texts = table.get(keyword)
            faults.append(Fault(mask, keyword, lambda i: _shown(texts[i]), allowed))

    positions = np.array(table.positions, np.int64)

    def mend(mask: Bools, note: str) -> Bools:
        """Note what is mended; what is still a fault."""
        if not lenient:
            return mask
        table.notes.add_all(note, mask, positions)
        return np.zeros(count, np.bool_)

    def floats(keyword: str, default: float | None = None) -> Floats:
        if keyword not in table.fields and default is not None:
            return np.full(count, default)
        values, broken = _numbers(table.get(keyword), float, _NUMBER, default)
        if default is not None and keyword in _UNUSED_BY_SGP4:
            values[broken] = default
            broken = mend(broken, f"{keyword} is no number and left out")
        fault(broken, keyword, "a finite decimal number" + ("" if default is not None else ", and not missing"))
        return values

    def wholes(keyword: str, default: int | None = None) -> Ints:
        if keyword not in table.fields and default is not None:
            return np.full(count, default, np.int64)
        values, broken = _numbers(table.get(keyword), int, _WHOLE, default)
        if default is not None and keyword in _UNUSED_BY_SGP4:
            values[broken] = default
            broken = mend(broken, f"{keyword} is no whole number and left out")
        fault(broken, keyword, "a whole number" + ("" if default is not None else ", and not missing"))
        return values

    for keyword, (allowed, hint) in _FIXED_METADATA.items():
        if keyword in table.fields:
            texts = [(text or "").strip().upper() for text in table.get(keyword)]
            fault(np.array([text != "" and text not in allowed for text in texts], np.bool_), keyword, hint)
            for alias in _ALIASES:
                table.notes.add_all(f"{keyword} {alias} is taken for SGP4", np.array(texts) == alias, positions)
    for keyword in ("BTERM", "AGOM"):
        if keyword in table.fields:
            mask = np.array([bool(text and text.strip()) for text in table.get(keyword)], np.bool_)
            fault(mask, keyword, "absent: it belongs to SGP4-XP, which SGP4 cannot propagate; get SGP4 sets")
    ephemeris_type = wholes("EPHEMERIS_TYPE", 0)
    is_xp = ephemeris_type == 4
    fault(is_xp, "EPHEMERIS_TYPE", "0: type 4 is SGP4-XP, which SGP4 cannot propagate; get SGP4 sets")
    fault(~np.isin(ephemeris_type, (0, 2, 3)) & ~is_xp, "EPHEMERIS_TYPE", "0, 2 or 3")

    epochs = [text or "" for text in table.get("EPOCH")]
    if lenient:
        at_24 = np.array(["24:00:00" in text for text in epochs], np.bool_)
        table.notes.add_all("EPOCH at 24:00:00 is read as 00:00:00 of the next day", at_24, positions)
        # second 60 of a day is read as the first of the next
        epochs = [_END_OF_DAY.sub(r"\1\g<2>23:59:60\3", text) for text in epochs]
    jd, fr, is_time = parse_utc_many(epochs)
    fault(~is_time, "EPOCH", "a UTC time such as 2024-07-05T12:34:56.789012 or 2024-187T12:34:56.789")
    keyword = _keyword(table, "OBJECT_TYPE")
    types = [TYPE_NAMES.get((text or "").strip().upper()) for text in table.get(keyword)]
    unknown = mend(np.array([text is None for text in types], np.bool_), f"{keyword} is not known and left out")
    fault(unknown, keyword, f"one of {', '.join(TYPE_NAMES)}")
    decay = _keyword(table, DECAY_KEYWORD)
    decay_jd, is_no_date = decay_days(table.get(decay))
    fault(mend(is_no_date, f"{decay} is no date and left out"), decay, DATE)
    classes = [(text or "").strip() or "U" for text in table.get("CLASSIFICATION_TYPE")]
    if lenient:
        odd = np.array([text not in CLASSIFICATIONS for text in classes], np.bool_)
        table.notes.add_all("CLASSIFICATION_TYPE is read by its first letter, or as U", odd, positions)
        classes = [text[:1].upper() if text[:1].upper() in CLASSIFICATIONS else "U" for text in classes]
    for keyword, most in (("OBJECT_NAME", LONGEST_NAME), ("OBJECT_ID", LONGEST_CODE)):
        long = np.array([len((text or "").strip()) > most for text in table.get(keyword)], np.bool_)
        table.notes.add_all(f"{keyword} is cut after {most} characters", long, positions)

    columns: dict[str, npt.NDArray[Any]] = {
        "norad_id": wholes("NORAD_CAT_ID"),
        "name": _strings(table.get("OBJECT_NAME"), LONGEST_NAME),
        "object_id": _strings(table.get("OBJECT_ID")),
        "object_type": _strings(types),
        "status": _strings([status_name(text) for text in table.get(_keyword(table, STATUS_KEYWORD))]),
        "owner": _strings(table.get(_keyword(table, OWNER_KEYWORD))),
        "classification": _strings(classes),
        "epoch_jd": jd,
        "epoch_fr": fr,
        "mean_motion": _mean_motion(table, floats),
        "eccentricity": floats("ECCENTRICITY"),
        "inclination": floats("INCLINATION") * _DEG_TO_RAD,
        "raan": floats("RA_OF_ASC_NODE") * _DEG_TO_RAD,
        "argp": floats("ARG_OF_PERICENTER") * _DEG_TO_RAD,
        "mean_anomaly": floats("MEAN_ANOMALY") * _DEG_TO_RAD,
        "bstar": floats("BSTAR"),
        "mean_motion_dot": floats("MEAN_MOTION_DOT", 0.0) / _DOT_UNITS,
        "mean_motion_ddot": floats("MEAN_MOTION_DDOT", 0.0) / _DDOT_UNITS,
        "element_set_no": wholes("ELEMENT_SET_NO", 0),
        "rev_at_epoch": wholes("REV_AT_EPOCH", 0),
        "hard_body_radius_m": floats(RADIUS_KEYWORD, math.nan),
        "mass_kg": floats("MASS", math.nan),
        "decay_jd": decay_jd,
    }
    return Records(columns, positions, lambda i: _plain(ids[i])[:20], faults, table.strays, table.notes)


def _mean_motion(table: FieldTable, floats: Callable[..., Floats]) -> Floats:
    """Mean motion [rad/min], from the semi-major axis where a record gives that instead."""
    given = np.array([bool(text and text.strip()) for text in table.get("MEAN_MOTION")], np.bool_)
    if given.all() or "SEMI_MAJOR_AXIS" not in table.fields:
        return floats("MEAN_MOTION") / 720.0 * np.pi
    axis = floats("SEMI_MAJOR_AXIS", math.nan)
    motion = floats("MEAN_MOTION", math.nan) / 720.0 * np.pi
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(given, motion, orbits.mean_motion_of_axis(axis))


def _keyword(table: FieldTable, keyword: str) -> str:
    """The keyword, or the form in which a message carries it as user-defined, where some record has that."""
    return USER + keyword if USER + keyword in table.fields else keyword


def _numbers(
    texts: Texts, kind: type[float] | type[int], pattern: re.Pattern[str], default: float | None
) -> tuple[npt.NDArray[Any], Bools]:
    """Numbers of many texts, and a mask of texts that are none."""
    dtype = np.float64 if kind is float else np.int64
    fast = _all_plain(texts, kind, dtype)
    if fast is not None:
        return fast, ~np.isfinite(fast)
    values = np.zeros(len(texts), dtype)
    broken = np.zeros(len(texts), np.bool_)
    for index, text in enumerate(texts):
        stripped = (text or "").strip()
        if stripped == "" and default is not None:
            values[index] = default
        elif pattern.fullmatch(stripped) and len(stripped) < 400:
            values[index] = float(stripped) if kind is float else int(stripped.partition(".")[0])
        else:
            broken[index] = True
    if kind is float:
        broken |= np.isinf(values)
    return values, broken


def _all_plain(texts: Texts, kind: type[float] | type[int], dtype: npt.DTypeLike) -> npt.NDArray[Any] | None:
    """All texts as numbers, or None if one is missing or is no number."""
    try:
        joined = "".join(texts)  # type: ignore[arg-type]
        if not joined.isascii() or "_" in joined:  # int() and float() would take 1_000 and digits of other scripts
            return None
        return np.array(list(map(kind, texts)), dtype)
    except (TypeError, ValueError, OverflowError):
        return None


def _strings(texts: Sequence[str | None], most: int = LONGEST_CODE) -> Strings:
    """Column of texts of bounded length: the longest one sets the memory of all."""
    return np.array([(text or "").strip()[:most] for text in texts], np.str_) if texts else np.zeros(0, "U1")


def _plain(text: str | None) -> str:
    return (text or "").strip().encode("ascii", "replace").decode("ascii")


def _shown(text: str | None) -> str:
    return "missing" if text is None or not text.strip() else repr(text.strip()[:60])
