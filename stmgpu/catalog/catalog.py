"""The catalogue type: one NumPy column per mean element, in the order read, in SGP4's own units."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from stmgpu.catalog import orbits
from stmgpu.catalog.limits import element_faults
from stmgpu.constants import DEEP_SPACE_PERIOD_MIN, SECONDS_PER_DAY
from stmgpu.errors import InputError
from stmgpu.time import Epoch, as_epoch, format_utc, seconds_since, to_datetime64

Floats = npt.NDArray[np.float64]

_FLOAT_COLUMNS = {
    # name: (default or None where required, units, long_name)
    "epoch_jd": (None, "d", "Julian date of the midnight before epoch (UTC)"),
    "epoch_fr": (None, "d", "fraction of the day from midnight to epoch (UTC)"),
    "mean_motion": (None, "rad/min", "Kozai mean motion at epoch"),
    "eccentricity": (None, "1", "mean eccentricity at epoch"),
    "inclination": (None, "rad", "mean inclination at epoch"),
    "raan": (None, "rad", "mean right ascension of the ascending node at epoch"),
    "argp": (None, "rad", "mean argument of perigee at epoch"),
    "mean_anomaly": (None, "rad", "mean anomaly at epoch"),
    "bstar": (None, "1/earth_radius", "B* drag term"),
    "mean_motion_dot": (0.0, "rad/min^2", "half the first derivative of mean motion (not used by SGP4)"),
    "mean_motion_ddot": (0.0, "rad/min^3", "a sixth of the second derivative of mean motion (not used by SGP4)"),
    "hard_body_radius_m": (np.nan, "m", "hard-body radius"),
    "mass_kg": (np.nan, "kg", "mass"),
}
_INT_COLUMNS = {
    "norad_id": (None, "1", "NORAD catalogue number"),
    "element_set_no": (0, "1", "element set number"),
    "rev_at_epoch": (0, "1", "revolution number at epoch"),
}
_TEXT_COLUMNS = {
    "name": ("", "1", "object name"),
    "object_id": ("", "1", "international designator"),
    "object_type": ("", "1", "object type: PAYLOAD, ROCKET BODY, DEBRIS, UNKNOWN or empty"),
    "classification": ("U", "1", "classification of the element set: U, C or S"),
}
COLUMNS = {**_INT_COLUMNS, **_TEXT_COLUMNS, **_FLOAT_COLUMNS}
"""Every column: its default (None where it must be given), units and long_name."""

_PHYSICS = (
    "norad_id", "epoch_jd", "epoch_fr", "mean_motion", "eccentricity", "inclination", "raan", "argp",
    "mean_anomaly", "bstar", "hard_body_radius_m", "mass_kg",
)  # fmt: skip


@dataclass(frozen=True)
class Rejection:
    """A record that was not read, and why.

    Parameters
    ----------
    where : str
        Place in the source, such as 'line 12' or 'record 3', counted from 1.
    norad_id : str
        The object's id as it stood there; empty if unknown.
    reason : str
        What was wrong, the value, and what is allowed.

    Examples
    --------
    >>> str(Rejection("line 7", "00005", "checksum is 3, the line tallies to 4"))
    'line 7 (object 00005): checksum is 3, the line tallies to 4'
    """

    where: str
    norad_id: str
    reason: str

    def __str__(self) -> str:
        who = f" (object {self.norad_id})" if self.norad_id else ""
        return f"{self.where}{who}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Catalog:
    """Mean elements of n objects as read-only columns of shape (n,).

    Elements are SGP4 mean elements in TEME at a UTC epoch, fitted with WGS-72. Build one with `read_catalog`,
    `synthetic_catalog` or `Catalog.from_columns`; take part of one with `catalog[mask, indices or slice]`.

    Parameters
    ----------
    norad_id : int64
        Catalogue number, 1 to 999,999,999.
    name, object_id, object_type, classification : str
        Name, international designator ('1998-067A'), type ('PAYLOAD', 'ROCKET BODY', 'DEBRIS', 'UNKNOWN' or ''), and
        U, C or S.
    epoch_jd, epoch_fr : float64
        Two-part Julian date of the epoch, UTC [d].
    mean_motion, eccentricity, inclination, raan, argp, mean_anomaly : float64
        Kozai mean motion [rad/min], eccentricity, and angles [rad].
    bstar, mean_motion_dot, mean_motion_ddot : float64
        B* [1/earth radii], and the two TLE derivatives [rad/min^2, rad/min^3], which SGP4 does not use.
    element_set_no, rev_at_epoch : int64
        As published.
    hard_body_radius_m, mass_kg : float64
        NaN where unknown.
    source, sha256 : str
        Where it was read from, and the digest of those bytes.
    rejected : tuple of Rejection
        Records that were not read.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> cat = synthetic_catalog(100, seed=1)
    >>> len(cat), len(cat[cat.eccentricity < 2.0]), len(cat[:10])
    (100, 100, 10)
    """

    norad_id: npt.NDArray[np.int64]
    name: npt.NDArray[np.str_]
    object_id: npt.NDArray[np.str_]
    object_type: npt.NDArray[np.str_]
    epoch_jd: Floats
    epoch_fr: Floats
    mean_motion: Floats
    eccentricity: Floats
    inclination: Floats
    raan: Floats
    argp: Floats
    mean_anomaly: Floats
    bstar: Floats
    mean_motion_dot: Floats
    mean_motion_ddot: Floats
    element_set_no: npt.NDArray[np.int64]
    rev_at_epoch: npt.NDArray[np.int64]
    classification: npt.NDArray[np.str_]
    hard_body_radius_m: Floats
    mass_kg: Floats
    source: str = ""
    sha256: str = ""
    rejected: tuple[Rejection, ...] = ()

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = np.ascontiguousarray(getattr(self, name))
            if column is getattr(self, name) and column.flags.writeable:
                column = column.view()
            column.flags.writeable = False
            object.__setattr__(self, name, column)

    @classmethod
    def from_columns(
        cls,
        *,
        epoch: Any = None,
        source: str = "",
        sha256: str = "",
        rejected: tuple[Rejection, ...] = (),
        **columns: npt.ArrayLike,
    ) -> Catalog:
        """Build a catalogue from columns, checking every value.

        Parameters
        ----------
        epoch : Epoch, str or datetime64, optional
            One epoch for all objects, instead of `epoch_jd` and `epoch_fr`.
        source, sha256, rejected
            Where the columns come from, as in `Catalog`.
        **columns : array_like, shape (n,) or scalars
            The fields of `Catalog`. Required: norad_id, epoch_jd and epoch_fr (or `epoch`), mean_motion, eccentricity,
            inclination, raan, argp, mean_anomaly, bstar. Angles may be in [0, 2 pi].

        Raises
        ------
        InputError
            For missing, unknown or unequally long columns, values out of range, and repeated ids.

        Examples
        --------
        >>> cat = Catalog.from_columns(norad_id=[7], epoch="2025-01-01", mean_motion=0.066, eccentricity=0.001,
        ...                            inclination=1.7, raan=0.0, argp=0.0, mean_anomaly=0.0, bstar=1e-5)
        >>> len(cat)
        1
        """
        if epoch is not None:
            instant = as_epoch(epoch)
            columns.update(epoch_jd=instant.jd, epoch_fr=instant.fr)
        unknown = sorted(set(columns) - set(COLUMNS))
        missing = [name for name, (default, *_) in COLUMNS.items() if default is None and name not in columns]
        if unknown or missing:
            raise InputError(f"catalogue columns: missing {missing}, unknown {unknown}; known are {list(COLUMNS)}")
        lengths = {name: np.size(value) for name, value in columns.items() if np.ndim(value) > 0}
        if any(np.ndim(value) > 1 for value in columns.values()) or len(set(lengths.values())) > 1:
            raise InputError(f"catalogue columns must be scalars or arrays of shape (n,) of one n, got {lengths}")
        count = next(iter(lengths.values()), 1)
        arrays = {name: _column(name, columns.get(name, COLUMNS[name][0]), count) for name in COLUMNS}

        for fault in element_faults(arrays):
            index = int(np.flatnonzero(fault.mask)[0])
            raise InputError(f"object {arrays['norad_id'][index]} (index {index}): {fault.describe(index)}")
        ids, first = np.unique(arrays["norad_id"], return_index=True)
        if len(ids) < count:
            repeated = np.setdiff1d(np.arange(count), first)[0]
            raise InputError(f"norad_id {arrays['norad_id'][repeated]} is given more than once; ids must be unique")
        return cls(**arrays, source=source, sha256=sha256, rejected=tuple(rejected))

    @classmethod
    def empty(cls) -> Catalog:
        """A catalogue without objects."""
        kinds = {**dict.fromkeys(_INT_COLUMNS, "int64"), **dict.fromkeys(_TEXT_COLUMNS, "U1")}
        columns: dict[str, Any] = {name: np.empty(0, kinds.get(name, "float64")) for name in COLUMNS}
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.norad_id)

    def __getitem__(self, key: Any) -> Catalog:
        """Some of the objects: a boolean mask, an array of indices, a slice, or one index (a catalogue of one)."""
        if isinstance(key, xr.DataArray):
            key = key.to_numpy()
        if isinstance(key, (int, np.integer)):
            key = [key]
        try:
            columns = {name: getattr(self, name)[key] for name in COLUMNS}
        except (IndexError, TypeError) as error:
            raise InputError(
                f"cannot take {key!r} of a catalogue of {len(self)} objects ({error}); give a mask of that length, "
                "whole-number indices or a slice"
            ) from None
        if columns["norad_id"].ndim != 1:
            raise InputError(f"index {key!r} does not give a one-dimensional selection of objects")
        return dataclasses.replace(self, **columns)

    def __repr__(self) -> str:
        return f"<Catalog: {len(self)} objects, {len(self.rejected)} rejected, source {self.source!r}>"

    def equals(self, other: Catalog) -> bool:
        """Whether every column holds the same values (NaN equals NaN); the source does not matter."""
        return len(self) == len(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=name in _FLOAT_COLUMNS)
            for name in COLUMNS
        )

    def index_of(self, norad_id: int) -> int:
        """Position of an object.

        Raises
        ------
        InputError
            If the catalogue does not hold it.
        """
        found = np.flatnonzero(self.norad_id == norad_id)
        if len(found) == 0:
            raise InputError(f"object {norad_id} is not in the catalogue of {len(self)} objects (see `rejected` too)")
        return int(found[0])

    @property
    def epoch(self) -> npt.NDArray[np.datetime64]:
        """Epochs as datetime64[ns], shape (n,)."""
        return to_datetime64(self.epoch_jd, self.epoch_fr)

    def median_epoch(self) -> Epoch:
        """The middle epoch (the earlier of the two middle ones where n is even), exact in two parts."""
        self._need_objects("median epoch")
        order = np.lexsort((self.epoch_fr, self.epoch_jd))
        middle = order[(len(self) - 1) // 2]
        return Epoch(float(self.epoch_jd[middle]), float(self.epoch_fr[middle]))

    def digest(self) -> str:
        """SHA-256 over ids, epochs, elements, B*, radius and mass: equal where the physics is equal."""
        total = hashlib.sha256()
        for name in _PHYSICS:
            column = getattr(self, name)
            if column.dtype.kind == "f":
                column = np.where(np.isnan(column), np.nan, column + 0.0)  # one NaN and one zero
            total.update(name.encode() + b"\0" + column.astype(column.dtype.newbyteorder("<")).tobytes())
        return total.hexdigest()

    def summary(self, at: Any = None) -> dict[str, Any]:
        """Counts by regime, epochs and ages.

        Parameters
        ----------
        at : Epoch, str or datetime64, optional
            The instant at which ages are taken; the newest epoch by default.

        Returns
        -------
        dict
            objects, rejected, regimes {'LEO', 'MEO', 'GEO', 'HEO': count}, deep_space (period of 225 min or more),
            epoch_first, epoch_median, epoch_last (UTC text), age_days {'median', 'p95', 'max'}.

        Examples
        --------
        >>> from stmgpu.catalog.synthetic import synthetic_catalog
        >>> sum(synthetic_catalog(200).summary()["regimes"].values())
        200
        """
        self._need_objects("summary")
        regimes = orbits.regime_of(*orbits.apsis_heights_km(self.mean_motion, self.eccentricity))
        order = np.lexsort((self.epoch_fr, self.epoch_jd))
        first, last = (Epoch(float(self.epoch_jd[i]), float(self.epoch_fr[i])) for i in (order[0], order[-1]))
        reference = last if at is None else as_epoch(at)
        age_days = -seconds_since(self.epoch_jd, self.epoch_fr, reference) / SECONDS_PER_DAY
        period = orbits.sgp4_period_min(self.mean_motion, self.eccentricity, self.inclination)
        return {
            "objects": len(self),
            "rejected": len(self.rejected),
            "regimes": {name: int(np.sum(regimes == name)) for name in orbits.REGIMES},
            "deep_space": int(np.sum(period >= DEEP_SPACE_PERIOD_MIN)),
            "epoch_first": str(first),
            "epoch_median": format_utc(self.median_epoch()),
            "epoch_last": str(last),
            "age_days": {
                "median": float(np.median(age_days)),
                "p95": float(np.percentile(age_days, 95.0)),
                "max": float(np.max(age_days)),
            },
        }

    def to_xarray(self) -> xr.Dataset:
        """The catalogue as a Dataset over dimension `object`, with units and long_name on every variable.

        Examples
        --------
        >>> from stmgpu.catalog.synthetic import synthetic_catalog
        >>> synthetic_catalog(5).to_xarray()["raan"].attrs["units"]
        'rad'
        """
        variables = {
            name: ("object", getattr(self, name), {"units": units, "long_name": long_name})
            for name, (_, units, long_name) in COLUMNS.items()
        }
        variables["epoch"] = ("object", self.epoch, {"long_name": "epoch of the mean elements (UTC)"})
        dataset = xr.Dataset(
            variables,
            attrs={
                "title": "catalogue of SGP4 mean elements",
                "frame": "TEME",
                "time_system": "UTC",
                "gravity_model": "WGS-72",
                "source": self.source,
                "sha256": self.sha256,
                "digest": self.digest(),
                "rejected": len(self.rejected),
            },
        )
        return dataset.set_coords(["norad_id", "name", "epoch"])

    def _need_objects(self, what: str) -> None:
        if len(self) == 0:
            raise InputError(f"the {what} of an empty catalogue is undefined; select at least one object")


def _column(name: str, value: Any, count: int) -> npt.NDArray[Any]:
    """One column in its own type and length, or an InputError that names it."""
    kind = "float64" if name in _FLOAT_COLUMNS else "int64" if name in _INT_COLUMNS else "str"
    try:
        array = np.asarray(value)
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
