"""A virtual device under the name of CuPy: arrays on the host, kernels from NVRTC's PTX, threads one after the other.

It has what stmgpu uses of CuPy 14 and nothing else. It refuses what CuPy refuses, and also what CuPy does silently
and a GPU pays for or gets wrong (see ``docs/design/virtual-device.md``). Settings, counts and faults are in
:mod:`cupy.virtual`. It is found where ``tests/virtual_device`` and ``tests`` are on the path.
"""

from __future__ import annotations

from typing import Any

from . import cuda as cuda
from . import virtual as virtual
from ._array import ndarray as ndarray
from ._modules import RawKernel as RawKernel
from ._modules import RawModule as RawModule
from ._routines import (
    REDUCTIONS as _REDUCTIONS,
)
from ._routines import (
    arange as arange,
)
from ._routines import (
    array as array,
)
from ._routines import (
    asarray as asarray,
)
from ._routines import (
    ascontiguousarray as ascontiguousarray,
)
from ._routines import (
    asnumpy as asnumpy,
)
from ._routines import (
    broadcast_to as broadcast_to,
)
from ._routines import (
    clip as clip,
)
from ._routines import (
    concatenate as concatenate,
)
from ._routines import (
    empty as empty,
)
from ._routines import (
    expand_dims as expand_dims,
)
from ._routines import (
    flatnonzero as flatnonzero,
)
from ._routines import (
    full as full,
)
from ._routines import (
    lexsort as lexsort,
)
from ._routines import (
    nonzero as nonzero,
)
from ._routines import (
    ones as ones,
)
from ._routines import (
    repeat as repeat,
)
from ._routines import (
    searchsorted as searchsorted,
)
from ._routines import (
    stack as stack,
)
from ._routines import (
    take as take,
)
from ._routines import (
    tile as tile,
)
from ._routines import (
    where as where,
)
from ._routines import (
    zeros as zeros,
)
from ._state import get_default_memory_pool as get_default_memory_pool
from ._ufuncs import FUNCTIONS as _FUNCTIONS

__version__ = "14.2.0+virtual"
globals().update({name: function for name, function in _FUNCTIONS.items() if name != "where"})
globals().update(_REDUCTIONS, amin=_REDUCTIONS["min"], amax=_REDUCTIONS["max"])
abs = _FUNCTIONS["absolute"]
divide = _FUNCTIONS["true_divide"]


def __getattr__(name: str) -> Any:
    raise AttributeError(f"the virtual device has no cupy.{name}; if CuPy has it, add it with CuPy's rules")
