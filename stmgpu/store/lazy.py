"""Numbers of a store that are read when they are used: damage that shows only then is named."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core.indexing import (
    BasicIndexer,
    ExplicitIndexer,
    IndexingSupport,
    LazilyIndexedArray,
    VectorizedIndexer,
    explicit_indexing_adapter,
)

from stmgpu.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, OSError)
"""Errors that Zarr raises for damage."""

_DECODED = ("scale_factor", "add_offset")


class StoreArray(BackendArray):
    """An array of numbers in a store.

    Parameters
    ----------
    folder : Path
        The store.
    name : str
        Name of the array in it.
    array : zarr.Array
        The array.
    dims : tuple
        Names of its dimensions.
    """

    def __init__(self, folder: Path, name: str, array: zarr.Array[Any], dims: tuple[Hashable, ...]) -> None:
        self.folder, self.name, self.array, self.dims = folder, name, array, dims
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        """Read a selection.

        Raises
        ------
        StoreError
            If a chunk is damaged; the message names its file and place.
        """
        read: Callable[[Any], Any] = self.array.oindex.__getitem__
        if isinstance(key, BasicIndexer):
            read = self.array.__getitem__
        elif isinstance(key, VectorizedIndexer):
            read = self.array.vindex.__getitem__
        try:
            return explicit_indexing_adapter(key, self.shape, IndexingSupport.VECTORIZED, read)
        except DAMAGE as error:
            place = self._damaged_chunk(key.tuple)
            raise StoreError(
                f"{self.folder} is damaged or cannot be read: {self.name}{place}: {error}; see `stmgpu check`"
            ) from error

    def _damaged_chunk(self, key: tuple[Any, ...]) -> str:
        """File and place of the first chunk around a selection that cannot be read; empty if all can."""
        shards = self.array.shards or self.array.chunks
        steps = [
            range(first // chunk * chunk, end, chunk)
            for (first, end), chunk in zip(map(_bounds, key, self.shape), self.array.chunks, strict=True)
        ]
        for begin in itertools.product(*steps):
            end = [min(b + c, n) for b, c, n in zip(begin, self.array.chunks, self.shape, strict=True)]
            try:
                self.array[tuple(slice(b, e) for b, e in zip(begin, end, strict=True))]
            except DAMAGE:
                file = "/".join(str(b // shard) for b, shard in zip(begin, shards, strict=True))
                place = ", ".join(f"{n} {b} to {e - 1}" for n, b, e in zip(self.dims, begin, end, strict=True))
                return f"/c/{file} ({place})"
        return ""


def _bounds(index: Any, length: int) -> tuple[int, int]:
    """First place that an index selects along an axis, and the end of the last."""
    places = np.arange(length)[index]
    return (int(places.min()), int(places.max()) + 1) if places.size else (0, 0)


class StoreBackend(BackendEntrypoint):
    """Opens a store as :func:`xarray.open_zarr` does, with numbers in a :class:`StoreArray`."""

    def open_dataset(  # type: ignore[override]
        self, filename_or_obj: Path, *, drop_variables: str | Iterable[str] | None = None
    ) -> xr.Dataset:
        """Open a folder."""
        ds = xr.open_dataset(
            filename_or_obj, engine="zarr", consolidated=False, cache=False, drop_variables=drop_variables
        )
        arrays = dict(zarr.open_group(filename_or_obj, mode="r", zarr_format=3, use_consolidated=False).arrays())
        numbers = {}
        for name, variable in ds.variables.items():
            array = arrays[str(name)]
            if array.dtype != variable.dtype or array.dtype.kind not in "iufb":
                continue
            if name not in ds.indexes and not any(key in variable.encoding for key in _DECODED):
                lazy = LazilyIndexedArray(StoreArray(Path(filename_or_obj), str(name), array, variable.dims))
                numbers[name] = (variable.dims, lazy, variable.attrs, variable.encoding)
        replaced: xr.Dataset = ds.assign(numbers)
        return replaced
