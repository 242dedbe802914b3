"""CuPy's elementwise functions: its types, its order of results, NumPy's values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._array import adopt, here, ndarray
from ._state import count_kernel

_INTEGERS = "bBhHiIlLqQ"
_FLOATS = "efdFD"
_COMPARED = ("??->?", "qq->?", "QQ->?", "qQ->?", "Qq->?", "ee->?", "ff->?", "dd->?")


def _same(types: str, arguments: int) -> tuple[str, ...]:
    return tuple(f"{t * arguments}->{t}" for t in types)


_ONE, _TWO = _same("?" + _INTEGERS + _FLOATS, 1), _same("?" + _INTEGERS + _FLOATS, 2)
_TYPES = {
    **dict.fromkeys(("add", "multiply", "minimum", "maximum"), _TWO),
    "subtract": _TWO[1:],  # of bool: an error
    "true_divide": ("qq->d", "qQ->d", "Qq->d", "QQ->d", *_same(_FLOATS, 2)),
    "floor_divide": _same(_INTEGERS, 2),  # floats: CuPy's own formula, not NumPy's
    "remainder": _same(_INTEGERS, 2),
    "power": ("??->b", *_TWO[1:]),
    "negative": _ONE[1:],
    "positive": _ONE[1:],
    "absolute": (*_ONE[:-2], "F->f", "D->d"),
    "square": _ONE[1:],
    **dict.fromkeys(("sqrt", "rint"), _same(_FLOATS, 1)),
    **dict.fromkeys(("floor", "ceil"), _same("?" + _INTEGERS + "efd", 1)),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), _same("?" + _INTEGERS, 2)),
    "invert": _same("?" + _INTEGERS, 1),
    **dict.fromkeys(("left_shift", "right_shift"), _same(_INTEGERS, 2)),
    **dict.fromkeys(("equal", "not_equal"), (*_COMPARED, "FF->?", "DD->?")),
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal"), (*_COMPARED, "FF->?", "DD->?")),
    **dict.fromkeys(("logical_and", "logical_or"), _COMPARED),
    "logical_not": tuple(f"{t}->?" for t in "?" + _INTEGERS + "efd"),
    **dict.fromkeys(("isnan", "isfinite"), tuple(f"{t}->?" for t in _FLOATS)),
    "where": tuple(f"?{t * 2}->{t}" for t in "?" + _INTEGERS + _FLOATS),
}
"""Loops of CuPy 14.2 in the order in which it looks for one."""

_TINY = np.finfo(np.float32).tiny


def _flushed(values: Any) -> Any:
    """Subnormal float32 as CuPy's kernels have them, which are compiled with -ftz=true."""
    return np.where(np.abs(values) < _TINY, np.copysign(np.float32(0), values), values)


class ufunc:
    """An elementwise function.

    Parameters
    ----------
    name : str
        NumPy's name of it.
    """

    def __init__(self, name: str) -> None:
        self.name = self.__name__ = f"cupy_{name}"
        self._numpy: Any = getattr(np, name)
        self.types = list(_TYPES[name])
        self._loops = [tuple(part for part in loop.split("->")) for loop in self.types]
        self.nin = len(self._loops[0][0])
        self._known: dict[tuple[Any, ...], tuple[str, str]] = {}

    def __call__(self, *args: Any, out: ndarray | None = None) -> ndarray:
        """Apply the function to arrays of the current device and scalars."""
        if len(args) != self.nin:
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        hosts = [here(a) if isinstance(a, ndarray) else self._scalar(a) for a in args]
        ins, result = self._loop(tuple(h.dtype if isinstance(h, (np.ndarray, np.generic)) else type(h) for h in hosts))
        shape = np.broadcast_shapes(*(np.shape(h) for h in hosts))
        if out is not None:
            if not isinstance(out, ndarray):
                raise TypeError(f"Unsupported type {type(out)}")
            if not np.can_cast(result, out.dtype, "same_kind"):
                raise TypeError(f"output (typecode '{result}') could not be coerced to provided output parameter")
            if out.shape != shape:
                raise ValueError("Out shape is mismatched")
            here(out)
        cast = [
            h.astype(t, copy=False) if isinstance(h, (np.ndarray, np.generic)) else np.dtype(t).type(h)
            for h, t in zip(hosts, ins, strict=True)
        ]
        if "f" in ins:
            cast = [_flushed(c) if t == "f" else c for c, t in zip(cast, ins, strict=True)]
        with np.errstate(all="ignore"):
            values = np.asarray(self._numpy(*cast), dtype=result)
            if result == "f":
                values = _flushed(values)
            if self.name == "cupy_power" and result in _FLOATS:
                values = np.nextafter(values, np.inf)  # CUDA's pow is off by an ulp or two
        if values.size:
            count_kernel("elementwise", self.name, "".join(ins) + "->" + result)
        if out is None:
            return adopt(values)
        out._host[...] = values
        return out

    def _scalar(self, value: Any) -> Any:
        if type(value) in (bool, int, float, complex) or isinstance(value, np.generic):
            return np.bool_(value) if type(value) is bool else value
        raise TypeError(f"Unsupported type {type(value)}")

    def _loop(self, given: tuple[Any, ...]) -> tuple[str, str]:
        """The first loop that all arguments can be cast to."""
        if given not in self._known:
            ranks = [_RANKS[t.kind] if isinstance(t, np.dtype) else -1 for t in given]
            weak = max(ranks) >= max((_WEAK[t] for t in given if not isinstance(t, np.dtype)), default=0)
            for ins, result in self._loops:
                if all(_fits(t, loop, weak) for t, loop in zip(given, ins, strict=True)):
                    self._known[given] = ins, result
                    break
            else:
                raise TypeError(f"Wrong type ({given}) of arguments for {self.name}")
        return self._known[given]


_RANKS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_WEAK = {int: 1, float: 2, complex: 3}  # Python's numbers give way to an array of their kind or a higher one


def _fits(given: Any, loop: str, weak: bool) -> bool:
    if isinstance(given, np.dtype):
        return np.can_cast(given, loop)
    default = np.dtype({int: np.int64, float: np.float64, complex: np.complex128}[given])
    if np.can_cast(default, loop):
        return True
    return weak and np.result_type(given(0), np.dtype(loop)) == np.dtype(loop)


FUNCTIONS = {name: ufunc(name) for name in _TYPES}
ndarray._by_numpy = {**{n: f for n, f in FUNCTIONS.items() if n != "where"}, "divide": FUNCTIONS["true_divide"]}

_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "left_shift", "rshift": "right_shift",
}  # fmt: skip
_COMPARISONS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}


def _give_operators() -> None:
    """Give arrays their operators."""

    def forward(function: ufunc) -> Any:
        return lambda self, other: function(self, other)

    def reflected(function: ufunc) -> Any:
        return lambda self, other: function(other, self)

    def in_place(function: ufunc) -> Any:
        return lambda self, other: function(self, other, out=self)

    for short, name in _BINARY.items():
        setattr(ndarray, f"__{short}__", forward(FUNCTIONS[name]))
        setattr(ndarray, f"__r{short}__", reflected(FUNCTIONS[name]))
        setattr(ndarray, f"__i{short}__", in_place(FUNCTIONS[name]))
    for short, name in _COMPARISONS.items():
        setattr(ndarray, f"__{short}__", forward(FUNCTIONS[name]))
    for short, name in {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}.items():
        setattr(ndarray, f"__{short}__", lambda self, f=FUNCTIONS[name]: f(self))


_give_operators()
