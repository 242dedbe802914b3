"""Pictures of results, drawn without a display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from stmgpu.catalog.orbits import semi_major_axis_km
from stmgpu.constants import SLOW_PAIR_KM_S, WGS72
from stmgpu.errors import StmgpuError, counted

if TYPE_CHECKING:
    import os

    import xarray as xr
    from matplotlib.axes import Axes

    from stmgpu.catalog.catalog import Catalog

_INK, _SOFT = "#1f4e79", "#c55a11"


def plot_screening(ds: xr.Dataset, catalog: Catalog, path: str | os.PathLike[str]) -> Path:
    """Draw where, when and how close the conjunctions of one screening are.

    Left: mean altitude of the primary against relative speed. Upper right: conjunctions an hour. Lower right: how many
    pass within a distance, beside the square law that pairs follow whose tracks know nothing of each other: in the
    plane across the relative velocity the chance to pass within d is that of a disc, so counts grow as d^2. Pairs of
    one constellation fly at one altitude, which leaves a line instead of the disc: their counts grow as d.

    Parameters
    ----------
    ds : Dataset
        From :func:`stmgpu.screen.screen`.
    catalog : Catalog
        The catalogue that was screened; its mean motions give the altitudes [km].
    path : path-like
        The picture; its ending names the form (.png, .pdf, .svg).

    Raises
    ------
    StmgpuError
        the picture cannot be written.
    """
    figure = Figure(figsize=(12.0, 6.4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels: dict[str, Axes] = figure.subplot_mosaic([["where", "when"], ["where", "close"]], width_ratios=[1.25, 1.0])
    _where(figure, panels["where"], ds, catalog)
    _when(panels["when"], ds)
    _close(panels["close"], ds)
    hours = ds.attrs["duration_s"] / 3600.0
    figure.suptitle(
        f"{counted(ds.sizes['conjunction'], 'conjunction', ',')} of {ds.attrs['objects']:,} objects closer than "
        f"{ds.attrs['threshold_km']:g} km in {hours:g} h from {ds.attrs['start'][:16]}Z"
    )
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise StmgpuError(
            f"cannot write the picture {path}: {error}; choose another path or one of .png, .pdf, .svg"
        ) from error
    return Path(path)


def _where(figure: Figure, axes: Axes, ds: xr.Dataset, catalog: Catalog) -> None:
    ds = ds.isel(conjunction=np.isin(ds.primary.to_numpy(), catalog.norad_id))  # others have a trajectory only
    sort = np.argsort(catalog.norad_id)
    index = sort[np.searchsorted(catalog.norad_id, ds.primary.to_numpy(), sorter=sort)]
    altitude = semi_major_axis_km(catalog.mean_motion[index]) - WGS72.radius_km
    speed = ds.relative_speed.to_numpy()
    low = altitude <= 2000.0
    axes.set(title="Where and how fast", xlabel="mean altitude of the primary [km]", ylabel="relative speed [km/s]")
    if low.any():
        edges = (np.linspace(200.0, 2000.0, 91), np.linspace(0.0, 16.0, 81))
        counts, *_ = np.histogram2d(altitude[low], speed[low], bins=edges)
        mesh = axes.pcolormesh(
            *edges, np.ma.masked_equal(counts.T, 0.0), cmap="viridis", norm=LogNorm(1.0, max(counts.max(), 10.0))
        )
        figure.colorbar(mesh, ax=axes, label="conjunctions a cell (20 km x 0.2 km/s)", pad=0.01)
    if (~low).any():
        axes.text(
            0.99,
            0.01,
            f"{int((~low).sum()):,} above 2,000 km not shown",
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        )


def _when(axes: Axes, ds: xr.Dataset) -> None:
    hours = ds.attrs["duration_s"] / 3600.0
    start = np.datetime64(ds.attrs["start"].rstrip("Z"), "ns")
    at = (ds.tca.to_numpy() - start) / np.timedelta64(1, "h")
    axes.hist(at, bins=np.linspace(0.0, hours, min(max(round(hours), 12), 96) + 1).tolist(), color=_INK)
    axes.set(title="When", xlabel="hours after the start", ylabel="conjunctions", xlim=(0.0, hours))


def _close(axes: Axes, ds: xr.Dataset) -> None:
    limit = float(ds.attrs["threshold_km"])
    fast = np.sort(ds.miss_distance.to_numpy()[ds.relative_speed.to_numpy() >= SLOW_PAIR_KM_S])
    axes.set(
        title=f"How close (relative speed at least {SLOW_PAIR_KM_S:g} km/s)",
        xlabel="distance d [km]",
        ylabel="conjunctions within d",
    )
    if not len(fast):
        return
    axes.loglog(fast, np.arange(1, len(fast) + 1), color=_INK, lw=2, label="found", drawstyle="steps-post")
    d = np.geomspace(limit / np.sqrt(len(fast)), limit, 50)
    axes.loglog(d, len(fast) * (d / limit) ** 2, color=_SOFT, ls="--", label="square law")
    axes.set_xlim(max(fast[0] * 0.8, limit * 1e-4), limit)
    axes.set_ylim(0.8, None)
    axes.legend(frameon=False, loc="upper left")
