"""Description of the variables of results: dimensions, type and CF attributes, for memory and stores alike.

Attributes follow the CF conventions 1.11: UDUNITS strings such as ``km s-1``, ``standard_name`` where CF has one,
``flag_values`` or ``flag_masks`` with ``flag_meanings`` for codes and flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Mapping

CONVENTIONS = "CF-1.11"

TIME_UNITS = "nanoseconds since 1970-01-01T00:00:00"
"""Units of every stored time: int64, exact, UTC."""

CALENDAR = "proleptic_gregorian"

_FEW = 16
"""Distinct texts up to which comparing with each is quicker than sorting all."""


@dataclass(frozen=True)
class Variable:
    """A variable of a result.

    Parameters
    ----------
    dims : tuple of str
        Names of its dimensions, in the order in which it is stored.
    dtype : str
        A NumPy type, 'time' (datetime64[ns], UTC) or 'text'.
    long_name : str
        Description.
    units : str
        UDUNITS string, '1' for numbers without a unit; empty for times, texts, flags and codes.
    standard_name : str
        Name in the CF standard name table; empty if there is none.
    flags : mapping of int to str
        Meaning of each code, or of each bit where `masks` is set; one word each.
    masks : bool
        Whether `flags` are bits that can be combined.
    required : bool
        Whether a store must hold the variable.
    coordinate : bool
        Whether it is a coordinate without missing values, which CF writes without a fill value.

    Examples
    --------
    >>> Variable(("conjunction",), "float64", "distance at TCA", "km").attrs()
    {'long_name': 'distance at TCA', 'units': 'km'}
    """

    dims: tuple[str, ...]
    dtype: str
    long_name: str
    units: str = ""
    standard_name: str = ""
    flags: Mapping[int, str] | None = None
    masks: bool = False
    required: bool = True
    coordinate: bool = False

    @property
    def numpy_type(self) -> np.dtype[Any]:
        """Type of the values in memory; of texts without their length."""
        return np.dtype({"time": "datetime64[ns]", "text": "U"}.get(self.dtype, self.dtype))

    def attrs(self) -> dict[str, Any]:
        """CF attributes."""
        attrs: dict[str, Any] = {"long_name": self.long_name}
        if self.units:
            attrs["units"] = self.units
        if self.standard_name:
            attrs["standard_name"] = self.standard_name
        if self.dtype == "time":
            attrs["units_metadata"] = "leap_seconds: none"  # days of 86,400 s
        if self.flags:
            attrs["flag_masks" if self.masks else "flag_values"] = np.array(list(self.flags), self.numpy_type)
            attrs["flag_meanings"] = " ".join(self.flags.values())
        return attrs

    def encoding(self) -> dict[str, str | None]:
        """Encoding with which xarray writes netCDF: times without loss, coordinates without a fill value."""
        if self.dtype == "time":
            return {"units": TIME_UNITS, "calendar": CALENDAR, "dtype": "int64"}
        return {"_FillValue": None} if self.coordinate and self.dtype != "text" else {}

    def of(self, values: npt.ArrayLike) -> xr.Variable:
        """The variable with these values, converted to its type; texts become as long as the longest of them."""
        array = np.asarray(values)
        array = as_text(array) if self.dtype == "text" else array.astype(self.numpy_type, copy=False)
        return xr.Variable(self.dims, array, self.attrs(), self.encoding())


def coded(texts: npt.NDArray[np.str_]) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64]]:
    """Distinct texts in ascending order, and the place of each text among them: quick where few are distinct.

    Examples
    --------
    >>> values, codes = coded(np.array(["watch", "act", "watch"]))
    >>> values.tolist(), codes.tolist()
    (['act', 'watch'], [1, 0, 1])
    """
    codes, rest = np.empty(len(texts), np.int64), np.arange(len(texts))
    found: list[np.str_] = []
    while len(rest) and len(found) < _FEW:
        same = texts[rest] == texts[rest[0]]
        codes[rest[same]] = len(found)
        found.append(texts[rest[0]])
        rest = rest[~same]
    if len(rest):
        values, codes = np.unique(texts, return_inverse=True)
        return values, codes
    values, places = np.unique(np.array(found, texts.dtype), return_inverse=True)
    return values, places[codes]


def as_text(values: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """Texts of any NumPy type as fixed-width Unicode, as long as the longest of them.

    Examples
    --------
    >>> as_text(np.array(["ISS", "HST"], dtype="U24")).dtype
    dtype('<U3')
    """
    array = np.asarray(values)
    if array.dtype.kind == "O":
        array = array.astype(np.dtypes.StringDType())
    longest = int(np.strings.str_len(array).max(initial=1))
    return np.asarray(array.astype(f"<U{max(longest, 1)}"))
