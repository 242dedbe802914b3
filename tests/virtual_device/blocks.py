"""Print which blocks of the kernels' PTX were run, and which were not.

python -m virtual_device.blocks FOLDER

``STMGPU_VIRTUAL_COVERAGE=FOLDER`` lets every process that uses the virtual device write there; their files are added
up. Kernels with other options than the product's count nothing. It fails if blocks were not run for which no reason is
known: test what they do, or add the reason to :data:`UNREACHED`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from virtual_device import library, ptx

from stmgpu.backend import nvrtc
from stmgpu.backend.source import flatten, kernel_files

UNREACHED = {
    "cube_match": (18, "several parts of a row, which only threads of a CPU share"),
    "field_partners": (29, "a population without parties, at which the host returns before"),
    "field_met": (29, "a population without parties, at which the host returns before"),
    "field_hits": (20, "a population without parties, at which the host returns before"),
    "find_pairs": (11, "a gate wider than half of the periodic grid, which no plan has, or NaN, which is in no cell"),
    "node_errors": (9, "two nodes or fewer; a block of a screening has four or more"),
    "mathx_values": (3, "a number without function"),
}
"""Blocks that no test runs, beside divisions of large numbers: how many of a kernel, and when they would run."""


def divides_large_numbers(block: ptx.Block) -> bool:
    """Whether a block divides 64-bit numbers, of which one is 2^32 or more: smaller ones take a shorter way."""
    first = block.instructions[0].parts if block.instructions else [""]
    return first[0] in ("div", "rem") and first[-1][1:] == "64"


def unexplained(found: dict[str, tuple[ptx.Kernel, set[int]]]) -> list[str]:
    """A sentence on each kernel with more blocks that were not run than there are reasons for."""
    sentences = []
    for name, (kernel, blocks) in sorted(found.items()):
        left = [b for k, b in enumerate(kernel.blocks) if k not in blocks and not divides_large_numbers(b)]
        known, reason = UNREACHED.get(name, (0, ""))
        if len(left) > known:
            cause = f"the reason is known of {known}: {reason}" if known else "no reason is known"
            sentences.append(f"{name}: {len(left)} blocks were not run, {cause}")
    return sentences


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


def main(folder: Path) -> int:
    """Print the report; the exit status."""
    found = covered(folder)
    problems = unexplained(found)
    print("\n".join([report(found), *problems]))  # noqa: T201
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
