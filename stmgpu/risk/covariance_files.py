"""Covariances from files: blocks of OEM, Starlink's public ephemerides, and tables of a user.

Between the epochs of an ephemeris, both neighbours are moved to the time by two-body motion, by the derivatives of
equinoctial elements, and blended with weights linear in time. Both are positive definite, so the blend is; matrices are
never interpolated element by element. Nothing is extrapolated: outside the epochs of a segment there is no covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.compression import Limits
from stmgpu.errors import InputError
from stmgpu.files import read_content
from stmgpu.frames import FRAMES
from stmgpu.messages.cdm.message import number_of
from stmgpu.risk.covariance import MISSING, REMEDIED, Covariances
from stmgpu.risk.equinoctial import elements, inverse_jacobian, jacobian, sense_of
from stmgpu.risk.equinoctial import state as state_of
from stmgpu.risk.object_tables import MAX_BYTES, rows_by_object
from stmgpu.risk.positive import remedied
from stmgpu.risk.rotations import LOCAL_FRAMES, local_axes, rotation_to_rtn, turned
from stmgpu.risk.tle_covariance import regimes_of
from stmgpu.time import to_datetime64

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.files import Source
    from stmgpu.typing import Bools, Floats, Ints, Strings

_ROW, _COLUMN = np.tril_indices(6)
_AXES = ("R", "T", "N", "RDOT", "TDOT", "NDOT")
TERMS = tuple(f"C{_AXES[i]}_{_AXES[j]}" for i, j in zip(_ROW.tolist(), _COLUMN.tolist(), strict=True))
"""Columns of a table with whole matrices: the keywords of a CDM, in m^2, m^2/s and m^2/s^2."""

SIGMAS = ("sigma_r_m", "sigma_t_m", "sigma_n_m")
"""Columns of a table with standard deviations of the position [m]."""

_LARGEST = 1e18


@dataclass(frozen=True)
class EphemerisCovariance:
    """Source of covariances from ephemerides.

    Attributes
    ----------
    trajectories : Trajectories
        With covariances.
    name : str
        Name that stands beside results.
    """

    trajectories: Trajectories
    name: str
    is_model: bool = False
    notice: str = ""

    def __post_init__(self) -> None:
        if len(self.trajectories.covariance) == 0:
            raise InputError(f"{self.name!r} holds no covariance; give an ephemeris with covariance blocks")
        known = (*LOCAL_FRAMES, *FRAMES)
        for frame in np.unique(self.trajectories.covariance.frame).tolist():
            if frame not in known:
                raise InputError(
                    f"{self.name!r} has covariances in frame {frame[:40]!r}, which is not supported; allowed: "
                    f"{', '.join(known)}"
                )

    @cached_property
    def _blocks(self) -> tuple[TrajectoryCovariances, Floats, Bools]:
        """Usable blocks by segment and time, their matrices [m^2, ...], and which of these were remedied."""
        blocks = self.trajectories.covariance
        blocks = blocks[np.lexsort((blocks.time_ns, blocks.segment))]
        matrix = 1e6 * blocks.matrices()
        usable = np.flatnonzero((np.diagonal(matrix, axis1=1, axis2=2) > 0.0).all(axis=1))
        mended, changed = remedied(matrix[usable])
        return blocks[usable], mended, changed

    def at(
        self, norad_id: Ints, state_km: Floats, time_jd: tuple[Floats, Floats], epoch_age_days: Floats
    ) -> Covariances:
        """Covariances of n objects; see :class:`stmgpu.risk.covariance.CovarianceSource`.

        Blocks with a variance of zero, which cannot be moved, are not used; states that are not elliptic have no
        covariance. The age of the data is not known.
        """
        n = len(norad_id)
        time_ns = to_datetime64(*time_jd).view(np.int64)
        matrix, source = np.full((n, 6, 6), np.nan), np.full(n, "", "U60")
        flags = np.full(n, MISSING, np.int64)
        blocks, _, mended = self._blocks
        before, after, where = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.bool_)
        for rows, segment, label in self._places(norad_id, time_ns):
            first, end = np.searchsorted(blocks.segment, [segment, segment + 1])
            own = blocks.time_ns[first:end]
            if not len(own):
                continue
            right = np.searchsorted(own, time_ns[rows])
            exact = (right < len(own)) & (own[np.minimum(right, len(own) - 1)] == time_ns[rows])
            left = np.where(exact, right, right - 1)
            inside = (right < len(own)) & (left >= 0)
            chosen = rows[inside]
            before[chosen], after[chosen], where[chosen] = first + left[inside], first + right[inside], True
            source[chosen] = label
        rows = np.flatnonzero(where & (regimes_of(state_km) >= 0))
        if len(rows):
            found, lost = self._blended(state_km[rows], time_ns[rows], before[rows], after[rows])
            bound = np.isfinite(found).all(axis=(1, 2))
            rows, found, lost = rows[bound], found[bound], lost[bound]
            matrix[rows] = found
            flags[rows] = np.where(mended[before[rows]] | mended[after[rows]] | lost, REMEDIED, 0)
        source[flags == MISSING] = self.name[:60]
        return Covariances(matrix, np.full(n, np.nan), source, flags)

    def _places(self, norad_id: Ints, time_ns: Ints) -> Iterator[tuple[Ints, int, str]]:
        """Rows by the segment in whose usable time they lie, and the name of its file."""
        t = self.trajectories
        order = np.argsort(norad_id, kind="stable")
        first, end = (np.searchsorted(norad_id[order], t.norad_id, side) for side in ("left", "right"))
        for k in np.flatnonzero(end > first).tolist():
            rows = order[first[k] : end[k]]
            segments = np.arange(*np.searchsorted(t.segment_object, [k, k + 1]))
            place = np.searchsorted(t.usable_start_ns[segments], time_ns[rows], side="right") - 1
            for p in np.unique(place[place >= 0]).tolist():
                segment = int(segments[p])
                inside = rows[(place == p) & (time_ns[rows] <= t.usable_stop_ns[segment])]
                if len(inside):
                    yield inside, segment, str(t.source[k]).replace("\\", "/").rsplit("/", 1)[-1][:60] or self.name[:60]

    def _blended(self, state_km: Floats, time_ns: Ints, before: Ints, after: Ints) -> tuple[Floats, Bools]:
        blocks, matrices, _ = self._blocks
        state = 1e3 * state_km
        total = np.zeros((len(state), 6, 6))
        gap = (blocks.time_ns[after] - blocks.time_ns[before]).astype(np.float64)
        since = (time_ns - blocks.time_ns[before]).astype(np.float64)
        share: Floats = np.where(gap > 0.0, since / np.where(gap > 0.0, gap, 1.0), 0.0)
        for which, weight in ((before, 1.0 - share), (after, share)):
            dt_s: Floats = 1e-9 * (blocks.time_ns[which] - time_ns).astype(np.float64)
            there = moved(matrices[which], blocks.frame[which], blocks.time_ns[which], state, dt_s)
            total += weight[:, None, None] * there
        return remedied(total)


def moved(matrix: Floats, frame: Strings, time_ns: Ints, state_m: Floats, dt_s: Floats) -> Floats:
    """Covariances moved to other times by two-body motion.

    Parameters
    ----------
    matrix : float64, shape (n, 6, 6)
        Covariances at their own times [m^2, m^2/s, m^2/s^2].
    frame : str, shape (n,)
        Frame of each: RTN, TNW, TVN or an inertial one.
    time_ns : int64, shape (n,)
        Their times [ns since 1970 UTC].
    state_m : float64, shape (n, 6)
        States at the times wanted, TEME [m, m/s].
    dt_s : float64, shape (n,)
        Times of the covariances after those wanted [s].

    Returns
    -------
    ndarray of float64, shape (n, 6, 6)
        Own RTN at the times wanted; NaN for states that are not elliptic.
    """
    sense = sense_of(state_m)
    orbit = elements(state_m, sense)
    there = state_of(orbit, dt_s, sense)
    inertial = np.empty_like(matrix)
    for name in np.unique(frame).tolist():
        rows = np.flatnonzero(frame == name)
        to_teme = local_axes("RTN", there[rows]) @ rotation_to_rtn(name, there[rows], time_ns[rows])
        inertial[rows] = turned(to_teme, matrix[rows])
    transition = jacobian(orbit, 0.0 * dt_s, sense) @ inverse_jacobian(orbit, jacobian(orbit, dt_s, sense))
    transition[dt_s == 0.0] = np.eye(6)
    found = transition @ inertial @ np.swapaxes(transition, 1, 2)
    return turned(np.swapaxes(local_axes("RTN", state_m), 1, 2), found)


@dataclass(frozen=True)
class TableCovariance:
    """Source of covariances from a table with a row an object, whatever the time.

    Attributes
    ----------
    norad_id : int64, shape (n,)
        Rising ids.
    matrix : float64, shape (n, 6, 6)
        Own RTN [m^2, m^2/s, m^2/s^2]; NaN in the rows of the velocity where the table has sigmas only.
    changed : bool, shape (n,)
        Whether eigenvalues were raised.
    name : str
        Name that stands beside results.
    """

    norad_id: Ints
    matrix: Floats
    changed: Bools
    name: str
    is_model: bool = False
    notice: str = ""

    def at(
        self, norad_id: Ints, state_km: Floats, time_jd: tuple[Floats, Floats], epoch_age_days: Floats
    ) -> Covariances:
        """Covariances of n objects; see :class:`stmgpu.risk.covariance.CovarianceSource`."""
        rows = np.minimum(np.searchsorted(self.norad_id, norad_id), len(self.norad_id) - 1)
        known = self.norad_id[rows] == norad_id
        matrix = np.where(known[:, None, None], self.matrix[rows], np.nan)
        flags = np.where(known, np.where(self.changed[rows], REMEDIED, 0), MISSING)
        n = len(rows)
        return Covariances(matrix, np.full(n, np.nan), np.full(n, self.name), flags.astype(np.int64))


def read_covariance_table(source: Source) -> TableCovariance:
    """Read covariances from CSV.

    Parameters
    ----------
    source : path, bytes or file-like
        CSV with a header: `norad_id`, and either `SIGMAS` [m] or `TERMS` [m^2, m^2/s, m^2/s^2], along the object's own
        radial, transverse and normal axes.

    Raises
    ------
    InputError
        If the table cannot be read, a column is missing or unknown, or a row is wrong; with file and line.

    Examples
    --------
    >>> table = read_covariance_table(b"norad_id,sigma_r_m,sigma_t_m,sigma_n_m\\n25544,10,200,20\\n")
    >>> table.matrix[0].diagonal()[:3].tolist()
    [100.0, 40000.0, 400.0]
    """
    content = read_content(source, kind="table of covariances", limits=Limits(MAX_BYTES))
    rows = rows_by_object(content, _header, _check)
    if not rows:
        raise InputError(f"{content.name!r} has no row; give a header such as norad_id,{','.join(SIGMAS)} and rows")
    ids = sorted(rows)
    columns = SIGMAS if SIGMAS[0] in rows[ids[0]] else TERMS
    numbers = np.array([[number_of(rows[k][column]) for column in columns] for k in ids])
    matrix = np.full((len(ids), 6, 6), np.nan)
    changed = np.zeros(len(ids), np.bool_)
    if columns == SIGMAS:
        matrix[:, :3, :3] = np.square(numbers)[:, :, None] * np.eye(3)
    else:
        matrix[:, _ROW, _COLUMN] = numbers
        matrix[:, _COLUMN, _ROW] = numbers
        matrix, changed = remedied(matrix)
    name = content.name.replace("\\", "/").rsplit("/", 1)[-1][:60]
    return TableCovariance(np.array(ids, np.int64), matrix, changed, name)


def _header(cells: list[str]) -> list[str]:
    by_name = {name.lower(): name for name in ("norad_id", *SIGMAS, *TERMS)}
    header = [by_name.get(cell.lower(), cell) for cell in cells]
    for columns in (SIGMAS, TERMS):
        if sorted(header) == sorted(("norad_id", *columns)):
            return header
    raise InputError(
        f"the header is {','.join(cells)[:200]!r}; allowed are norad_id and {', '.join(SIGMAS)}, or norad_id and the "
        f"21 terms {TERMS[0]}, {TERMS[1]}, ... {TERMS[-1]} of a CDM, each once"
    )


def _check(fields: Mapping[str, str]) -> None:
    for name, cell in fields.items():
        if name == "norad_id":
            continue
        value = number_of(cell)
        positive = name in SIGMAS or name.removeprefix("C").split("_")[0] == name.split("_")[1]
        if not (abs(value) <= _LARGEST and (value > 0.0 or not positive)):
            kind = "a number above 0" if positive else "a number"
            raise InputError(f"{name} is {cell[:40]!r}, allowed is {kind} of at most {_LARGEST:g}")
