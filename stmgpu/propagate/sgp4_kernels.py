"""SGP4/SDP4 on a backend that runs kernels (``kernels/sgp4.cu``, ``kernels/sdp4.cu``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.tables import table
from stmgpu.propagate import elements as el

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from stmgpu.backend import Backend
    from stmgpu.typing import BackendArray

_HEADER = table("sdp4_init.h")
_CONSTANT_ROWS, _CLASS_ROW = _HEADER.integers("C_", "ROWS CLASS")
_DEEP_ROWS, _KNOT_ROWS = _HEADER.integer("D_ROWS"), _HEADER.integer("K_ROWS")
_KNOT_MIN = _HEADER.number("KNOT_MIN")
_NEAR_EARTH, _SYNCHRONOUS = _HEADER.integer("NEAR_EARTH"), _HEADER.integer("DEEP_SYNCHRONOUS")
# times that a lane does with the same constants; more of them leave fewer rows to share among cores
_CHUNK = 8


class KernelModel:
    """Constants of all objects in the backend's memory, and the launches that use them.

    Parameters
    ----------
    table : ndarray of float64
        Element table [12, n_pad] of :func:`stmgpu.propagate.elements.element_table`, catalogue order.
    n : int
        Objects, without padding.
    backend : Backend
        One with kernels.
    span_s : tuple
        First and last second after midnight that will be asked for; sizes the resonance table.
    mode : str
        ``"i"`` or ``"a"``.
    """

    def __init__(
        self, table: NDArray[np.float64], n: int, backend: Backend, span_s: tuple[float, float], mode: str
    ) -> None:
        self._backend = backend
        self._n, self._n_pad = n, table.shape[1]
        constants = backend.empty((_CONSTANT_ROWS, self._n_pad))
        backend.launch("sgp4_init", self._n_pad, self._n_pad, backend.put(table), constants)
        kind = backend.get(constants[_CLASS_ROW, :n])
        self.order = np.argsort(kind, kind="stable")
        columns = np.concatenate([self.order, np.arange(n, self._n_pad)])
        self._constants = backend.xp.ascontiguousarray(constants[:, backend.put(columns)])
        self._afspc = int(mode == "a")
        self._near = int(np.count_nonzero(kind == _NEAR_EARTH))
        self._prepare_deep(table[:, columns], kind[self.order], span_s)

    def _prepare_deep(self, table: NDArray[np.float64], kind: NDArray[np.float64], span_s: tuple[float, float]) -> None:
        backend = self._backend
        # tables begin at a multiple of the padding, so that a vector never straddles their edge
        self._deep_from = self._near // el.PAD * el.PAD if self._near < self._n else self._n_pad
        self._width = self._n_pad - self._deep_from
        resonant = int(np.searchsorted(kind, _SYNCHRONOUS))
        self._knot_cols = self._n_pad - (resonant // el.PAD * el.PAD if resonant < self._n else self._n_pad)
        self._deep = backend.empty((_DEEP_ROWS, self._width))
        first, last = span_s[0] / 60.0, span_s[1] / 60.0
        self._knots = 0
        if self._knot_cols:
            offset = table[el.MIDNIGHT, resonant : self._n] + table[el.OFFSET, resonant : self._n]
            # one knot more on either side, as write_deep places them
            counts = np.trunc((offset + last) / _KNOT_MIN) - np.trunc((offset + first) / _KNOT_MIN) + 3.0
            self._knots = int(counts.max())
        self._knot_table = backend.zeros((self._knots, _KNOT_ROWS, self._knot_cols))
        if not self._width:
            return
        backend.launch(
            "sdp4_init",
            self._width,
            self._n_pad,
            self._deep_from,
            self._width,
            first,
            backend.put(table),
            self._constants,
            self._deep,
        )
        if self._knots:
            backend.launch(
                "sdp4_knots",
                self._knot_cols,
                self._n_pad,
                self._width,
                self._knots,
                self._knot_cols,
                self._constants,
                self._deep,
                self._knot_table,
            )

    def grid(self, t_s: BackendArray, states: BackendArray, code: BackendArray) -> None:
        """Fill ``states`` [T, 6, n_pad] and ``code`` [T, n_pad] for times ``t_s`` [T] of the backend."""
        times, n_pad = len(t_s), self._n_pad
        chunk = max(1, min(_CHUNK, times // _CHUNK))
        rows = -(-times // chunk)
        near = self._near if self._width else n_pad
        if near:
            self._backend.launch(
                "sgp4_grid", rows * near, n_pad, near, times, chunk, self._constants, t_s, states, code
            )
        if self._width:
            self._backend.launch(
                "sdp4_grid",
                rows * self._width,
                n_pad,
                self._near,
                self._deep_from,
                self._width,
                self._knots,
                self._knot_cols,
                self._afspc,
                times,
                chunk,
                self._constants,
                self._deep,
                self._knot_table,
                t_s,
                states,
                code,
            )

    def at(self, index: BackendArray, t_s: BackendArray, states: BackendArray, code: BackendArray) -> None:
        """Fill ``states`` [6, m] and ``code`` [m] for entries (``index`` int32 [m], ``t_s`` [m]) of the backend."""
        xp, m, n_pad = self._backend.xp, len(index), self._n_pad
        near = self._near if self._width else n_pad
        slots = _padded(xp, xp.flatnonzero(index < near))
        if len(slots):
            self._backend.launch(
                "sgp4_list", len(slots), n_pad, m, len(slots), self._constants, slots, index, t_s, states, code
            )
        slots = _padded(xp, xp.flatnonzero(index >= near))
        if len(slots):
            self._backend.launch(
                "sdp4_list",
                len(slots),
                n_pad,
                self._deep_from,
                self._width,
                self._knots,
                self._knot_cols,
                self._afspc,
                m,
                len(slots),
                self._constants,
                self._deep,
                self._knot_table,
                slots,
                index,
                t_s,
                states,
                code,
            )


def _padded(xp: ModuleType, slots: BackendArray) -> BackendArray:
    """The slots, the last one repeated up to a multiple of the padding (the same entry computed twice is harmless)."""
    if not len(slots):
        return slots
    padded: BackendArray = xp.concatenate([slots, xp.repeat(slots[-1:], -len(slots) % el.PAD)])
    return padded.astype(np.int64)
