"""Shadow runs: every launch of a workflow on the scalar cpu build, repeated on a device and compared as integers.

The comparison of a workflow's results says that something differs; a shadow run says which kernel, array and element.
It works for every kernel that a workflow launches, so a new kernel comes under it without a line here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from virtual_device import library, races

from stmgpu.backend import Backend, nvrtc, source
from stmgpu.backend.cpu import CpuBackend
from stmgpu.backend.cuda import BLOCK
from stmgpu.backend.host import HostArrays
from stmgpu.backend.signature import signature

IN_ANY_ORDER = {
    "fill_rows": {"ranks"},
    "find_pairs": {"first", "second", "offset_s"},
    "cube_link": {"head", "next"},
    "cube_match": {"first", "second"},
}
"""Arrays in the order in which threads claim places: on a GPU it changes from run to run, and what is made of them does
not."""


@dataclass
class Comparison:
    """What the launches of one kernel gave on both backends.

    Attributes
    ----------
    launches, numbers : int
        Launches, and numbers in their output arrays.
    nan : int
        Numbers that are NaN on both with other bits: a GPU writes NVIDIA's float32 NaN, x86 keeps sign and payload.
    differing : Counter
        Differing numbers by array.
    first : dict of str
        The first of them in each array, with both values.
    """

    launches: int = 0
    numbers: int = 0
    nan: int = 0
    differing: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Compare one output array."""
        word = np.dtype(f"i{ours.dtype.itemsize}")
        differ = ours.view(word) != theirs.view(word)
        self.numbers += ours.size
        if not differ.any():
            return
        if ours.dtype.kind == "f":
            both = differ & np.isnan(ours) & np.isnan(theirs)
            self.nan += int(both.sum())
            differ &= ~both
        if count := int(differ.sum()):
            self.differing[name] += count
            at = tuple(np.argwhere(differ)[0].tolist())
            values = ours[at].item(), theirs[at].item()
            self.first.setdefault(
                name, "{}{} is {!r} on the cpu and {!r} on the device".format(name, list(at), *values)
            )


class ShadowedBackend(CpuBackend):
    """The scalar cpu build on one thread, each of whose launches is repeated on a device with copies of its arrays.

    Both run the lanes of a launch in order, so that even counters that lanes claim places from give the same bytes. A
    GPU does not, nor do virtual devices with another order: there, the arrays in :data:`IN_ANY_ORDER` may differ.

    Parameters
    ----------
    device : Backend
        Where launches are repeated.

    Attributes
    ----------
    compared : dict of Comparison
        By kernel.
    """

    def __init__(self, device: Backend) -> None:
        super().__init__(threads=1, isa="scalar")
        self.shadow = device
        self.compared: dict[str, Comparison] = {}

    def launch(self, kernel: str, items: int, *args: Any) -> None:
        """Run a kernel here and on the device, and compare its output arrays."""
        parameters, device = signature(kernel).parameters, self.shadow
        copies = [device.put(a) if p.is_array else a for p, a in zip(parameters, args, strict=True)]
        super().launch(kernel, items, *args)
        if items <= 0:
            return
        device.launch(kernel, items, *copies)
        comparison = self.compared.setdefault(kernel, Comparison())
        comparison.launches += 1
        for p, ours, theirs in zip(parameters, args, copies, strict=True):
            if p.is_output:
                comparison.add(p.name, ours, device.get(theirs))

    @property
    def differences(self) -> dict[str, str]:
        """What differs and must not, by kernel."""
        virtual = getattr(self.shadow.xp, "virtual", None)
        in_order = self.shadow.name != "cuda" or (virtual is not None and virtual.settings.order == 0)
        texts = {
            kernel: "; ".join(
                f"{count} numbers of {array} differ, first {c.first[array]}"
                for array, count in c.differing.items()
                if in_order or array not in IN_ANY_ORDER.get(kernel, ())
            )
            for kernel, c in self.compared.items()
        }
        return {kernel: text for kernel, text in texts.items() if text}


class WatchedBackend(HostArrays):
    """Runs the kernels' PTX on host arrays and notes races; a device for shadow runs.

    Attributes
    ----------
    races : dict of str
        A sentence on each kernel and parameter with a race.
    """

    name, device = "watched", "virtual device"
    runs_kernels, rows_share_cache = True, False
    threads, batch_bytes = 1, 1 << 30

    def __init__(self) -> None:
        self.races: dict[tuple[str, str], str] = {}

    def put(self, array: Any, dtype: Any = None) -> np.ndarray:
        """A copy."""
        return np.array(array, dtype, order="C")

    def launch(self, kernel: str, items: int, *args: Any) -> None:
        """Run a kernel over ``items`` lanes, one thread after the other, and note its races."""
        contract = signature(kernel)
        contract.check(args)
        if items <= 0:
            return
        code = _watched(source.flatten(contract.file))
        words, extents = [], []
        for p, a in zip(contract.parameters, args, strict=True):
            words.append(a.ctypes.data if p.is_array else int.from_bytes(p.dtype.type(a).tobytes(), "little"))
            extents.append(a.nbytes if p.is_array else None)
        races.begin(code.handle)
        code.launch(kernel, -(-items // BLOCK), BLOCK, words, 0, extents)
        for address, sentence in races.found(code.handle, code.kernels[kernel]):
            (name,) = (
                p.name
                for p, word, extent in zip(contract.parameters, words, extents, strict=True)
                if extent is not None and word <= address < word + extent
            )
            self.races[kernel, name] = sentence


@cache
def _watched(code: str) -> library.Library:
    return library.Library(code, nvrtc.OPTIONS, form="races")
