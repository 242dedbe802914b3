"""Columns of a catalogue: type, default, CF attributes, and the conversion of a user's values."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stmgpu.errors import InputError

Kind = Literal["int64", "str", "float64"]


class Column(NamedTuple):
    """Description of one column.

    Parameters
    ----------
    kind : {'int64', 'str', 'float64'}
        Type of its values.
    long_name : str
        Description.
    units : str, optional
        CF unit; None for text.
    default : int, str or float, optional
        Value where nothing is given; None where a value is required.
    comment : str
        What else a reader of a file should know.
    """

    kind: Kind
    long_name: str
    units: str | None
    default: int | str | float | None = None
    comment: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """CF attributes of the variable."""
        values = {"units": self.units, "long_name": self.long_name, "comment": self.comment}
        return {name: value for name, value in values.items() if value}


_UNUSED = "not used by SGP4"

COLUMNS = {
    "norad_id": Column("int64", "NORAD catalogue number", "1"),
    "element_set_no": Column("int64", "element set number", "1", 0),
    "rev_at_epoch": Column("int64", "revolution number at epoch", "1", 0),
    "name": Column("str", "object name", None, ""),
    "object_id": Column("str", "international designator", None, ""),
    "object_type": Column("str", "object type", None, "", "PAYLOAD, ROCKET BODY, DEBRIS, UNKNOWN or empty"),
    "status": Column(
        "str", "operational status", None, "", "OPERATIONAL, NONOPERATIONAL, ..., DECAYED, UNKNOWN or empty"
    ),
    "owner": Column("str", "owner or country", None, "", "code of the source"),
    "classification": Column("str", "classification of the element set", None, "U", "U, C or S"),
    "epoch_jd": Column("float64", "Julian date of the midnight before epoch (UTC)", "d"),
    "epoch_fr": Column("float64", "fraction of the day from midnight to epoch (UTC)", "d"),
    "mean_motion": Column("float64", "Kozai mean motion at epoch", "rad min-1"),
    "eccentricity": Column("float64", "mean eccentricity at epoch", "1"),
    "inclination": Column("float64", "mean inclination at epoch", "rad"),
    "raan": Column("float64", "mean right ascension of the ascending node at epoch", "rad"),
    "argp": Column("float64", "mean argument of perigee at epoch", "rad"),
    "mean_anomaly": Column("float64", "mean anomaly at epoch", "rad"),
    "bstar": Column("float64", "B* drag term", "1", None, "per Earth radius of WGS-72, 6378.135 km"),
    "mean_motion_dot": Column("float64", "half the first derivative of mean motion", "rad min-2", 0.0, _UNUSED),
    "mean_motion_ddot": Column("float64", "a sixth of the second derivative of mean motion", "rad min-3", 0.0, _UNUSED),
    "hard_body_radius_m": Column("float64", "hard-body radius", "m", np.nan),
    "mass_kg": Column("float64", "mass", "kg", np.nan),
    "decay_jd": Column(
        "float64", "Julian date of the midnight that begins the day of decay (UTC)", "d", np.nan, "NaN without a date"
    ),
}
"""Columns that a catalogue holds."""

FIRST_COLUMNS = tuple(name for name in COLUMNS if name not in ("status", "owner", "decay_jd"))
"""Columns that every run has stored; other ones have their default where a run was made before they existed."""

DERIVED = {
    "perigee_km": Column("float64", "height of perigee above the equatorial radius", "km"),
    "apogee_km": Column("float64", "height of apogee above the equatorial radius", "km"),
    "period_min": Column("float64", "orbital period", "min"),
    "regime": Column("str", "orbit regime", None, "", "LEO, MEO, GEO or HEO"),
}
"""Columns that follow from the elements."""


def as_column(name: str, value: npt.ArrayLike, count: int) -> npt.NDArray[np.generic]:
    """Convert values to a column of their type and length.

    Parameters
    ----------
    name : str
        One of `COLUMNS`.
    value : array_like, scalar or shape (count,)
        Values to convert.
    count : int
        Length of the column.

    Raises
    ------
    InputError
        If the values cannot be converted; it names the column.

    Examples
    --------
    >>> as_column("rev_at_epoch", 7.0, 2).tolist()
    [7, 7]
    """
    kind = COLUMNS[name].kind
    try:
        array: npt.NDArray[np.generic] = np.asarray(value)
        if kind == "int64" and array.dtype.kind not in "iu":
            whole = np.asarray(array, np.float64)
            if not (np.isfinite(whole) & (whole == np.floor(whole)) & (np.abs(whole) < 2.0**53)).all():
                raise ValueError("not whole numbers")
        if kind == "str":
            array = array.astype(str) if array.dtype.kind != "U" else array
            if name == "classification":
                array = array.astype("U1")
        else:
            array = array.astype(kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"catalogue column {name!r} cannot be used as {kind}: {error}") from None
    return np.array(np.broadcast_to(array, (count,)))
