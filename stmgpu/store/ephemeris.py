"""Write an ephemeris block by block, so that it never has to fit into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stmgpu.errors import StoreError
from stmgpu.store.schema import KINDS, Kind
from stmgpu.store.zarrio import create_array, create_group, finish, staged, time_attrs


class EphemerisWriter:
    """An ephemeris store that is filled in blocks of time.

    The store appears at ``path`` when the ``with`` block ends well and every block was written; otherwise nothing is
    left behind. Blocks are whole shards, so several threads may write different ones.

    Parameters
    ----------
    path
        folder of the store.
    objects
        NORAD ids, shape (n,).
    times
        UTC, datetime64, shape (m,).
    attrs
        attributes of the store: source, digest, backend and the like.
    overwrite
        replace a store of this package that is already there.

    Raises
    ------
    StoreError
        the path is taken, a block does not fit or is missing at the end, or the disk refuses.

    Examples
    --------
    >>> with EphemerisWriter("week.zarr", ids, times) as writer:  # doctest: +SKIP
    ...     for k0, k1 in writer.blocks():
    ...         writer.write(k0, *states(times[k0:k1]))
    """

    def __init__(self, path: str | os.PathLike[str], objects: npt.ArrayLike, times: npt.ArrayLike,
                 attrs: Mapping[str, Any] | None = None, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.objects = np.asarray(objects, np.int64)
        self.times = np.asarray(times).astype("datetime64[ns]")
        if self.objects.ndim != 1 or self.times.ndim != 1:
            raise StoreError("objects and times must have one dimension, got "
                             f"{self.objects.ndim} and {self.times.ndim}")
        self._attrs = dict(attrs or {})
        self._overwrite = overwrite
        self._stack = ExitStack()
        self._arrays: dict[str, Any] = {}
        self._written: set[int] = set()

    def __enter__(self) -> Self:
        self._stack.__enter__()
        folder = self._stack.enter_context(staged(self.path, self._overwrite))
        try:
            self._create(folder)
        except BaseException as error:
            if not self._stack.__exit__(type(error), error, error.__traceback__):
                raise
        return self

    def _create(self, folder: Path) -> None:
        kind: Kind = KINDS["ephemeris"]
        self._group = create_group(folder)
        lengths = {"object": len(self.objects), "time": len(self.times), "axis": 3}
        for name, spec in kind.variables.items():
            attrs = {"units": spec.units, "long_name": spec.long_name}
            dtype = {"time": "int64", "text": "U"}.get(spec.dtype, spec.dtype)
            self._arrays[name] = create_array(
                self._group, kind, name, np.dtype(dtype), tuple(lengths[d] for d in spec.dims), spec.dims,
                time_attrs(attrs) if spec.dtype == "time" else attrs,
            )
        self._arrays["object"][...] = self.objects
        self._arrays["time"][...] = self.times.view(np.int64)
        self._arrays["axis"][...] = np.array(["x", "y", "z"], np.dtypes.StringDType())
        self.block = int(self._arrays["position"].shards[1])

    def blocks(self) -> Iterator[tuple[int, int]]:
        """First and last-plus-one time index of every block, in order."""
        for k0 in range(0, len(self.times), self.block):
            yield k0, min(k0 + self.block, len(self.times))

    def write(self, k0: int, position: npt.ArrayLike, velocity: npt.ArrayLike, error_code: npt.ArrayLike) -> None:
        """Write the block that begins at time index ``k0``.

        Parameters
        ----------
        k0
            a multiple of ``block``.
        position, velocity
            TEME [km] and [km/s], shape (n, block, 3); the last block may be shorter.
        error_code
            0 where there was none, shape (n, block).
        """
        k1 = min(k0 + self.block, len(self.times))
        if k0 % self.block or not 0 <= k0 < len(self.times):
            raise StoreError(f"block start {k0} is not a multiple of {self.block} below {len(self.times)}; take the "
                             "blocks from blocks()")
        n = len(self.objects)
        for name, values, shape in (("position", position, (n, k1 - k0, 3)), ("velocity", velocity, (n, k1 - k0, 3)),
                                    ("error_code", error_code, (n, k1 - k0))):
            array = np.asarray(values)
            if array.shape != shape:
                raise StoreError(f"{name} of the block at {k0} has shape {array.shape}; it must be {shape}")
            self._arrays[name][:, k0:k1] = array
        self._written.add(k0)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> bool | None:
        if error is None:
            try:
                absent = [k0 for k0, _ in self.blocks() if k0 not in self._written] if len(self.objects) else []
                if absent:
                    raise StoreError(f"{self.path}: {len(absent)} blocks of the ephemeris were not written, the first "
                                     f"at time index {absent[0]}")
                attrs = {"frame": "TEME", "time_system": "UTC", **self._attrs}
                finish(self._group, "ephemeris", attrs, list(KINDS["ephemeris"].extents))
            except BaseException as late:
                self._stack.__exit__(type(late), late, late.__traceback__)
                raise
        return self._stack.__exit__(kind, error, trace)
