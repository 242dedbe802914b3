"""Densities, fluxes and rates: of conjunctions, of debris studies and of populations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.population.population import Population
from stmgpu.debris.statistics import density as of_debris
from stmgpu.debris.statistics.growth import collision_rate
from stmgpu.errors import InputError
from stmgpu.report.figures.contents import (
    conjunctions_of,
    ensemble_of,
    hours_after,
    kind_of,
    start_and_hours,
    start_label,
)
from stmgpu.report.figures.scenarios import scenario_legend, year_axis
from stmgpu.report.figures.screening import altitude_edges, heat, high_altitudes, in_region, points
from stmgpu.report.figures.style import PALE, axes_of, legend_above, look, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from stmgpu.typing import Floats

_PER_CUBE = 1e9
"""Cubic kilometres in a cube of 1,000 km."""

_LATITUDE_CELL_DEG = 5.0


@styled
def density(source: xr.Dataset | Population, ax: Axes | None = None, *, region: str = "low") -> Axes:
    """Draw densities: of conjunctions by altitude and latitude, of objects by altitude.

    Of a study the spatial density at the start is the grey area, that at the end a line for each scenario (mean of the
    runs). Of a population every class has a line, and their sum is the area.

    Parameters
    ----------
    source : xr.Dataset or Population
        Conjunctions, an ensemble, or a population.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    region : {'low', 'high'}
        Of conjunctions: altitudes up to 2,000 km, or those above.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If there is nothing to draw.

    Examples
    --------
    >>> import stmgpu as stm
    >>> con = stm.screen(stm.synthetic_catalog(n=500, seed=1), hours=1, threshold_km=20)
    >>> stm.plot.density(con).get_ylabel()
    'altitude [km]'
    """
    if isinstance(source, Population):
        return _of_population(source, axes_of(ax))
    if kind_of(source) == "ensemble":
        return _by_altitude(source, ax, figure="density")
    con = conjunctions_of(source, "altitude", "latitude", figure="density")
    rows = in_region(con, region, figure="density")
    ax = axes_of(ax)
    altitude, latitude = (con[name].to_numpy()[rows].astype(np.float64) for name in ("altitude", "latitude"))
    if region == "high":
        points(ax, latitude, altitude, size=5.0)
        high_altitudes(ax.yaxis, altitude)
    else:
        cells = np.linspace(-90.0, 90.0, round(180.0 / _LATITUDE_CELL_DEG) + 1), altitude_edges()
        heat(ax, latitude, np.maximum(altitude, cells[1][0]), cells, label="conjunctions in 5° × 20 km")
    ax.set(xlabel="latitude [deg]", ylabel="altitude [km]", xticks=np.arange(-90, 91, 30))
    return ax


@styled
def flux(source: xr.Dataset | Population, ax: Axes | None = None) -> Axes:
    """Draw the flux on a surface that faces it: of a study by altitude, of a population by altitude and latitude.

    A study does not keep the directions of the orbits, so its flux is the density times 10 km/s; start and end are
    drawn as by :func:`density`. That of a population has the mean relative speed of each cell.

    Parameters
    ----------
    source : xr.Dataset or Population
        An ensemble or a population.
    ax : Axes, optional
        Where to draw; default a new figure of one column.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    if not isinstance(source, Population):
        return _by_altitude(source, ax, figure="flux")
    values = of_debris.flux(source).sum("class")
    if not float(values.max()) > 0.0:
        raise InputError("the population has no objects between 200 and 2,000 km, so flux has nothing to draw")
    power, unit = _per_area(float(values.max()))
    ax = axes_of(ax)
    altitude = np.append(values["shell_lower"].to_numpy(), values["shell_upper"].to_numpy()[-1])
    latitude = np.append(values["latitude_lower"].to_numpy(), values["latitude_upper"].to_numpy()[-1])
    mesh = ax.pcolormesh(
        latitude, altitude, np.ma.masked_equal(values.to_numpy() / power, 0.0), cmap="viridis", rasterized=True
    )
    bar = ax.get_figure(root=False).colorbar(mesh, ax=ax, pad=0.01, label=f"flux [{unit}]")  # type: ignore[union-attr]
    bar.outline.set_linewidth(0.4)
    ax.grid(visible=False)
    ax.set(xlabel="latitude [deg]", ylabel="altitude [km]", xticks=np.arange(-90, 91, 30))
    return ax


@styled
def rate(source: xr.Dataset, ax: Axes | None = None, *, window_years: float = 10.0) -> Axes:
    """Draw rates: conjunctions an hour, or of a study catastrophic collisions a year.

    Of a study lines are the expected collisions and points the sampled ones, in windows, mean of the runs.

    Parameters
    ----------
    source : xr.Dataset
        Conjunctions or an ensemble.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    window_years : float
        Length of a window of a study [a].

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    if kind_of(source) == "ensemble":
        return _collision_rate(source, ax, window_years)
    con = conjunctions_of(source, figure="rate")
    ax = axes_of(ax)
    _, hours = start_and_hours(con)
    edges = np.linspace(0.0, hours, min(max(round(hours), 12), 96) + 1)
    counts, _ = np.histogram(np.clip(hours_after(con), 0.0, hours), edges)
    ax.stairs(counts / np.diff(edges), edges, fill=True, color=look(0)["color"])
    ax.set(xlabel=start_label(con), ylabel="conjunctions an hour", xlim=(0.0, hours))
    ax.set_ylim(0.0, None)
    return ax


def _collision_rate(ds: xr.Dataset, ax: Axes | None, window_years: float) -> Axes:
    ds = ensemble_of(ds, "collisions_catastrophic", "expected_catastrophic", figure="rate", records=2)
    rates = collision_rate(ds, window_years=window_years).sum("shell", skipna=False).mean("run")
    ax = axes_of(ax)
    edges = np.append(rates["window_start"].to_numpy(), rates["window_end"].to_numpy()[-1])
    count = ds.sizes["scenario"]
    lines = []
    for k in range(count):
        lines.append(ax.stairs(rates["expected"].isel(scenario=k), edges, lw=1.2, baseline=None, **look(k)))
        shift = (k - 0.5 * (count - 1)) * 0.5 * (edges[1] - edges[0]) / max(count, 4)
        middle = rates["window"].to_numpy() + shift
        ax.plot(middle, rates["sampled"].isel(scenario=k), "o", color=look(k)["color"])
    ax.set_ylabel("catastrophic collisions a year")
    ax.set_ylim(0.0, None)
    year_axis(ax, ds)
    scenario_legend(ax, ds, lines, ": expected (line), sampled (points)")
    return ax


def _by_altitude(ds: xr.Dataset, ax: Axes | None, *, figure: str) -> Axes:
    ds = ensemble_of(ds, "number", figure=figure)
    ends = ds.isel(time=[0, -1]) if ds.sizes["time"] > 1 else ds
    if figure == "density":
        values, label = of_debris.spatial_density(ends) * _PER_CUBE, "objects per (1000 km)³"
    else:
        values, label = of_debris.flux(ends), ""
    values = values.sum("class", skipna=False).mean("run").load()
    if not label:
        power, unit = _per_area(float(values.max()))
        values, label = values / power, f"flux at 10 km/s [{unit}]"
    ax = axes_of(ax)
    edges = np.append(ds["shell_lower"].to_numpy(), ds["shell_upper"].to_numpy()[-1])
    start = ax.stairs(values.isel(scenario=0, time=0), edges, color=PALE, fill=True)
    lines = [ax.stairs(values.isel(scenario=k, time=-1), edges, lw=1.2, **look(k)) for k in range(ds.sizes["scenario"])]
    _altitude_axes(ax, edges, label)
    years = [f"{float(year):.0f}" for year in ends["time"].to_numpy()[[0, -1]]]
    scenario_legend(ax, ds, lines, f" {years[1]}", more=([start], [f"start {years[0]}"]))
    return ax


def _per_area(largest: float) -> tuple[float, str]:
    """Power of ten of a flux, and its unit with that power: it stands at the axis, once."""
    exponent = int(np.floor(np.log10(largest))) if largest > 0.0 else 0
    return 10.0**exponent, f"$10^{{{exponent}}}$/(m² a)"


def _of_population(population: Population, ax: Axes) -> Axes:
    values = of_debris.spatial_density(population) * _PER_CUBE
    total = values.sum("class").to_numpy()
    if not total.any():
        raise InputError("the population has no objects between 200 and 2,000 km, so density has nothing to draw")
    edges = np.append(values["shell_lower"].to_numpy(), values["shell_upper"].to_numpy()[-1])
    handles = [ax.stairs(total, edges, color=PALE, fill=True)]
    labels = ["all"]
    for k, name in enumerate(values["class"].to_numpy().tolist()):
        one = values.sel({"class": name}).to_numpy()
        if one.any():
            handles.append(ax.stairs(one, edges, lw=1.0, **look(k)))
            labels.append(str(name).replace("_", " "))
    _altitude_axes(ax, edges, "objects per (1000 km)³")
    legend_above(ax, handles, labels)
    return ax


def _altitude_axes(ax: Axes, edges: Floats, label: str) -> None:
    ax.set(xlabel="altitude [km]", ylabel=label, xlim=(edges[0], edges[-1]))
    ax.set_ylim(0.0, None)
