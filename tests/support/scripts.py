"""Scripts of benchmarks/reproduce, as modules."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from support.paths import ROOT


def script(name: str) -> ModuleType:
    """A script; it finds the modules beside it."""
    folder = str(ROOT / "benchmarks" / "reproduce")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)
