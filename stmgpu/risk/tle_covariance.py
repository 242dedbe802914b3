"""Covariances of element sets: a statistical model by regime and age of the elements.

Standard deviations come from a :class:`~stmgpu.risk.covariance_model.CovarianceModel`. Between the ages of its table
they are interpolated, linearly in the radial and normal direction and in logarithms along the orbit, where errors grow
by powers of the age. Nothing is extrapolated: below the first and above the last age their values are kept, and what
is older than the last stratum is flagged.

The velocity follows from the position as on a drifting orbit. An error dt of the time along the orbit moves the object
by v_T dt and turns its velocity by -mu/r^2 dt, so that sigma(v_R) = mu / (r h) sigma(T). An error of the radius at
equal angular momentum h gives sigma(v_T) = h / r^2 sigma(R). Both correlations are negative, and -1 if there is nothing
else; a model states its own. A normal error oscillates, sigma(v_N) = h / r^2 sigma(N), without correlation over a
revolution. On a circle all three rates are the mean motion. The matrix is positive definite for every correlation
between -1 and 1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.orbits import osculating_heights_km, regime_of
from stmgpu.constants import EARTH, WGS72
from stmgpu.risk.covariance import AGE_BEYOND_MODEL, MISSING, NOT_CALIBRATED, TLE_NOTICE, Covariances
from stmgpu.risk.covariance_model import NO_REFERENCE, REGIMES

if TYPE_CHECKING:
    from stmgpu.risk.covariance_model import CovarianceModel
    from stmgpu.typing import Floats, Ints

ECCENTRIC = 0.25
"""Eccentricity from which an orbit counts as HEO."""

LEO_PERIGEES_KM = (500.0, 750.0, 1200.0, 2000.0)
"""Upper limits of the heights of perigee of LEO1 to LEO4."""


def regimes_of(state_km: Floats) -> Ints:
    """Regimes of orbits, as the strata of covariance models use them.

    HEO has an eccentricity of 0.25 or more. Of the others, LEO1 to LEO4 have their perigee up to 500, 750, 1200 and
    2000 km; GEO are geosynchronous orbits as in :func:`stmgpu.catalog.orbits.regime_of`, and all that reach above
    35,586 km; MEO is what remains.

    Parameters
    ----------
    state_km : float64, shape (n, 6)
        States in an inertial frame [km, km/s].

    Returns
    -------
    ndarray of int64, shape (n,)
        Index in :data:`stmgpu.risk.covariance_model.REGIMES`; -1 for states that are not finite or not elliptic.

    Examples
    --------
    >>> REGIMES[regimes_of(np.array([[7000.0, 0.0, 0.0, 0.0, 7.546, 0.0]]))[0]]
    'LEO2'
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        perigee, apogee = osculating_heights_km(state_km[:, :3], state_km[:, 3:])
        eccentricity = (apogee - perigee) / (apogee + perigee + 2.0 * WGS72.radius_km)
        low = np.searchsorted(LEO_PERIGEES_KM, perigee)
        high = np.where(regime_of(perigee, apogee) == "MEO", REGIMES.index("MEO"), REGIMES.index("GEO"))
        round_ones = np.where(perigee < LEO_PERIGEES_KM[-1], low, high)
        found = np.where(eccentricity < ECCENTRIC, round_ones, REGIMES.index("HEO"))
    return np.where(np.isfinite(state_km).all(axis=1) & np.isfinite(perigee) & np.isfinite(apogee), found, -1)


@dataclass(frozen=True)
class TleCovariance:
    """Source of covariances from a model of element sets.

    Attributes
    ----------
    model : CovarianceModel
        The model.
    name : str
        Its name, as it stands beside results.
    is_model : bool
        Whether the model comes with the package, so that its name says all.
    """

    model: CovarianceModel
    name: str
    is_model: bool = False

    @property
    def notice(self) -> str:
        """What every output has to say: what the model is worth, and how it was judged."""
        if not self.model.reference:
            return f"{TLE_NOTICE}; {self.name} was {NO_REFERENCE}"
        counts = Counter(row.verdict for row in self.model.stratum)
        told = ", ".join(f"{counts[word]} {word}" for word in ("calibrated", "failed", "too few"))
        return f"{TLE_NOTICE}; strata of {self.name} against {self.model.reference}: {told}"

    @cached_property
    def _tables(self) -> dict[int, tuple[Floats, Floats, float, Floats, list[bool]]]:
        """By regime: ages [k] and sigmas [k, 3] of the nodes, oldest age, ends [k] of the strata, failed ones."""
        tables = {}
        for index, regime in enumerate(REGIMES):
            if rows := self.model.of(regime):
                nodes = np.array([row.node_days for row in rows])
                ends = np.array([row.age_days[1] for row in rows])
                failed = [row.verdict == "failed" for row in rows]
                tables[index] = nodes, np.array([row.sigma_m for row in rows]), float(ends[-1]), ends, failed
        return tables

    def at(
        self, norad_id: Ints, state_km: Floats, time_jd: tuple[Floats, Floats], epoch_age_days: Floats
    ) -> Covariances:
        """Covariances of n objects; see :class:`stmgpu.risk.covariance.CovarianceSource`.

        Element sets that are newer than the state have the covariance of equally old ones.
        """
        states = np.asarray(state_km, np.float64)
        age = np.abs(np.asarray(epoch_age_days, np.float64))
        regime = np.where(np.isfinite(age), regimes_of(states), -1)
        sigma, flags = np.full((len(age), 3), np.nan), np.full(len(age), MISSING, np.int64)
        for index, (nodes, table, oldest, ends, failed) in self._tables.items():
            rows = np.flatnonzero(regime == index)
            inside = np.clip(age[rows], nodes[0], nodes[-1])
            for axis in (0, 2):
                sigma[rows, axis] = np.interp(inside, nodes, table[:, axis])
            sigma[rows, 1] = np.exp(np.interp(np.log(inside), np.log(nodes), np.log(table[:, 1])))
            stratum = np.minimum(np.searchsorted(ends, age[rows]), len(ends) - 1)
            flags[rows] = np.where(age[rows] > oldest, AGE_BEYOND_MODEL, 0)
            flags[rows] |= np.where(np.array(failed)[stratum], NOT_CALIBRATED, 0)
        return Covariances(
            drifting(sigma, states, self.model.correlation),
            np.asarray(epoch_age_days, np.float64).copy(),
            np.full(len(age), self.name),
            flags,
        )


def drifting(sigma_m: Floats, state_km: Floats, correlation: float) -> Floats:
    """Covariances of drifting orbits from the standard deviations of their positions.

    Parameters
    ----------
    sigma_m : float64, shape (n, 3)
        Along the radial, transverse and normal axis [m].
    state_km : float64, shape (n, 6)
        States in an inertial frame [km, km/s].
    correlation : float
        Of radial error and transverse velocity, and of transverse error and radial velocity.

    Returns
    -------
    ndarray of float64, shape (n, 6, 6)
        Own RTN [m^2, m^2/s, m^2/s^2].
    """
    rates = rates_of(state_km)
    speed = np.stack([rates[:, 0] * sigma_m[:, 1], rates[:, 1] * sigma_m[:, 0], rates[:, 1] * sigma_m[:, 2]], axis=1)
    sigmas = np.hstack([sigma_m, speed])
    shape = np.eye(6)
    for one, other in ((0, 4), (1, 3)):
        shape[one, other] = shape[other, one] = correlation
    return np.asarray(sigmas[:, :, np.newaxis] * sigmas[:, np.newaxis, :] * shape)


def rates_of(state_km: Floats) -> Floats:
    """Rates mu / (r h) and h / r^2 [rad/s] of states [km, km/s], shape (n, 2)."""
    r, v = state_km[:, :3], state_km[:, 3:]
    distance = np.linalg.norm(r, axis=1)
    momentum = np.linalg.norm(np.cross(r, v), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([EARTH.mu_km3_s2 / (distance * momentum), momentum / distance**2], axis=1)
