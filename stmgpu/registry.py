"""Tables of classes by name."""

from __future__ import annotations

from importlib import import_module
from typing import Generic, TypeVar

Class = TypeVar("Class")


class Registry(Generic[Class]):
    """Classes by name, imported when they are first asked for: a screening need not import debris.

    Parameters
    ----------
    homes : dict of str
        Module and name of the class, as ``"package.module:Class"``, by the name in the table.
    """

    def __init__(self, homes: dict[str, str]) -> None:
        self._homes = homes
        self._classes: dict[str, Class] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._classes or name in self._homes

    def __getitem__(self, name: str) -> Class:
        if name not in self._classes:
            module, _, attribute = self._homes[name].partition(":")
            self._classes[name] = getattr(import_module(module), attribute)
        return self._classes[name]

    def register(self, name: str, class_: Class) -> None:
        """Add a class, or replace the one of that name."""
        self._classes[name] = class_
