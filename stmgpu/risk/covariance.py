"""Sources of covariances: where the uncertainty of an object comes from, by name, for any object and time."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from stmgpu.errors import InputError

if TYPE_CHECKING:
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


def covariance_source(text: str) -> CovarianceSource:
    """Source of covariances by its name.

    Parameters
    ----------
    text : str
        - ``rtn:100,300,100``: these standard deviations [m] along the radial, transverse and normal axis for every
          object.
        - ``tle``: the model of element sets that comes with the package.
        - a file ``.toml`` with such a model, as ``stmgpu covariance fit`` writes it.

    Raises
    ------
    InputError
        For any other text, and if the file is wrong.

    Examples
    --------
    >>> covariance_source("rtn:100,300,100").sigma_m
    (100.0, 300.0, 100.0)
    """
    kind, _, rest = text.partition(":")
    if kind.strip().lower() == "rtn":
        return ConstantCovariance(_sigmas(rest))
    if text.strip().lower() in ("tle", "tle-2013"):
        return _shipped()
    if text.strip().lower().endswith(".toml"):
        return _model_of(text)
    raise InputError(
        f"covariance source {text[:60]!r} is unknown; allowed are tle, a file of a model (.toml), and rtn:R,T,N with "
        "standard deviations in metres, such as rtn:100,300,100"
    )


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
