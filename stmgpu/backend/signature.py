"""Kernel contracts, read from the kernel sources: names, types, constness and array shapes.

Each parameter has a line of its own. The comment of a pointer begins with the shape of its array, in terms of scalar
parameters of the same kernel and of constants of the kernel's headers::

    STM_KERNEL cell_starts(
        i64 rows,                           // rows of the batch
        i64 cells,                          // cells of the table
        const i32* STM_RESTRICT counts,     // [rows][cells] objects in each cell
        i32* STM_RESTRICT starts)           // [rows][cells + 1] first slot of each cell

Every launch is checked against its contract, so a wrong array is an error message and not a wild write.
"""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from stmgpu.backend.source import flatten, kernel_files
from stmgpu.backend.tables import constants
from stmgpu.errors import BackendError, KernelContractError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stmgpu.typing import BackendArray

DTYPES: dict[str, np.dtype[Any]] = {
    "double": np.dtype(np.float64),
    "float": np.dtype(np.float32),
    "i64": np.dtype(np.int64),
    "i32": np.dtype(np.int32),
    "i8": np.dtype(np.int8),
}

_KERNEL = re.compile(r"^STM_KERNEL\s+(\w+)\s*\((.*?)^\s*\{", re.S | re.M)
_PARAM = re.compile(
    r"^\s*(const\s+)?(double|float|i64|i32|i8)\s*(\*)?\s*(?:STM_RESTRICT\s+)?(\w+)\s*[,)]\s*(?://\s*(.*))?$"
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_SHAPE = re.compile(r"^((?:\[[^\]]+\])+)")


@dataclass(frozen=True)
class Parameter:
    """One kernel parameter; ``shape`` holds one expression a dimension for arrays and is empty for scalars."""

    name: str
    dtype: np.dtype[Any]
    is_array: bool
    is_output: bool
    shape: tuple[str, ...]


@dataclass(frozen=True)
class Signature:
    """A kernel's name, file and parameters in order."""

    name: str
    file: Path
    parameters: tuple[Parameter, ...]
    _seen: set[tuple[Any, ...]] = field(default_factory=set, repr=False, compare=False)

    @cached_property
    def sizes(self) -> frozenset[str]:
        """Names of the scalars in the shapes of arrays."""
        names = {name for p in self.parameters for expression in p.shape for name in _NAME.findall(expression)}
        return frozenset(names)

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """Places of the scalars in the shapes of arrays."""
        return tuple(k for k, p in enumerate(self.parameters) if not p.is_array and p.name in self.sizes)

    @cached_property
    def _arrays(self) -> tuple[int, ...]:
        """Places of the arrays."""
        return tuple(k for k, p in enumerate(self.parameters) if p.is_array)

    def check(self, args: tuple[BackendArray | float, ...]) -> None:
        """Raise :class:`KernelContractError` unless ``args`` fit: count, dtype, size, contiguity, writability."""
        if len(args) != len(self.parameters):
            raise KernelContractError(f"{self.name} takes {len(self.parameters)} arguments, got {len(args)}")
        # a loop of thousands of steps launches with the same sizes: a combination that fitted once is not checked again
        form = (*[int(args[k]) for k in self._counts], *[_form(args[k]) for k in self._arrays])
        if form in self._seen:
            return
        self._check(args)
        if len(self._seen) >= _FORMS:
            self._seen.clear()
        self._seen.add(form)

    def _check(self, args: tuple[BackendArray | float, ...]) -> None:
        scalars = {
            p.name: int(a) for p, a in zip(self.parameters, args, strict=True) if not p.is_array and p.dtype.kind == "i"
        }
        for parameter, value in zip(self.parameters, args, strict=True):
            if parameter.is_array:
                self._check_array(parameter, value, scalars)

    def _check_array(self, parameter: Parameter, value: BackendArray | float, scalars: Mapping[str, int]) -> None:
        where = f"{self.name}({parameter.name})"
        if getattr(value, "dtype", None) != parameter.dtype:
            raise KernelContractError(f"{where} must be {parameter.dtype}, got {getattr(value, 'dtype', type(value))}")
        array = cast("BackendArray", value)  # nothing else has such a type
        if not array.flags.c_contiguous:
            raise KernelContractError(f"{where} must be C-contiguous")
        flags = array.flags
        if parameter.is_output and not getattr(flags, "writeable", True):
            raise KernelContractError(f"{where} is an output but the array is read-only")
        expected = 1
        for expression in parameter.shape:
            expected *= _evaluate(expression, scalars)
        if array.size != expected:
            shape = "".join(f"[{e}]" for e in parameter.shape)
            raise KernelContractError(f"{where} must hold {shape} = {expected} values, got {array.size}")


_FORMS = 64


def _form(value: object) -> tuple[Any, ...]:
    """Properties of an array that its contract restricts."""
    if type(value) is np.ndarray:  # one look at all flags
        return value.dtype, value.size, value.flags.num
    flags = getattr(value, "flags", None)
    return (
        getattr(value, "dtype", None),
        getattr(value, "size", None),
        getattr(flags, "c_contiguous", None),
        getattr(flags, "writeable", True),
    )


_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


@cache
def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def _evaluate(expression: str, scalars: Mapping[str, int]) -> int:
    def walk(node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name) and node.id in scalars:
            return scalars[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return int(_OPERATORS[type(node.op)](walk(node.left), walk(node.right)))
        raise KernelContractError(f"shape expression {expression!r} names no scalar parameter of the kernel")

    return walk(_parsed(expression))


def parse(file: Path) -> list[Signature]:
    """Signatures of all kernels in one file, in order of appearance."""
    signatures = []
    text = flatten(file)
    known = constants(text, file.name)
    for name, body in _KERNEL.findall(text):
        parameters = []
        for line in body.strip().splitlines():
            if not line.strip() or line.strip() == ")":
                continue
            match = _PARAM.match(line)
            if match is None:
                raise BackendError(f"{file.name}: cannot read the parameter line {line.strip()!r} of {name}")
            const, ctype, star, parameter, comment = match.groups()
            shape = _SHAPE.match(comment or "")
            if star and shape is None:
                raise BackendError(f"{file.name}: {name}({parameter}) needs its shape at the start of its comment")
            dims = re.findall(r"\[([^\]]+)\]", shape.group(1)) if star and shape else []
            dims = [_NAME.sub(lambda match: str(known.get(match[0], match[0])), dim) for dim in dims]
            parameters.append(Parameter(parameter, DTYPES[ctype], bool(star), bool(star) and not const, tuple(dims)))
        signatures.append(Signature(name, file, tuple(parameters)))
    return signatures


@cache
def signatures() -> dict[str, Signature]:
    """All kernels by name."""
    by_name: dict[str, Signature] = {}
    for file in kernel_files():
        for signature in parse(file):
            if signature.name in by_name:
                other = by_name[signature.name].file.name
                raise BackendError(f"kernel {signature.name} is defined in {file.name} and {other}")
            by_name[signature.name] = signature
    return by_name


def signature(name: str) -> Signature:
    """The signature of one kernel; :class:`BackendError` if there is none of that name."""
    try:
        return signatures()[name]
    except KeyError:
        raise BackendError(f"there is no kernel {name!r}; known: {', '.join(sorted(signatures()))}") from None
