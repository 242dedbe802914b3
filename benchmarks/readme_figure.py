"""Draw the picture of README: one day of the synthetic catalogue, screened all against all.

``python benchmarks/readme_figure.py [--out FILE.png]`` writes ``docs/images/conjunctions.png`` in about half a minute.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from PIL import Image

import stmgpu as stm
from stmgpu.constants import EARTH

OBJECTS, SEED = 27_000, 0
START, THRESHOLD_KM, SHOWN_HOURS = "2025-01-01T00:00:00", 5.0, 1.0
EDGE_KM = 8_400.0
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "conjunctions.png"
EARTH_FILL, EARTH_EDGE, OBJECT, EVENT = "#dfe8f0", "#9fb3c5", "#1f4e79", "#d1495b"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=PICTURE, help="PNG file to write; default docs/images/conjunctions.png"
    )
    picture = parser.parse_args().out
    cat = stm.synthetic_catalog(OBJECTS, seed=SEED)
    con = stm.screen(cat, start=START, days=1, threshold_km=THRESHOLD_KM)
    figure = Figure(figsize=(12.0, 5.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    where, speeds = figure.subplots(1, 2, width_ratios=[1.0, 1.15])
    draw_objects(where, cat, con)
    draw_speeds(figure, speeds, con)
    picture.parent.mkdir(exist_ok=True)
    save(figure, picture)
    print(f"{con.sizes['conjunction']:,} conjunctions; {picture.stat().st_size / 1000:.0f} kB: {picture}")


def save(figure: Figure, picture: Path) -> None:
    """Save with a palette of 255 colours, which shrinks the file."""
    pixels = io.BytesIO()
    figure.savefig(pixels, format="png")
    Image.open(pixels).convert("RGB").quantize(255).save(picture, optimize=True)


def draw_objects(axes: Any, cat: stm.Catalog, con: xr.Dataset) -> None:
    """All low objects at the start of the day, and the conjunctions of its first hour, seen from above the equator."""
    snapshot = stm.propagate(cat, start=START, hours=1 / 60, step_s=60)
    visible = in_front(snapshot.position.isel(time=0).transpose("object", "axis").to_numpy())
    axes.add_patch(Circle((0.0, 0.0), EARTH.radius_km, facecolor=EARTH_FILL, edgecolor=EARTH_EDGE, zorder=0))
    axes.plot(*visible.T, ".", color=OBJECT, markersize=2.4, markeredgewidth=0, label="objects")
    events = in_front(conjunction_positions(cat, con))
    axes.plot(*events.T, "o", color=EVENT, markersize=4.2, markeredgewidth=0, label="conjunctions in one hour")
    axes.set(xlim=(-EDGE_KM, EDGE_KM), ylim=(-EDGE_KM, EDGE_KM), aspect="equal", xticks=[], yticks=[])
    axes.set_title(f"{len(cat):,} objects, all against all", fontsize=16)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=2, fontsize=14, frameon=False, markerscale=2.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def conjunction_positions(cat: stm.Catalog, con: xr.Dataset) -> np.ndarray:
    """Position of the primary at TCA, to a second, of the conjunctions of the first hour [km, TEME]."""
    seconds = (con.tca.to_numpy() - np.datetime64(START)) / np.timedelta64(1, "s")
    shown = seconds < SHOWN_HOURS * 3600.0
    primaries = con.primary.to_numpy()[shown]
    involved = cat[np.isin(cat.norad_id, primaries)]
    eph = stm.propagate(involved, start=START, hours=SHOWN_HOURS, step_s=2)
    position = eph.position.transpose("object", "time", "axis").to_numpy()
    order = np.argsort(involved.norad_id)
    row = order[np.searchsorted(involved.norad_id, primaries, sorter=order)]
    return position[row, np.rint(seconds[shown] / 2.0).astype(int)]


def in_front(position: np.ndarray) -> np.ndarray:
    """Horizontal and vertical coordinates of the positions that the Earth does not hide [km]."""
    across, depth, up = position.T
    hidden = (depth > 0.0) & (np.hypot(across, up) < EARTH.radius_km)
    return position[~hidden][:, [0, 2]]


def draw_speeds(figure: Figure, axes: Any, con: xr.Dataset) -> None:
    """Relative speed against altitude."""
    edges = (np.linspace(300.0, 1600.0, 66), np.linspace(0.0, 16.0, 65))
    counts, *_ = np.histogram2d(con.altitude.to_numpy(), con.relative_speed.to_numpy(), bins=edges)
    mesh = axes.pcolormesh(*edges, np.ma.masked_equal(counts.T, 0.0), cmap="viridis", norm=LogNorm(1.0, counts.max()))
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("conjunctions per cell", fontsize=14)
    bar.ax.tick_params(labelsize=13)
    axes.set_title(f"{con.sizes['conjunction']:,} conjunctions within {THRESHOLD_KM:g} km in one day", fontsize=16)
    axes.set_xlabel("altitude [km]", fontsize=14)
    axes.set_ylabel("relative speed [km/s]", fontsize=14)
    axes.tick_params(labelsize=13)


if __name__ == "__main__":
    main()
