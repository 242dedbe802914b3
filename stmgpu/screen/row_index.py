"""Index of the rows of a result, for which a DataFrame has times of closest approach.

xarray makes the index of a DataFrame from that of the dimension, and leaves every other indexed coordinate out of the
columns: with a plain index of ``tca``, ``to_dataframe`` would lose it. The index of the dimension below numbers the
rows and gives pandas their times; ``tca`` has a plain index besides, for ``sel(tca=...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from xarray.core.indexing import IndexSelResult
from xarray.indexes import PandasIndex

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

_NO_LABEL = "rows of two results cannot be aligned; compare or combine their values, with `.to_numpy()`"


class RowIndex(xr.Index):
    """Numbers of the rows of a table along its dimension; in pandas, their times.

    Parameters
    ----------
    rows : PandasIndex
        Number of each row; the coordinate of the dimension.
    times : PandasIndex
        Time of each row.

    Examples
    --------
    >>> times = np.datetime64("2025-01-01", "ns") + np.arange(3) * np.timedelta64(1, "h")
    >>> table = xr.Dataset(coords={"time": ("row", times)}).pipe(index_rows, "row", "time")
    >>> table.sel(time=slice("2025-01-01T01:00", None)).row.to_numpy().tolist()
    [1, 2]
    >>> table.assign(speed=("row", [1.0, 2.0, 3.0])).to_dataframe().index.name
    'time'
    """

    def __init__(self, rows: PandasIndex, times: PandasIndex) -> None:
        self.rows, self.times = rows, times

    @classmethod
    def concat(cls, indexes: Sequence[Self], dim: Hashable, positions: Iterable[Iterable[int]] | None = None) -> Self:
        """Index of several tables one below the other."""
        return cls(
            PandasIndex.concat([index.rows for index in indexes], dim, positions),
            PandasIndex.concat([index.times for index in indexes], dim, positions),
        )

    def create_variables(self, variables: Mapping[Any, xr.Variable] | None = None) -> dict[Any, xr.Variable]:
        """Coordinate of the dimension."""
        return dict(self.rows.create_variables(variables))

    def to_pandas_index(self) -> pd.Index:
        """Times of the rows: the index of a DataFrame."""
        return self.times.to_pandas_index()

    def isel(self, indexers: Mapping[Any, Any]) -> Self | None:
        """Index of some of the rows; None where they lose the dimension."""
        rows, times = self.rows.isel(indexers), self.times.isel(indexers)
        if not isinstance(rows, PandasIndex) or not isinstance(times, PandasIndex):
            return None
        return type(self)(rows, times)

    def sel(self, labels: dict[Any, Any], **options: Any) -> Any:
        """Positions of rows by number; by time for `drop_sel` and `drop_isel`, which look up what pandas would have."""
        (label,) = labels.values()
        if not isinstance(label, pd.DatetimeIndex):
            return self.rows.sel(labels, **options)
        kept = np.flatnonzero(self.times.index.isin(label))
        if len(kept) != len(label):
            raise ValueError("rows with the same time cannot be dropped one by one; keep the others with `.isel()`")
        return IndexSelResult({self.rows.dim: kept})

    def equals(self, other: xr.Index, **options: Any) -> bool:
        """Whether two indexes hold the same rows."""
        return (
            isinstance(other, RowIndex)
            and self.rows.equals(other.rows, **options)
            and self.times.equals(other.times, **options)
        )

    def join(self, other: xr.Index, how: str = "inner") -> Self:
        """Refuse to align different rows, which no label identifies."""
        raise ValueError(_NO_LABEL)

    def reindex_like(self, other: xr.Index) -> dict[Hashable, Any]:
        """Refuse to take the rows of another result."""
        raise ValueError(_NO_LABEL)

    def roll(self, shifts: Mapping[Any, int]) -> Self:
        """Index of rolled rows."""
        return type(self)(self.rows.roll(shifts), self.times.roll(shifts))

    def rename(self, name_dict: Mapping[Any, Hashable], dims_dict: Mapping[Any, Hashable]) -> Self:
        """Index with other names of coordinates or dimensions."""
        return type(self)(self.rows.rename(name_dict, dims_dict), self.times.rename(name_dict, dims_dict))


class TimeIndex(PandasIndex):
    """Index of the times of rows, which selects along another dimension after ``swap_dims``, too.

    ``swap_dims`` of xarray hands the index of a coordinate on as it is when that becomes a dimension, so it looks for
    the old dimension, and nothing tells it the new one before the first selection of rows by position. Labels (``sel``,
    ``drop_sel``, ``reindex``) can be looked up at once where the index is dropped first:
    ``con.drop_indexes("tca").swap_dims(conjunction="tca")``.
    """

    def create_variables(self, variables: Mapping[Any, xr.Variable] | None = None) -> dict[Any, xr.Variable]:
        """Coordinate of times, along the dimension that it has now."""
        created = dict(super().create_variables(variables))
        for name, variable in created.items():
            if variables is not None and name in variables:
                variable.dims = variables[name].dims
        return created

    def isel(self, indexers: Mapping[Any, Any]) -> PandasIndex | None:
        """Index of some of the rows; None where they lose the dimension."""
        name = self.index.name
        if self.dim not in indexers and name in indexers:
            return PandasIndex(self.index, name).isel(indexers)
        return super().isel(indexers)


def index_rows(table: xr.Dataset, dim: str, time: str) -> xr.Dataset:
    """Number the rows of a table along a dimension, and index them by number and by a coordinate of times.

    Parameters
    ----------
    table : xr.Dataset
        Table with one dimension.
    dim : str
        Its dimension.
    time : str
        Variable with the time of each row.

    Returns
    -------
    xr.Dataset
        The table with a new coordinate `dim`, 0 to n - 1, and the indexed coordinate `time`.
    """
    stamps = table[time].variable
    times = TimeIndex(pd.DatetimeIndex(np.asarray(stamps), name=time), dim)
    rows = RowIndex(PandasIndex(pd.RangeIndex(table.sizes[dim], name=dim), dim), times)
    number = xr.Variable(dim, np.arange(table.sizes[dim]), {"long_name": "number of the row", "units": "1"})
    variables = {**rows.create_variables({dim: number}), **times.create_variables({time: stamps})}
    coordinates = xr.Coordinates(coords=variables, indexes={dim: rows, time: times})
    return table.drop_vars([dim, time], errors="ignore").assign_coords(coordinates)
