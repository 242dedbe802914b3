"""CuPy's functions on whole arrays, with the arguments that they share with NumPy's in every release from 14 on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _ufuncs
from ._array import adopt, copied, dtype_of, here, ndarray, view
from ._state import NotOnADeviceError, count, count_kernel, wait

_SCALARS = (bool, int, float, np.generic)


def _array(value: Any, name: str) -> ndarray:
    if not isinstance(value, ndarray):
        raise TypeError(f"{name} must be a cupy.ndarray, not {type(value)}")
    return value


# ------------------------------------------------------------------------------------------------ new arrays
def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Memory as it is."""
    return ndarray(shape, dtype, order=order)


def zeros(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Zeros, by a fill of memory, which is no kernel."""
    made = ndarray(shape, dtype, order=order)
    made._host[...] = 0
    return made


def ones(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Ones."""
    return full(shape, 1, dtype, order)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    """One value everywhere."""
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, ndarray) else np.array(fill_value).dtype
    made = ndarray(shape, dtype, order=order)
    made.fill(fill_value)
    return made


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    """Numbers at equal steps."""
    if any(not isinstance(v, (int, np.integer)) for v in (start, 0 if stop is None else stop, step)):
        raise NotImplementedError("CuPy makes floats by another formula than NumPy: use whole numbers")
    values = np.arange(start, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype=dtype)
    if values.size:
        count_kernel("elementwise", "arange", dtype_of(values.dtype).char)
    return adopt(values)


def array(
    obj: Any, dtype: Any = None, copy: bool | None = True, order: str | None = "K", subok: bool = False, ndmin: int = 0
) -> ndarray:
    """A copy on the current device, of a host array or of one that is there."""
    if subok or order not in ("K", None):
        raise NotImplementedError("the virtual device copies with the layout of the original")
    if isinstance(obj, ndarray):
        made = obj.astype(obj.dtype if dtype is None else dtype, copy=bool(copy))
        return made.reshape((1,) * (ndmin - made.ndim) + made.shape) if made.ndim < ndmin else made
    if isinstance(obj, (list, tuple)) and any(isinstance(part, ndarray) for part in obj):
        raise NotOnADeviceError("a list of arrays of the device: use stack()")
    host = np.array(obj, dtype=None if dtype is None else dtype_of(dtype), ndmin=ndmin)
    dtype_of(host.dtype)
    if host.size:
        count("uploads")
        count("upload_bytes", host.nbytes)
    return adopt(host, "F" if host.flags.f_contiguous and not host.flags.c_contiguous else "C")


def asarray(a: Any, dtype: Any = None, order: None = None, *, copy: bool | None = None) -> ndarray:
    """The array itself where it is on the device and of the type, else a copy."""
    return array(a, dtype, copy=bool(copy), order=order)


def ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    """The array itself where it is as wished, else a copy in C order."""
    made = asarray(a, dtype)
    return made if made.flags.c_contiguous else made.copy()


def asnumpy(a: Any, stream: None = None, order: str = "C", out: None = None, *, blocking: bool = True) -> np.ndarray:
    """An array on the host."""
    return a.get(stream, order, out, blocking=blocking) if isinstance(a, ndarray) else np.asarray(a, order=order)  # type: ignore[call-overload]


# ------------------------------------------------------------------------------------------------ joined arrays
def concatenate(tup: Sequence[ndarray], axis: int | None = 0, out: None = None) -> ndarray:
    """Join along an axis: a copy of each array, or one kernel for more than eight of one type."""
    if out is not None:
        raise NotImplementedError("the virtual device joins into a new array")
    for part in tup:
        if not isinstance(part, ndarray):
            raise TypeError("Only cupy arrays can be concatenated")
    joined = np.concatenate([here(part) for part in tup], axis)
    one = len(tup) > 8 and len({part.dtype for part in tup}) == 1 and joined.nbytes < len(tup) << 21
    count_kernel("elementwise", "concatenate" if one else "copy", joined.dtype.char, number=1 if one else len(tup))
    if one:  # the places of the arrays, and their sizes and strides if they differ
        alike = len({part.shape for part in tup}) == 1 and all(part.flags.c_contiguous for part in tup)
        count("uploads", 1 if alike else 3)
        count("upload_bytes", 8 * len(tup) * (1 if alike else 2 + joined.ndim))
    return adopt(joined)


def stack(tup: Sequence[ndarray], axis: int = 0, out: None = None) -> ndarray:
    """Join along a new axis."""
    parts = [_array(part, "x") for part in tup]
    return concatenate([view(part, np.expand_dims(part._host, axis)) for part in parts], axis, out)


def expand_dims(a: ndarray, axis: Any) -> ndarray:
    """With a new axis, a view."""
    return view(_array(a, "a"), np.expand_dims(a._host, axis))


def broadcast_to(array: ndarray, shape: Any) -> ndarray:
    """A view of another shape."""
    return view(_array(array, "array"), np.broadcast_to(array._host, shape))


def tile(A: ndarray, reps: Any) -> ndarray:
    """The array several times."""
    return copied("copy", _array(A, "A"), np.tile(A._host, reps))


def repeat(a: ndarray, repeats: Any, axis: int | None = None) -> ndarray:
    """Elements several times: a number for all or a list; some releases take no arrays here, 14.0 copies row by row."""
    if isinstance(repeats, (ndarray, np.ndarray)):
        raise TypeError(f"'repeats' does not accept {type(repeats).__module__}.ndarray")
    if not isinstance(repeats, (int, np.integer, list, tuple)):
        raise ValueError(f"'repeats' should be int or sequence: {repeats}")
    if isinstance(repeats, (list, tuple)) and not all(isinstance(r, (int, np.integer)) for r in repeats):
        raise TypeError("'repeats' should be a sequence of whole numbers")
    values = np.repeat(here(_array(a, "a")), repeats, axis)
    number = sum(r > 0 for r in repeats) if isinstance(repeats, (list, tuple)) else 1
    if values.size:
        count_kernel("elementwise", "copy", a.dtype.char * 2, number=number)
    return adopt(values)


# ------------------------------------------------------------------------------------------------ places and order
def where(condition: ndarray, x: Any = None, y: Any = None) -> Any:
    """Elements of one of two, or without them the places of true elements."""
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return nonzero(condition)
    return _ufuncs.FUNCTIONS["where"](_array(condition, "condition").astype(bool, copy=False), x, y)


def nonzero(a: ndarray) -> tuple[ndarray, ...]:
    """Places of elements that are not zero, a column of one table for each axis."""
    host = here(_array(a, "a"))
    if host.size:
        if a.dtype != bool:
            count_kernel("elementwise", "cupy_not_equal", a.dtype.char)
        count_kernel("scans", "nonzero")
        wait()  # for their number
        count("downloads")
        count("download_bytes", 4)
        count_kernel("elementwise", "nonzero", f"{a.ndim}d")
    table = adopt(np.argwhere(host))
    return tuple(table[:, k] for k in range(max(a.ndim, 1)))


def flatnonzero(a: ndarray) -> ndarray:
    """Places of elements that are not zero in the flattened array."""
    return nonzero(_array(a, "a").ravel())[0]


def searchsorted(a: ndarray, v: Any, side: str = "left", sorter: None = None) -> ndarray:
    """Places of values in a sorted array."""
    if sorter is not None:
        raise NotImplementedError("the virtual device searches in sorted arrays")
    if not isinstance(a, ndarray):
        raise NotImplementedError("Only int or ndarray are supported for a")
    if not isinstance(v, ndarray):
        if not isinstance(v, (int, float)):
            raise NotImplementedError("Only python scalars or ndarrays are supported for v")
        v = asarray(v)
    if a.ndim != 1:
        raise ValueError(
            "object too deep for desired array" if a.ndim else "object of too small depth for desired array"
        )
    if v.size and a.size:
        count_kernel("elementwise", "searchsorted", v.dtype.char + a.dtype.char)
    return adopt(np.asarray(np.searchsorted(here(a), here(v), side)))  # type: ignore[call-overload]


def lexsort(keys: ndarray) -> ndarray:
    """Order by several keys, the rows of a table, the last one first."""
    if keys.ndim != 2:  # a tuple has no such attribute: as in CuPy
        raise NotImplementedError("the virtual device sorts by the rows of a table")
    if not keys.flags.c_contiguous:
        keys = keys.copy()
    count_kernel("sorts", "lexsort", keys.dtype.char)
    return adopt(np.lexsort(here(keys)))


def clip(a: ndarray, a_min: Any, a_max: Any) -> ndarray:
    """Limit to a range."""
    values = a if a_min is None else _ufuncs.FUNCTIONS["maximum"](_array(a, "a"), a_min)
    return values if a_max is None else _ufuncs.FUNCTIONS["minimum"](values, a_max)


def take(a: ndarray, indices: ndarray, axis: int | None = None) -> ndarray:
    """Elements along an axis."""
    return _array(a, "a").take(indices, axis)


# ------------------------------------------------------------------------------------------------ reductions
def _reduction(name: str, typed: bool) -> Any:
    function = getattr(np, name)

    def reduce(a: ndarray, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> ndarray:
        if out is not None:
            raise NotImplementedError("the virtual device reduces into a new array")
        host = here(_array(a, "a"))
        if typed and (dtype is not None or host.dtype.kind == "f"):
            host = host.astype(dtype_of(host.dtype if dtype is None else dtype))
        if typed and host.dtype.kind == "f":  # CuPy adds in an order of its own
            host = np.flip(host, axis)
        values = function(host, axis=axis, keepdims=keepdims)
        if host.size:
            count_kernel("reductions", name, a.dtype.char)
        return adopt(values)

    if typed:
        return reduce
    return lambda a, axis=None, out=None, keepdims=False: reduce(a, axis, None, out, keepdims)


REDUCTIONS = {name: _reduction(name, typed=name == "sum") for name in ("sum", "min", "max", "any", "all")}

for _name, _function in REDUCTIONS.items():
    setattr(ndarray, _name, _function)
for _method in (repeat, nonzero, searchsorted):
    setattr(ndarray, _method.__name__, _method)
ndarray.clip = lambda self, min=None, max=None: clip(self, min, max)  # type: ignore[attr-defined]
