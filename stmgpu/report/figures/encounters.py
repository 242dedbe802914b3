"""The encounter plane of one conjunction: miss, covariance and hard-body radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Circle, Ellipse

from stmgpu.errors import InputError
from stmgpu.report.figures.contents import conjunctions_of, fast
from stmgpu.report.figures.style import COLOURS, INK, SOFT, axes_of, note, short, styled
from stmgpu.risk.encounter import encounter_geometry
from stmgpu.screen.variables import ROW

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_NEEDED = ("miss_major", "miss_minor", "sigma_major", "sigma_minor", "hard_body_radius", "pc")
_KM_FROM_M = 3000.0
_MOST_STRETCHED = 6.0
"""Ratio of the extents above which the axes have scales of their own."""


@dataclass(frozen=True)
class _Plane:
    miss: tuple[float, float]
    sigma: tuple[float, float]
    radius: float = float("nan")
    pc: float = float("nan")
    title: str = ""


@styled
def encounter_plane(source: xr.Dataset, ax: Axes | None = None, *, event: int | None = None) -> Axes:
    """Draw one conjunction in its encounter plane, the plane across the relative velocity.

    The primary is at the origin, with the combined hard-body radius around it; the secondary is at the miss, with the
    ellipses of 1, 2 and 3 standard deviations of the combined covariance. Axes are the principal axes of the
    covariance.

    Parameters
    ----------
    source : xr.Dataset
        Assessed conjunctions or messages, or the states of :func:`stmgpu.encounters`, which have no radius.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    event : int, optional
        Number of the conjunction, from its coordinate ``conjunction``. Default: the one with the highest probability,
        or the closest one of a fast pair.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If the conjunctions are not assessed, there is no such event, or it has no encounter plane.
    """
    states = "state_1" in getattr(source, "variables", ())
    plane = _of_states(source, event) if states else _of_conjunctions(source, event)
    if not np.isfinite([*plane.miss, *plane.sigma]).all() or min(plane.sigma) < 0.0:
        raise InputError(
            f"{plane.title or 'this conjunction'} has no encounter plane (no covariance, or no relative velocity); "
            "choose another with event"
        )
    ax = axes_of(ax)
    extent = np.abs([[m - 3.2 * s, m + 3.2 * s] for m, s in zip(plane.miss, plane.sigma, strict=True)])
    unit, scale = ("km", 1e-3) if max(extent.max(), 0.0) > _KM_FROM_M else ("m", 1.0)
    _draw(ax, plane, scale)
    ax.set(xlabel=f"along the major axis [{unit}]", ylabel=f"along the minor axis [{unit}]", title=plane.title)
    facts = [f"miss {np.hypot(*plane.miss) * scale:,.3g} {unit}"]
    if np.isfinite(plane.pc):
        facts.append(f"Pc {plane.pc:.1e}")
    if np.isfinite(plane.radius):
        facts.append(f"radius {plane.radius:.3g} m")
    note(ax, "\n".join(facts), corner="upper left")
    return ax


def _draw(ax: Axes, plane: _Plane, scale: float) -> None:
    miss, sigma = ((scale * pair[0], scale * pair[1]) for pair in (plane.miss, plane.sigma))
    for n, alpha in ((3, 0.10), (2, 0.16), (1, 0.26)):
        ax.add_patch(Ellipse(miss, 2 * n * sigma[0], 2 * n * sigma[1], fc=COLOURS[0], alpha=alpha, lw=0))
        ax.add_patch(Ellipse(miss, 2 * n * sigma[0], 2 * n * sigma[1], fc="none", ec=COLOURS[0], lw=0.6))
    ax.plot(*([0.0, m] for m in miss), color=SOFT, lw=0.8, ls=(0, (5, 2)))
    ax.plot(*miss, "o", color=COLOURS[0], ms=3.5)
    ax.plot(0.0, 0.0, "+", color=INK, ms=7, mew=1.0)
    if np.isfinite(plane.radius):
        ax.add_patch(Circle((0.0, 0.0), scale * plane.radius, fc=COLOURS[1], ec=COLOURS[1], lw=0.6, zorder=3))
    limits = []
    for m, s in zip(miss, sigma, strict=True):
        low, high = min(0.0, m - 3.2 * s), max(0.0, m + 3.2 * s)
        margin = 0.06 * (high - low) + (scale * plane.radius if np.isfinite(plane.radius) else 0.0)
        limits.append((low - margin, high + margin))
    ax.set(xlim=limits[0], ylim=limits[1])
    spans = [high - low for low, high in limits]
    if max(spans) < _MOST_STRETCHED * min(spans):
        ax.set_aspect("equal", adjustable="datalim")
    else:
        note(ax, "axes of different scales")


def _row(table: xr.Dataset, event: int) -> int:
    places = np.flatnonzero(table[ROW].to_numpy() == event)
    if not len(places):
        first, last = table[ROW].to_numpy()[[0, -1]].tolist()
        raise InputError(f"there is no conjunction {event}; choose one between {first} and {last}")
    return int(places[0])


def _of_conjunctions(source: Any, event: int | None) -> _Plane:
    con = conjunctions_of(source, *_NEEDED, figure="encounter_plane")
    if event is not None:
        row = _row(con, event)
    else:
        pc, quick = con["pc"].to_numpy(), fast(con) & np.isfinite(con["sigma_major"].to_numpy())
        if not quick.any():
            raise InputError("no conjunction has an encounter plane: all pairs are slow, or covariances are missing")
        known = quick & np.isfinite(pc)
        miss = np.where(quick, con["miss_distance"].to_numpy(), np.inf)
        row = int(np.where(known, pc, -1.0).argmax()) if known.any() else int(miss.argmin())
    one = con.isel({ROW: row})
    value = {name: float(one[name]) for name in _NEEDED}
    names = [_object(one, who, number) for who, number in (("primary", 1), ("secondary", 2))]
    when = str(np.datetime_as_string(one["tca"].to_numpy().astype("datetime64[s]"))).replace("T", " ")
    return _Plane(
        (value["miss_major"], value["miss_minor"]),
        (value["sigma_major"], value["sigma_minor"]),
        value["hard_body_radius"],
        value["pc"],
        f"{names[0]} and {names[1]}\n{when} UTC",
    )


def _object(one: xr.Dataset, who: str, number: int) -> str:
    """Name of an object, or its number."""
    for name in (f"{who}_name", f"name_{number}", who, f"designator_{number}"):
        if name in one.variables and (text := str(one[name].item()).strip()):
            return short(text)
    return who


def _of_states(source: xr.Dataset, event: int | None) -> _Plane:
    if not source.sizes[ROW]:
        raise InputError("there are no encounters to draw")
    row = 0 if event is None else _row(source, event)
    state = [source[f"state_{k}"].to_numpy()[row] for k in (1, 2)]
    covariance = [source[f"covariance_{k}"].to_numpy()[row, :3, :3] for k in (1, 2)]
    geometry = encounter_geometry(
        state[0][:3], state[0][3:], covariance[0], state[1][:3], state[1][3:], covariance[1], 1.0
    )
    return _Plane(
        (float(geometry.miss_major_m[0]), float(geometry.miss_minor_m[0])),
        (float(geometry.sigma_major_m[0]), float(geometry.sigma_minor_m[0])),
        title=f"conjunction {source[ROW].to_numpy()[row]}",
    )
