"""Columns of a page: byte-shuffled gzip in base64, which a browser decodes with ``DecompressionStream``.

The bytes of a column are stored plane by plane: the first byte of every value, then the second, and so on. Bytes of one
significance resemble each other, so gzip finds more to leave out.
"""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_KINDS = {np.dtype(kind): kind for kind in ("f4", "f8", "i4", "u4", "u1")}
_LEVEL, _MEMORY = 6, 9  # with Z_FILTERED as small as level 9, in half of its time
_GZIP = 31  # largest window, with the header of gzip, which has no time in it
_DIGITS = re.compile(r"([0-9]{1,18})")
_LARGEST = np.iinfo(np.int32).max
"""Largest number of a scaled column; the integer below its negative stands for NaN."""


@dataclass(frozen=True)
class Column:
    """A column as a page holds it.

    Parameters
    ----------
    description : dict
        ``name``; ``kind``: f4, f8, i4, u4, u1 or text; ``length``; ``data_id``: id of the element with the data. A
        scaled column (i4) has ``scale``: its values are the stored integers divided by it, and the least integer stands
        for NaN. A text column has ``values``, sorted as people sort, and its data are codes (u4)
        into them.
    data : str
        Base64 of the gzip of the shuffled bytes, little endian.
    """

    description: dict[str, Any]
    data: str


def encode(name: str, array: npt.ArrayLike, *, scale: float | None = None) -> Column:
    """Encode a column.

    Parameters
    ----------
    name : str
        Name of the column.
    array : array_like, shape (n,)
        Numbers of type float32, float64, int32, uint32 or uint8, or text.
    scale : float, optional
        Store the values times `scale`, rounded to int32; so a distance in km keeps its millimetres with a scale of 1e6.
        Where a value is too large for that, the column is stored as float64.

    Raises
    ------
    TypeError
        If the type is another.

    Examples
    --------
    >>> encode("miss", [0.25, float("nan")], scale=1e6).description
    {'name': 'miss', 'kind': 'i4', 'length': 2, 'data_id': 'data-miss', 'scale': 1000000.0}
    >>> encode("type", ["DEBRIS", "", "DEBRIS"]).description["values"]
    ['', 'DEBRIS']
    """
    values = np.asarray(array)
    description: dict[str, Any] = {"name": name, "kind": "", "length": len(values), "data_id": f"data-{name}"}
    if values.dtype.kind in "UTO":
        words, codes = np.unique(values.astype(np.str_), return_inverse=True)
        order = sorted(range(len(words)), key=lambda k: natural_key(str(words[k])))
        rank = np.empty(len(words), "<u4")
        rank[order] = np.arange(len(words), dtype="<u4")
        description |= {"kind": "text", "values": words[order].tolist()}
        return Column(description, _packed(rank[codes]))
    if scale is not None:
        whole = np.rint(values.astype(np.float64) * scale)
        if not np.any(np.abs(whole) > _LARGEST):
            return Column(description | {"kind": "i4", "scale": scale}, _packed(_with_absent(whole)))
        values = values.astype(np.float64)
    if values.dtype not in _KINDS:
        raise TypeError(f"column {name} has type {values.dtype}; convert it to one of {', '.join(_KINDS.values())}")
    kind = _KINDS[values.dtype]
    return Column(description | {"kind": kind}, _packed(values.astype(f"<{kind}")))


def natural_key(text: str) -> tuple[tuple[int, str], ...]:
    """Key that sorts texts as people do: without case, and numbers in them by their size.

    Examples
    --------
    >>> sorted(["SAT 10", "SAT 9", "sat 1"], key=natural_key)
    ['sat 1', 'SAT 9', 'SAT 10']
    """
    parts = _DIGITS.split(text.casefold())
    return (*((int(part), "") if k % 2 else (-1, part) for k, part in enumerate(parts)), (-1, text))


def _with_absent(whole: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return np.where(np.isnan(whole), -_LARGEST - 1, whole).astype("<i4")


def _packed(values: npt.NDArray[Any]) -> str:
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.itemsize).T
    engine = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, _MEMORY, zlib.Z_FILTERED)
    return base64.b64encode(engine.compress(np.ascontiguousarray(planes).tobytes()) + engine.flush()).decode("ascii")
