"""The words of a study's page: headline, warnings, and what its intervals say and do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stmgpu.errors import counted
from stmgpu.report.page.study_numbers import FEW_RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Summary = dict[str, Any]

_TINY = 1e-4
"""Size below which a number is written with a power of ten."""

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure_warning(summary: Summary) -> str:
    """Warning that stands inside every figure: too few runs, runs that were cut off; empty if there is none."""
    scenarios = summary["scenarios"]
    used = min(one["runs_used"] for one in scenarios)
    parts = []
    if used < FEW_RUNS:
        parts.append(f"Only {counted(used, 'run')}: do not rely on the bands and intervals, which are too narrow.")
    cut = sum(one["runs_cut_off"] for one in scenarios)
    if cut:
        first = min(one["year"] for one in summary["cut_off"])
        parts.append(f"{counted(cut, 'run')} cut off from {first:.0f} on: means are too low from then on.")
    return " ".join(parts)


def warnings(summary: Summary, attributes: Mapping[str, Any]) -> list[str]:
    """Warnings above the figures: unfinished studies, few runs, runs cut off, scenarios without spread, notes."""
    scenarios = summary["scenarios"]
    found = []
    if not attributes.get("complete", 1):
        found.append(
            f"This study is unfinished: {attributes['tiles_done']:,} of {attributes['tiles']:,} tiles are computed. "
            "Everything below is from the finished runs."
        )
    uneven = {one["name"]: one["runs_finished"] for one in scenarios}
    if len(set(uneven.values())) > 1:
        found.append(
            "The scenarios have different numbers of finished runs: "
            + ", ".join(f"{name} {count}" for name, count in uneven.items())
            + ". Differences are from the runs that both scenarios have."
        )
    inside = figure_warning(summary)
    if inside:
        found.append(inside)
    virtual = [one["name"] for one in scenarios if one["estimator"] == "expected"]
    if virtual:
        found.append(
            f"Estimator 'expected' ({', '.join(virtual)}): collisions are sums of probabilities, both channels are the "
            "same, and the spread between runs means nothing. Bands are 95 % intervals of the mean."
        )
    return found


def headline(summary: Summary, differences: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The numbers at the top of the page: runs, objects, collisions and the largest differences.

    Parameters
    ----------
    summary : dict
        Result of :func:`stmgpu.report.study.summary.study_summary`.
    differences : sequence of dict
        Result of :func:`stmgpu.report.page.study_effects.differences_at_end`.
    """
    scenarios = summary["scenarios"]
    base = scenarios[0]
    runs = sum(one["runs_finished"] for one in scenarios)
    found = [
        _entry("Runs", f"{runs:,}", f"of {counted(len(scenarios), 'scenario')}"),
        _entry(
            "Objects at the end",
            spoken(base["objects_end"]["mean"]),
            f"{base['name']}; at the start {spoken(base['objects_start'])}; 95 %: {_between(base['objects_end'])}",
        ),
        _entry(
            "Catastrophic collisions expected",
            spoken(base["catastrophic_expected"]["mean"]),
            f"{base['name']}; 95 %: {_between(base['catastrophic_expected'])}",
        ),
    ]
    for part, label in zip(
        differences, ("Objects: largest difference", "Collisions: largest difference"), strict=False
    ):
        rows = [row for row in part["rows"] if row["mid"] is not None]
        if rows:
            best = max(rows, key=lambda row: abs(row["mid"]))
            interval = _between({"lower": best["low"], "upper": best["high"]}, signed=True)
            found.append(
                _entry(
                    label, spoken(best["mid"], signed=True), f"{scenarios[best['scenario']]['name']}; 95 %: {interval}"
                )
            )
    return found


def certificate(summary: Summary) -> list[dict[str, str]]:
    """What the numbers of the page say, and what they do not say, as pairs of ``heading`` and ``text``."""
    worst = max((value for value in summary["balances"].values() if value is not None), default=None)
    kept = "" if worst is None else f" The largest relative error of any balance is {spoken(worst)}."
    return [
        {
            "heading": "What the intervals say",
            "text": "How far the mean of these runs may be from the mean of infinitely many runs of the same model. "
            "They are bootstrap intervals (BCa) of 95 %. Bands of 90 % of the runs show the spread between runs, not "
            "the error of a mean.",
        },
        {
            "heading": "What they do not say",
            "text": "How far the model is from the world. Errors of the initial population, of the atmosphere, of the "
            "breakup model and of the assumed launches are in no interval. No object of the future is predicted.",
        },
        {
            "heading": "How scenarios are compared",
            "text": "Run by run: run k of every scenario shares its random numbers, so differences are those of pairs. "
            "The gain is the number of times as many independent runs that would be needed for the same precision.",
        },
        {
            "heading": "What is checked",
            "text": "Every run balances objects and mass against all that entered and left, and mass, momentum and "
            f"energy of every breakup.{kept} The same seed gives the same numbers again.",
        },
    ]


def spoken(value: float | None, *, signed: bool = False) -> str:
    """Number for a reader: whole from 100 on, else three digits, tiny ones with a power of ten; a dash for None.

    Examples
    --------
    >>> spoken(15263.2), spoken(-0.4712, signed=True), spoken(0.0)
    ('15,263', '−0.471', '0')
    """
    if value is None:
        return "–"
    size = abs(value)
    if 0.0 < size < _TINY:
        mantissa, power = f"{size:.1e}".split("e")
        return f"{'−' if value < 0.0 else ''}{mantissa} × 10{str(int(power)).translate(_RAISED)}"
    text = f"{size:,.0f}" if size >= 99.95 or size == 0.0 else f"{size:#.3g}".rstrip(".")
    if value < 0.0:
        return f"−{text}"
    return f"+{text}" if signed and value > 0.0 else text


def _between(interval: Mapping[str, float | None], *, signed: bool = False) -> str:
    if interval["lower"] is None or interval["upper"] is None:
        return "no interval"
    return f"{spoken(interval['lower'], signed=signed)} to {spoken(interval['upper'], signed=signed)}"


def _entry(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}
