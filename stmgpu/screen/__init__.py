"""All-vs-all conjunction screening: plan and proof, broad phase, narrow phase, oracle.

The package can be called: ``stmgpu.screen(catalog, ...)`` is :func:`stmgpu.screen.screening.screen`.
"""

import sys
from types import ModuleType

from stmgpu.screen.brute import brute
from stmgpu.screen.csv_table import write_csv
from stmgpu.screen.screening import default_start, screen
from stmgpu.screen.selection import closest, failures, involving

__all__ = ["brute", "closest", "default_start", "failures", "involving", "screen", "write_csv"]


class _Callable(ModuleType):
    __call__ = staticmethod(screen)


sys.modules[__name__].__class__ = _Callable
