"""Gabbard diagrams: the orbits of the fragments of a breakup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.orbits import semi_major_axis_km
from stmgpu.constants import EARTH, WGS72
from stmgpu.debris.breakup.fragments import Fragments
from stmgpu.debris.population.population import Population
from stmgpu.errors import InputError, counted
from stmgpu.report.figures.contents import ensemble_of
from stmgpu.report.figures.style import axes_of, legend_above, look, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats

_MOST_POINTS = 5_000
_LOG_FROM = 2.0
"""Ratio of the longest period to the shortest from which the scales are logarithmic."""


@styled
def gabbard(
    source: xr.Dataset | Population | Catalog | Fragments,
    ax: Axes | None = None,
    *,
    event: int | None = None,
    state: ArrayLike | None = None,
) -> Axes:
    """Draw the heights of apogee and perigee of fragments against their period: a Gabbard diagram.

    Parameters
    ----------
    source : xr.Dataset, Population, Catalog or Fragments
        An ensemble that keeps its final populations, of which the fragments of one breakup are drawn that are still in
        orbit; or objects, which are all drawn; or fragments of the breakup model.
    ax : Axes, optional
        Where to draw; default a new figure of one column.
    event : int, optional
        Number of the breakup in an ensemble, from its ``event_id``. Default: the one with most fragments in orbit at
        the end of a run.
    state : array_like, shape (6,) or (2, 6), optional
        Of fragments of the breakup model: inertial position and velocity of the body, or of both, at the breakup
        [km, km/s].

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If there are no fragments to draw, or the ensemble keeps no final populations.

    Examples
    --------
    >>> import stmgpu as stm
    >>> stm.plot.gabbard(stm.synthetic_catalog(50, seed=2)).get_xlabel()
    'period [min]'
    """
    axis, ecc, radius_km, mu = _orbits(source, event, state)
    bound = (axis > 0.0) & (ecc < 1.0)
    axis, ecc = axis[bound], ecc[bound]
    if not len(axis):
        raise InputError("there are no fragments in orbit to draw")
    period = 2.0 * np.pi * np.sqrt(axis**3 / mu) / 60.0
    ax = axes_of(ax)
    points = []
    for k, (marker, height) in enumerate((("o", axis * (1.0 + ecc)), ("^", axis * (1.0 - ecc)))):
        points += ax.plot(
            period, height - radius_km, marker, color=look(k)["color"], ms=2.2, mew=0.4, mfc="none",
            rasterized=len(period) > _MOST_POINTS,
        )  # fmt: skip
    ax.set(xlabel="period [min]", ylabel="altitude of apogee and perigee [km]")
    if period.max() > _LOG_FROM * period.min() and (axis * (1.0 - ecc) > radius_km).all():
        ax.set(xscale="log", yscale="log")
        for scale in (ax.xaxis, ax.yaxis):
            scale.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            scale.set_major_formatter("{x:,.0f}")
            scale.set_minor_formatter(NullFormatter())
    legend_above(ax, points, ["apogee", f"perigee ({counted(len(axis), 'object', ',')})"])
    return ax


def _orbits(source: Any, event: int | None, state: ArrayLike | None) -> tuple[Floats, Floats, float, float]:
    """Semi-major axes [km] and eccentricities, with the radius [km] and gravity of the Earth that go with them."""
    if isinstance(source, Fragments):
        return *_of_fragments(source, state), EARTH.radius_km, EARTH.mu_km3_s2
    if isinstance(source, Catalog):
        return semi_major_axis_km(source.mean_motion), source.eccentricity, WGS72.radius_km, WGS72.mu_km3_s2
    if isinstance(source, Population):
        return source.a_km, source.ecc, EARTH.radius_km, EARTH.mu_km3_s2
    ds = ensemble_of(source, figure="gabbard")
    if "final_cause" not in ds or not ds["final_cause"].size:
        raise InputError(
            "gabbard needs the objects at the end of the study; evolve it with final_population = true in [output]"
        )
    rows = _of_event(ds, event)
    return ds["final_a_km"].to_numpy()[rows], ds["final_ecc"].to_numpy()[rows], EARTH.radius_km, EARTH.mu_km3_s2


def _of_event(ds: xr.Dataset, event: int | None) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Rows of the final populations that the breakup with most of them has made; of one run, since runs count alike."""
    keys = np.stack([ds[f"final_{name}"].to_numpy().astype(np.int64) for name in ("scenario", "run", "cause")])
    made = keys[2] != 0 if event is None else np.abs(keys[2]) == abs(event)
    if not made.any():
        which = "any breakup of this study" if event is None else f"breakup {event}"
        raise InputError(f"no fragment of {which} is in orbit at the end; choose another one of its event_id")
    groups, counts = np.unique(keys[:, made], axis=1, return_counts=True)
    return np.flatnonzero((keys == groups[:, counts.argmax()][:, None]).all(axis=0))


def _of_fragments(fragments: Fragments, state: ArrayLike | None) -> tuple[Floats, Floats]:
    if state is None:
        raise InputError(
            "fragments of the breakup model have no orbits by themselves; pass state=(x, y, z, vx, vy, vz)"
        )
    bodies = np.atleast_2d(np.asarray(state, np.float64))
    if bodies.shape not in ((1, 6), (2, 6)) or not np.isfinite(bodies).all():
        raise InputError("state must be position and velocity of one body or of two: shape (6,) or (2, 6), all finite")
    of = bodies[fragments.parent.astype(np.int64) if len(bodies) == 2 else np.zeros(len(fragments), np.int64)]
    r, v = of[:, :3], of[:, 3:] + fragments.delta_v_km_s
    distance, squared = np.linalg.norm(r, axis=1), (v * v).sum(axis=1)
    axis = 1.0 / (2.0 / distance - squared / EARTH.mu_km3_s2)
    towards = (np.cross(v, np.cross(r, v)) / EARTH.mu_km3_s2) - r / distance[:, None]
    return axis, np.linalg.norm(towards, axis=1)
