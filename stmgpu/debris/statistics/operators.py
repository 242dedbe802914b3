"""Manoeuvres of satellites in an ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.debris.statistics.runs import NAN_NOTE, divided
from stmgpu.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


def manoeuvres_per_satellite(ds: xr.Dataset, *, by: str = "all") -> xr.DataArray:
    """Compute the expected collision-avoidance manoeuvres of a satellite per year.

    A manoeuvre is a passage within ``output.manoeuvre_km`` (default 1 km) of a trackable object, times the share of
    collisions that is avoided (:mod:`stmgpu.debris.evolution.operators`); passages of two satellites of one
    constellation are left out.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    by : {'all', 'constellation'}
        All objects that avoid others, or each constellation: its manoeuvres over its active satellites.

    Returns
    -------
    DataArray
        Manoeuvres per satellite and year over (scenario, run, time[, constellation]), between two records, at the later
        one; NaN where there are no satellites.

    Raises
    ------
    InputError
        An unknown ``by``, or an ensemble without what it needs.
    """
    names = {
        "all": ("manoeuvres", "population_steered"),
        "constellation": ("constellation_manoeuvres", "constellation_active"),
    }
    if by not in names:
        raise InputError(f"by = {by!r} is unknown; choose 'all' or 'constellation'")
    for name in names[by]:
        if name not in ds:
            raise InputError(
                f"the ensemble has no variable {name!r}: it has no constellations, or was made before this was counted"
            )
    flow, there = (ds[name].astype(float) for name in names[by])
    if "shell" in flow.dims:
        flow = flow.sum("shell", skipna=False)
    middle = 0.5 * (there.shift(time=1) + there).isel(time=slice(1, None))
    rate = divided(flow.diff("time") / ds["time"].diff("time"), middle.where(middle > 0.0))
    return rate.assign_attrs(units="a-1", long_name="expected manoeuvres per satellite and year", note=NAN_NOTE)
