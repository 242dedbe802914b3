"""Print which blocks of the kernels' PTX were run, and which were not.

python -m virtual_device.blocks FOLDER

``STMGPU_VIRTUAL_COVERAGE=FOLDER`` lets every process that uses the virtual device write there; their files are added
up. Kernels with other options than the product's count nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from virtual_device import library, ptx

from stmgpu.backend import nvrtc
from stmgpu.backend.source import flatten, kernel_files


def covered(folder: Path) -> dict[str, tuple[ptx.Kernel, set[int]]]:
    """Each kernel of the product and the numbers of its blocks that were run."""
    found = {}
    for file in kernel_files():
        text = library.ptx_of(flatten(file), nvrtc.OPTIONS)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        written = [json.loads(part.read_text(encoding="utf-8")) for part in folder.glob(f"{name}.*.json")]
        for kernel in ptx.parse(text).values():
            found[kernel.name] = kernel, {block for part in written for block in part[kernel.name]}
    return found


def report(found: dict[str, tuple[ptx.Kernel, set[int]]]) -> str:
    """A line for each kernel, with the blocks that were not run by their first instructions."""
    lines = []
    for name, (kernel, blocks) in sorted(found.items()):
        lines.append(f"{name}: {len(blocks)} of {len(kernel.blocks)} blocks")
        lines += [
            f"    not run: {block.label or number}: {block.instructions[0] if block.instructions else ''}"
            for number, block in enumerate(kernel.blocks)
            if number not in blocks
        ]
    total = sum(len(kernel.blocks) for kernel, _ in found.values())
    return "\n".join([*lines, f"all kernels: {sum(len(b) for _, b in found.values())} of {total} blocks"])


if __name__ == "__main__":
    print(report(covered(Path(sys.argv[1]))))  # noqa: T201
