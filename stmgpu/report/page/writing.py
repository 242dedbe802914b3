"""Write the report of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.errors import WrongStoreError
from stmgpu.files import writing
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.report.page.assemble import assemble
from stmgpu.report.page.columns import encode
from stmgpu.report.page.document import Page
from stmgpu.report.page.screening import screening_page
from stmgpu.report.page.study import study_document
from stmgpu.store import open_dataset, provenance
from stmgpu.store.run import has_run, open_run

if TYPE_CHECKING:
    import os
    from typing import BinaryIO

ROWS = 100_000
"""Conjunctions in the table of a page, unless asked for otherwise."""


def write_page(
    store: str | os.PathLike[str],
    target: str | os.PathLike[str] | BinaryIO,
    *,
    rows: int = ROWS,
    partial: bool = False,
) -> Page:
    """Write the report of a store as one HTML file; the file appears complete or not at all.

    Parameters
    ----------
    store : path
        Store of conjunctions or of a study.
    target : path or binary file
        File to write; an existing one is replaced.
    rows : int
        Largest number of conjunctions in the table, the closest first; figures and counts are over all.
    partial : bool
        Also report a store that is still being computed.

    Returns
    -------
    Page
        What was written.

    Raises
    ------
    StoreError
        If the store cannot be read, is damaged, unfinished (without `partial`), or of another kind.
    InputError, OSError
        If the file cannot be written.

    Examples
    --------
    >>> write_page("day.zarr", "report.html")  # doctest: +SKIP
    """
    page = page_of(store, rows=rows, partial=partial)
    with writing(target) as file:
        assemble(page, file)
    return page


def page_of(store: str | os.PathLike[str], *, rows: int = ROWS, partial: bool = False) -> Page:
    """The report of a store before it is written; see :func:`write_page`."""
    facts = provenance(store)
    kind = facts["kind"]
    if kind == "conjunctions":
        ds = open_dataset(store, kind, partial=partial)
        return screening_page(ds, facts, rows=rows, screened=_screened(store))
    if kind == "ensemble":
        document, arrays = study_document(open_dataset(store, kind, partial=partial))
        words = {name: value for name, value in document.items() if name not in ("kind", "title")}
        columns = [encode(name, array) for name, array in arrays.items()]
        return Page("study", document["title"], {"provenance": [], **words}, columns)
    raise WrongStoreError(
        f"{store} is a store of kind {kind}, which has no report; use a store of `stmgpu screen` or `stmgpu evolve`"
    )


def _screened(store: str | os.PathLike[str]) -> ScreeningObjects | None:
    """What was screened, where the store holds it."""
    if not has_run(store):
        return None
    objects = open_run(store).run_input()
    return objects if isinstance(objects, ScreeningObjects) else None
