r"""Cube: pairs of objects that may collide in a step, and their collision rates, by random positions along orbits.

Over decades the mean anomaly of an object is as good as random. Each *resample* draws all of them anew, sorts the
objects into cells of space and takes every pair that shares a cell of volume V; in that state it collides at the rate

    V_imp pi (R_1 + R_2)^2 / V,        V_imp = |v_1 - v_2|

(J.-C. Liou, D. J. Kessler, M. Matney and G. Stansbery 2003, LPSC 34, 1828; gravitational focusing is negligible for
satellites). The mean over all anomalies is the pair's collision rate with the density averaged over a cell. Large
cells blur dense regions; small cells contain few pairs: the variance of one sample is proportional to 1 / V. Density in
orbit changes within a kilometre along the radius, but hardly within hundreds across it. Cells of ``lattice='shell'``
are therefore thin and wide, and at the same volume blur almost nothing (figures: benchmarks/reproduce/cube.py). The
lattice is shifted at random in every sample, so that the positions of its walls average out.

The kernels are in ``kernels/cube.cu``; on the reference backend ``cube_reference.py`` does the same in NumPy with the
same random numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.collisions import cube_reference
from stmgpu.debris.collisions.cube_kernels import CubeKernels
from stmgpu.debris.collisions.encounters import Encounters, Rows, Sampling, State
from stmgpu.debris.collisions.lattice import Lattice
from stmgpu.debris.streams import LATTICE, key, uniforms
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.debris.specs import LatticeName
    from stmgpu.typing import Floats

_SHIFTS = 1 << 14  # shifts of the lattice that are drawn at a time


class Cube:
    """Encounters of all runs of a batch.

    Parameters
    ----------
    backend : Backend
        Backend that holds the states.
    seed : int
        Seed of the study, a whole number below 2^64.
    run_numbers : array_like
        [runs] number of each run in the study; the random numbers of a run depend on it, not on its place in the batch.
    cube_km : float
        Edge of a cubic cell; cells of the lattice 'shell' have the same volume (at 7,000 km from the centre).
    resamples : int
        Samples of all positions a step.
    lattice : str
        'cube' or 'shell', see :class:`stmgpu.debris.collisions.lattice.Lattice`.
    mu_km3_s2 : float
        Gravitational parameter of the central body.

    Raises
    ------
    InputError
        an unknown lattice, a size or number out of range, or (from :meth:`encounters`) orbits so large against the
        cells that these cannot be numbered.

    Examples
    --------
    >>> from stmgpu.backend import get_backend
    >>> cube = Cube(get_backend("reference"), seed=7, run_numbers=[0, 1], cube_km=10.0, resamples=4, lattice="shell")
    >>> cube.sampling.resamples
    4
    """

    def __init__(
        self,
        backend: Backend,
        *,
        seed: int,
        run_numbers: ArrayLike,
        cube_km: float,
        resamples: int = 1,
        lattice: LatticeName = "cube",
        mu_km3_s2: float = EARTH.mu_km3_s2,
    ) -> None:
        if not 1 <= resamples < 1 << 16:
            raise InputError(f"resamples must be a whole number from 1 to {(1 << 16) - 1}, got {resamples}")
        numbers = np.atleast_1d(np.asarray(run_numbers, dtype=np.int64))
        key(int(seed), numbers, LATTICE)  # raises where a number is out of range
        self.sampling = Sampling(int(seed), numbers, int(resamples), Lattice.of(lattice, cube_km), float(mu_km3_s2))
        self._kernels = CubeKernels(backend, self.sampling) if backend.runs_kernels else None
        self._shifts_from, self._shifts = 0, np.empty((0, self.sampling.resamples, len(numbers), 3))

    def encounters(self, state: State, step: int, *, steps: int = 1, interval_s: float = 0.0) -> Encounters:
        """Pairs that share a cell in step number ``step`` (0 <= step < 2^47), or in several steps from there on.

        Parameters
        ----------
        state : State
            Mean elements of all objects; slots with mode ABSENT take no part.
        step : int
            Number of the first step in the study: another step, other positions.
        steps : int
            Number of steps.
        interval_s : float
            Length of a step [s], in which node and perigee turn by J2 from the elements on; positions are those of the
            middle of each step. 0: those of the elements.
        """
        resamples = self.sampling.resamples
        number, sample = np.divmod(np.arange(steps * resamples), resamples)
        rows = Rows(
            (step + number) << 16 | sample,
            (number + 0.5) * interval_s,
            np.concatenate([self.shifts(step + k) for k in range(steps)]),
        )
        pairs = (
            cube_reference.find(self.sampling, state, rows)
            if self._kernels is None
            else self._kernels.find(state, rows)
        )
        at = pairs.row // resamples
        order = np.lexsort((pairs.row, pairs.second_uid, pairs.first_uid, at, pairs.run))
        columns = pairs.columns[:, order]
        r1, v1, r2, v2 = (np.ascontiguousarray(columns[k : k + 3].T) for k in (2, 5, 8, 11))
        return Encounters(
            first=pairs.first[order],
            second=pairs.second[order],
            run=pairs.run[order],
            step=at[order],
            resample=pairs.row[order] % resamples,
            speed_km_s=columns[0],
            rate_per_s=columns[1] / self.sampling.resamples,
            position_km=0.5 * (r1 + r2),
            r_first=r1,
            v_first=v1,
            r_second=r2,
            v_second=v2,
            words=pairs.words[:, order],
        )

    def shifts(self, step: int) -> Floats:
        """Random shifts of the lattice, [resamples, runs, 3] in (0, 1)."""
        k = step - self._shifts_from
        if not 0 <= k < len(self._shifts):
            if not 0 <= step < 1 << 47:
                raise InputError(f"step must be a whole number from 0 to 2^47 - 1, got {step}")
            seed, numbers, resamples = self.sampling.seed, self.sampling.run_numbers, self.sampling.resamples
            ahead = max(1, _SHIFTS // (resamples * len(numbers)))
            steps = np.arange(step, step + ahead, dtype=np.int64)[:, None, None]
            counter = (steps << 16) | np.arange(resamples)[:, None]
            x, y = uniforms(seed, numbers, LATTICE, counter, 0)
            z, _ = uniforms(seed, numbers, LATTICE, counter, 1)
            self._shifts_from, self._shifts, k = step, np.stack([x, y, z], axis=-1), 0
        return np.asarray(self._shifts[k])
