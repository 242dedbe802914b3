"""Catalogue of SGP4 mean elements: one NumPy column per element, in the units of SGP4."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from stmgpu.catalog import orbits
from stmgpu.catalog.columns import COLUMNS, DERIVED, as_column
from stmgpu.catalog.element_sets import choose
from stmgpu.catalog.export import to_dataframe, to_dataset, to_html
from stmgpu.catalog.limits import element_faults
from stmgpu.catalog.summary import summarise
from stmgpu.errors import InputError, counted
from stmgpu.time import Epoch, as_epoch, to_datetime64
from stmgpu.typing import Floats, Ints, Strings, Times, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from stmgpu.catalog.rejection import Rejection
    from stmgpu.catalog.satcat import Satcat
    from stmgpu.choices import ElementSets

Selector = int | np.integer | slice | npt.ArrayLike | xr.DataArray
"""Positions of objects: one index, a slice, an array of indices, or a mask."""

_PHYSICS = (
    "norad_id", "epoch_jd", "epoch_fr", "mean_motion", "eccentricity", "inclination", "raan", "argp",
    "mean_anomaly", "bstar", "hard_body_radius_m", "mass_kg",
)  # fmt: skip
_PHYSICS_IF_KNOWN = ("decay_jd",)  # so that digests of catalogues without them stay what they were


@dataclass(frozen=True, eq=False)
class Catalog:
    """Mean elements of n objects as read-only columns of shape (n,).

    Elements are SGP4 mean elements in TEME at a UTC epoch, fitted with WGS-72. Build one with `read_catalog`,
    `synthetic_catalog` or `Catalog.from_columns`. Select objects by position with `catalog[mask, indices or slice]`, by
    id or name with `sel`.

    Parameters
    ----------
    norad_id : int64
        Catalogue number, 1 to 999,999,999.
    name, object_id, object_type, classification : str
        Name, international designator ('1998-067A'), type ('PAYLOAD', 'ROCKET BODY', 'DEBRIS', 'UNKNOWN' or ''), and
        U, C or S.
    status, owner : str
        Operational status ('OPERATIONAL', 'NONOPERATIONAL', 'PARTIALLY OPERATIONAL', 'BACKUP', 'SPARE',
        'EXTENDED MISSION', 'DECAYED', 'UNKNOWN' or ''), and the source's code of the owner.
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
    decay_jd : float64
        Julian date of the midnight that begins the day of decay, UTC [d]; NaN where no decay is known. After that day
        the object is neither screened nor propagated.
    source, sha256 : str
        Source it was read from, and the digest of those bytes.
    rejected : tuple of Rejection
        Rejected records of the source: the first 1,000.
    further_rejected : int
        Number of rejected records beyond those in `rejected`.
    notes : tuple of str
        Notes on records that were read although they break a rule, such as a missing checksum.
    all_sets : Catalog, optional
        Every element set of the objects that have several in the source, in its order; see `with_sets`.
    sets_not_used : int
        Sets of the source that are not used, since another one of the same object is.
    sets : str
        The rule by which `with_sets` chose; empty while each object has its newest set.

    Examples
    --------
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> cat = synthetic_catalog(100, seed=1)
    >>> len(cat), len(cat[cat.eccentricity < 2.0]), len(cat[:10])
    (100, 100, 10)
    """

    norad_id: Ints
    name: Strings
    object_id: Strings
    object_type: Strings
    status: Strings
    owner: Strings
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
    element_set_no: Ints
    rev_at_epoch: Ints
    classification: Strings
    hard_body_radius_m: Floats
    mass_kg: Floats
    decay_jd: Floats
    source: str = ""
    sha256: str = ""
    rejected: tuple[Rejection, ...] = ()
    further_rejected: int = 0
    notes: tuple[str, ...] = ()
    all_sets: Catalog | None = None
    sets_not_used: int = 0
    sets: str = ""

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
        epoch: object = None,
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
        source, sha256, rejected : str or tuple
            Source of the columns, as in `Catalog`.
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
        missing = [name for name, column in COLUMNS.items() if column.default is None and name not in columns]
        if unknown or missing:
            raise InputError(f"catalogue columns: missing {missing}, unknown {unknown}; known are {list(COLUMNS)}")
        lengths = {name: np.size(value) for name, value in columns.items() if np.ndim(value) > 0}
        if any(np.ndim(value) > 1 for value in columns.values()) or len(set(lengths.values())) > 1:
            raise InputError(f"catalogue columns must be scalars or arrays of shape (n,) of one n, got {lengths}")
        count = next(iter(lengths.values()), 1)
        defaults = {name: column.default for name, column in COLUMNS.items() if column.default is not None}
        values: dict[str, npt.ArrayLike] = {**defaults, **columns}
        arrays: dict[str, Any] = {name: as_column(name, values[name], count) for name in COLUMNS}

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
        columns: dict[str, Any] = {name: np.empty(0, column.kind) for name, column in COLUMNS.items()}
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.norad_id)

    def __contains__(self, norad_id: object) -> bool:
        """Whether the catalogue holds an object, by its NORAD id."""
        return is_whole(norad_id) and bool((self.norad_id == norad_id).any())

    def __iter__(self) -> Iterator[Catalog]:
        """Catalogues of one object each."""
        return (self[k] for k in range(len(self)))

    def __getitem__(self, key: Selector) -> Catalog:
        """Select objects by position: a mask, an array of indices, a slice, or one index (a catalogue of one)."""
        index: Any = key.to_numpy() if isinstance(key, xr.DataArray) else [key] if is_whole(key) else key
        try:
            columns = {name: getattr(self, name)[index] for name in COLUMNS}
        except (IndexError, TypeError) as error:
            raise InputError(
                f"{key!r} does not select objects by position, 0 to {len(self) - 1} ({error}); give indices in that "
                f"range, a mask of length {len(self)} or a slice, or select by id or name: "
                "sel(norad_id=...), sel(name=...)"
            ) from None
        if columns["norad_id"].ndim != 1:
            raise InputError(f"index {key!r} does not give a one-dimensional selection of objects")
        if self.all_sets is not None:
            order, ordered = self._sets_by_id
            ids = np.unique(columns["norad_id"])
            first, end = (np.searchsorted(ordered, ids, side) for side in ("left", "right"))
            places = np.repeat(end - np.cumsum(end - first), end - first) + np.arange((end - first).sum())
            kept = self.all_sets[np.sort(order[places])]
            unused = len(kept) - int((end > first).sum())
            return dataclasses.replace(self, **columns, all_sets=kept if len(kept) else None, sets_not_used=unused)
        return dataclasses.replace(self, **columns)

    @cached_property
    def _sets_by_id(self) -> tuple[Ints, Ints]:
        """Order of all element sets by the ids of their objects, and those ids: each selection looks its own up."""
        assert self.all_sets is not None
        order = np.argsort(self.all_sets.norad_id, kind="stable")
        return order, self.all_sets.norad_id[order]

    def with_sets(self, sets: ElementSets = "nearest", *, near: object = None) -> Catalog:
        """The same objects, each with one of the element sets that the source holds of it.

        A catalogue that was read has the newest set of each object. `screen` and `propagate` take the one nearest to
        the middle of their window, unless this was called before.

        Parameters
        ----------
        sets : {'nearest', 'newest'}
            The set whose epoch is nearest to `near`, or the newest one. Of two sets that are equally near the newer is
            taken, of two with one epoch the later in the source.
        near : Epoch, str or datetime64, optional
            An instant, UTC; needed for 'nearest'.

        Raises
        ------
        InputError
            If the rule is unknown or lacks its instant.

        Examples
        --------
        >>> from stmgpu.catalog.synthetic import synthetic_catalog
        >>> synthetic_catalog(3).with_sets("newest").sets
        'newest'
        """
        return choose(self, sets, near)

    def with_satcat(self, satcat: Satcat) -> Catalog:
        """The same objects with type, status, owner and decay date from a SATCAT.

        Its values replace those of the catalogue where it has them; names and designators only fill gaps.

        Parameters
        ----------
        satcat : Satcat
            What `stmgpu.read_satcat` returns.

        Examples
        --------
        >>> from stmgpu.catalog import read_satcat, synthetic_catalog
        >>> satcat = read_satcat(b"NORAD_CAT_ID,OPS_STATUS_CODE,OWNER\\n2,+,US\\n")
        >>> synthetic_catalog(3).with_satcat(satcat).owner.tolist()
        ['', 'US', '']
        """
        return satcat.describe(self)

    @staticmethod
    def column_names() -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(COLUMNS)

    def sel(self, *, norad_id: npt.ArrayLike | None = None, name: str | None = None) -> Catalog:
        """Select objects by NORAD id or by name.

        Parameters
        ----------
        norad_id : int or array_like of int, optional
            Ids of the objects, in the order wanted; repeated ones count once.
        name : str, optional
            Pattern of the whole name, in any case: `*` matches any text, `?` one character, `[ab]` one of those
            characters.

        Returns
        -------
        Catalog
            The objects that match what is given.

        Raises
        ------
        InputError
            If neither is given, an id is not in the catalogue, or no name matches.

        Examples
        --------
        >>> from stmgpu.catalog.synthetic import synthetic_catalog
        >>> cat = synthetic_catalog(30)
        >>> cat.sel(norad_id=[25, 3]).name.tolist(), len(cat.sel(name="syn-0001?"))
        (['SYN-00025', 'SYN-00003'], 10)
        """
        if norad_id is None and name is None:
            raise InputError("nothing to select by; give norad_id or name")
        selected = self if norad_id is None else self[[self.index_of(k) for k in _whole_numbers(norad_id)]]
        if name is None:
            return selected
        pattern = re.compile(fnmatch.translate(name), re.IGNORECASE)
        matching = np.array([pattern.match(text) is not None for text in selected.name.tolist()], np.bool_)
        if not matching.any():
            raise InputError(
                f"none of {counted(len(selected), 'name')} matches {name[:60]!r}; use * for any text"
                + (f", as in '*{name[:20]}*'" if "*" not in name else "")
            )
        return selected[matching]

    def __repr__(self) -> str:
        return f"<Catalog: {counted(len(self), 'object')}, {self.rejected_count} rejected, source {self.source!r}>"

    @property
    def rejected_count(self) -> int:
        """Number of all rejected records of the source."""
        return len(self.rejected) + self.further_rejected

    def equals(self, other: Catalog) -> bool:
        """Whether every column has the same values (NaN equals NaN), whatever the source."""
        return len(self) == len(other) and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=column.kind == "float64")
            for name, column in COLUMNS.items()
        )

    def index_of(self, norad_id: int) -> int:
        """Position of an object.

        Raises
        ------
        InputError
            If the catalogue does not hold it.
        """
        places = np.flatnonzero(self.norad_id == norad_id)
        if len(places) == 0:
            raise InputError(
                f"object {norad_id} is not in the catalogue of {counted(len(self), 'object')}; see its `rejected` "
                "records"
            )
        return int(places[0])

    @property
    def perigee_km(self) -> Floats:
        """Heights of perigee above the equatorial radius [km], shape (n,)."""
        return orbits.apsis_heights_km(self.mean_motion, self.eccentricity)[0]

    @property
    def apogee_km(self) -> Floats:
        """Heights of apogee above the equatorial radius [km], shape (n,)."""
        return orbits.apsis_heights_km(self.mean_motion, self.eccentricity)[1]

    @property
    def period_min(self) -> Floats:
        """Orbital periods [min], shape (n,)."""
        return np.asarray(2.0 * np.pi / self.mean_motion)

    @property
    def regime(self) -> Strings:
        """Orbit regimes: LEO, MEO, GEO or HEO as `stmgpu.catalog.orbits.regime_of` defines them, shape (n,)."""
        return orbits.regime_of(self.perigee_km, self.apogee_km)

    @property
    def epoch(self) -> Times:
        """Epochs as datetime64[ns], shape (n,)."""
        return to_datetime64(self.epoch_jd, self.epoch_fr)

    def median_epoch(self) -> Epoch:
        """Median epoch, exact in two parts; the earlier of the two middle ones if n is even."""
        self._need_objects("median epoch")
        order = np.lexsort((self.epoch_fr, self.epoch_jd))
        middle = order[(len(self) - 1) // 2]
        return Epoch(float(self.epoch_jd[middle]), float(self.epoch_fr[middle]))

    def digest(self) -> str:
        """SHA-256 over ids, epochs, elements, B*, radius, mass and decays: equal where the physics is equal."""
        total = hashlib.sha256()
        known = [name for name in _PHYSICS_IF_KNOWN if not np.isnan(getattr(self, name)).all()]
        for name in (*_PHYSICS, *known):
            column = getattr(self, name)
            if column.dtype.kind == "f":
                column = np.where(np.isnan(column), np.nan, column + 0.0)  # one NaN and one zero
            total.update(name.encode() + b"\0" + column.astype(column.dtype.newbyteorder("<")).tobytes())
        return total.hexdigest()

    def summary(self, at: object = None) -> dict[str, Any]:
        """Count objects by regime and summarise epochs and ages.

        Parameters
        ----------
        at : Epoch, str or datetime64, optional
            Instant of the ages; the newest epoch by default.

        Returns
        -------
        dict
            objects, rejected, sets_not_used, regimes {'LEO', 'MEO', 'GEO', 'HEO': count}, types and statuses {name:
            count}, decayed (with a decay date), deep_space (period of 225 min or more), epoch_first, epoch_median,
            epoch_last (UTC text), age_days {'median', 'p95', 'max'}.

        Examples
        --------
        >>> from stmgpu.catalog.synthetic import synthetic_catalog
        >>> sum(synthetic_catalog(200).summary()["regimes"].values())
        200
        """
        self._need_objects("summary")
        return summarise(self, at)

    def to_xarray(self) -> xr.Dataset:
        """Convert to a Dataset over the dimension `object`, with CF attributes on every variable.

        Returns
        -------
        xarray.Dataset
            All columns, `perigee_km`, `apogee_km`, `period_min` and `regime`; `norad_id`, `name` and `epoch` are
            coordinates.

        Examples
        --------
        >>> from stmgpu.catalog.synthetic import synthetic_catalog
        >>> synthetic_catalog(5).to_xarray()["raan"].attrs["units"]
        'rad'
        """
        attributes: dict[str, str | int] = {
            "title": "catalogue of SGP4 mean elements",
            "frame": "TEME",
            "time_system": "UTC",
            "gravity_model": "WGS-72",
            "source": self.source,
            "sha256": self.sha256,
            "digest": self.digest(),
            "rejected": self.rejected_count,
        }
        return to_dataset(self._columns(), attributes)

    def to_dataframe(self) -> pd.DataFrame:
        """Convert to a pandas DataFrame, one row an object in the order of the catalogue.

        Returns
        -------
        pandas.DataFrame
            `norad_id`, `name` and `epoch`, then the other columns of `to_xarray`.

        Examples
        --------
        >>> from stmgpu.catalog.synthetic import synthetic_catalog
        >>> synthetic_catalog(5).to_dataframe().loc[2, "name"]
        'SYN-00003'
        """
        return to_dataframe(self._columns())

    def _repr_html_(self) -> str:
        """Table of the first objects, for notebooks."""
        return to_html(self._columns(), repr(self).strip("<>"))

    def _columns(self) -> dict[str, npt.NDArray[np.generic]]:
        return {name: getattr(self, name) for name in (*COLUMNS, *DERIVED, "epoch")}

    def _need_objects(self, what: str) -> None:
        if len(self) == 0:
            raise InputError(f"{what} of an empty catalogue is undefined; select at least one object")


def _whole_numbers(values: npt.ArrayLike) -> list[int]:
    """Distinct whole numbers in their order."""
    array = np.asarray(values)
    if array.ndim > 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"norad_id is {values!r}, allowed is a whole number or a list of them")
    return list(dict.fromkeys(np.atleast_1d(array).tolist()))
