"""The report page of a study: all that its figures and tables show, over all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import xarray as xr


def study_document(
    ds: xr.Dataset, prices: Mapping[str, float] | None = None
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Document of an ensemble's page, without provenance, and its columns by name."""
    headline = [{"label": "scenarios", "value": str(ds.sizes["scenario"])}]
    if prices:
        headline.append({"label": "prices", "value": ", ".join(prices)})
    document = {"kind": "study", "title": "Debris study", "headline": headline, "warnings": [], "certificate": []}
    return document, {}
