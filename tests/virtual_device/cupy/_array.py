"""Arrays of the virtual device: CuPy's, as far as they are used, on memory of the host that nothing else may touch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from ._state import Block, Device, NotOnADeviceError, count, count_kernel, current, settings, wait

_KINDS = "?bBhHiIlLqQefdFD"
_SCALARS = (bool, int, float, complex, np.generic)


class Flags:
    """Layout of an array; CuPy has these three and no others."""

    _NAMES = ("c_contiguous", "f_contiguous", "owndata")

    def __init__(self, host: np.ndarray, owndata: bool) -> None:
        self.c_contiguous, self.f_contiguous = host.flags.c_contiguous, host.flags.f_contiguous
        self.owndata = owndata

    def __getitem__(self, name: str) -> bool:
        if name.lower() not in self._NAMES:
            raise KeyError(f"{name} is not defined for cupy.ndarray.flags")
        return bool(getattr(self, name.lower()))


class _Pointer:
    """Place of an array in the device's memory."""

    def __init__(self, ptr: int, device: int) -> None:
        self.ptr, self.device_id = ptr, device
        self.device = Device(device)


def dtype_of(dtype: Any) -> np.dtype:
    """A type that the device has."""
    found = np.dtype(dtype)
    if found.char not in _KINDS:
        raise ValueError(f"Unsupported dtype {found}")
    return found


class ndarray:
    """Array in the memory of a virtual device.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
    order : {'C', 'F'}
    """

    __slots__ = ("__weakref__", "_block", "_host", "base")
    __array_priority__ = 100
    _by_numpy: ClassVar[dict[str, Any]] = {}  # elementwise functions by NumPy's names
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, shape: Any, dtype: Any = float, memptr: None = None, strides: None = None, order: str = "C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("the virtual device makes no arrays of foreign memory")
        if order not in ("C", "F"):
            raise ValueError(f"order not understood. order={order}")
        kind = dtype_of(dtype)
        shape = tuple(int(n) for n in shape) if isinstance(shape, (tuple, list)) else (int(shape),)
        self._block = Block(math.prod(shape) * kind.itemsize)
        self._host = np.empty(shape, kind, order)
        self._host.reshape(-1, order="A").view(np.uint8)[...] = settings.fill
        self.base = None

    # -------------------------------------------------------------------------------------------- description
    dtype = property(lambda self: self._host.dtype)
    shape = property(lambda self: self._host.shape)
    strides = property(lambda self: self._host.strides)
    size = property(lambda self: self._host.size)
    ndim = property(lambda self: self._host.ndim)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    device = property(lambda self: Device(self._block.device))
    flags = property(lambda self: Flags(self._host, self.base is None))
    data = property(lambda self: _Pointer(self._host.ctypes.data, self._block.device))

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<array of the virtual device {self._block.device}: {self.dtype}{list(self.shape)}>"

    def __format__(self, spec: str) -> str:
        return format(self.get()[()] if not self.ndim else self.get(), spec)

    def __iter__(self) -> Iterator[ndarray]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(len(self)))

    # -------------------------------------------------------------------------------------------- to the host
    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def get(self, stream: None = None, order: str = "C", out: None = None, *, blocking: bool = True) -> np.ndarray:
        """The array as a host array, when the device has done its work."""
        if stream is not None or out is not None or not blocking or order != "C":
            raise NotImplementedError("the virtual device copies whole arrays in C order and waits")
        if self.size:
            if not self.flags.c_contiguous and not self.flags.f_contiguous:
                copied("copy", self)
            wait()
            count("downloads")
            count("download_bytes", self.nbytes)
        return self._host.copy("C")

    def item(self) -> Any:
        """The only element, on the host."""
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().item()

    def tolist(self) -> Any:
        """The elements, on the host."""
        return self.get().tolist()

    def __bool__(self) -> bool:
        if self.size == 0:
            return False
        if self.size != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    # -------------------------------------------------------------------------------------------- views
    T = property(lambda self: self if self.ndim < 2 else view(self, self._host.T))

    def view(self, dtype: Any = None) -> ndarray:
        """The same memory, of another type if asked."""
        return view(self, self._host.view() if dtype is None else self._host.view(dtype_of(dtype)))

    def reshape(self, *shape: Any, order: str = "C") -> ndarray:
        """Another shape of the same memory, or of a copy where strides do not allow it."""
        if order != "C":
            raise NotImplementedError("the virtual device reshapes in C order")
        host = self._host.reshape(*shape)
        return (
            view(self, host) if np.may_share_memory(host, self._host) or not self.size else copied("copy", self, host)
        )

    def ravel(self, order: str = "C") -> ndarray:
        """One axis, a view where it can be."""
        return self.reshape(-1, order=order)

    def flatten(self, order: str = "C") -> ndarray:
        """One axis, always a copy."""
        if order != "C":
            raise NotImplementedError("the virtual device flattens in C order")
        return copied("copy", self, self._host.flatten())

    def transpose(self, *axes: Any) -> ndarray:
        """Axes in another order, a view."""
        return view(self, self._host.transpose(*axes))

    def squeeze(self, axis: Any = None) -> ndarray:
        """Without axes of length 1, a view."""
        return view(self, self._host.squeeze(axis))

    # -------------------------------------------------------------------------------------------- copies
    def astype(
        self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True
    ) -> ndarray:
        """The values as another type."""
        if casting is not None or subok is not None or order != "K":
            raise NotImplementedError("the virtual device casts without restriction and keeps the layout")
        kind = dtype_of(dtype)
        if not copy and kind == self.dtype:
            return self
        with np.errstate(invalid="ignore", over="ignore"):
            return copied("copy", self, self._host.astype(kind))

    def copy(self, order: str = "C") -> ndarray:
        """A copy."""
        if order != "C":
            raise NotImplementedError("the virtual device copies in C order")
        return copied("copy", self, self._host.copy("C"))

    def fill(self, value: Any) -> None:
        """Set all elements to a scalar."""
        if isinstance(value, ndarray):
            if value.ndim:
                raise ValueError("non-scalar cupy.ndarray cannot be used for fill")
            value = here(value)
        elif not isinstance(value, _SCALARS):
            raise NotOnADeviceError(f"fill with {type(value)}")
        here(self)
        count_kernel("elementwise", "fill", self.dtype.char)
        self._host[...] = value

    # -------------------------------------------------------------------------------------------- indices
    def _parts(self, key: Any) -> list[Any]:
        """The parts of an index, host arrays and lists refused."""
        parts = list(key) if isinstance(key, tuple) else [key]
        for part in parts:
            if isinstance(part, ndarray):
                if part.dtype.kind not in "biu":
                    raise IndexError(
                        f"arrays used as indices must be of integer or boolean type. (actual: {part.dtype.type})"
                    )
            elif not (part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer))) or isinstance(
                part, (bool, np.bool_)
            ):
                raise NotOnADeviceError(f"an index of {type(part)}: CuPy copies it to the device each time; use put()")
        return parts

    def _host_index(self, parts: list[Any]) -> tuple[Any, ...]:
        """The same index for the host array; CuPy wraps an index that is out of range, here it is an error."""
        return tuple(here(part) if isinstance(part, ndarray) else part for part in parts)

    def _count_index(self, parts: list[Any], name: str) -> None:
        """What an index with arrays costs: masks are scanned, and their sum comes to the host."""
        arrays = [part for part in parts if isinstance(part, ndarray)]
        for mask in arrays:
            if mask.dtype.kind == "b" and mask.size:
                count_kernel("scans", "mask", number=1 if mask.ndim == self.ndim or len(arrays) > 1 else 2)
                wait()
                count("downloads")
                count("download_bytes", 4)
        if len(arrays) > 1:  # one flat index is made of them
            count_kernel("elementwise", "flat index", number=3 * len(arrays) - 1)
        count_kernel("elementwise", name, self.dtype.char)

    def __getitem__(self, key: Any) -> ndarray:
        parts = self._parts(key)
        if not any(isinstance(part, ndarray) for part in parts):
            return view(self, self._host[(*parts, ...)] if Ellipsis not in parts else self._host[tuple(parts)])
        found = self._host[self._host_index(parts)]
        here(self)
        self._count_index(parts, "take")
        return adopt(found)

    def __setitem__(self, key: Any, value: Any) -> None:
        parts = self._parts(key)
        if not isinstance(value, (ndarray, *_SCALARS)):
            raise NotOnADeviceError(f"a value of {type(value)}: CuPy copies it to the device each time; use put()")
        index, given = self._host_index(parts), here(value) if isinstance(value, ndarray) else value
        here(self)
        if not any(isinstance(part, ndarray) for part in parts):
            count_kernel("elementwise", "copy" if isinstance(value, ndarray) else "fill", self.dtype.char)
        else:
            self._count_index(parts, "scatter")
            if not isinstance(value, ndarray):
                count("uploads")
                count("upload_bytes", self.itemsize)
            elif value.dtype != self.dtype:
                count_kernel("elementwise", "copy", value.dtype.char + self.dtype.char)
        with np.errstate(invalid="ignore", over="ignore"):
            self._host[index] = given
            if isinstance(value, ndarray) and any(
                isinstance(part, ndarray) and part.dtype.kind != "b" for part in parts
            ):
                written, wanted = self._host[index], np.asarray(given).astype(self.dtype)
                if not np.array_equal(
                    written, np.broadcast_to(wanted, written.shape), equal_nan=self.dtype.kind == "f"
                ):
                    raise NotOnADeviceError(
                        "two threads write different values to one place: the last of them is chance"
                    )

    def take(self, indices: ndarray, axis: int | None = None) -> ndarray:
        """Elements along an axis."""
        if not isinstance(indices, ndarray):
            raise NotOnADeviceError(f"an index of {type(indices)}: CuPy copies it to the device each time; use put()")
        found = np.take(here(self), here(indices), axis)
        count_kernel("elementwise", "take", self.dtype.char)
        return adopt(found)

    # -------------------------------------------------------------------------------------------- with NumPy
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply an operator with a NumPy scalar on its left; CuPy takes other calls, too, but they hide a device."""
        own = self._by_numpy.get(ufunc.__name__)
        if method != "__call__" or kwargs or own is None or not isinstance(inputs[0], (np.generic, np.ndarray)):
            raise NotOnADeviceError(f"numpy.{ufunc.__name__} of an array in the GPU's memory; use the function of xp")
        return own(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise NotOnADeviceError(f"numpy.{function.__name__} of an array in the GPU's memory; use the function of xp")


def view(array: ndarray, host: np.ndarray) -> ndarray:
    """An array of the same memory."""
    made = object.__new__(ndarray)
    made._host, made._block = host, array._block
    made.base = array if array.base is None else array.base
    return made


def adopt(values: Any, order: str = "C") -> ndarray:
    """A new array of the current device with these values, in C order as CuPy's kernels write it."""
    host = np.asarray(values, order=order)  # type: ignore[call-overload]
    made = object.__new__(ndarray)
    made._block = Block(host.nbytes)
    made._host = host if host.flags.owndata and host.flags.writeable else host.copy(order)  # type: ignore[call-overload]
    made.base = None
    return made


def here(array: ndarray) -> np.ndarray:
    """The values of an array of the current device; CuPy refuses another's, or fetches them through a slow link."""
    if array._block.device != current():
        raise ValueError(
            f"The device where the array resides ({array._block.device}) is different from the current device "
            f"({current()}). Peer access is unavailable between these devices."
        )
    return array._host


def copied(name: str, array: ndarray, host: np.ndarray | None = None) -> ndarray:
    """A copy on the device by one elementwise kernel, with these values if they are others."""
    here(array)
    values = array._host.copy() if host is None else host
    if array.size:
        count_kernel("elementwise", name, array.dtype.char + values.dtype.char)
    return adopt(values, "K" if host is not None else "C")
