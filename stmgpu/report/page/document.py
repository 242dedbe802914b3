"""The document of a page: what its script shows, as one JSON text and columns of data."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from stmgpu.report.page.columns import Column


@dataclass(frozen=True)
class Page:
    """A page before it is written.

    Parameters
    ----------
    kind : str
        ``screening`` or ``study``: which of the page's scripts shows it.
    title : str
        Title, also of the browser's tab.
    content : dict
        What else the document holds. Common to both kinds: ``subtitle``; ``headline``, a list of ``label``, ``value``
        and perhaps ``note``; ``warnings``, a list of texts; ``certificate``, a list of ``heading`` and ``text``, and
        perhaps its ``certificate_title``; ``provenance``, a list of ``label`` and ``value``, with ``code`` true where
        that is code; ``figures``.
    columns : list of Column
        Data of the table and the figures.
    """

    kind: str
    title: str
    content: dict[str, Any]
    columns: list[Column] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The whole document, with the descriptions of the columns."""
        described = [column.description for column in self.columns]
        return {"kind": self.kind, "title": self.title, **self.content, "columns": described}

    def summary(self) -> dict[str, Any]:
        """Kind, title and headline, and the number of rows in the table of a screening."""
        shown = ("headline", "warnings", "rows", "rows_total")
        words: dict[str, Any] = {name: self.content[name] for name in shown if name in self.content}
        return {"kind": self.kind, "title": self.title, **words}


def to_json(document: dict[str, Any]) -> str:
    """A document as JSON that may stand in a ``<script>`` element, whatever its texts are.

    ``<``, ``>`` and ``&`` are written as escapes, so that neither ``</script>`` nor ``<!--`` can occur; numbers that
    are not finite become null.

    Examples
    --------
    >>> to_json({"name": "</script>", "pc": float("nan")})
    '{"name":"\\\\u003c/script\\\\u003e","pc":null}'
    """
    text = json.dumps(_plain(document), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
