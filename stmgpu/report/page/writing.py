"""Write the report of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.errors import InputError, StoreError, WrongStoreError
from stmgpu.files import writing
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.report.page.assemble import assemble
from stmgpu.report.page.columns import encode
from stmgpu.report.page.document import Page
from stmgpu.report.page.provenance import provenance_facts
from stmgpu.report.page.screening import screening_page
from stmgpu.store import open_dataset, provenance
from stmgpu.store.run import has_run, open_run

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any, BinaryIO

    import xarray as xr

ROWS = 100_000
"""Conjunctions in the table of a page, unless asked for otherwise."""

_LICENCE_OF_STUDY = (
    "The results are computed by stmgpu. The licence of the initial population is for the owner of its source to state."
)


def write_page(
    store: str | os.PathLike[str],
    target: str | os.PathLike[str] | BinaryIO,
    *,
    rows: int = ROWS,
    partial: bool = False,
    prices: Mapping[str, float] | None = None,
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
    prices : mapping of str to float, optional
        Prices of removals in a study, by the keys of :data:`stmgpu.debris.statistics.policy_effects.PRICES`.

    Returns
    -------
    Page
        What was written.

    Raises
    ------
    StoreError
        If the store cannot be read, is damaged, unfinished (without `partial`), or of another kind.
    InputError
        If the file cannot be written, or a price is unknown, negative, or given for a screening.
    OSError
        If the folder of the file cannot be written to.

    Examples
    --------
    >>> write_page("day.zarr", "report.html")  # doctest: +SKIP
    """
    page = page_of(store, rows=rows, partial=partial, prices=prices)
    with writing(target) as file:
        assemble(page, file)
    return page


def page_of(
    store: str | os.PathLike[str],
    *,
    rows: int = ROWS,
    partial: bool = False,
    prices: Mapping[str, float] | None = None,
) -> Page:
    """The report of a store before it is written; see :func:`write_page`."""
    if rows < 1:
        raise InputError(f"rows is {rows}, allowed is 1 or more")
    facts = provenance(store)
    kind = facts["kind"]
    if kind not in ("conjunctions", "ensemble"):
        raise WrongStoreError(
            f"{store} is a store of kind {kind}, which has no report; use a store of `stmgpu screen` or `stmgpu evolve`"
        )
    if not (facts["complete"] or partial):
        raise StoreError(
            f"{store} is unfinished; rerun the command that made it, or report what is finished with --partial"
        )
    if kind == "ensemble":
        return _study_page(open_dataset(store, kind, partial=partial), facts, prices)
    if prices:
        raise InputError(f"{store} is a screening, which has no costs; leave out the prices ({', '.join(prices)})")
    return screening_page(open_dataset(store, kind, partial=partial), facts, rows=rows, screened=_screened(store))


def _study_page(ds: xr.Dataset, facts: dict[str, Any], prices: Mapping[str, float] | None) -> Page:
    from stmgpu.report.page.study import study_document  # brings all of stmgpu.debris with it

    document, arrays = study_document(ds, prices)
    content = {name: value for name, value in document.items() if name not in ("kind", "title")}
    content["provenance"] = provenance_facts(facts, _LICENCE_OF_STUDY)
    return Page("study", document["title"], content, [encode(name, array) for name, array in arrays.items()])


def _screened(store: str | os.PathLike[str]) -> ScreeningObjects | None:
    """What was screened, where the store holds it."""
    if not has_run(store):
        return None
    objects = open_run(store).run_input()
    return objects if isinstance(objects, ScreeningObjects) else None
