"""Interface of every propagator: columns of states on a backend, with the times at which they may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import BackendArray, Ints


class Propagator(Protocol):
    """States of objects at any time of a span.

    A column is an object, or a segment of an object's trajectory: between segments (across a manoeuvre) nothing is
    interpolated. Implementations: :class:`stmgpu.propagate.sgp4.SGP4Propagator`,
    :class:`stmgpu.propagate.tabulated.TabulatedPropagator`, :class:`stmgpu.propagate.tabulated.by_object.ByObject` and
    :class:`stmgpu.propagate.mixed.MixedPropagator`.
    """

    @property
    def n(self) -> int:
        """Number of columns without padding."""

    @property
    def n_pad(self) -> int:
        """Number of columns with padding, a multiple of 16; the padding comes last and always has code 9."""

    @property
    def order(self) -> Ints:
        """Index of the object of each column [n]."""

    @property
    def usable_s(self) -> tuple[BackendArray, BackendArray] | None:
        """First and last second after the start at which each column may be used, float64 [n_pad] each.

        None: all columns at all times, as with element sets.
        """

    @property
    def meets_next(self) -> Ints:
        """Column of the object's next segment where that begins at the instant this one ends, else -1 [n]."""

    def pads_km(self, half_step_s: float, node_step_s: float) -> BackendArray:
        """Bound of what a screening must add to the interpolation error of each column, float64 [n_pad] [km].

        Parameters
        ----------
        half_step_s : float
            half an interval of the screening [s].
        node_step_s : float
            spacing of its nodes [s].
        """

    def grid(
        self, t_s: ArrayLike, out: tuple[BackendArray, BackendArray] | None = None
    ) -> tuple[BackendArray, BackendArray]:
        """States of all columns at all times.

        Parameters
        ----------
        t_s : array_like, float64, shape (T,)
            times [s after the start]; host or backend array.
        out : tuple of backend arrays, optional
            arrays to fill instead of new ones.

        Returns
        -------
        states : backend array, float64, shape (T, 6, n_pad)
            x, y, z [km], vx, vy, vz [km/s] in TEME.
        codes : backend array, int8, shape (T, n_pad)
            see :data:`stmgpu.propagate.codes.CODES`.
        """

    def at(
        self, index: ArrayLike, t_s: ArrayLike, *, trial: bool = False, check: bool = True
    ) -> tuple[BackendArray, BackendArray]:
        """States of single columns at single times: the same numbers as :meth:`grid`.

        Parameters
        ----------
        index : array_like, integer, shape (m,)
            columns; host or backend array.
        t_s : array_like, float64, shape (m,)
            times [s after the start].
        trial : bool
            whether these are trial times of a search: objects then have states after the day of their decay, too.
        check : bool
            whether to look for indices outside [0, n_pad), which makes the host wait for arrays of a device; the search
            does without, since its indices come from its own kernels.

        Returns
        -------
        states : backend array, float64, shape (6, m)
        codes : backend array, int8, shape (m,)
        """
