"""Checks of single values: arguments of public functions and fields of JSON documents."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from stmgpu.errors import InputError


def number(name: str, value: object) -> float:
    """A real number as float.

    Parameters
    ----------
    name : str
        Name of the argument or field, for the message.
    value : object
        A Python or NumPy number.

    Raises
    ------
    InputError
        If the value is no number.

    Examples
    --------
    >>> number("threshold_km", 5)
    5.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InputError(f"{name} must be a number, got {value!r}")
    return float(value)


def whole_number(name: str, value: object, least: int) -> int:
    """A whole number that is not below `least`.

    Parameters
    ----------
    name : str
        Name of the argument or field, for the message.
    value : object
        A Python or NumPy integer.
    least : int
        Smallest allowed value.

    Raises
    ------
    InputError
        If the value is no whole number or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be a whole number of {least} or more, got {value!r}")
    return operator.index(value)


class Fields:
    """Typed access to the fields of a JSON object.

    Parameters
    ----------
    document : object
        The decoded JSON value.
    name : str
        Path of the object, such as ``settings``; errors name ``settings.threshold_km``.

    Raises
    ------
    InputError
        If `document` is no object; by every method, if the field is missing or has another type.

    Examples
    --------
    >>> Fields({"step_s": 60}, "settings").number("step_s")
    60.0
    """

    def __init__(self, document: object, name: str = "") -> None:
        if not isinstance(document, Mapping):
            raise InputError(f"{name or 'the document'} must be a table, got {document!r}")
        self._document: Mapping[str, Any] = document
        self._prefix = f"{name}." if name else ""

    def __contains__(self, field: str) -> bool:
        return field in self._document

    def has(self, field: str) -> bool:
        """Whether the field is present and not null."""
        return self._document.get(field) is not None

    def path(self, field: str) -> str:
        """Full name of a field, for messages."""
        return self._prefix + field

    def _get(self, field: str) -> object:
        if field not in self._document:
            raise InputError(f"{self.path(field)} is missing")
        return self._document[field]

    def number(self, field: str) -> float:
        """A real number."""
        return number(self.path(field), self._get(field))

    def whole_number(self, field: str, least: int = 0) -> int:
        """A whole number that is not below `least`."""
        return whole_number(self.path(field), self._get(field), least)

    def text(self, field: str) -> str:
        """A text."""
        value = self._get(field)
        if not isinstance(value, str):
            raise InputError(f"{self.path(field)} must be a text, got {value!r}")
        return value

    def table(self, field: str) -> Fields:
        """A nested object."""
        return Fields(self._get(field), self.path(field))

    def texts(self, field: str) -> dict[str, str]:
        """A nested object whose values are all texts."""
        inner = self.table(field)
        return {name: inner.text(name) for name in inner._document}

    def items(self, field: str) -> list[Any]:
        """A list."""
        value = self._get(field)
        if not isinstance(value, list | tuple):
            raise InputError(f"{self.path(field)} must be a list, got {value!r}")
        return list(value)
