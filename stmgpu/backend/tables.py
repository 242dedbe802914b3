"""Constants of the kernel sources: table rows, flags, modes and physical constants, by name.

Kernels and Python share them, so they are written once, in a header, as a macro or an enumerator with a numeric value.
"""

from __future__ import annotations

import ast
import operator
import re
from functools import cache
from typing import TYPE_CHECKING

from stmgpu.backend.source import flatten, kernel_dir
from stmgpu.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_DEFINITION = re.compile(r"^#define[ \t]+(\w+)[ \t]+(\S[^\n]*)$|\benum(?:\s+\w+)?\s*\{([^}]*)\}", re.M)
_SUFFIX = re.compile(r"\b((?:0[xX][0-9a-fA-F]+)|\d+)(?:[uU]?[lL]{1,2}|[uU])\b")

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.LShift: lambda a, b: int(a) << int(b),
}


class Table:
    """Constants of one kernel header and of those that it includes.

    Parameters
    ----------
    header : str
        file name in ``kernels/include``.

    Raises
    ------
    BackendError
        there is no such header, or it defines one name twice with different values.

    Examples
    --------
    >>> Table("orbit_table.h").integer("ORBIT_ECC")
    1
    """

    def __init__(self, header: str) -> None:
        path = kernel_dir() / "include" / header
        if not path.is_file():
            raise BackendError(f"kernel header {header!r} is missing in {path.parent}; reinstall stmgpu")
        self.header = header
        self.values = constants(flatten(path), header)

    def number(self, name: str) -> float:
        """Value of a constant."""
        try:
            return self.values[name]
        except KeyError:
            raise BackendError(f"kernel header {self.header} defines no numeric constant {name!r}") from None

    def integer(self, name: str) -> int:
        """Value of an integral constant."""
        value = self.number(name)
        if not isinstance(value, int):
            raise BackendError(f"constant {name} of kernel header {self.header} must be an integer, got {value}")
        return value

    def integers(self, prefix: str, names: str) -> tuple[int, ...]:
        """Values of several integral constants whose names begin alike; ``names`` are separated by spaces."""
        return tuple(self.integer(prefix + name) for name in names.split())


@cache
def table(header: str) -> Table:
    """Read a kernel header once."""
    return Table(header)


def constants(text: str, file: str) -> dict[str, float]:
    """Numeric macros and enumerators of a source, by name.

    Macros that are not numbers are left out, as are those inside ``#if``: they depend on the target.

    Parameters
    ----------
    text : str
        source without ``#include``.
    file : str
        its name, for messages.

    Raises
    ------
    BackendError
        one name has two values.
    """
    values: dict[str, float] = {}

    def define(name: str, value: float) -> None:
        if values.setdefault(name, value) != value:
            raise BackendError(f"{file} defines {name} as {values[name]} and as {value}; give each its own name")

    for match in _DEFINITION.finditer(_unconditional(_COMMENT.sub("", text))):
        name, expression, enumerators = match.groups()
        if name is not None:
            value = _value(expression, values)
            if value is not None:
                define(name, value)
            continue
        following: float = 0
        for entry in filter(None, (part.strip() for part in enumerators.split(","))):
            name, _, expression = (part.strip() for part in entry.partition("="))
            value = _value(expression, values) if expression else following
            if value is None:
                raise BackendError(f"{file}: enumerator {name} = {expression} is not a number")
            define(name, value)
            following = value + 1
    return values


def _unconditional(text: str) -> str:
    """The lines outside ``#if`` ... ``#endif``."""
    lines, depth = [], 0
    for line in text.splitlines():
        depth += line.startswith("#if")
        if depth == 0:
            lines.append(line)
        depth -= line.startswith("#endif")
    return "\n".join(lines)


def _value(expression: str, values: Mapping[str, float]) -> float | None:
    """Value of an arithmetic expression, None where it is something else."""
    try:
        return _evaluate(ast.parse(_SUFFIX.sub(r"\1", expression.strip()), mode="eval").body, values)
    except (SyntaxError, ValueError):
        return None


def _evaluate(node: ast.expr, values: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.Name) and node.id in values:
        return values[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand, values)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluate(node.left, values), _evaluate(node.right, values)
        if isinstance(node.op, ast.Div) and isinstance(left, int) and isinstance(right, int):
            raise ValueError("the quotient of integers is another number in C")
        return _OPERATORS[type(node.op)](left, right)
    raise ValueError(f"{ast.unparse(node)} is not a number")
