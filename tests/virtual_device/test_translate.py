"""Every instruction of the kernels against the words of the PTX ISA, stated here with exact integers and fractions."""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from virtual_device import library, ptx, translate
from virtual_device.library import DeviceFault, Library
from virtual_device.ptx import PtxError

from stmgpu.backend import nvrtc
from stmgpu.backend.signature import signatures
from stmgpu.backend.source import flatten, kernel_files
from stmgpu.errors import BackendError

HEAD = ".version 9.5\n.target sm_90\n.address_size 64\n"
CANONICAL = 0x7FFFFFFF  # NaN of float32 arithmetic on a GPU

# ------------------------------------------------------------------------------------------------ floating point
_FORMATS = {"f32": (24, -149, 128, "<f", "<I"), "f64": (53, -1074, 1024, "<d", "<Q")}


def number(bits: int, kind: str) -> float:
    """Value of a bit pattern; every float32 is a float64."""
    _, _, _, real, whole = _FORMATS[kind]
    return float(struct.unpack(real, struct.pack(whole, bits))[0])


def pattern(value: float, kind: str) -> int:
    """Bits of a number that the format holds exactly."""
    if math.isnan(value):
        return CANONICAL if kind == "f32" else 0xFFF8000000000000
    _, _, _, real, whole = _FORMATS[kind]
    return int(struct.unpack(whole, struct.pack(real, value))[0])


def nearest(exact: Fraction, kind: str, zero: float = 0.0) -> float:
    """The number of a format nearest to an exact one, ties to even; ``zero`` tells the sign of an exact zero."""
    digits, least, most, _, _ = _FORMATS[kind]
    if exact == 0:
        return math.copysign(0.0, zero)
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > size
    quantum = Fraction(2) ** max(exponent - digits + 1, least)
    rounded = round(size / quantum) * quantum
    sign = -1.0 if exact < 0 else 1.0
    return sign * (math.inf if rounded >= Fraction(2) ** most else float(rounded))


def add(a: float, b: float, kind: str) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.nan if math.isinf(a) and math.isinf(b) and a != b else a + b
    negative = math.copysign(1, a) < 0 and math.copysign(1, b) < 0
    return nearest(Fraction(a) + Fraction(b), kind, -0.0 if negative else 0.0)


def multiply(a: float, b: float, kind: str) -> float:
    sign = math.copysign(1, a) * math.copysign(1, b)
    if math.isnan(a) or math.isnan(b) or (math.isinf(a) and b == 0) or (math.isinf(b) and a == 0):
        return math.nan
    if math.isinf(a) or math.isinf(b):
        return sign * math.inf
    return nearest(Fraction(a) * Fraction(b), kind, sign)


def divide(a: float, b: float, kind: str) -> float:
    sign = math.copysign(1, a) * math.copysign(1, b)
    if math.isnan(a) or math.isnan(b) or (math.isinf(a) and math.isinf(b)) or (a == 0 and b == 0):
        return math.nan
    if math.isinf(a) or b == 0:
        return sign * math.inf
    return math.copysign(0.0, sign) if math.isinf(b) else nearest(Fraction(a) / Fraction(b), kind, sign)


def fused(a: float, b: float, c: float, kind: str) -> float:
    if not all(map(math.isfinite, (a, b, c))):
        product = multiply(a, b, kind) if not (math.isfinite(a) and math.isfinite(b)) else 0.0
        return add(product, c, kind)
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    sign = math.copysign(1, a) * math.copysign(1, b)
    return nearest(exact, kind, -0.0 if sign < 0 and math.copysign(1, c) < 0 else 0.0)


def root(a: float, kind: str) -> float:
    if math.isnan(a) or a < 0:
        return math.nan
    if a == 0 or math.isinf(a):
        return a
    exact = Fraction(a)
    shift = 2 * 1200
    scaled = (exact.numerator << shift) // exact.denominator  # the denominator is a power of 2 below 2^1200
    whole = math.isqrt(scaled)
    return nearest(Fraction(2 * whole + (whole * whole != scaled), 2 << shift // 2), kind)


def extreme(a: float, b: float, kind: str, *, largest: bool) -> float:
    """The other operand where one is NaN; -0 below +0."""
    if math.isnan(a) or math.isnan(b):
        return b if math.isnan(a) else a
    chosen = (max if largest else min)((a, math.copysign(1, a)), (b, math.copysign(1, b)))
    return chosen[0]


def flushed(a: float) -> float:
    return math.copysign(0.0, a) if abs(a) < 2.0**-126 else a


def to_whole(a: float, of: str, kind: str) -> int:
    """Towards zero and clamped; of NaN, the highest bit alone unless a float32 becomes 32 bits."""
    bits = int(kind[1:])
    if math.isnan(a):
        return 0 if of == "f32" and bits < 64 else 1 << bits - 1
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind[0] == "s" else (0, (1 << bits) - 1)
    return most if a >= most else least if a <= least else math.trunc(Fraction(a))


def rounded(a: float, kind: str, how: Callable[[Fraction], int]) -> float:
    if not math.isfinite(a) or a == 0:
        return a
    return math.copysign(float(how(Fraction(a))), a)


_ARITHMETIC = {
    "add.rn": add,
    "sub.rn": lambda a, b, kind: add(a, -b, kind),
    "mul.rn": multiply,
    "div.rn": divide,
    "rcp.rn": lambda a, kind: divide(1.0, a, kind),
    "sqrt.rn": root,
    "fma.rn": fused,
    "add": add,
    "sub": lambda a, b, kind: add(a, -b, kind),
    "mul": multiply,
    "neg": lambda a, kind: -a,
    "abs": lambda a, kind: abs(a),
    "min": partial(extreme, largest=False),
    "max": partial(extreme, largest=True),
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


# --------------------------------------------------------------------------------------------------- whole numbers
def signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def of_kind(value: int, kind: str) -> int:
    bits = int(kind[1:])
    return signed(value, bits) if kind[0] == "s" else value & (1 << bits) - 1


def quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_WHOLE = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul.lo": lambda a, b: a * b,
    "mad.lo": lambda a, b, c: a * b + c,
    "div": quotient,
    "rem": lambda a, b: a - quotient(a, b) * b,
    "min": min,
    "max": max,
    "neg": lambda a: -a,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "not": lambda a: ~a,
}


# ----------------------------------------------------------------------------------------------------------- forms
@dataclass(frozen=True)
class Form:
    """An opcode, the types of its operands and of its result, and what it means for bit patterns."""

    opcode: str
    inputs: tuple[str, ...]
    output: str
    meaning: Callable[..., int]


def _float_forms() -> list[Form]:
    forms = []
    for kind, flush in (("f64", ""), ("f32", ""), ("f32", ".ftz")):
        clean = flushed if flush else float
        for name, function in _ARITHMETIC.items():
            operands = 3 if name == "fma.rn" else 1 if name in ("rcp.rn", "sqrt.rn", "neg", "abs") else 2

            def meaning(*bits: int, kind: str = kind, function: Callable[..., float] = function, clean=clean) -> int:
                return pattern(clean(function(*(clean(number(b, kind)) for b in bits), kind)), kind)

            forms.append(Form(f"{name}{flush}.{kind}", (kind,) * operands, kind, meaning))
        for test, function in _COMPARE.items():
            for suffix, of_nan in (("", False), ("u", True)):

                def holds(a: int, b: int, kind=kind, function=function, of_nan=of_nan, clean=clean) -> int:
                    x, y = clean(number(a, kind)), clean(number(b, kind))
                    return int(of_nan if math.isnan(x) or math.isnan(y) else function(x, y))

                forms.append(Form(f"setp.{test}{suffix}{flush}.{kind}", (kind, kind), "pred", holds))
        for test, answer in (("nan", True), ("num", False)):

            def is_nan(a: int, b: int, kind=kind, answer=answer) -> int:
                return int((math.isnan(number(a, kind)) or math.isnan(number(b, kind))) == answer)

            forms.append(Form(f"setp.{test}{flush}.{kind}", (kind, kind), "pred", is_nan))
    for kind in ("f32", "f64"):
        for mode, how in (("rmi", math.floor), ("rpi", math.ceil), ("rzi", math.trunc), ("rni", round)):
            forms.append(
                Form(
                    f"cvt.{mode}.{kind}.{kind}",
                    (kind,),
                    kind,
                    lambda a, kind=kind, how=how: pattern(rounded(number(a, kind), kind, how), kind),
                )
            )
    return forms


def _narrowed(value: float) -> float:
    return nearest(Fraction(value), "f32", value) if math.isfinite(value) else value


def _conversions() -> list[Form]:
    forms = [
        Form("cvt.f64.f32", ("f32",), "f64", lambda a: pattern(number(a, "f32"), "f64")),
        Form("cvt.ftz.f64.f32", ("f32",), "f64", lambda a: pattern(flushed(number(a, "f32")), "f64")),
        Form("cvt.rn.f32.f64", ("f64",), "f32", lambda a: pattern(_narrowed(number(a, "f64")), "f32")),
        Form("cvt.rn.ftz.f32.f64", ("f64",), "f32", lambda a: pattern(flushed(_narrowed(number(a, "f64"))), "f32")),
    ]
    kinds = [f"{sign}{bits}" for sign in "us" for bits in (8, 16, 32, 64)]
    for to, of in itertools.product(kinds, kinds):
        forms.append(Form(f"cvt.{to}.{of}", (of,), to, lambda a, to=to, of=of: of_kind(of_kind(a, of), to)))
    for real, of in itertools.product(("f32", "f64"), kinds[1:4] + kinds[5:]):
        forms.append(
            Form(
                f"cvt.rn.{real}.{of}",
                (of,),
                real,
                lambda a, real=real, of=of: pattern(nearest(Fraction(of_kind(a, of)), real), real),
            )
        )
    for to, real in itertools.product(("s32", "u32", "s64", "u64"), ("f32", "f64")):
        forms.append(
            Form(f"cvt.rzi.{to}.{real}", (real,), to, lambda a, to=to, real=real: to_whole(number(a, real), real, to))
        )
    return forms


def _whole_forms() -> list[Form]:
    forms = []
    for name, function in _WHOLE.items():
        logical = name in ("and", "or", "xor", "not")
        kinds = ("b16", "b32", "b64") if logical else ("s32", "u32", "s64", "u64", "s16", "u16")
        for kind in kinds[:4] if name in ("mul.lo", "mad.lo") else kinds:
            operands = {"neg": 1, "not": 1, "mad.lo": 3}.get(name, 2)

            def meaning(*bits: int, kind: str = kind, function: Callable[..., int] = function) -> int:
                return function(*(of_kind(b, kind) for b in bits))

            if name != "neg" or kind[0] == "s":
                forms.append(Form(f"{name}.{kind}", (kind,) * operands, kind, meaning))
        if logical:
            forms.append(
                Form(
                    f"{name}.pred",
                    ("pred",) * (1 if name == "not" else 2),
                    "pred",
                    lambda *bits, function=function: function(*bits) & 1,
                )
            )
    for kind, wide in (("s32", "s64"), ("u32", "u64"), ("s16", "s32"), ("u16", "u32")):
        forms.append(
            Form(f"mul.wide.{kind}", (kind, kind), wide, lambda a, b, kind=kind: of_kind(a, kind) * of_kind(b, kind))
        )
    for kind in ("s32", "u32", "s64", "u64"):
        forms.append(
            Form(
                f"mul.hi.{kind}",
                (kind, kind),
                kind,
                lambda a, b, kind=kind: of_kind(a, kind) * of_kind(b, kind) >> int(kind[1:]),
            )
        )
    for kind, (test, function) in itertools.product(
        ("s16", "u16", "s32", "u32", "s64", "u64", "b16", "b32", "b64"), _COMPARE.items()
    ):
        if kind[0] != "b" or test in ("eq", "ne"):
            forms.append(
                Form(
                    f"setp.{test}.{kind}",
                    (kind, kind),
                    "pred",
                    lambda a, b, kind=kind, function=function: int(function(of_kind(a, kind), of_kind(b, kind))),
                )
            )
    for bits in (16, 32, 64):
        forms += [
            Form(f"shl.b{bits}", (f"b{bits}", "count"), f"b{bits}", lambda a, n, bits=bits: a << min(n, bits)),
            *(
                Form(
                    f"shr.{kind}",
                    (kind, "count"),
                    kind,
                    lambda a, n, kind=kind, bits=bits: of_kind(a, kind) >> min(n, bits),
                )
                for kind in (f"b{bits}", f"u{bits}", f"s{bits}")
            ),
        ]
    forms += [
        Form("shf.l.wrap.b32", ("b32", "b32", "count"), "b32", lambda a, b, n: (b << 32 | a) << n % 32 >> 32),
        Form("shf.r.wrap.b32", ("b32", "b32", "count"), "b32", lambda a, b, n: (b << 32 | a) >> n % 32),
        Form("brev.b32", ("b32",), "b32", lambda a: int(f"{a:032b}"[::-1], 2)),
        Form("popc.b32", ("b32",), "u32", lambda a: a.bit_count()),
        Form("popc.b64", ("b64",), "u32", lambda a: a.bit_count()),
        Form("clz.b32", ("b32",), "u32", lambda a: 32 - a.bit_length()),
        Form("clz.b64", ("b64",), "u32", lambda a: 64 - a.bit_length()),
    ]
    for bits in (32, 64):
        forms += [
            Form(f"bfind.u{bits}", (f"u{bits}",), "u32", lambda a: a.bit_length() - 1),
            Form(
                f"bfind.shiftamt.u{bits}", (f"u{bits}",), "u32", lambda a, bits=bits: bits - a.bit_length() if a else -1
            ),
        ]
    return forms


def _moves() -> list[Form]:
    kinds = ["b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64", "f32", "f64"]
    forms = [Form(f"mov.{kind}", (kind,), kind, lambda a: a) for kind in (*kinds, "pred")]
    forms += [Form(f"selp.{kind}", (kind, kind, "pred"), kind, lambda a, b, p: a if p else b) for kind in kinds]
    return forms


FORMS = {form.opcode: form for form in (*_float_forms(), *_conversions(), *_whole_forms(), *_moves())}
_SLOTS = {"pred": "pred", "count": "b32"}
_CLASS = {"8": "rs", "16": "rs", "32": "r", "64": "rd"}

_FLOATS = [0.5, 1.5, 2.5, 3.0, 0.1, 7.0 / 3, 1e-30, 1e15, 2.0**31, 2.0**63, 2.0**64, 4294967296.5]
_F64 = [0.0, math.inf, 2.0**-1074, 1.7976931348623157e308, 1.0, 2.0**-1022, 2.0**-1022 - 2.0**-1074, 2.0**52 + 0.5]
_F64 += [1e-160, 1e300, 1e-40]
_F32 = [0.0, math.inf, 2.0**-149, 3.4028234663852886e38, 1.0, 2.0**-126, 2.0**-126 - 2.0**-149, 8388609.0]
_F32 += [1e-20, 1e30, 2147483520.0]


def _edges(kind: str) -> list[int]:
    """Bit patterns at which an operation on a type may go wrong."""
    if kind == "pred":
        return [0, 1]
    if kind == "count":
        return [0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 2**31, 2**32 - 1]
    if kind[0] == "f":
        values = [*(_F64 if kind == "f64" else _F32), *_FLOATS]
        as_format = [nearest(Fraction(v), kind) if math.isfinite(v) else v for v in values]
        numbers = [pattern(v, kind) for value in as_format for v in (value, -value)]
        nans = {"f32": [0x7FC00000, 0xFFC12345, 0x7F812345], "f64": [0x7FF8 << 48, 0xFFF8 << 48 | 5, 0x7FF0 << 48 | 9]}
        return [*nans[kind], *numbers]
    bits = int(kind[1:])
    draw = random.Random(bits)
    near = [v + d for v in (0, 1 << bits - 1, 1 << bits // 2) for d in (-2, -1, 0, 1, 2)]
    return [v & (1 << bits) - 1 for v in (*near, 7, 10, -10, *(draw.getrandbits(bits) for _ in range(6)))]


def _cases(form: Form) -> np.ndarray:
    """Combinations of edge values, a row each: all of the first ones, and some of the others."""
    lists = [_edges(kind) for kind in form.inputs]
    rows = list(itertools.product(*lists))
    if len(rows) > 700:
        first = itertools.product(*(values[: 11 if len(lists) < 3 else 6] for values in lists))
        rows = [*first, *random.Random(form.opcode).sample(rows, 400)]
    if form.opcode.startswith(("div.s", "div.u", "rem.")):
        rows = [row for row in rows if row[1]]
    return np.array(rows, np.uint64)


def _register(kind: str, position: int, *, typed: bool) -> str:
    """Register of an operand; ``typed`` has registers of their own for floating point, as NVRTC for sm_90 and older."""
    if kind == "pred":
        return f"%p{position}"
    if kind[0] == "f" and typed:
        return f"%{'f' if kind == 'f32' else 'fd'}{position}"
    return f"%{_CLASS[kind[1:]]}{position + (20 if kind == 'f64' or kind[1:] == '64' else 0)}"


def _entry(name: str, form: Form, *, typed: bool) -> str:
    """A kernel that applies an instruction to slots of 8 bytes of one array an operand."""
    count = len(form.inputs)
    kinds = [_SLOTS.get(kind, kind) for kind in form.inputs]
    parameters = ",\n".join(f"\t.param .u64 {name}_param_{k}" for k in range(count + 1))
    lines = ["mov.u32 %r90, %ctaid.x;"]
    registers = []
    for k in range(count + 1):
        lines += [
            f"ld.param.u64 %rd{k}, [{name}_param_{k}];",
            f"cvta.to.global.u64 %rd{k + 5}, %rd{k};",
            f"mul.wide.u32 %rd{k + 10}, %r90, 8;",
            f"add.s64 %rd{k + 15}, %rd{k + 5}, %rd{k + 10};",
        ]
    for k, kind in enumerate(kinds):
        register = _register(kind, k + 1, typed=typed)
        registers.append(register)
        if kind == "pred":
            lines += [f"ld.global.u32 %r{70 + k}, [%rd{k + 15}];", f"setp.ne.s32 {register}, %r{70 + k}, 0;"]
        else:
            lines.append(f"ld.global.b{kind[1:]} {register}, [%rd{k + 15}];")
    target = _register(form.output, 60, typed=typed)
    lines.append(f"{form.opcode} {', '.join([target, *registers])};")
    if form.output == "pred":
        lines += [f"selp.u32 %r80, 1, 0, {target};", f"st.global.u32 [%rd{count + 15}], %r80;"]
    else:
        lines.append(f"st.global.b{form.output[1:]} [%rd{count + 15}], {target};")
    body = "\n\t".join(lines)
    declared = "\n".join(
        f"\t.reg .{kind} \t%{base}<{size}>;"
        for kind, base, size in (
            ("pred", "p", 99),
            ("b16", "rs", 99),
            ("b32", "r", 99),
            ("b64", "rd", 99),
            ("f32", "f", 99),
            ("f64", "fd", 99),
        )
    )
    return f"\n.visible .entry {name}(\n{parameters}\n)\n{{\n{declared}\n\n\t{body}\n\tret;\n\n}}\n"


VARIANTS = [(opcode, True) for opcode in FORMS] + [
    (opcode, False) for opcode, form in FORMS.items() if "f" in {kind[0] for kind in (*form.inputs, form.output)}
]
"""Each form with registers for floating point, as up to sm_90; those of floats with their bits too, as from sm_100."""


@pytest.fixture(scope="module")
def forms() -> Library:
    entries = [_entry(f"form_{k}", FORMS[opcode], typed=typed) for k, (opcode, typed) in enumerate(VARIANTS)]
    return Library.of_ptx(HEAD + "".join(entries))


@pytest.mark.parametrize(("opcode", "typed"), VARIANTS)
def test_an_instruction_does_what_the_isa_says(forms: Library, opcode: str, typed: bool) -> None:
    form = FORMS[opcode]
    name = f"form_{VARIANTS.index((opcode, typed))}"
    cases = _cases(form)
    arrays = [np.ascontiguousarray(column) for column in cases.T]
    out = np.zeros(len(cases), np.uint64)
    words = [a.ctypes.data for a in (*arrays, out)]
    forms.launch(name, len(cases), 1, words, 0, [a.nbytes for a in (*arrays, out)])
    bits = 32 if form.output == "pred" else int(form.output[1:])
    for row, got in zip(cases.tolist(), out.tolist(), strict=True):
        expected = form.meaning(*row) & (1 << bits) - 1
        if form.output == "f64" and math.isnan(number(expected, "f64")) and not opcode.startswith(("mov", "selp")):
            assert math.isnan(number(got, "f64")), (opcode, [hex(v) for v in row], hex(got))
            continue
        assert got == expected, (opcode, [hex(v) for v in row], hex(got), hex(expected))


# ------------------------------------------------------------------------------- memory, branches, special registers
_MEMORY = """
.visible .entry {name}(
	.param .u64 {name}_param_0,
	.param .u64 .ptr .align 1 {name}_param_1,
	.param .u32 {name}_param_2
)
{{
	.local .align 8 .b8 	__local_depot0[32];
	.reg .b64 	%SP;
	.reg .b64 	%SPL;
	.reg .pred 	%p<9>;
	.reg .b16 	%rs<9>;
	.reg .b32 	%r<9>;
	.reg .f32 	%f<9>;
	.reg .f64 	%fd<9>;
	.reg .b64 	%rd<9>;

	mov.u64 	%SPL, __local_depot0;
	ld.param.u64 	%rd1, [{name}_param_0];
	ld.param.b64 	%rd2, [{name}_param_1];
	ld.param.u32 	%r8, [{name}_param_2];
	cvta.to.global.u64 	%rd3, %rd1;
	cvta.to.global.u64 	%rd4, %rd2;
	add.u64 	%rd5, %SPL, 8;
	{body}
	ret;

}}
"""
WORD = 0x8182838485868788


@dataclass(frozen=True)
class Access:
    """Statements between the address of a word in %rd3 and that of a result in %rd4, and what the result holds."""

    body: str
    result: bytes


def _bytes(value: int, size: int) -> bytes:
    return (value & (1 << 8 * size) - 1).to_bytes(size, "little")


def _accesses() -> dict[str, Access]:
    found = {}
    for cache, kind in itertools.product(
        ("", ".nc"), ("b8", "u8", "s8", "b16", "u16", "s16", "b32", "u32", "s32", "b64", "u64", "s64", "f32", "f64")
    ):
        bits = int(kind[1:])
        loaded = signed(WORD, bits) if kind[0] == "s" else WORD & (1 << bits) - 1
        registers = {8: ("rs", "r", "rd"), 16: ("rs", "r", "rd"), 32: ("r", "rd"), 64: ("rd",)}[bits]
        for register in registers if kind[0] != "f" else ({32: "f", 64: "fd"}[bits],):
            width = {"rs": 2, "r": 4, "rd": 8, "f": 4, "fd": 8}[register]
            text = f"ld.global{cache}.{kind} %{register}1, [%rd3];\n\tst.global.b{8 * width} [%rd4], %{register}1;"
            found[f"ld.global{cache}.{kind} {register}"] = Access(text, _bytes(loaded, width))
    for kind in ("b8", "u8", "b16", "u16", "b32", "u32", "b64", "u64", "s32", "s64"):
        size = int(kind[1:]) // 8
        text = f"ld.global.b64 %rd6, [%rd3];\n\tst.global.{kind} [%rd4+{size}], %rd6;"
        found[f"st.global.{kind}"] = Access(text, b"\x5a" * size + _bytes(WORD, size))
    for kind, register in (("b32", "r"), ("u32", "r"), ("f32", "f"), ("b64", "rd"), ("u64", "rd"), ("f64", "fd")):
        text = (
            f"ld.global.{kind} %{register}1, [%rd3];\n\tst.local.{kind} [%rd5+-8], %{register}1;\n\t"
            f"ld.local.{kind} %{register}2, [%SPL];\n\tst.global.{kind} [%rd4], %{register}2;"
        )
        found[f"local {kind}"] = Access(text, _bytes(WORD, int(kind[1:]) // 8))
    for kind, register in (("b32", "r"), ("f32", "f"), ("b64", "rd"), ("f64", "fd"), ("u64", "rd")):
        size = int(kind[1:]) // 8
        pair = f"{{%{register}5, %{register}6}}"
        text = (
            f"ld.global.v2.{kind} {pair}, [%rd3];\n\tst.local.v2.{kind} [%SPL+16], {pair};\n\t"
            f"ld.local.v2.{kind} {{%{register}7, %{register}8}}, [%SPL+16];\n\t"
            f"st.global.v2.{kind} [%rd4], {{%{register}8, %{register}7}};"
        )
        whole = _bytes(WORD, 8) + _bytes(WORD + 1, 8)
        found[f"vector {kind}"] = Access(text, whole[size : 2 * size] + whole[:size])
    found["mov.b64 apart"] = Access(
        "ld.global.b64 %rd6, [%rd3];\n\tmov.b64 {%r1, %r2}, %rd6;\n\tst.global.b32 [%rd4], %r2;", _bytes(WORD >> 32, 4)
    )
    found["mov.b64 high half"] = Access(
        "ld.global.b64 %rd6, [%rd3];\n\tmov.b64 {_, %r2}, %rd6;\n\tst.global.b32 [%rd4], %r2;", _bytes(WORD >> 32, 4)
    )
    found["mov.b64 together"] = Access(
        "mov.u32 %r1, 7;\n\tmov.u32 %r2, -2;\n\tmov.b64 %rd6, {%r1, %r2};\n\tst.global.b64 [%rd4], %rd6;",
        _bytes(-2 << 32 | 7, 8),
    )
    found["mov.b64 of a float"] = Access(
        "ld.global.f64 %fd1, [%rd3];\n\tmov.b64 %rd6, %fd1;\n\tst.global.b64 [%rd4], %rd6;", _bytes(WORD, 8)
    )
    found["constants"] = Access(
        "mov.f64 %fd1, 0dC00921FB54442D18;\n\tst.global.f64 [%rd4], %fd1;\n\tmov.b32 %r1, 0f3F800000;\n\t"
        "st.global.b32 [%rd4+8], %r1;\n\tmov.u32 %r2, 0x7fU;\n\tst.global.u32 [%rd4+12], %r2;",
        struct.pack("<dfI", -math.pi, 1.0, 127),
    )
    found["ld.param.u32"] = Access("st.global.b32 [%rd4], %r8;", _bytes(0xDEAD0003, 4))
    for truth, guard in itertools.product((0, 1), ("%p1", "!%p1")):
        taken = truth == (guard == "%p1")
        test = f"mov.pred %p1, {-truth};\n\tmov.u32 %r1, 1;"
        found[f"@{guard} of {truth}"] = Access(
            f"{test}\n\t@{guard} mov.u32 %r1, 2;\n\tst.global.b32 [%rd4], %r1;", _bytes(2 if taken else 1, 4)
        )
        found[f"@{guard} bra of {truth}"] = Access(
            f"{test}\n\t@{guard} bra \t$L__BB0_1;\n\tmov.u32 %r1, 3;\n\tbra.uni \t$L__BB0_2;\n\n$L__BB0_1:\n\t"
            "mov.u32 %r1, 4;\n\n$L__BB0_2:\n\tst.global.b32 [%rd4], %r1;",
            _bytes(4 if taken else 3, 4),
        )
        found[f"@{guard} ret of {truth}"] = Access(
            f"{test}\n\tst.global.b32 [%rd4], %r1;\n\t@{guard} ret;\n\tst.global.b32 [%rd4+4], %r1;",
            _bytes(1, 4) + (b"\x5a" * 4 if taken else _bytes(1, 4)),
        )
    return found


ACCESSES = _accesses()


@pytest.fixture(scope="module")
def accesses() -> Library:
    entries = [_MEMORY.format(name=f"access_{k}", body=access.body) for k, access in enumerate(ACCESSES.values())]
    return Library.of_ptx(HEAD + "".join(entries))


@pytest.mark.parametrize("name", ACCESSES)
def test_bytes_go_where_the_isa_says(accesses: Library, name: str) -> None:
    source = np.array([WORD, WORD + 1], np.uint64)
    out = np.full(32, 0x5A, np.uint8)
    words = [source.ctypes.data, out.ctypes.data, 0xFFFFFFFFDEAD0003]
    accesses.launch(f"access_{list(ACCESSES).index(name)}", 1, 1, words, 0, [16, 32, None])
    expected = ACCESSES[name].result
    assert out.tobytes() == expected + b"\x5a" * (32 - len(expected))


def test_every_width_is_checked_at_both_ends(accesses: Library) -> None:
    for k, (name, access) in enumerate(ACCESSES.items()):
        if not name.startswith("st.global"):
            continue
        size = len(access.result) // 2
        source, out = np.array([WORD, WORD], np.uint64), np.full(64, 0x5A, np.uint8)
        for start, extent in ((16, 2 * size - 1), (16, 0), (16 + size // 2, 2 * size)):
            if size > 1 or extent < 2 * size:
                words = [source.ctypes.data, out.ctypes.data + start, 0]
                with pytest.raises(DeviceFault, match=r"st\.global.*argument 1"):
                    accesses.launch(f"access_{k}", 1, 1, words, 0, [16, extent, None])
        assert (out == 0x5A).all(), name


@pytest.mark.parametrize("offset", [-16, 24, 3])
def test_local_memory_is_checked(offset: int) -> None:
    body = f"mov.u64 %rd6, 0;\n\tst.local.u64 [%rd5+{offset}], %rd6;"
    device = Library.of_ptx(HEAD + _MEMORY.format(name="local", body=body))
    with pytest.raises(DeviceFault, match=r"local, thread 0 of block 0: st\.local\.u64 .* local memory"):
        device.launch("local", 1, 1, [0, 0, 0])


def test_local_memory_is_not_zero_at_first() -> None:
    """Nor is it what the thread before left there."""
    body = "ld.local.u64 %rd6, [%SPL];\n\tst.global.u64 [%rd4], %rd6;\n\tst.local.u64 [%SPL], %rd1;"
    device = Library.of_ptx(HEAD + _MEMORY.format(name="stale", body=body))
    out = np.zeros(1, np.uint64)
    device.launch("stale", 2, 2, [0, out.ctypes.data, 0], 0, [0, 8, None])
    assert out[0] == 0xA5A5A5A5A5A5A5A5


def test_threads_know_their_numbers() -> None:
    body = """mov.u32 %r1, %tid.x;
	mov.u32 %r2, %ctaid.x;
	mov.u32 %r3, %ntid.x;
	mov.u32 %r4, %nctaid.x;
	mad.lo.s32 %r5, %r2, %r3, %r1;
	mul.wide.u32 %rd6, %r5, 16;
	add.s64 %rd7, %rd4, %rd6;
	st.global.u32 [%rd7], %r1;
	st.global.u32 [%rd7+4], %r2;
	st.global.u32 [%rd7+8], %r3;
	st.global.u32 [%rd7+12], %r4;"""
    device = Library.of_ptx(HEAD + _MEMORY.format(name="who", body=body))
    for order in (0, 1, 5):
        out = np.zeros((3, 4, 4), np.uint32)
        device.launch("who", 3, 4, [0, out.ctypes.data, 0], order, [0, out.nbytes, None])
        assert out.tolist() == [[[t, b, 4, 3] for t in range(4)] for b in range(3)]


# -------------------------------------------------------------------------------------------------------- atomics
_ATOMIC: dict[str, Callable[[int, int], int]] = {
    "add": lambda old, new: old + new,
    "exch": lambda old, new: new,
    "min": min,
    "max": max,
}


@pytest.mark.parametrize("prefix", ["atom.global", "atom.relaxed.gpu.global"])
@pytest.mark.parametrize(
    "form", ["add.u32", "add.s32", "add.u64", "exch.b32", "exch.b64", "min.s32", "min.u64", "max.u32"]
)
def test_atomics_in_every_order(prefix: str, form: str) -> None:
    """Each thread puts a value of its own; what it gets back is what the thread before it left."""
    operation, kind = form.split(".")
    bits = int(kind[1:])
    register, value = ("r", "%r2") if bits == 32 else ("rd", "%rd8")
    body = f"""mov.u32 %r1, %tid.x;
	mul.lo.s32 %r2, %r1, 1103515245;
	cvt.u64.u32 %rd8, %r2;
	shl.b64 %rd8, %rd8, 31;
	{prefix}.{form} %{register}6, [%rd3], {value};
	mul.wide.u32 %rd7, %r1, 8;
	add.s64 %rd7, %rd4, %rd7;
	st.global.b{bits} [%rd7], %{register}6;"""
    device = Library.of_ptx(HEAD + _MEMORY.format(name="atomic", body=body))
    n = 13
    values = [t * 1103515245 % 2**32 << (0 if bits == 32 else 31) for t in range(n)]
    for order in (0, 1, 2, 3):
        place, out = np.array([50], np.uint64), np.zeros(n, np.uint64)
        device.launch("atomic", 1, n, [place.ctypes.data, out.ctypes.data, 0], order, [8, out.nbytes, None])
        turns = _turns(n, order)
        state = 50
        for thread in turns:
            assert of_kind(int(out[thread]), kind) == of_kind(state, kind), (order, thread)
            state = of_kind(_ATOMIC[operation](of_kind(state, kind), of_kind(values[thread], kind)), kind)
        assert int(place[0]) == state % 2**bits


def _turns(n: int, order: int) -> list[int]:
    """Threads in the order of a launch, as a counter sees them."""
    body = """mov.u32 %r1, %tid.x;
	atom.global.add.u32 %r2, [%rd3], 1;
	mul.wide.u32 %rd6, %r2, 4;
	add.s64 %rd7, %rd4, %rd6;
	st.global.u32 [%rd7], %r1;"""
    device = Library.of_ptx(HEAD + _MEMORY.format(name="turns", body=body))
    counter, out = np.zeros(1, np.uint32), np.zeros(n, np.uint32)
    device.launch("turns", 1, n, [counter.ctypes.data, out.ctypes.data, 0], order)
    return [int(t) for t in out]


# ---------------------------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    "statement",
    [
        "bar.sync 0;",
        "barrier.sync 0;",
        "membar.gl;",
        "shfl.sync.idx.b32 %r1, %r2, 0, 31, -1;",
        "vote.sync.ballot.b32 %r1, %p1, -1;",
        "activemask.b32 %r1;",
        "ld.shared.u32 %r1, [%rd3];",
        "st.shared.u32 [%rd3], %r1;",
        "ld.u32 %r1, [%rd3];",
        "ld.volatile.global.u32 %r1, [%rd3];",
        "ld.global.u32 %r1, [%rd1+%rd2];",
        "ld.const.u32 %r1, [%rd3];",
        "red.global.add.u32 [%rd3], 1;",
        "atom.global.add.f64 %fd1, [%rd3], %fd2;",
        "atom.global.cas.b32 %r1, [%rd3], %r2, %r3;",
        "atom.shared.add.u32 %r1, [%rd3], 1;",
        "div.approx.f32 %f1, %f2, %f3;",
        "div.full.f32 %f1, %f2, %f3;",
        "sqrt.approx.f32 %f1, %f2;",
        "ex2.approx.f32 %f1, %f2;",
        "sin.approx.f32 %f1, %f2;",
        "add.rz.f64 %fd1, %fd2, %fd3;",
        "add.sat.f32 %f1, %f2, %f3;",
        "mul.rn.sat.f32 %f1, %f2, %f3;",
        "add.sat.s32 %r1, %r2, %r3;",
        "cvt.rn.sat.f32.f64 %f1, %fd1;",
        "cvt.rz.f32.f64 %f1, %fd1;",
        "cvt.rni.s32.f64 %r1, %fd1;",
        "setp.lt.and.f64 %p1, %fd1, %fd2, %p2;",
        "setp.lt.f64 %p1|%p2, %fd1, %fd2;",
        "mad.lo.cc.s32 %r1, %r2, %r3, %r4;",
        "addc.s32 %r1, %r2, %r3;",
        "mul24.lo.s32 %r1, %r2, %r3;",
        "shf.l.clamp.b32 %r1, %r2, %r3, %r4;",
        "prmt.b32 %r1, %r2, %r3, 291;",
        "mov.u32 %r1, %laneid;",
        "mov.u32 %r1, %clock;",
        "mov.u32 %r1, %tid.y;",
        "call.uni (retval0), f, (param0);",
        "brx.idx %r1, table;",
        "trap;",
        "mov.u32 %r1, %r77;",
        "mov.u64 %rd1, table;",
        "add.s64 %rd1, %r1, %rd2;",
        "add.s32 %r1, %rd1, %r2;",
        "add.s32 %rs1, %r1, %r2;",
    ],
)
def test_what_is_not_known_is_refused_by_name(statement: str) -> None:
    kernels = ptx.parse(HEAD + _MEMORY.format(name="odd", body=statement))
    opcode = statement.rstrip(";").split()[0]
    with pytest.raises(PtxError) as caught:
        translate.thread_source(kernels)
    assert "odd" in str(caught.value)
    assert opcode in str(caught.value)


def test_addresses_of_unknown_origin_are_refused() -> None:
    for statement in ("mov.u64 %rd6, 4096;\n\tst.global.u32 [%rd6], %r1;", "ld.local.u64 %rd6, [%rd2];"):
        with pytest.raises(PtxError, match="is not seen to"):
            translate.thread_source(ptx.parse(HEAD + _MEMORY.format(name="odd", body=statement)))


# ------------------------------------------------------------------------------------------------ the real kernels
@pytest.fixture(scope="module")
def modules() -> list[str]:
    try:
        nvrtc.version()
    except BackendError as error:
        pytest.skip(str(error))
    return [library.ptx_of(flatten(file), nvrtc.OPTIONS, 90) for file in kernel_files()]


def _tested(instruction: ptx.Instruction) -> bool:
    opcode = instruction.opcode
    if opcode in FORMS or opcode in ("bra", "bra.uni", "ret", "cvta.to.global.u64"):
        return True
    parts = instruction.parts
    if parts[0] == "ld" and parts[1] == "param":
        return parts[2] in ("u64", "b64", "u32", "f64")
    if parts[0] == "atom":
        return ".".join(parts[-2:]) in ("add.u32", "add.u64", "exch.b32")
    bodies = " ".join(access.body for access in ACCESSES.values())
    return f"{opcode} " in bodies


def _untested(modules: list[str]) -> set[str]:
    kernels = [kernel for module in modules for kernel in ptx.parse(module).values()]
    assert {kernel.name for kernel in kernels} == set(signatures())
    return {i.opcode for kernel in kernels for i in kernel.instructions if not _tested(i)}


def test_every_instruction_of_the_kernels_is_tested_above(modules: list[str]) -> None:
    assert not _untested(modules)


@pytest.mark.slow
@pytest.mark.parametrize("arch", [a for a in nvrtc.ARCHITECTURES if a != 90])
def test_every_instruction_is_tested_above_for_other_gpus(arch: int) -> None:
    """NVRTC has two compilers, one up to sm_90 and one from sm_100 on, which choose other instructions."""
    assert not _untested([library.ptx_of(flatten(file), nvrtc.OPTIONS, arch) for file in kernel_files()])
