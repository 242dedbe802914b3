"""Triage of conjunctions by a table: act, improve, watch or dismiss, with the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.compression import Limits
from stmgpu.errors import InputError
from stmgpu.files import read_toml
from stmgpu.validation import Fields

if TYPE_CHECKING:
    import numpy.typing as npt
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats, Ints, Strings

DISMISS, WATCH, IMPROVE, ACT = 0, 1, 2, 3
"""Codes of the decisions, in the order of their urgency."""

DECISIONS = {DISMISS: "dismiss", WATCH: "watch", IMPROVE: "improve", ACT: "act"}
"""Name of each decision."""

_SHIPPED = Path(__file__).resolve().parent / "lines"
_MAX_BYTES = 1 << 16


@dataclass(frozen=True)
class Lines:
    """Probabilities at which a decision changes.

    Attributes
    ----------
    act : float
        The red line: a valid probability at or above it asks for a manoeuvre.
    watch : float
        A probability below it is dismissed.
    name, source : str
        Name of the lines and who uses them.
    """

    act: float
    watch: float
    name: str
    source: str


@dataclass(frozen=True)
class _Rule:
    """A row of the table: the first one that applies to a conjunction decides."""

    decision: int
    reason: str


_TABLE = (
    _Rule(ACT, "Pc is at or above the red line of {act:g}"),
    _Rule(IMPROVE, "Pc is diluted, its maximum is at or above the red line of {act:g}: better data before a decision"),
    _Rule(WATCH, "Pc is between the lines of {watch:g} and {act:g}"),
    _Rule(WATCH, "Pc is diluted: it is below {watch:g}, but its maximum is not"),
    _Rule(WATCH, "Pc is below {watch:g}, but its upper limit is not"),
    _Rule(DISMISS, "Pc is below {watch:g}, and better data cannot raise it to that"),
    _Rule(WATCH, "the objects do not move relative to each other: docked, or one element set under two ids"),
    _Rule(IMPROVE, "no valid Pc, the maximum is at or above the red line of {act:g}: better data or another method"),
    _Rule(IMPROVE, "neither a valid Pc nor a maximum: better data or another method"),
    _Rule(WATCH, "no valid Pc; a maximum below {act:g} does not bound it where the method fails"),
)
"""The table of decisions, in the order of its conditions in `triage`."""


def line_names() -> list[str]:
    """Names of the lines that come with the package."""
    return sorted(path.stem for path in _SHIPPED.glob("*.toml"))


def lines(text: str) -> Lines:
    """Lines of a name or a file.

    Parameters
    ----------
    text : str
        'cara' (1e-4 and 1e-7), '1e-5' or '1e-6' (each with 1e-7), or a TOML file with `act`, `watch` and `source`.

    Raises
    ------
    InputError
        If there is neither such a name nor such a file, a key of the file is missing or unknown, or a line is not
        allowed.

    Examples
    --------
    >>> lines("cara").act, lines("1e-5").act
    (0.0001, 1e-05)
    """
    if text in line_names():
        return read_lines(_SHIPPED / f"{text}.toml")
    if Path(text).suffix.lower() == ".toml":
        return read_lines(Path(text))
    raise InputError(f"the lines {text!r} are unknown; allowed are {', '.join(line_names())}, and a file in .toml")


def read_lines(file: Path) -> Lines:
    """Lines of a TOML file; see :func:`lines`."""
    document = read_toml(file, kind="file of lines", limits=Limits(_MAX_BYTES))
    try:
        allowed = ("source", "act", "watch")
        for key in document:
            if key not in allowed:
                raise InputError(f"{key[:60]!r} is unknown, allowed are {', '.join(allowed)}")
        fields = Fields(document)
        source, act, watch = fields.text("source"), fields.number("act"), fields.number("watch")
        if not (source.strip() and source.isprintable() and len(source) <= 300):
            raise InputError(f"source is {source[:40]!r}, allowed is printable text of 1 to 300 characters")
        if not 0.0 < watch <= act <= 1.0:
            raise InputError(f"act is {act:g} and watch {watch:g}, allowed is 0 < watch <= act <= 1")
    except InputError as error:
        raise InputError(f"lines {str(file)!r}: {error}") from None
    return Lines(act, watch, file.stem, source)


def triage(
    pc: ArrayLike,
    pc_max: ArrayLike,
    diluted: ArrayLike,
    is_valid: ArrayLike,
    limits: Lines,
    *,
    together: ArrayLike = False,
    upper: ArrayLike = 0.0,
) -> tuple[npt.NDArray[np.int8], Strings]:
    """Decide about conjunctions; the arguments are broadcast against each other.

    Parameters
    ----------
    pc : array_like
        Collision probability, NaN where there is none.
    pc_max : array_like
        Its maximum over the size of the covariance, NaN where there is none.
    diluted : array_like of bool
        Whether the maximum is at a smaller covariance, so that better data may raise the probability.
    is_valid : array_like of bool
        Whether the method of the probability holds. Without a valid probability nothing is dismissed: the maximum is
        of the same method and bounds nothing.
    limits : Lines
        From :func:`lines`.
    together : array_like of bool
        Whether the objects have no relative velocity, so that there is no encounter.
    upper : array_like
        Upper limit of the probability, where it is above it.

    Returns
    -------
    decision : int8
        Codes of `DECISIONS`, of the broadcast shape.
    reason : str
        Why, in words.

    Raises
    ------
    InputError
        If a probability is below 0 or above 1.

    Examples
    --------
    >>> codes, reasons = triage([3e-4, np.nan], [1e-3, 1e-9], [True, True], [True, False], lines("cara"))
    >>> codes, reasons[0].item()
    (array([3, 1], dtype=int8), 'Pc is at or above the red line of 0.0001')
    """
    p, most = np.asarray(pc, np.float64), np.asarray(pc_max, np.float64)
    for name, values in (("pc", p), ("pc_max", most)):
        wrong = (values < 0.0) | (values > 1.0)
        if wrong.any():
            raise InputError(f"{name} is {values[wrong].flat[0]:g}, allowed is 0 to 1, or NaN where it is unknown")
    valid = np.asarray(is_valid, bool) & ~np.isnan(p)
    may_rise = np.asarray(diluted, bool)
    unknown = may_rise & np.isnan(most)
    conditions = np.broadcast_arrays(
        valid & (p >= limits.act),
        valid & may_rise & (most >= limits.act),
        valid & (p >= limits.watch),
        valid & may_rise & ((most >= limits.watch) | unknown),
        valid & (np.asarray(upper, np.float64) >= limits.watch),
        valid,
        np.asarray(together, bool),
        most >= limits.act,
        np.isnan(most),
        np.True_,
    )
    row = np.argmax(np.stack(conditions), axis=0)
    decisions = np.array([rule.decision for rule in _TABLE], np.int8)
    reasons = np.array([rule.reason.format(act=limits.act, watch=limits.watch) for rule in _TABLE])
    return decisions[row], reasons[row]


def ranked(decision: Ints, pc: Floats, pc_max: Floats, p_act: Floats) -> Ints:
    """Order of n conjunctions by urgency: by decision, then act, watch and dismiss by Pc, improve by the forecast.

    Parameters
    ----------
    decision : int, shape (n,)
        From :func:`triage`.
    pc, pc_max : float64, shape (n,)
        Probability and its maximum, NaN where there is none; the maximum decides where all else is equal or unknown.
    p_act : float64, shape (n,)
        Probability that Pc will be above the red line, see :mod:`stmgpu.risk.forecast`; NaN where it is not known.

    Returns
    -------
    int64, shape (n,)
        Indices, the most urgent conjunction first; equal ones keep their order.
    """
    first = np.where(decision == IMPROVE, p_act, pc)
    keys = [-np.nan_to_num(pc_max, nan=-1.0), -np.nan_to_num(first, nan=-1.0), -decision.astype(np.int64)]
    order: Ints = np.lexsort(keys)
    return order


def counts(decision: Ints) -> dict[str, int]:
    """Number of conjunctions of each decision, the most urgent first."""
    return {name: int((decision == code).sum()) for code, name in sorted(DECISIONS.items(), reverse=True)}
