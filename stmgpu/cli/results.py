"""The result of a command on standard output: text, or with ``--json`` one document."""

from __future__ import annotations

import functools
import inspect
import io
import json
import math
import os
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

from stmgpu.cli.common import note
from stmgpu.cli.invocation import INVOCATION
from stmgpu.errors import printable

WIDTH = 80
"""Columns of a terminal in which every table fits."""

_UNLIMITED = sys.maxsize // 8

Text = str | Iterable[str] | Callable[[Console], None]
"""Result as text: a line, lines, or a function that prints to a console."""


def with_json(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option ``--json`` to a command that reports by :func:`result`."""
    hints = typing.get_type_hints(command, include_extras=True)
    parameters = [p.replace(annotation=hints[p.name]) for p in inspect.signature(command).parameters.values()]
    option: Any = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
    parameters.append(inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option))
    for parameter in parameters:
        kind, *information = typing.get_args(parameter.annotation) or (None,)
        if kind is bool:
            information[0].metavar = ""  # flags take no value

    @functools.wraps(command)
    def with_option(*args: Any, as_json: bool = False, **arguments: Any) -> None:
        INVOCATION.as_json = as_json
        command(*args, **arguments)

    with_option.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_option.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_option


def result(document: Mapping[str, Any], text: Text = (), *, written: Sequence[Path] | None = None) -> None:
    """Print the result of a command, once.

    Text goes to standard output, or to standard error if another result is written to standard output itself.

    Parameters
    ----------
    document : mapping
        The result as ``--json`` prints it: numbers, texts, lists and mappings, also of NumPy; values that are not
        finite become null. The items of an iterator are written one by one.
    text : str, iterable of str or callable
        The result as text.
    written : sequence of Path, optional
        Files and folders that were written; the last key of the document and the last line of the text.
    """
    if written is not None:
        document = {**document, "written": written}
    if INVOCATION.as_json:
        write_json(document, sys.stdout)
        sys.stdout.flush()
        return
    if callable(text) and not INVOCATION.stream:
        text(Console())
        text = ()
    elif callable(text):
        page = io.StringIO()
        text(Console(file=page, width=WIDTH))
        text = page.getvalue().splitlines()
    lines = [text] if isinstance(text, str) else list(text)
    if written:
        lines.append(f"written: {', '.join(map(str, written))}")
    for line in lines:
        if INVOCATION.stream:
            note(line)
        else:
            sys.stdout.write(printable(line, _UNLIMITED) + "\n")
    sys.stdout.flush()


def write_json(document: Mapping[str, Any], file: TextIO) -> None:
    """Write a document as JSON in ASCII; see :func:`result`."""
    before = "{\n"
    for name, value in document.items():
        file.write(f"{before}  {json.dumps(name)}: ")
        before = ",\n"
        if isinstance(value, Iterator):
            opening = "["
            for item in value:
                file.write(f"{opening}\n    {json.dumps(plain(item))}")
                opening = ","
            file.write("[]" if opening == "[" else "\n  ]")
        else:
            file.write(json.dumps(plain(value), indent=2).replace("\n", "\n  "))
    file.write("\n}\n")


def plain(value: object) -> Any:
    """Value as JSON can hold it.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"days": np.float64("nan"), "ids": np.arange(2)})
    {'days': None, 'ids': [0, 1]}
    """
    import numpy as np

    from stmgpu.time import format_utc

    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind == "M":
            value = np.asarray(np.where(np.isnat(value), None, format_utc(np.atleast_1d(value)))).reshape(value.shape)
        value = np.asarray(value).tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, Iterable):
        return [plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} is not JSON")
