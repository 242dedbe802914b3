"""Policies of a user's own from a Python file, which runs because its user names it.

The text travels with a study: it is kept in the store, and workers run it from there if its hash is that of the file
that was named.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from stmgpu.debris.policy.view import RemovalPolicy
from stmgpu.errors import InputError

if TYPE_CHECKING:
    import os

POLICIES = "policies.py"
"""Name of the file in a store."""

_MAX_BYTES = 1_000_000
_PREFIX = "_stmgpu_policies_"


def load_policies(path: str | os.PathLike[str], *, sha256: str | None = None) -> str:
    """Run a Python file that defines policies; their ranks then work in scenarios of this process.

    Policies of a file that was loaded before are forgotten.

    Parameters
    ----------
    path : path-like
        File with at least one subclass of :class:`~stmgpu.debris.policy.RankedRemoval` or
        :class:`~stmgpu.debris.policy.RemovalPolicy` that has a `rank`. It may import what is installed.
    sha256 : str, optional
        Hash that the file must have; nothing runs if it has another.

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    InputError
        If the file cannot be read, has another hash, fails when it runs, or defines no policy.

    Examples
    --------
    >>> import tempfile
    >>> text = "from stmgpu.debris.policy import *\\nclass Mine(RankedRemoval):\\n    rank: str = 'mine'\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "mine.py").write_text(text)
    ...     digest = load_policies(folder + "/mine.py")
    >>> "mine" in RemovalPolicy.registry
    True
    """
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"policy file {name!r} cannot be read: {error.strerror}; check the path") from error
    if len(content) > _MAX_BYTES:
        raise InputError(f"policy file {name!r} is larger than {_MAX_BYTES} bytes; check that it is Python")
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise InputError(f"policy file {name!r} is not the one that the study was begun with; its hash is {digest}")
    if digest == loaded_policies():
        return digest
    _forget()
    module = ModuleType(_PREFIX + digest)
    module.__file__ = name
    sys.modules[module.__name__] = module  # annotations of its classes are looked up there
    try:
        exec(compile(content, name, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        _forget()
        raise InputError(f"policy file {name!r} cannot be used: {_reason(error, name)}; correct the file") from error
    if not any(cls.__module__ == module.__name__ for cls in RemovalPolicy.registry.values()):
        _forget()
        raise InputError(f"policy file {name!r} defines no policy; derive a class from RankedRemoval and set its rank")
    return digest


def loaded_policies() -> str:
    """SHA-256 of the policy file that is loaded in this process, empty for none."""
    return next((name.removeprefix(_PREFIX) for name in sys.modules if name.startswith(_PREFIX)), "")


def _forget() -> None:
    for rank, cls in list(RemovalPolicy.registry.items()):
        if cls.__module__.startswith(_PREFIX):
            del RemovalPolicy.registry[rank]
    for name in [name for name in sys.modules if name.startswith(_PREFIX)]:
        del sys.modules[name]


def _reason(error: BaseException, name: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {error}"
