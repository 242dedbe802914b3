"""Races within a launch: places in memory that threads share otherwise than through atomics.

Nothing orders the threads of a launch, so whatever one thread writes and another reads, or writes with another value,
is chance, even if it comes out right in every order in which whole threads run after each other. Here they do run so,
while it is noted for each place who read, wrote and added. Found are the races among the accesses that were made. The
same value written by several threads is no race: it is the same in every schedule.
"""

from __future__ import annotations

import ctypes

from virtual_device import translate
from virtual_device.ptx import Instruction, Kernel

_MOST = 64
_KINDS = (
    "reads what {other} wrote",
    "writes another value than {other}",
    "overwrites what {other} read",
    "reads past the atomics of {other}",
    "overwrites the atomics of {other}",
    "uses an atomic where {other} read or wrote without",
    "reads through the read-only cache what the launch writes",
)

_NOTES = r"""
#include <unordered_map>
struct Place { uint32_t writer, reader, adder; bool changed; };     // threads + 1: 0 is nobody, ~0u several
struct Race { int64_t kind, instruction; uint64_t thread, other, address; };
static std::unordered_map<uint64_t, Place> places;
static Race races[MOST];
static int64_t found;
extern "C" void races_begin() { places.clear(); found = 0; }
extern "C" int64_t races_found(Race* out) { memcpy(out, races, sizeof races); return found; }

static bool others(uint32_t who, uint64_t thread) { return who && who != thread + 1; }
static void join(uint32_t& who, uint64_t thread) { who = others(who, thread) ? ~0u : uint32_t(thread + 1); }
static void race(int64_t kind, int64_t instruction, uint64_t thread, uint32_t other, uint64_t address) {
    for (int64_t k = 0; k < found; ++k) if (races[k].kind == kind && races[k].instruction == instruction) return;
    if (found < MOST) races[found++] = Race{kind, instruction, thread, other == ~0u ? ~0ull : other - 1ull, address};
}
static __attribute__((noinline)) void reads(int64_t instruction, uint64_t thread, uint64_t address, bool cached) {
    Place& p = places[address];
    if (p.changed && others(p.writer, thread)) race(0, instruction, thread, p.writer, address);
    if (others(p.adder, thread)) race(3, instruction, thread, p.adder, address);
    if (cached && (p.writer || p.adder)) race(6, instruction, thread, p.writer ? p.writer : p.adder, address);
    join(p.reader, thread);
}
static __attribute__((noinline)) void writes(int64_t instruction, uint64_t thread, uint64_t address, bool changes) {
    Place& p = places[address];
    if (changes && others(p.writer, thread)) race(1, instruction, thread, p.writer, address);
    if (changes && others(p.reader, thread)) race(2, instruction, thread, p.reader, address);
    if (others(p.adder, thread)) race(4, instruction, thread, p.adder, address);
    p.changed |= changes;
    join(p.writer, thread);
}
static __attribute__((noinline)) void adds(int64_t instruction, uint64_t thread, uint64_t address) {
    Place& p = places[address];
    const uint32_t other = others(p.reader, thread) ? p.reader : others(p.writer, thread) ? p.writer : 0;
    if (other) race(5, instruction, thread, other, address);
    join(p.adder, thread);
}
""".replace("MOST", str(_MOST))


class _Noting(translate.Emitter):
    """Statements that note who uses which place of the arrays of a launch."""

    _THREAD = "(uint64_t)ctaid * ntid + tid"

    def _memory(self, instruction: Instruction, at: str, value: str, modifiers: list[str], kind: str) -> str | None:
        access = super()._memory(instruction, at, value, modifiers, kind)
        if access is None or modifiers[0] != "global":
            return access
        registers = [r.strip() for r in value.strip("{}").split(",")]
        size, notes = int(kind[1:]) // 8, ""
        for k, register in enumerate(registers):
            where = f"{self.place(at)} + {k * size}"
            if instruction.parts[0] == "ld":
                notes += (
                    f" reads({instruction.number}, {self._THREAD}, {where}, {str('nc' in instruction.parts).lower()});"
                )
            else:
                ctype, new = translate.C_TYPES[kind], self.exact(register, kind)
                notes += (
                    f" {{ const {ctype} is = {new}, was = load<{ctype}>({where});"
                    f" writes({instruction.number}, {self._THREAD}, {where}, memcmp(&is, &was, {size}) != 0); }}"
                )
        return self.check(instruction, at, "global", size * len(registers)) + notes + access

    def _atom(self, instruction: Instruction) -> str | None:
        access, at = super()._atom(instruction), instruction.operands[1]
        if access is None:
            return None
        check = self.check(instruction, at, "global", int(instruction.parts[-1][1:]) // 8)
        return f"{check} adds({instruction.number}, {self._THREAD}, {self.place(at)}); {access}"


def noting_source(kernels: dict[str, Kernel]) -> str:
    """C++ of a library that notes races."""
    return translate.thread_source(kernels, _Noting, _NOTES)


class _Race(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "instruction")),
        *((name, ctypes.c_uint64) for name in ("thread", "other", "address")),
    )


def begin(handle: ctypes.CDLL) -> None:
    """Forget all that was noted; call it before each launch."""
    handle.races_begin()


def found(handle: ctypes.CDLL, kernel: Kernel) -> list[tuple[int, str]]:
    """Races of the last launch of a kernel: an address of each, and a sentence on it."""
    races = (_Race * _MOST)()
    handle.races_found.restype = ctypes.c_int64
    sentences = []
    for race in races[: handle.races_found(races)]:
        other = "other threads" if race.other == 2**64 - 1 else f"thread {race.other}"
        what = _KINDS[race.kind].format(other=other)
        sentences.append((race.address, f"{kernel.instructions[race.instruction]} thread {race.thread} {what}"))
    return sentences
