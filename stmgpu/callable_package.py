"""Packages that can be called like the function that they are named after."""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def make_callable(package: str, function: Callable[..., Any]) -> None:
    """Let a package be called, and let ``help`` show the function.

    Parameters
    ----------
    package : str
        Full name of the package.
    function : callable
        Function that a call of the package runs.

    Examples
    --------
    >>> import stmgpu
    >>> inspect.signature(stmgpu.screen) == inspect.signature(stmgpu.screen.screen)
    True
    """

    class CallablePackage(ModuleType):
        __call__ = staticmethod(function)

    module = sys.modules[package]
    signature = inspect.signature(function)
    headline, _, description = (function.__doc__ or "").partition("\n")
    contents = inspect.cleandoc(module.__doc__ or "")
    module.__class__ = CallablePackage
    module.__signature__ = signature  # type: ignore[attr-defined]
    module.__doc__ = (
        f"{headline}\n\n{package}{signature}\n{inspect.cleandoc(description)}\n\nPackage\n-------\n{contents}\n"
    )
