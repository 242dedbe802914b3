"""Translate the PTX of kernels to C++ that runs one thread after the other.

Kernels without barriers, shuffles and shared memory know of other threads only through atomics, so a loop over the
threads is one of the schedules that a GPU may choose; which one is an argument of the launch. Registers become
variables, blocks become labels, and each instruction becomes the C++ operation with the meaning that the PTX ISA gives
it. An instruction that is not known here is an error that names it.

Every access to global memory is checked against the array of the launch from which its address was computed, and for
alignment. A launch ends at the first fault.
"""

from __future__ import annotations

from dataclasses import dataclass

from virtual_device.ptx import LOCAL, Instruction, Kernel, PtxError, address, implied, origins

C_TYPES = {
    **{f"{kind}{bits}": f"{'' if kind == 's' else 'u'}int{bits}_t" for kind in "bus" for bits in (8, 16, 32, 64)},
    "f32": "float",
    "f64": "double",
    "pred": "bool",
}
_SPECIAL = {"%tid.x": "tid", "%ctaid.x": "ctaid", "%ntid.x": "ntid", "%nctaid.x": "nctaid"}
_SPACES = ("global", "local")
_ORDERED = {"eq": "{a} == {b}", "lt": "{a} < {b}", "le": "{a} <= {b}", "gt": "{a} > {b}", "ge": "{a} >= {b}"}
_FLOAT_TESTS = {
    **_ORDERED,
    "ne": "{a} < {b} || {a} > {b}",
    "equ": "!({a} < {b} || {a} > {b})",
    "neu": "{a} != {b}",
    "ltu": "!({a} >= {b})",
    "leu": "!({a} > {b})",
    "gtu": "!({a} <= {b})",
    "geu": "!({a} < {b})",
    "num": "{a} == {a} && {b} == {b}",
    "nan": "{a} != {a} || {b} != {b}",
}
_WHOLE_TESTS = {**_ORDERED, "ne": "{a} != {b}"}
_WIDE = {"s32": "s64", "u32": "u64", "s16": "s32", "u16": "u32"}
_FLOAT_OPERATIONS = {
    ("add", "rn"): "{0} + {1}",
    ("sub", "rn"): "{0} - {1}",
    ("mul", "rn"): "{0} * {1}",
    ("div", "rn"): "{0} / {1}",
    ("rcp", "rn"): "1 / {0}",
    ("sqrt", "rn"): "std::sqrt({0})",
    ("fma", "rn"): "std::fma({0}, {1}, {2})",
    ("add",): "{0} + {1}",  # with -fmad=true: ptxas may fuse these, here it does not
    ("sub",): "{0} - {1}",
    ("mul",): "{0} * {1}",
    ("neg",): "-{0}",
    ("abs",): "std::fabs({0})",
    ("min",): "smaller({0}, {1})",
    ("max",): "larger({0}, {1})",
}
_ROUND = {"rni": "std::nearbyint", "rzi": "std::trunc", "rmi": "std::floor", "rpi": "std::ceil"}

PRELUDE = r"""
#include <cmath>
#include <cstdint>
#include <cstring>
#define RARE(x) __builtin_expect(!!(x), 0)

struct Launch {
    const uint64_t *words, *bytes;
    uint64_t grid, block, order;
    int64_t instruction, thread;    // of a fault; the instruction is -1 where there is none
    uint64_t address;
};

template <class To, class From> static inline To bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "");
    return __builtin_bit_cast(To, x);
}
template <class T> static inline T load(uint64_t at) { T x; memcpy(&x, (const void*)at, sizeof x); return x; }
template <class T> static inline void store(uint64_t at, T x) { memcpy((void*)at, &x, sizeof x); }

// the number of an element of 1 << SHIFT bytes, counted from `base`; a huge one where the address is not aligned to it
template <int SHIFT> static inline uint64_t element(uint64_t at, uint64_t base) {
    const uint64_t bytes = at - base;
    return SHIFT ? bytes >> SHIFT | bytes << ((64 - SHIFT) & 63) : bytes;
}

// float32 with the NaN that a GPU makes; the bits of a float64 NaN are left as they come, and no test may look at them
static inline float whole(float x) { return x != x ? bits<float>(0x7fffffffu) : x; }
static inline float flush(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }   // .ftz

template <class T> static inline T smaller(T a, T b) {
    if (a != a) return b;
    if (b != b) return a;
    if (a == b) return std::signbit(a) ? a : b;
    return a < b ? a : b;
}
template <class T> static inline T larger(T a, T b) {
    if (a != a) return b;
    if (b != b) return a;
    if (a == b) return std::signbit(a) ? b : a;
    return a > b ? a : b;
}

// towards zero, and to the nearest number of the type where that is too large; of NaNs, 0 only from float32 to 32 bits
template <class To, class From> static inline To truncated(From x) {
    constexpr bool is_signed = To(-1) < To(0);
    constexpr To least = is_signed ? To(1) << (sizeof(To) * 8 - 1) : To(0), most = To(~least);
    constexpr From limit = From(is_signed ? 0x1p1 : 0x1p2) * From(uint64_t(1) << (sizeof(To) * 8 - 2));
    if (x != x) return sizeof(From) == 4 && sizeof(To) < 8 ? To(0) : To(To(1) << (sizeof(To) * 8 - 1));
    if (x >= limit) return most;
    if (is_signed ? x <= -limit : x <= From(0)) return least;
    return To(x);
}

// of the smallest number by -1: the result that wraps, which C++ leaves undefined
template <class T> static inline T quotient(T a, T b) { return T(-1) < T(0) && b == T(-1) ? T(T(0) - a) : T(a / b); }
template <class T> static inline T rest(T a, T b) { return T(-1) < T(0) && b == T(-1) ? T(0) : T(a % b); }

template <class T> static inline T left(T a, uint32_t n) { return n >= sizeof(T) * 8 ? T(0) : T(a << n); }
template <class T> static inline T right(T a, uint32_t n) {
    if (n >= sizeof(T) * 8) return a < T(0) ? T(-1) : T(0);
    return T(a >> n);
}
static inline uint32_t funnel_left(uint32_t low, uint32_t high, uint32_t n) {
    return uint32_t(((uint64_t)high << 32 | low) << (n & 31) >> 32);
}
static inline uint32_t funnel_right(uint32_t low, uint32_t high, uint32_t n) {
    return uint32_t(((uint64_t)high << 32 | low) >> (n & 31));
}
static inline uint32_t reversed(uint32_t x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    return __builtin_bswap32(x);
}
static inline uint32_t leading_zeros(uint32_t x) { return x ? __builtin_clz(x) : 32; }
static inline uint32_t leading_zeros(uint64_t x) { return x ? __builtin_clzll(x) : 64; }

// thread that runs as number q of n: 0 as numbered, 1 reversed, else a permutation that belongs to the order
static uint64_t thread_of(uint64_t q, uint64_t n, uint64_t order) {
    if (order == 0) return q;
    if (order == 1) return n - 1 - q;
    int width = 1;
    while (width < 63 && (uint64_t(1) << width) < n) ++width;
    const uint64_t all = (uint64_t(1) << width) - 1;
    const int half = (width + 1) / 2;
    uint64_t t = q;
    do {                                     // each step is a permutation of [0, all]; walk on until inside of [0, n)
        t = (t + order) & all;
        for (int round = 0; round < 3; ++round) {
            t ^= t >> half;
            t = t * (0x9e3779b97f4a7c15ull + 2 * order) & all;
        }
    } while (t >= n);
    return t;
}
"""


_THREADS = r"""
#define FAULT(instruction, address) { number = instruction; where = address; goto fault; }

static void run_threads(Launch* launch, bool (*thread)(Launch&, uint32_t, uint32_t)) {
    const uint64_t n = launch->grid * launch->block;
    for (uint64_t q = 0; q < n; ++q) {
        const uint64_t t = thread_of(q, n, launch->order);
        if (!thread(*launch, (uint32_t)(t % launch->block), (uint32_t)(t / launch->block))) return;
    }
}
"""


@dataclass
class Emitter:
    """Statements of C++ for the instructions of one kernel.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    lane : str
        Appended to every variable that a thread owns: empty, or an index.

    Faults are left to a macro ``FAULT(instruction, address)`` that ends the launch.
    """

    kernel: Kernel
    lane: str = ""

    def __post_init__(self) -> None:
        self.origins = origins(self.kernel)
        self.plain = _plain(self.kernel)
        self.wider = False
        self.number = {name: k for k, name in enumerate(self.kernel.parameters)}
        self.checked: set[tuple[int, int]] = set()  # array and log2 of the width of an access

    # ------------------------------------------------------------------------------------------------ operands
    def name(self, register: str) -> str:
        if register not in self.kernel.registers:
            raise PtxError(f"the register {register} is unknown")
        return "v_" + register[1:] + self.lane

    def read(self, operand: str, kind: str) -> str:
        """Value of an operand as the C++ type of a PTX type."""
        ctype = C_TYPES[kind]
        if operand in _SPECIAL:
            return f"({ctype}){_SPECIAL[operand]}{self.lane if operand == '%tid.x' else ''}"
        if operand in self.kernel.local:
            return f"({ctype})(uint64_t)local_{operand}{self.lane}"
        if operand.startswith("!"):
            return f"!{self.name(operand[1:])}"
        if operand.startswith("%"):
            declared = self.kernel.registers.get(operand, "")
            name = self.name(operand)
            if declared == kind:
                return name
            if kind == "pred" or declared == "pred":
                raise PtxError(f"{operand} is {declared}, not {kind}")
            if kind[0] == "f" or declared[0] == "f":
                if kind[1:] != declared[1:]:
                    raise PtxError(f"{operand} is {declared}, not {kind}")
                return f"bits<{ctype}>({self.exact(operand, declared)})"
            self._fits(operand, declared, kind)
            return f"({ctype}){name}"
        return _constant(operand, kind)

    def _fits(self, register: str, declared: str, kind: str) -> None:
        """Only loads, stores and conversions may have a register that is wider than the type."""
        if int(declared[1:]) < int(kind[1:]) or (declared[1:] != kind[1:] and not self.wider):
            raise PtxError(f"{register} has {declared[1:]} bits, {kind} another number")

    def exact(self, operand: str, kind: str) -> str:
        """Value of an operand whose bits will be seen."""
        value = self.read(operand, kind)
        return f"whole({value})" if kind == "f32" and operand in self.plain else value

    def result(self, register: str, value: str, kind: str) -> str:
        """Statement that puts the result of an operation into a register, with the NaN of a GPU."""
        return self.write(register, f"whole({value})" if kind == "f32" and register not in self.plain else value, kind)

    def write(self, register: str, value: str, kind: str) -> str:
        """Statement that puts a value of a PTX type into a register, extended to its width."""
        declared, name = self.kernel.registers.get(register, ""), self.name(register)
        if declared == kind:
            return f"{name} = {value};"
        if kind == "pred" or declared == "pred":
            raise PtxError(f"{register} is {declared}, not {kind}")
        if kind[0] == "f" or declared[0] == "f":
            if kind[1:] != declared[1:]:
                raise PtxError(f"{register} is {declared}, not {kind}")
            return f"{name} = bits<{C_TYPES[declared]}>(({C_TYPES[kind]})({value}));"
        self._fits(register, declared, kind)
        return f"{name} = ({C_TYPES[declared]})({C_TYPES[kind]})({value});"

    # ------------------------------------------------------------------------------------------------- memory
    def place(self, operand: str) -> str:
        """Address in memory of an operand such as ``[%rd4+8]``."""
        register, offset = address(operand)
        return f"({self.read(register, 'u64')} + {offset}ll)" if offset else self.read(register, "u64")

    def check(self, instruction: Instruction, operand: str, space: str, width: int) -> str:
        """Statement that ends the launch where ``width`` bytes at an address are not those of its array."""
        names = self.origins.get(address(operand)[0], frozenset())
        shift = width.bit_length() - 1
        at = self.place(operand)
        if space == "local":
            if names != {LOCAL} or len(self.kernel.local) != 1:
                raise PtxError(f"{instruction} is not seen to stay in local memory")
            ((symbol, size),) = self.kernel.local.items()
            outside = f"element<{shift}>({at}, (uint64_t)local_{symbol}{self.lane}) >= {size >> shift}"
            return _fault(instruction, outside, at)
        if not names or LOCAL in names:
            raise PtxError(f"{instruction} is not seen to belong to an array of the launch")
        numbers = sorted(self.number[name] for name in names)
        self.checked |= {(number, shift) for number in numbers}
        outside = " && ".join(f"element<{shift}>({at}, base_{k}) >= count_{k}_{shift}" for k in numbers)
        return _fault(instruction, outside, at)

    # ------------------------------------------------------------------------------------------- instructions
    def statement(self, instruction: Instruction) -> str:
        """C++ for one instruction that is no branch; :class:`PtxError` names one that is unknown."""
        self.wider = instruction.parts[0] in ("ld", "st", "cvt")
        try:
            make = getattr(self, f"_{instruction.parts[0]}", None)
            text = make(instruction) if make is not None else None
            if text is None:
                raise PtxError("the opcode is unknown")
        except (PtxError, KeyError, IndexError, ValueError) as error:
            raise PtxError(f"{self.kernel.name}: {instruction} cannot be translated: {error}") from error
        guard = f"if ({self.read(instruction.guard, 'pred')}) " if instruction.guard else ""
        return f"{guard}{{ {text} }}" if guard else text

    def _ld(self, instruction: Instruction) -> str | None:
        parts, (target, source) = instruction.parts, instruction.operands
        kind = parts[-1]
        if parts[1:-1] == ["param"]:
            parameter = source.strip("[]")
            if self.kernel.parameters[parameter][1:] != kind[1:]:
                return None
            return self.write(target, f"load<{C_TYPES[kind]}>((uint64_t)(words + {self.number[parameter]}))", kind)
        return self._memory(instruction, source, target, [p for p in parts[1:-1] if p != "nc"], kind)

    def _st(self, instruction: Instruction) -> str | None:
        target, source = instruction.operands
        return self._memory(instruction, target, source, instruction.parts[1:-1], instruction.parts[-1])

    def _memory(self, instruction: Instruction, at: str, value: str, modifiers: list[str], kind: str) -> str | None:
        registers = [r.strip() for r in value.strip("{}").split(",")]
        vector = {1: [], 2: ["v2"], 4: ["v4"]}[len(registers)]
        if modifiers[0] not in _SPACES or modifiers[1:] != vector:
            return None
        size = int(kind[1:]) // 8
        text = self.check(instruction, at, modifiers[0], size * len(registers))
        for k, register in enumerate(registers):
            where = f"{self.place(at)} + {k * size}" if k else self.place(at)
            if instruction.parts[0] == "ld":
                text += " " + self.write(register, f"load<{C_TYPES[kind]}>({where})", kind)
            else:
                text += f" store<{C_TYPES[kind]}>({where}, {self.exact(register, kind)});"
        return text

    def _atom(self, instruction: Instruction) -> str | None:
        parts, kind = instruction.parts, instruction.parts[-1]
        operation = parts[-2]
        if parts[1:-2] not in (["global"], ["relaxed", "gpu", "global"]) or len(instruction.operands) != 3:
            return None
        target, at, value = instruction.operands
        ctype, new = C_TYPES[kind], self.read(value, kind)
        after = {
            "add": f"({ctype})(old + {new})",
            "exch": new,
            "min": f"old < {new} ? old : {new}",
            "max": f"old > {new} ? old : {new}",
        }[operation]
        if kind[0] not in ("b" if operation == "exch" else "us"):
            return None
        check = self.check(instruction, at, "global", int(kind[1:]) // 8)
        return (
            f"{check} {{ const {ctype} old = load<{ctype}>({self.place(at)}); "
            f"store<{ctype}>({self.place(at)}, {after}); {self.write(target, 'old', kind)} }}"
        )

    def _cvta(self, instruction: Instruction) -> str | None:
        if instruction.parts[1:] != ["to", "global", "u64"]:  # global addresses are generic ones
            return None
        return self.write(instruction.operands[0], self.read(instruction.operands[1], "u64"), "u64")

    def _mov(self, instruction: Instruction) -> str | None:
        (kind,) = instruction.parts[1:]
        target, source = instruction.operands
        if target.startswith("{") or source.startswith("{"):
            return self._halves(target, source, kind)
        return self.write(target, self.read(source, kind) if target in self.plain else self.exact(source, kind), kind)

    def _halves(self, target: str, source: str, kind: str) -> str | None:
        """Take a register apart into two, or put it together; the low half comes first."""
        if kind not in ("b32", "b64"):
            return None
        half, ctype = f"b{int(kind[1:]) // 2}", C_TYPES[kind]
        if target.startswith("{"):
            low, high = (register.strip() for register in target.strip("{}").split(","))
            parts = {low: "both", high: f"both >> {half[1:]}"}
            texts = [self.write(register, value, half) for register, value in parts.items() if register != "_"]
            return f"{{ const {ctype} both = {self.read(source, kind)}; {' '.join(texts)} }}"
        low, high = (self.read(register.strip(), half) for register in source.strip("{}").split(","))
        return self.write(target, f"({ctype}){high} << {half[1:]} | {low}", kind)

    def _selp(self, instruction: Instruction) -> str | None:
        (kind,) = instruction.parts[1:]
        target, yes, no, chosen = instruction.operands
        return self.write(target, f"{self.read(chosen, 'pred')} ? {self.read(yes, kind)} : {self.read(no, kind)}", kind)

    def _setp(self, instruction: Instruction) -> str | None:
        test, *modifiers, kind = instruction.parts[1:]
        target, *operands = instruction.operands
        if len(operands) != 2 or "|" in target or modifiers not in ([], ["ftz"]):
            return None
        a, b = (self.read(operand, kind) for operand in operands)
        if kind[0] == "f":
            if modifiers:
                a, b = f"flush({a})", f"flush({b})"
            return self.write(target, _FLOAT_TESTS[test].format(a=a, b=b), "pred")
        if modifiers or (kind[0] == "b" and test not in ("eq", "ne")):
            return None
        return self.write(target, _WHOLE_TESTS[test].format(a=a, b=b), "pred")

    def _arithmetic(self, instruction: Instruction) -> str | None:
        operation, *modifiers, kind = instruction.parts
        target, *operands = instruction.operands
        values = [self.read(operand, kind) for operand in operands]
        if kind[0] == "f":
            flushed = kind == "f32" and "ftz" in modifiers
            if flushed:
                modifiers.remove("ftz")
                values = [f"flush({value})" for value in values]
            value = _FLOAT_OPERATIONS[operation, *modifiers].format(*values)
            return self.result(target, f"flush({value})" if flushed else value, kind)
        ctype, unsigned = C_TYPES[kind], f"uint{kind[1:]}_t"
        if kind[0] not in "us":
            return None
        if operation in ("add", "sub") and not modifiers:
            sign = "+" if operation == "add" else "-"
            return self.write(target, f"({unsigned}){values[0]} {sign} ({unsigned}){values[1]}", "u" + kind[1:])
        if operation == "neg" and not modifiers:
            return self.write(target, f"0 - ({unsigned}){values[0]}", "u" + kind[1:])
        if operation in ("min", "max") and not modifiers:
            sign = "<" if operation == "min" else ">"
            return self.write(target, f"{values[0]} {sign} {values[1]} ? {values[0]} : {values[1]}", kind)
        if operation in ("div", "rem") and not modifiers:
            call = f"{'quotient' if operation == 'div' else 'rest'}<{ctype}>({values[0]}, {values[1]})"
            zero = _fault(instruction, f"{values[1]} == 0", "0")
            return f"{zero} {self.write(target, call, kind)}"
        if operation == "mul" and modifiers == ["wide"]:
            wide = _WIDE[kind]
            product = f"({C_TYPES[wide]}){values[0]} * ({C_TYPES[wide]}){values[1]}"
            return self.write(target, product, wide)
        if operation == "mul" and modifiers == ["hi"]:
            wide = ("" if kind[0] == "s" else "unsigned ") + "__int128"
            product = f"({ctype})(({wide}){values[0]} * ({wide}){values[1]} >> {kind[1:]})"
            return self.write(target, product, kind)
        if operation in ("mul", "mad") and modifiers == ["lo"] and int(kind[1:]) >= 32:
            product = f"({unsigned}){values[0]} * ({unsigned}){values[1]}"
            return self.write(target, product + (f" + ({unsigned}){values[2]}" if operation == "mad" else ""), kind)
        return None

    _add = _sub = _mul = _mad = _div = _rem = _min = _max = _neg = _abs = _rcp = _sqrt = _fma = _arithmetic

    def _bitwise(self, instruction: Instruction) -> str | None:
        operation, kind = instruction.parts
        sign = {"and": "&", "or": "|", "xor": "^"}[operation]
        target, a, b = instruction.operands
        return self.write(target, f"{self.read(a, kind)} {sign} {self.read(b, kind)}", kind)

    _and = _or = _xor = _bitwise

    def _not(self, instruction: Instruction) -> str | None:
        (kind,) = instruction.parts[1:]
        target, source = instruction.operands
        return self.write(target, f"{'!' if kind == 'pred' else '~'}{self.read(source, kind)}", kind)

    def _shift(self, instruction: Instruction) -> str | None:
        operation, kind = instruction.parts
        target, value, count = instruction.operands
        call = f"{'left' if operation == 'shl' else 'right'}<{C_TYPES[kind]}>"
        return self.write(target, f"{call}({self.read(value, kind)}, {self.read(count, 'u32')})", kind)

    _shl = _shr = _shift

    def _shf(self, instruction: Instruction) -> str | None:
        _, side, mode, kind = instruction.parts
        target, *operands = instruction.operands
        if mode != "wrap" or kind != "b32":
            return None
        call = {"l": "funnel_left", "r": "funnel_right"}[side]
        return self.write(target, f"{call}({', '.join(self.read(operand, 'u32') for operand in operands)})", "b32")

    def _brev(self, instruction: Instruction) -> str | None:
        if instruction.parts[1:] != ["b32"]:
            return None
        return self.write(instruction.operands[0], f"reversed({self.read(instruction.operands[1], 'b32')})", "b32")

    def _bfind(self, instruction: Instruction) -> str | None:
        *modifiers, kind = instruction.parts[1:]
        if kind not in ("u32", "u64") or modifiers not in ([], ["shiftamt"]):
            return None
        value = self.read(instruction.operands[1], kind)
        zeros = f"leading_zeros({value})"
        found = zeros if modifiers else f"{int(kind[1:]) - 1} - {zeros}"
        return self.write(instruction.operands[0], f"{value} ? {found} : 0xffffffffu", "u32")

    def _clz(self, instruction: Instruction) -> str | None:
        (kind,) = instruction.parts[1:]
        return self.write(instruction.operands[0], f"leading_zeros({self.read(instruction.operands[1], kind)})", "u32")

    def _popc(self, instruction: Instruction) -> str | None:
        (kind,) = instruction.parts[1:]
        value = self.read(instruction.operands[1], kind)
        return self.write(instruction.operands[0], f"__builtin_popcountll({value})", "u32")

    def _cvt(self, instruction: Instruction) -> str | None:
        *modifiers, to, of = instruction.parts[1:]
        target, source = instruction.operands
        value = self.read(source, of)
        flushed = "ftz" in modifiers and "f32" in (to, of)
        if flushed:
            modifiers.remove("ftz")
            if of == "f32":
                value = f"flush({value})"
        if to[0] == "f" and of[0] == "f":
            if (to, of, modifiers) == ("f64", "f32", []):
                value = f"(double){value}"
            elif (to, of, modifiers) == ("f32", "f64", ["rn"]):
                value = f"(float){value}"
            elif to == of and len(modifiers) == 1:
                value = f"{_ROUND[modifiers[0]]}({value})"
            else:
                return None
            return self.result(target, f"flush({value})" if flushed and to == "f32" else value, to)
        if to[0] == "f":
            return self.write(target, f"({C_TYPES[to]}){value}", to) if modifiers == ["rn"] and of[0] in "us" else None
        if of[0] == "f":
            if modifiers != ["rzi"] or to[0] not in "us" or int(to[1:]) < 32:
                return None
            return self.write(target, f"truncated<{C_TYPES[to]}>({value})", to)
        return self.write(target, f"({C_TYPES[to]}){value}", to) if not modifiers and to[0] + of[0] in _WHOLE else None


_WHOLE = ("uu", "us", "su", "ss")


def _constant(operand: str, kind: str) -> str:
    """C++ for an immediate operand."""
    if operand[:2] in ("0d", "0f"):
        width = {"0d": "64", "0f": "32"}[operand[:2]]
        pattern = f"0x{int(operand[2:], 16):x}{'ull' if width == '64' else 'u'}"
        if kind[1:] != width:
            raise PtxError(f"{operand} is no {kind}")
        return f"bits<{C_TYPES[kind]}>({pattern})" if kind[0] == "f" else f"({C_TYPES[kind]}){pattern}"
    value = int(operand.rstrip("U"), 0)
    if kind == "pred":
        return "true" if value else "false"
    if kind[0] == "f":
        raise PtxError(f"{operand} is no {kind}")
    return f"({C_TYPES[kind]})0x{value & (1 << int(kind[1:])) - 1:x}ull"


def _fault(instruction: Instruction, condition: str, at: str) -> str:
    return f"if (RARE({condition})) FAULT({instruction.number}, {at})"


def _plain(kernel: Kernel) -> set[str]:
    """float32 registers that only ever hold results of arithmetic.

    Nothing but its bits tells one NaN from another, so the canonical NaN of such a register is made where its bits are
    seen: in a store, or a move to a register that also holds bits of other origin. Made in each operation, it
    doubles the time of a kernel full of float32.
    """
    plain = {register for register, kind in kernel.registers.items() if kind == "f32"}
    for instruction in kernel.instructions:
        operation, kind = instruction.parts[0], instruction.parts[-1]
        if operation in ("ld", "atom") or (operation in ("mov", "selp") and kind[0] == "b"):
            plain -= registers_of(Instruction("", instruction.operands[:1]))
    before = 0
    while before != len(plain):
        before = len(plain)
        for instruction in kernel.instructions:
            if instruction.parts[0] in ("mov", "selp") and instruction.parts[-1] == "f32":
                sources = [operand for operand in instruction.operands[1:3] if operand in kernel.registers]
                if any(kernel.registers[source] == "f32" and source not in plain for source in sources):
                    plain.discard(instruction.operands[0])
    return plain


def thread_source(kernels: dict[str, Kernel], emitter: type[Emitter] = Emitter, prelude: str = "") -> str:
    """C++ of a library with one function a kernel, which runs the threads of a launch one after the other."""
    return "\n".join([PRELUDE, _THREADS, prelude, *(_thread_kernel(k, emitter(k)) for k in kernels.values())])


def declarations(kernel: Kernel, suffix: str = "") -> str:
    """Variables of all registers."""
    by_type: dict[str, list[str]] = {}
    used = {operand for instruction in kernel.instructions for operand in registers_of(instruction)}
    for register, kind in kernel.registers.items():
        if register in used:
            by_type.setdefault(kind, []).append(f"v_{register[1:]}{suffix}")
    return "\n".join(f"{C_TYPES[kind]} {', '.join(names)};" for kind, names in by_type.items())


def registers_of(instruction: Instruction) -> set[str]:
    """Names of all registers of an instruction, with its guard."""
    text = " ".join((*instruction.operands, instruction.guard or ""))
    for sign in "[]{},+!":
        text = text.replace(sign, " ")
    return {word for word in text.split() if word.startswith("%")}


def bounds(emitter: Emitter) -> str:
    """Constants with the base and the number of elements of every array that was checked."""
    lines = [
        f"const uint64_t base_{k} = launch.bytes[{k}] == ~0ull ? 0 : words[{k}];"
        for k in sorted({k for k, _ in emitter.checked})
    ]
    for k, shift in sorted(emitter.checked):  # no element can be reached in an array that is not aligned to it
        lines.append(
            f"const uint64_t count_{k}_{shift} = base_{k} & {(1 << shift) - 1} ? 0 : launch.bytes[{k}] >> {shift};"
        )
    return "\n".join(lines)


def _thread_kernel(kernel: Kernel, emitter: Emitter) -> str:
    name = kernel.name
    unmarked = implied(kernel)
    targets = {i.operands[0] for i in kernel.instructions if i.parts[0] == "bra"}
    body = []
    for number, block in enumerate(kernel.blocks):
        if block.label in targets:
            body.append(f"{_label(block.label)}:")
        if not unmarked[number]:
            body.append(f"{name}_covered[{number}] = 1;")
        for instruction in block.instructions:
            if not instruction.ends_block:
                body.append(emitter.statement(instruction))
                continue
            guard = f"if ({emitter.read(instruction.guard, 'pred')}) " if instruction.guard else ""
            if instruction.opcode in ("bra", "bra.uni"):
                body.append(f"{guard}goto {_label(instruction.operands[0])};")
            elif instruction.opcode in ("ret", "exit"):
                body.append(f"{guard}return true;")
            else:
                raise PtxError(f"{name}: {instruction} cannot be translated: the opcode is unknown")
    local = "\n".join(
        f"alignas(16) unsigned char local_{symbol}[{size}]; memset(local_{symbol}, 0xa5, {size});"
        for symbol, size in kernel.local.items()
    )
    text = "\n".join(body)
    return f"""
extern "C" {{ unsigned char {name}_covered[{len(kernel.blocks)}]; }}
static bool {name}_thread(Launch& launch, uint32_t tid, uint32_t ctaid) {{
const uint64_t* const words = launch.words;
const uint32_t ntid = (uint32_t)launch.block, nctaid = (uint32_t)launch.grid;
{bounds(emitter)}
{declarations(kernel)}
int64_t number; uint64_t where;
{local}
{text}
return true;
fault:
launch.instruction = number, launch.thread = (int64_t)((uint64_t)ctaid * ntid + tid), launch.address = where;
return false;
}}
extern "C" void {name}(Launch* launch) {{ run_threads(launch, {name}_thread); }}"""


def _label(label: str) -> str:
    return "L" + label.replace("$", "_")
