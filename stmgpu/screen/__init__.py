"""All-vs-all conjunction screening: plan and proof, broad phase, narrow phase, brute-force reference.

The package can be called: ``stmgpu.screen(catalog, ...)`` is :func:`stmgpu.screen.screening.screen`.
"""

from stmgpu.callable_package import make_callable
from stmgpu.screen.brute import brute
from stmgpu.screen.csv_table import write_csv
from stmgpu.screen.screening import default_start, screen
from stmgpu.screen.selection import closest, failures, involving

__all__ = ["brute", "closest", "default_start", "failures", "involving", "screen", "write_csv"]

make_callable(__name__, screen)
