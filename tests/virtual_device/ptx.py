"""Read the PTX that NVRTC writes: kernels as blocks of instructions, and what no kernel of this project may hold.

The syntax is that of NVIDIA's "Parallel Thread Execution ISA", restricted to what NVRTC writes for kernels without
device functions and shared memory. Anything else is an error and never skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

LOCAL = "__local"
"""Origin of an address in the thread's own memory; see :func:`origins`."""

_LABEL = re.compile(r"(\$?\w+):$")
_STATEMENT = re.compile(r"(?:@(!?%\w+)\s+)?([a-z][\w.:]*)(?:\s+(.*))?$", re.S)
_PARAMETER = re.compile(r"\.param \.(\w+)(?: \.ptr(?: \.\w+)?(?: \.align \d+)?)? (\w+)$")
_REGISTER = re.compile(r"\.reg \.(\w+)\s+%([A-Za-z_]\w*?)(?:<(\d+)>)?$")
_LOCAL = re.compile(r"\.local \.align \d+ \.b8\s+(\w+)\[(\d+)\]$")
_ENTRY = re.compile(r"\.visible \.entry (\w+)\((.*?)\)\s*((?:\.\w+ [\d, ]+\s*)*)\{", re.S)
# an empty struct of a header of CUDA becomes a byte that nothing can name without an operand that is refused
_HEADER = re.compile(r"(?:\.version \d+\.\d+|\.target sm_\d+a?|\.address_size 64|\.global \.align 1 \.u8 \w+;)$")

_FORBIDDEN = {
    "fused": re.compile(r"\b(?:fma|mad)\.(?:r[nzmp]\.)?(?:ftz\.)?(?:sat\.)?f(?:16|32|64)\b|\bfma\."),
    "approximate": re.compile(r"\.approx\b"),
    "flushed subnormals": re.compile(r"\.ftz\b"),
    "division without IEEE rounding": re.compile(r"\bdiv\.full\b"),
    "clamped to [0, 1]": re.compile(r"\.sat\.(?:\w+\.)*f(?:16|32|64)\b"),
    "rounding that is left to ptxas": re.compile(r"\b(?:add|sub|mul)\.f(?:32|64)\b"),
    "device function": re.compile(r"(?:^|\s)\.func\b|\bcall\b"),
    "sum of floats in any order": re.compile(r"\b(?:atom|red)\.(?:\w+\.)*(?:add|min|max)\.f(?:32|64)\b"),
}


class PtxError(ValueError):
    """PTX that this reader or a translator does not know; the message names it."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: opcode with its modifiers, operands, the predicate that guards it, place in the kernel."""

    opcode: str
    operands: tuple[str, ...]
    guard: str | None = None
    number: int = 0

    @cached_property
    def parts(self) -> list[str]:
        return self.opcode.split(".")

    @property
    def ends_block(self) -> bool:
        return self.parts[0] in ("bra", "ret", "exit")

    def __str__(self) -> str:
        return f"{f'@{self.guard} ' if self.guard else ''}{self.opcode} {', '.join(self.operands)}".strip() + ";"


@dataclass
class Block:
    """Straight-line code; ``successors`` are numbers of blocks, the number after the last one is the end.

    Of two successors the first is taken where the guard of the last instruction holds.
    """

    label: str
    instructions: list[Instruction] = field(default_factory=list)
    successors: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """An entry: parameters in order, registers with their types, bytes of local memory, blocks."""

    name: str
    parameters: dict[str, str]
    registers: dict[str, str]
    local: dict[str, int]
    blocks: list[Block]

    @property
    def instructions(self) -> list[Instruction]:
        """All instructions in order, each at its number."""
        return [instruction for block in self.blocks for instruction in block.instructions]


def forbidden(ptx: str) -> list[str]:
    """Lines that would make results depend on more than IEEE 754 arithmetic as written, each with the reason."""
    found = []
    for number, line in enumerate(_uncommented(ptx).splitlines(), 1):
        found += [
            f"{reason}, line {number}: {line.strip()}" for reason, form in _FORBIDDEN.items() if form.search(line)
        ]
    return found


def parse(ptx: str) -> dict[str, Kernel]:
    """All kernels of a PTX module by name."""
    text = _uncommented(ptx)
    kernels = {}
    at = 0
    while match := _ENTRY.search(text, at):
        _check_header(text[at : match.start()])
        end = _closing(text, match.end())
        kernels[match[1]] = _kernel(match[1], match[2], text[match.end() : end])
        at = end + 1
    _check_header(text[at:])
    return kernels


def _uncommented(ptx: str) -> str:
    return re.sub(r"//[^\n]*", "", ptx)


def _check_header(text: str) -> None:
    for line in filter(None, map(str.strip, text.splitlines())):
        if not _HEADER.match(line):
            raise PtxError(f"outside of kernels, {line!r} is unknown")


def _closing(text: str, start: int) -> int:
    depth = 1
    for brace in re.finditer(r"[{}]", text[start:]):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return start + brace.start()
    raise PtxError("a kernel does not end")


def _kernel(name: str, parameters: str, body: str) -> Kernel:
    formal = {}
    for line in filter(None, (p.strip() for p in parameters.split(","))):
        match = _PARAMETER.match(line)
        if match is None:
            raise PtxError(f"{name}: the parameter {line!r} is unknown")
        formal[match[2]] = match[1]
    registers: dict[str, str] = {}
    local: dict[str, int] = {}
    blocks: list[Block] = []
    current = Block("entry")
    count = 0
    for statement in _statements(body):
        if label := _LABEL.match(statement):
            if current.instructions or not blocks or current.label.startswith("$"):
                blocks.append(current)
            current = Block(label[1])
        elif statement.startswith(".reg"):
            _declare(name, statement, registers)
        elif match := _LOCAL.match(statement):
            local[match[1]] = int(match[2])
        elif statement.startswith(".pragma"):
            continue
        else:
            match = _STATEMENT.match(statement)
            if match is None:
                raise PtxError(f"{name}: the statement {statement!r} is unknown")
            guard, opcode, rest = match.groups()
            operands = tuple(p.strip() for p in re.split(r",(?![^{]*\})", rest)) if rest else ()
            current.instructions.append(Instruction(opcode, operands, guard, count))
            count += 1
            if current.instructions[-1].ends_block:
                blocks.append(current)
                current = Block(f"after_{len(blocks) - 1}")
    if current.instructions or current.label.startswith("$"):
        blocks.append(current)
    _link(name, blocks)
    return Kernel(name, formal, registers, local, blocks)


def _statements(body: str) -> list[str]:
    """Statements and labels; the braces of inner scopes are left out, those of vectors stay."""
    body = re.sub(r"(?m)^\s*[{}]\s*$", "", body)
    body = re.sub(r"(?m)^\s*(\$?\w+:)\s*$", r"\1;", body)
    return [s for s in (part.strip() for part in body.split(";")) if s]


def _declare(name: str, statement: str, registers: dict[str, str]) -> None:
    match = _REGISTER.match(statement)
    if match is None:
        raise PtxError(f"{name}: the declaration {statement!r} is unknown")
    kind, base, count = match.groups()
    for register in [f"%{base}{k}" for k in range(int(count))] if count else [f"%{base}"]:
        # scopes that declare one name again agree on its type, and write it before they read it
        if registers.setdefault(register, kind) != kind:
            raise PtxError(f"{name}: {register} is declared as {registers[register]} and as {kind}")


def _link(name: str, blocks: list[Block]) -> None:
    number = {block.label: k for k, block in enumerate(blocks)}
    end = len(blocks)
    for k, block in enumerate(blocks):
        last = block.instructions[-1] if block.instructions else None
        if last is None or not last.ends_block:
            block.successors = (k + 1,)
            continue
        if last.parts[0] == "bra":
            if last.operands[0] not in number:
                raise PtxError(f"{name}: {last} leads to no label")
            target = number[last.operands[0]]
        else:
            target = end
        block.successors = (target,) if last.guard is None else (target, k + 1)


def implied(kernel: Kernel) -> list[bool]:
    """Whether a block runs exactly if one of its successors does, so that it needs no flag of its own."""
    end = len(kernel.blocks)
    entries = [0] * (end + 1)
    entries[0] = 1
    for block in kernel.blocks:
        for successor in set(block.successors):
            entries[successor] += 1
    return [all(s < end and entries[s] == 1 for s in block.successors) for block in kernel.blocks]


def address(operand: str) -> tuple[str, int]:
    """Register and offset in bytes of an address such as ``[%rd4+-8]``."""
    match = re.match(r"\[(%\w+)(?:\+(-?\d+))?\]$", operand)
    if match is None:
        raise PtxError(f"the address {operand!r} is unknown")
    return match[1], int(match[2] or 0)


def origins(kernel: Kernel) -> dict[str, frozenset[str]]:
    """Which arrays the address in each 64-bit register may belong to.

    Followed from parameters and local memory through the arithmetic that makes addresses, in whatever order blocks run.
    An array is a parameter that some instruction takes for an address; :data:`LOCAL` is the thread's own memory.
    """
    found: dict[str, set[str]] = {}
    stored: set[str] = set()  # pointers that local memory holds
    arrays: set[str] = set()
    changed = True
    while changed:
        changed = False
        for instruction in kernel.instructions:
            parts, operands = instruction.parts, instruction.operands
            new: set[str] = set()
            if parts[:2] == ["ld", "param"]:
                new = {operands[1].strip("[]")} if parts[-1][1:] == "64" and parts[-1][0] != "f" else set()
            elif parts[0] in ("add", "sub", "mad", "mov", "selp", "cvta", "neg") and parts[-1][1:] == "64":
                for operand in operands[1:]:
                    new |= {LOCAL} if operand in kernel.local else found.get(operand, set())
            elif parts[:2] == ["ld", "local"]:
                new = stored
            elif parts[:2] == ["st", "local"]:
                for register in operands[1].strip("{}").split(","):
                    stored |= found.get(register.strip(), set())
            if parts[0] == "cvta":
                arrays |= new
            if new:
                for register in operands[0].strip("{}").split(","):
                    known = found.setdefault(register.strip(), set())
                    changed |= not new <= known
                    known |= new
    return {register: frozenset(names & (arrays | {LOCAL})) for register, names in found.items()}
