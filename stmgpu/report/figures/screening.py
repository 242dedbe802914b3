"""Figures of conjunctions: distances, speeds, times and ages of elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import MultipleLocator

from stmgpu.errors import InputError
from stmgpu.report.figures.contents import conjunctions_of, fast, hours_after, start_and_hours, start_label
from stmgpu.report.figures.style import INK, axes_of, legend_above, look, styled
from stmgpu.risk.triage import DECISIONS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from stmgpu.typing import Floats

REGIONS = {"low": (200.0, 2000.0), "high": (2000.0, 42000.0)}
"""Regions of altitude that are drawn apart [km]: the high one as points, which are few and far apart."""

ALTITUDE_CELL_KM = 20.0

_MOST_POINTS = 5_000
"""Points above which they are an image, also in PDF and SVG."""

_SPEED_CELL_KM_S = 0.2
_FASTEST_KM_S = 16.0  # twice the speed of the lowest orbits


@styled
def miss_distance(con: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Count the conjunctions within a distance, and compare them with the square law.

    In the plane across the relative velocity the chance to pass within d is that of a disc, so counts grow as d^2 for
    pairs whose tracks know nothing of each other. Pairs of one constellation fly at one altitude, which leaves a line
    instead of the disc: their counts grow as d. Pairs slower than 0.1 km/s are left out.

    Parameters
    ----------
    con : xr.Dataset
        Conjunctions, from :func:`stmgpu.screen` or a store.
    ax : Axes, optional
        Where to draw; default a new figure of one column.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If these are no conjunctions, or none is of a fast pair.

    Examples
    --------
    >>> import stmgpu as stm
    >>> con = stm.screen(stm.synthetic_catalog(n=500, seed=1), hours=1, threshold_km=20)
    >>> stm.plot.miss_distance(con).get_xlabel()
    'distance d [km]'
    """
    con = conjunctions_of(con, figure="miss_distance")
    found = np.sort(con["miss_distance"].to_numpy()[fast(con)])
    if not len(found):
        raise InputError("miss_distance draws pairs faster than 0.1 km/s, and there are none among these conjunctions")
    ax = axes_of(ax)
    limit = float(con.attrs.get("threshold_km", found[-1]))
    count = np.arange(1, len(found) + 1)
    lines = ax.plot(found, count, drawstyle="steps-post", **look(0))
    d = np.geomspace(limit / np.sqrt(len(found)), limit, 50)
    lines += ax.plot(d, len(found) * (d / limit) ** 2, **look(1))
    ax.set(xscale="log", yscale="log", xlabel="distance d [km]", ylabel="conjunctions within d")
    lowest = max(found[0], limit * 1e-4)
    ax.set_xlim(min(lowest, 0.5 * limit) * 0.8, limit)
    ax.set_ylim(0.8, 1.3 * max(len(found), 2))
    legend_above(ax, lines, ["found", "square law"])
    return ax


@styled
def timeline(con: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw every conjunction at its time: by collision probability where it is assessed, otherwise by distance.

    Assessed conjunctions are marked by what the triage says; those without a probability are left out. Of others, pairs
    slower than 0.1 km/s have pale crosses.

    Parameters
    ----------
    con : xr.Dataset
        Conjunctions, from :func:`stmgpu.screen`, :func:`stmgpu.assess` or a store; assessed messages, too.
    ax : Axes, optional
        Where to draw; default a new figure of one column.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If these are no conjunctions, or there are none.
    """
    con = conjunctions_of(con, figure="timeline")
    ax = axes_of(ax)
    hours = hours_after(con)
    if "pc" in con.variables and (con["pc"].to_numpy() > 0.0).any():
        _by_probability(ax, con, hours)
    else:
        quick, miss = fast(con), con["miss_distance"].to_numpy()
        for rows, marker, k, label in ((~quick, "x", 4, "slow pairs"), (quick, ".", 0, "fast pairs")):
            if rows.any():
                points(ax, hours[rows], miss[rows], marker=marker, k=k, label=label)
        ax.set(yscale="log" if (miss > 0.0).all() else "linear", ylabel="miss distance [km]")
    ax.set(xlabel=start_label(con), xlim=(0.0, start_and_hours(con)[1]))
    handles, labels = ax.get_legend_handles_labels()
    legend_above(ax, handles, labels)
    return ax


def _by_probability(ax: Axes, con: xr.Dataset, hours: Floats) -> None:
    pc, decision = con["pc"].to_numpy(), con["triage"].to_numpy()
    for k, (code, name) in enumerate(sorted(DECISIONS.items())):
        rows = (decision == code) & (pc > 0.0)
        if rows.any():
            points(ax, hours[rows], pc[rows], marker=".^sD"[k % 4], k=(4, 0, 5, 1)[k % 4], label=name)
    lowest = pc[pc > 0.0].min()
    lines = {name: float(con.attrs[name]) for name in ("red_line", "watch_line") if name in con.attrs}
    for name, value in lines.items():
        ax.axhline(value, color=INK, lw=0.8, ls="-" if name == "red_line" else (0, (5, 2)))
    if lines:  # probabilities far below every line are all alike
        lowest = max(lowest, 1e-4 * min(lines.values()))
    ax.set(yscale="log", ylabel="collision probability")
    ax.set_ylim(0.5 * lowest, 3.0 * max(pc[pc > 0.0].max(), *lines.values(), 0.0))


@styled
def ages(con: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Count conjunctions by the age of their elements at TCA, of the older and of the newer set.

    Parameters
    ----------
    con : xr.Dataset
        Conjunctions, from :func:`stmgpu.screen` or a store.
    ax : Axes, optional
        Where to draw; default a new figure of one column.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If these are no conjunctions, or none stands on elements.
    """
    con = conjunctions_of(con, "primary_epoch_age_days", "secondary_epoch_age_days", figure="ages")
    both = np.abs(np.stack([con["primary_epoch_age_days"].to_numpy(), con["secondary_epoch_age_days"].to_numpy()]))
    both = both[:, np.isfinite(both).any(axis=0)]
    if not both.size:
        raise InputError("ages draws the ages of elements, and these conjunctions come from trajectories alone")
    ax = axes_of(ax)
    older, newer = np.nanmax(both, axis=0), np.nanmin(both, axis=0)
    top = max(float(older.max()), 1e-3)
    edges = np.linspace(0.0, top, 41)
    lines = []
    for k, values in enumerate((older, newer)):
        counts, _ = np.histogram(values, edges)
        lines.append(ax.stairs(counts, edges, lw=1.2, **look(k)))
    ax.set(xlabel="age of the elements at TCA [d]", ylabel="conjunctions", xlim=(0.0, top))
    ax.set_ylim(0.0, None)
    legend_above(ax, lines, ["older set of the pair", "newer set"])
    return ax


@styled
def speeds(con: xr.Dataset, ax: Axes | None = None, *, region: str = "low") -> Axes:
    """Count conjunctions by altitude and relative speed.

    Parameters
    ----------
    con : xr.Dataset
        Conjunctions, from :func:`stmgpu.screen` or a store.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    region : {'low', 'high'}
        Altitudes up to 2,000 km, or those above, up to the geostationary orbit and its surroundings.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If these are no conjunctions, or none is in the region.
    """
    con = conjunctions_of(con, "altitude", figure="speeds")
    rows = in_region(con, region, figure="speeds")
    ax = axes_of(ax)
    altitude, speed = (con[name].to_numpy()[rows].astype(np.float64) for name in ("altitude", "relative_speed"))
    ax.set(xlabel="altitude [km]", ylabel="relative speed [km/s]")
    if region == "high":
        points(ax, altitude, speed, size=5.0)
        high_altitudes(ax.xaxis, altitude)
        top = max(1.0, 1.05 * float(speed.max()))
        ax.set_ylim(-0.05 * top, top)  # most of them hardly move
        return ax
    cells = altitude_edges(), np.linspace(0.0, _FASTEST_KM_S, round(_FASTEST_KM_S / _SPEED_CELL_KM_S) + 1)
    heat(ax, np.maximum(altitude, cells[0][0]), speed, cells, label="conjunctions in 20 km × 0.2 km/s")
    return ax


def altitude_edges() -> Floats:
    """Edges of the cells of the low region [km]."""
    lower, upper = REGIONS["low"]
    return np.linspace(lower, upper, round((upper - lower) / ALTITUDE_CELL_KM) + 1)


def high_altitudes(axis: Axis, altitude: Floats) -> None:
    """Make an axis one of high altitudes, up to the geostationary orbit or beyond."""
    axis.set_major_locator(MultipleLocator(10_000.0))
    axis.set_view_interval(REGIONS["high"][0], max(REGIONS["high"][1], 1.05 * float(altitude.max())), ignore=True)


def points(
    ax: Axes, x: Floats, y: Floats, *, marker: str = ".", k: int = 0, label: str | None = None, size: float = 3.0
) -> None:
    """Points; many of them are an image, so that PDF and SVG stay small."""
    ax.plot(x, y, marker, color=look(k)["color"], ms=size, mew=0.5, label=label, rasterized=len(x) > _MOST_POINTS)


def regions_of(con: xr.Dataset) -> list[str]:
    """Regions of altitude in which there are conjunctions."""
    low = con["altitude"].to_numpy() <= REGIONS["low"][1]
    return [region for region, rows in (("low", low), ("high", ~low)) if rows.any()]


def in_region(con: xr.Dataset, region: str, *, figure: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows of a region of altitude; InputError if it is unknown or empty."""
    if region not in REGIONS:
        raise InputError(f"region = {region!r} is unknown; choose one of {', '.join(REGIONS)}")
    low = con["altitude"].to_numpy() <= REGIONS["low"][1]
    rows: np.ndarray[tuple[int], np.dtype[np.bool_]] = low if region == "low" else ~low
    if not rows.any():
        other = "high" if region == "low" else "low"
        raise InputError(f"{figure}: no conjunction is in the region {region!r}; choose {other!r}")
    return rows


def heat(ax: Axes, x: Floats, y: Floats, cells: tuple[Floats, Floats], *, label: str) -> None:
    """Counts in cells, with their scale beside the axes; empty cells are blank."""
    counts, *_ = np.histogram2d(x, y, bins=list(cells))
    mesh = ax.pcolormesh(
        *cells,
        np.ma.masked_equal(counts.T, 0.0),
        cmap="viridis",
        norm=LogNorm(1.0, max(counts.max(), 10.0)),
        rasterized=True,
    )
    bar = ax.get_figure(root=False).colorbar(mesh, ax=ax, pad=0.01, label=label)  # type: ignore[union-attr]
    bar.outline.set_linewidth(0.4)
    ax.grid(visible=False)
