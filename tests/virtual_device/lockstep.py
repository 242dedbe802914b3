"""Translate the PTX of kernels to C++ that runs the 32 threads of a warp in lockstep, and counts what they do.

Lanes that a branch parts run one side after the other and meet again at the immediate post-dominator of the branch, as
GPUs before Volta did; later ones may let them run apart for longer, but the compiler asks for the same meeting points.
Counted are instructions of a warp and the lanes that took part, by block, and the sectors of 32 bytes that each access
to global memory touches. No time is predicted here.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from virtual_device.ptx import Instruction, Kernel, PtxError
from virtual_device.translate import PRELUDE, Emitter, bounds, declarations

WARP = 32

_WARP_PRELUDE = r"""
#define FAULT(instruction, address) { number = instruction; where = address; lane = L; goto fault; }
#define LANES(mask) for (int L = 0; L < 32; ++L) if (mask >> L & 1)

// warps first, first + every, ...; a number a block, and a number a memory access
struct Sample { uint64_t first, every; uint64_t *executed, *lanes, *requests, *sectors; };
struct Entry { int block, meet; uint32_t mask; };

static inline int sectors_of(const uint64_t* at, uint32_t mask, int size) {
    uint64_t seen[64 * 2];
    int n = 0;
    LANES(mask) for (uint64_t s = at[L] >> 5; s <= (at[L] + size - 1) >> 5; ++s) {
        int j = 0;
        while (j < n && seen[j] != s) ++j;
        if (j == n) seen[n++] = s;
    }
    return n;
}
"""


@dataclass
class Counts:
    """What the sampled warps of a launch did.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    warps : int
        Warps that were run.
    executed, lanes : ndarray
        How often warps ran each block, and the lanes that took part, summed.
    requests, sectors : ndarray
        Of each instruction that is an access to global memory: how often it ran, and sectors touched.
    """

    kernel: Kernel
    warps: int
    executed: np.ndarray
    lanes: np.ndarray
    requests: np.ndarray
    sectors: np.ndarray

    def by_class(self) -> Counter[str]:
        """Instructions of all warps by :func:`instruction_class`."""
        total: Counter[str] = Counter()
        for block, times in zip(self.kernel.blocks, self.executed.tolist(), strict=True):
            for instruction in block.instructions:
                total[instruction_class(instruction)] += times
        return total

    def active(self) -> float:
        """Share of the lanes of an instruction that took part, over all instructions."""
        size = np.array([len(block.instructions) for block in self.kernel.blocks])
        issued = int((size * self.executed).sum())
        return float((size * self.lanes).sum()) / issued / WARP if issued else 0.0

    def memory(self, opcode: str) -> tuple[int, int]:
        """Requests and sectors of all accesses to global memory by one of ld, st and atom."""
        chosen = [i.number for i in self.kernel.instructions if is_global(i) and i.parts[0] == opcode]
        return int(self.requests[chosen].sum()), int(self.sectors[chosen].sum())


def is_global(instruction: Instruction) -> bool:
    """Whether an instruction is an access to global memory."""
    return instruction.parts[0] in ("ld", "st", "atom") and "global" in instruction.parts


def instruction_class(instruction: Instruction) -> str:
    """Class of instructions that a GPU issues alike: pipe and width, or what the compiler makes a sequence of."""
    parts = instruction.parts
    operation, kind = parts[0], parts[-1]
    if operation in ("ld", "st", "atom"):
        return "parameter" if parts[1] == "param" else f"{operation} {'local' if 'local' in parts else 'global'}"
    if operation in ("bra", "ret", "exit"):
        return "branch"
    if operation in ("div", "rcp", "sqrt") and kind[0] == "f":
        return f"{operation} {kind}"
    if operation in ("div", "rem"):
        return f"whole division {kind[1:]}"
    if operation == "cvt":
        if "f64" in parts[-2:]:
            return "cvt f64"
        if "f32" in parts[-2:]:
            return "cvt f64" if "64" in parts[-1] + parts[-2] else "cvt f32"
        return "cvt whole"
    if operation in ("mov", "cvta"):
        return "move"
    if kind == "pred":
        return "predicate"
    if kind[0] == "f":
        if operation in ("neg", "abs"):
            return "move"
        return f"select {kind}" if operation == "selp" else kind
    if operation in ("mul", "mad"):
        return "whole multiply 64" if kind[1:] == "64" and "wide" not in parts else "whole multiply 32"
    return "whole 64" if kind[1:] == "64" else "whole 32"


def meeting_points(kernel: Kernel) -> list[int]:
    """Immediate post-dominator of each block: the first block that every way to the end goes through."""
    end = len(kernel.blocks)
    ending = {end}
    while more := {k for k, b in enumerate(kernel.blocks) if k not in ending and ending & set(b.successors)}:
        ending |= more
    if lost := [block.label for k, block in enumerate(kernel.blocks) if k not in ending]:
        raise PtxError(f"{kernel.name}: the end cannot be reached from {', '.join(lost)}")
    behind = [(1 << end + 1) - 1] * end + [1 << end]  # bit k: block k is on every way from here to the end
    changed = True
    while changed:
        changed = False
        for k in reversed(range(end)):
            common = behind[end] | (1 << end) - 1
            for successor in kernel.blocks[k].successors:
                common &= behind[successor]
            common |= 1 << k
            if common != behind[k]:
                behind[k], changed = common, True
    points = []
    for k in range(end):
        others = [j for j in range(end + 1) if behind[k] >> j & 1 and j != k]
        points.append(max(others, key=lambda j: behind[j].bit_count()))  # the nearest has all the others behind it
    return points


def warp_source(kernels: dict[str, Kernel]) -> str:
    """C++ of a library with one function a kernel, which runs some warps of a launch, each in lockstep."""
    return "\n".join([PRELUDE, _WARP_PRELUDE, *map(_warp_kernel, kernels.values())])


def _warp_kernel(kernel: Kernel) -> str:
    emitter = Emitter(kernel, lane="[L]")
    meet = meeting_points(kernel)
    cases = "\n".join(_case(emitter, k, meet[k]) for k in range(len(kernel.blocks)))
    variables = re.sub(r"(v_\w+)", r"\1[32]", declarations(kernel))
    local = "\n".join(
        f"alignas(16) unsigned char local_{symbol}[32][{size + -size % 16}]; "
        f"memset(local_{symbol}, 0xa5, sizeof local_{symbol});"
        for symbol, size in kernel.local.items()
    )
    end = len(kernel.blocks)
    return f"""
extern "C" void {kernel.name}(Launch* launch_, const Sample* sample) {{
Launch& launch = *launch_;
const uint64_t* const words = launch.words;
const uint32_t ntid = (uint32_t)launch.block, nctaid = (uint32_t)launch.grid, in_block = (ntid + 31) / 32;
{bounds(emitter)}
{variables}
uint32_t tid[32];
uint64_t at[32];
uint32_t ctaid = 0;
int64_t number = -1; uint64_t where = 0; int lane = 0;
for (uint64_t warp = sample->first; warp < (uint64_t)nctaid * in_block; warp += sample->every) {{
    ctaid = (uint32_t)(warp / in_block);
    uint32_t everyone = 0;
    for (int L = 0; L < 32; ++L) {{
        tid[L] = (uint32_t)(warp % in_block * 32 + L);
        if (tid[L] < ntid) everyone |= 1u << L;
    }}
    {local}
    Entry stack[2 * 32 + 4];             // masks on it are ever smaller subsets, two of a size at most
    int top = 0;
    stack[0] = {{0, {end}, everyone}};
    while (top >= 0) {{
        Entry& now = stack[top];
        if (now.block == now.meet) {{ --top; continue; }}
        const uint32_t mask = now.mask;
        sample->executed[now.block] += 1;
        sample->lanes[now.block] += __builtin_popcount(mask);
        switch (now.block) {{
{cases}
        }}
    }}
}}
return;
fault:
launch.instruction = number, launch.address = where;
launch.thread = (int64_t)((uint64_t)ctaid * ntid + tid[lane]);
}}"""


def _case(emitter: Emitter, number: int, meet: int) -> str:
    block = emitter.kernel.blocks[number]
    lines = [f"case {number}: {{"]
    together: list[str] = []  # statements that a lane may run at a stretch, since no other lane can see them

    def flush() -> None:
        if together:
            lines.append("LANES(mask) {\n" + "\n".join(together) + "\n}")
            together.clear()

    for instruction in block.instructions:
        if instruction.ends_block:
            if instruction.opcode not in ("bra", "bra.uni", "ret", "exit"):
                raise PtxError(f"{emitter.kernel.name}: {instruction} cannot be translated: the opcode is unknown")
            continue
        statement = emitter.statement(instruction)
        if not is_global(instruction):
            together.append(statement)
            continue
        flush()
        operands, parts = instruction.operands, instruction.parts
        size = int(parts[-1][1:]) // 8 * (2 if "v2" in parts else 4 if "v4" in parts else 1)
        place = emitter.place(operands[0 if parts[0] == "st" else 1])
        n = instruction.number
        taking = "mask"
        lines.append("{")
        if instruction.guard:
            taking = "some"
            lines.append("uint32_t some = 0;")
            lines.append(f"LANES(mask) if ({emitter.read(instruction.guard, 'pred')}) some |= 1u << L;")
        lines.append(f"LANES({taking}) at[L] = {place};")
        lines.append(
            f"sample->requests[{n}] += {taking} != 0; sample->sectors[{n}] += sectors_of(at, {taking}, {size});"
        )
        lines.append(f"LANES(mask) {{ {statement} }} }}")
    flush()
    last = block.instructions[-1] if block.instructions else None
    if last is not None and last.ends_block and last.guard:
        yes, no = block.successors
        lines.append(f"uint32_t goes = 0; LANES(mask) if ({emitter.read(last.guard, 'pred')}) goes |= 1u << L;")
        lines.append(f"if (goes == mask) now.block = {yes}; else if (!goes) now.block = {no}; else {{")
        lines.append(
            f"now.block = {meet}; if (now.block == now.meet) --top;  // who waits there already, waits for all"
        )
        lines.append(f"stack[++top] = {{{no}, {meet}, mask & ~goes}}; stack[++top] = {{{yes}, {meet}, goes}}; }}")
    else:
        lines.append(f"now.block = {block.successors[0]};")
    return "\n".join([*lines, "break; }"])
