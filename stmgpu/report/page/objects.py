"""The objects of a screening as a page shows them: name, type, family of names, elements."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import SECONDS_PER_DAY

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.catalog import Catalog
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.typing import Bools, Floats, Ints, Strings

PAYLOAD, ROCKET_BODY, DEBRIS, UNKNOWN = "payload", "rocket body", "debris", "unknown"
KINDS = (PAYLOAD, ROCKET_BODY, DEBRIS, UNKNOWN)
"""Kinds of objects, in the order in which a page lists them."""

FAMILY = 20
"""Satellites that must share a name, but for what follows its first digit, to be a family."""

_UNIX_JD = 2440587.5
_STEM = re.compile(r"([^\W\d][^\d(\[]*?)[\s_-]*[\d(\[].*", re.DOTALL)
_KIND_OF_TYPE = {"PAYLOAD": PAYLOAD, "ROCKET BODY": ROCKET_BODY, "DEBRIS": DEBRIS}
_ELEMENTS = ("mean_motion", "eccentricity", "inclination", "raan", "argp", "mean_anomaly")


@dataclass(frozen=True, eq=False)
class PageObjects:
    """Objects that occur in the conjunctions of a result, sorted by NORAD id, as columns of shape (n,).

    Parameters
    ----------
    norad_id : int64
        Catalogue numbers.
    name, type, status : str
        As the result has them; empty where it has none.
    elements : dict of float64
        ``epoch``: Unix time [s, UTC], and SGP4 mean elements ``mean_motion`` [rad/min], ``eccentricity`` and angles
        [rad]; NaN for objects without elements. Empty if the store does not hold what was screened.
    """

    norad_id: Ints
    name: Strings
    type: Strings
    status: Strings
    elements: dict[str, Floats]

    @classmethod
    def of(cls, ds: xr.Dataset, screened: ScreeningObjects | None) -> PageObjects:
        """Objects of a result, with the elements that were screened where these are known."""
        pairs = np.concatenate([ds.primary.to_numpy(), ds.secondary.to_numpy()])
        ids, first = np.unique(pairs, return_index=True)

        def text(what: str) -> Strings:
            if f"primary_{what}" not in ds:
                return np.full(len(ids), "", np.str_)
            both = np.concatenate([ds[f"{who}_{what}"].to_numpy() for who in ("primary", "secondary")])
            return np.asarray(both[first], np.str_)

        elements = {} if screened is None else _elements(screened.catalog, ids)
        return cls(ids, text("name"), text("type"), text("status"), elements)

    def __len__(self) -> int:
        return len(self.norad_id)

    def places(self, norad_id: Ints) -> Ints:
        """Places of objects by their ids, each of which must be there."""
        return np.searchsorted(self.norad_id, norad_id)

    def kinds(self) -> tuple[Strings, Bools]:
        """Kind of each object, see `KINDS`, and whether it follows from the name alone (DEB, R/B, or neither)."""
        told = np.array([_KIND_OF_TYPE.get(one, "") for one in self.type.tolist()], np.str_)
        by_name = np.array([_kind_of_name(one) for one in self.name.tolist()], np.str_)
        return np.where(told == "", by_name, told), (told == "") & (by_name != UNKNOWN)

    def families(self) -> Strings:
        """Name that at least `FAMILY` objects share, none of them debris or a stage; empty for all other objects.

        Examples
        --------
        >>> names = np.array([f"STARLINK-{k}" for k in range(1007, 1030)] + ["VANGUARD 1"])
        >>> none = np.full(len(names), "")
        >>> PageObjects(np.arange(len(names)), names, none, none, {}).families()[[0, -1]].tolist()
        ['STARLINK', '']
        """
        kinds = self.kinds()[0]
        stems = [
            found[1].strip() if kind == PAYLOAD and (found := _STEM.fullmatch(name)) else ""
            for name, kind in zip(self.name.tolist(), kinds.tolist(), strict=True)
        ]
        members = Counter(stems)
        return np.array([stem if stem and members[stem] >= FAMILY else "" for stem in stems], np.str_)


def _kind_of_name(name: str) -> str:
    text = name.upper()
    if not text or text == "UNKNOWN" or text.startswith(("TBA", "OBJECT ")):
        return UNKNOWN
    if re.search(r"\bDEB\b", text):
        return DEBRIS
    return ROCKET_BODY if "R/B" in text else PAYLOAD


def _elements(catalog: Catalog, ids: Ints) -> dict[str, Floats]:
    """Elements by object; the epoch is moved to a whole second, along the orbit by the mean motion."""
    order = np.argsort(catalog.norad_id, kind="stable")
    known = catalog.norad_id[order]
    place = np.minimum(np.searchsorted(known, ids), max(len(known) - 1, 0))
    if not len(known):
        return {name: np.full(len(ids), np.nan) for name in ("epoch", *_ELEMENTS)}
    has = known[place] == ids
    at = order[place]
    exact = ((catalog.epoch_jd[at] - _UNIX_JD) + catalog.epoch_fr[at]) * SECONDS_PER_DAY
    columns = {name: np.asarray(getattr(catalog, name)[at], np.float64) for name in _ELEMENTS}
    columns["epoch"] = np.rint(exact)
    moved = columns["mean_anomaly"] + columns["mean_motion"] * (columns["epoch"] - exact) / 60.0
    columns["mean_anomaly"] = np.mod(moved, 2.0 * np.pi)
    return {name: np.where(has, column, np.nan) for name, column in columns.items()}


def inclinations_deg(objects: PageObjects) -> Floats | None:
    """Inclination of every object [degree], or None where no elements are known."""
    return np.degrees(objects.elements["inclination"]) if objects.elements else None
