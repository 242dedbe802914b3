"""Sources of covariances: where the uncertainty of an object comes from, by name, for any object and time."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from stmgpu.errors import InputError
from stmgpu.files import exists

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.typing import Floats, Ints, Strings

AGE_BEYOND_MODEL, REMEDIED, MISSING, NOT_CALIBRATED = 1, 2, 4, 8
"""Bits of `Covariances.flags`."""

FLAGS = {
    AGE_BEYOND_MODEL: "the data are older than the covariance model covers; its values at the largest age are taken",
    REMEDIED: "negative eigenvalues of the covariance were raised",
    MISSING: "the source has no covariance for the object at this time",
    NOT_CALIBRATED: "the covariance model failed against independent states for this regime and age",
}
"""What each bit means, in words."""

TLE_NOTICE = "covariances of element sets are a statistical model: they do not suffice for decisions about manoeuvres"
"""What every output says that stands on a covariance model of element sets."""

_LARGEST_M = 1e9


@dataclass(frozen=True)
class Covariances:
    """Covariances of n objects, each at its own time.

    Attributes
    ----------
    matrix : float64, shape (n, 6, 6)
        Position and velocity along the object's own radial, transverse and normal axes (RTN) [m^2, m^2/s, m^2/s^2].
        Rows and columns of the velocity are NaN where the source has only positions; all are NaN where it has nothing.
    age_days : float64, shape (n,)
        Age of the data behind each [d], NaN where it is not known.
    source : str, shape (n,)
        Source of each, such as 'rtn:100,300,100'.
    flags : int64, shape (n,)
        Sum of ``AGE_BEYOND_MODEL``, ``REMEDIED``, ``MISSING`` and ``NOT_CALIBRATED``; `FLAGS` says what they mean.
    """

    matrix: Floats
    age_days: Floats
    source: Strings
    flags: Ints

    def __len__(self) -> int:
        return len(self.flags)


class CovarianceSource(Protocol):
    """Source of covariances."""

    @property
    def name(self) -> str:
        """Name that stands beside every number that depends on it."""
        ...

    @property
    def is_model(self) -> bool:
        """Whether the covariances follow from the name alone, so that they are computed again instead of stored."""
        ...

    @property
    def notice(self) -> str:
        """What every output has to say about the source; empty if there is nothing."""
        ...

    def at(
        self, norad_id: Ints, state_km: Floats, time_jd: tuple[Floats, Floats], epoch_age_days: Floats
    ) -> Covariances:
        """Covariances of n objects.

        Parameters
        ----------
        norad_id : int64, shape (n,)
            Ids of the objects.
        state_km : float64, shape (n, 6)
            Positions and velocities in TEME [km, km/s].
        time_jd : two float64, shape (n,)
            Times of the states: two-part Julian dates, UTC [d].
        epoch_age_days : float64, shape (n,)
            Time since the epoch of each object's element set [d]; NaN where there is none.
        """
        ...


@dataclass(frozen=True)
class ConstantCovariance:
    """One covariance of the position for all objects, without correlations.

    Attributes
    ----------
    sigma_m : tuple of three float
        Standard deviations along the radial, transverse and normal axis [m].
    """

    sigma_m: tuple[float, float, float]
    is_model: bool = True
    notice: str = "the covariances are assumed, the same for every object: they do not suffice for decisions"

    @property
    def name(self) -> str:
        """Name with the three numbers, such as 'rtn:100,300,100'."""
        return "rtn:" + ",".join(f"{sigma:g}" for sigma in self.sigma_m)

    def at(
        self, norad_id: Ints, state_km: Floats, time_jd: tuple[Floats, Floats], epoch_age_days: Floats
    ) -> Covariances:
        """Covariances of n objects; see :class:`CovarianceSource`."""
        n = len(norad_id)
        matrix = np.full((n, 6, 6), np.nan)
        matrix[:, :3, :3] = np.diag(np.square(self.sigma_m))
        return Covariances(matrix, np.full(n, np.nan), np.full(n, self.name), np.zeros(n, np.int64))


@dataclass(frozen=True)
class FirstOf:
    """The first of two sources that has a covariance.

    Attributes
    ----------
    first, second : CovarianceSource
        The second is asked where the first has nothing.
    """

    first: CovarianceSource
    second: CovarianceSource

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first.name}+{self.second.name}"

    @property
    def is_model(self) -> bool:
        """Whether both are models."""
        return self.first.is_model and self.second.is_model

    @property
    def notice(self) -> str:
        """What both have to say."""
        return "; ".join(text for text in (self.first.notice, self.second.notice) if text)

    def at(
        self, norad_id: Ints, state_km: Floats, time_jd: tuple[Floats, Floats], epoch_age_days: Floats
    ) -> Covariances:
        """Covariances of n objects; see :class:`CovarianceSource`."""
        one, other = (source.at(norad_id, state_km, time_jd, epoch_age_days) for source in (self.first, self.second))
        lacking = (one.flags & MISSING) != 0
        return Covariances(
            np.where(lacking[:, None, None], other.matrix, one.matrix),
            np.where(lacking, other.age_days, one.age_days),
            np.where(lacking, other.source, one.source),
            np.where(lacking, other.flags, one.flags),
        )


def covariance_source(text: str, *, norad_ids: Mapping[str, int] | None = None) -> CovarianceSource:
    """Source of covariances by its name.

    Parameters
    ----------
    text : str
        - ``rtn:100,300,100``: these standard deviations [m] along the radial, transverse and normal axis for every
          object.
        - ``tle``: the model of element sets that comes with the package.
        - a file ``.toml`` with such a model, as ``stmgpu covariance fit`` writes it.
        - a file ``.csv`` with a row an object, see :func:`stmgpu.risk.covariance_files.read_covariance_table`.
        - an ephemeris with covariances (OEM, Starlink's public ephemerides), or ``FILE=NORAD`` for that of one object.
        - ``FIRST+SECOND``: the second, such as ``tle``, where the first has nothing.
    norad_ids : mapping of str to int, optional
        Ids of the objects of an ephemeris by OBJECT_ID or OBJECT_NAME.

    Raises
    ------
    InputError
        For any other text, and if the file is wrong.

    Examples
    --------
    >>> covariance_source("rtn:100,300,100").sigma_m
    (100.0, 300.0, 100.0)
    """
    both = re.fullmatch(r"(.+?)\+(?!\d)(.+)", text)
    if both and not exists(text):
        return FirstOf(*(covariance_source(part, norad_ids=norad_ids) for part in both.groups()))
    kind, _, rest = text.partition(":")
    if kind.strip().lower() == "rtn":
        return ConstantCovariance(_sigmas(rest))
    plain = text.strip().lower()
    if plain in ("tle", "tle-2013"):
        return _shipped()
    if plain.endswith(".toml"):
        return _model_of(text)
    if plain.endswith(".csv"):
        from stmgpu.risk.covariance_files import read_covariance_table

        return read_covariance_table(text)
    path, separator, number = text.rpartition("=")
    if text and exists(text):
        return _ephemeris(text, norad_ids)
    if separator and exists(path) and number.isascii() and number.isdigit() and 0 < int(number) < 10**9:
        return _ephemeris(path, int(number))
    raise InputError(
        f"covariance source {text[:60]!r} is unknown, and no such file is there; allowed are tle, rtn:R,T,N with "
        "standard deviations in metres, such as rtn:100,300,100, a model (.toml), a table (.csv), an ephemeris with "
        "covariances (also FILE=NORAD), and two of these, such as own.oem+tle"
    )


def _ephemeris(path: str, norad_ids: Mapping[str, int] | int | None) -> CovarianceSource:
    from stmgpu.catalog.trajectories.files import read_trajectories
    from stmgpu.risk.covariance_files import EphemerisCovariance

    return EphemerisCovariance(read_trajectories([path], norad_ids=norad_ids), Path(path).name)


@functools.lru_cache(maxsize=1)
def _shipped() -> CovarianceSource:
    from stmgpu.risk.covariance_model import shipped_model
    from stmgpu.risk.tle_covariance import TleCovariance

    model = shipped_model()
    return TleCovariance(model, model.name, is_model=True)


def _model_of(path: str) -> CovarianceSource:
    from stmgpu.risk.covariance_model import read_model
    from stmgpu.risk.tle_covariance import TleCovariance

    model = read_model(path)
    return TleCovariance(model, f"{model.name}:{model.digest()[:8]}")


def _sigmas(text: str) -> tuple[float, float, float]:
    parts = text.split(",")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) != 3 or "_" in text or not all(0.0 < value <= _LARGEST_M for value in values):
        raise InputError(
            f"covariance source 'rtn:{text[:60]}' is wrong; allowed are three standard deviations above 0 and at most "
            f"{_LARGEST_M:g} m along the radial, transverse and normal axis, such as rtn:100,300,100"
        )
    return values[0], values[1], values[2]
