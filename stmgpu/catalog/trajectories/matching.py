"""Match objects of trajectories with a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID

if TYPE_CHECKING:
    from stmgpu.catalog.catalog import Catalog
    from stmgpu.typing import Ints, Strings


def match(norad_id: Ints, object_id: Strings, catalog: Catalog) -> Ints:
    """Index in a catalogue of each object, by NORAD id or else by international designator; -1 where it has none.

    Ids from 900,000,001 on were given by a reader, so equal ones need not be of one object.

    Parameters
    ----------
    norad_id : ndarray of int64, shape (n,)
        Ids of the objects.
    object_id : ndarray of str, shape (n,)
        Their international designators, or ''.
    catalog : Catalog
        The catalogue to search.

    Returns
    -------
    ndarray of int64, shape (n,)
        Indices.
    """
    by_id = {int(value): k for k, value in enumerate(catalog.norad_id) if value < SYNTHETIC_ID}
    by_name = {canonical_designator(text): k for k, text in enumerate(catalog.object_id.tolist()) if text}
    return np.array(
        [
            by_id.get(int(number), by_name.get(canonical_designator(text), -1) if text else -1)
            for number, text in zip(norad_id, object_id.tolist(), strict=True)
        ],
        np.int64,
    )


def canonical_designator(text: str) -> str:
    """International designator in one form: that of 1998-067A, 1998-067-A and 98067A is 1998067A.

    Examples
    --------
    >>> canonical_designator("1998-067-A"), canonical_designator("98067a")
    ('1998067A', '1998067A')
    """
    plain = text.strip().upper().replace("-", "").replace(" ", "")
    if len(plain) >= 6 and plain[:5].isdigit() and plain[5].isalpha():
        plain = ("19" if int(plain[:2]) >= 57 else "20") + plain
    return plain
