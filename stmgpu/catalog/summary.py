"""Counts of a catalogue's objects by regime, type and status, and the ages of its elements."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.catalog import orbits
from stmgpu.constants import DEEP_SPACE_PERIOD_MIN, SECONDS_PER_DAY
from stmgpu.time import Epoch, as_epoch, format_utc, seconds_since

if TYPE_CHECKING:
    from stmgpu.catalog.catalog import Catalog
    from stmgpu.typing import Strings


def summarise(catalog: Catalog, at: object = None) -> dict[str, Any]:
    """Summarise a catalogue that is not empty; see `Catalog.summary`."""
    regimes = catalog.regime
    order = np.lexsort((catalog.epoch_fr, catalog.epoch_jd))
    first, last = (Epoch(float(catalog.epoch_jd[i]), float(catalog.epoch_fr[i])) for i in (order[0], order[-1]))
    reference = last if at is None else as_epoch(at)
    age_days = -seconds_since(catalog.epoch_jd, catalog.epoch_fr, reference) / SECONDS_PER_DAY
    period = orbits.sgp4_period_min(catalog.mean_motion, catalog.eccentricity, catalog.inclination)
    return {
        "objects": len(catalog),
        "rejected": catalog.rejected_count,
        "sets_not_used": catalog.sets_not_used,
        "regimes": {name: int(np.sum(regimes == name)) for name in orbits.REGIMES},
        "types": _counts(catalog.object_type),
        "statuses": _counts(catalog.status),
        "decayed": int((~np.isnan(catalog.decay_jd)).sum()),
        "deep_space": int(np.sum(period >= DEEP_SPACE_PERIOD_MIN)),
        "epoch_first": str(first),
        "epoch_median": format_utc(catalog.median_epoch()),
        "epoch_last": str(last),
        "age_days": {
            "median": float(np.median(age_days)),
            "p95": float(np.percentile(age_days, 95.0)),
            "max": float(np.max(age_days)),
        },
    }


def _counts(column: Strings) -> dict[str, int]:
    """Objects by value, the most frequent first; empty where no object has one."""
    counts = Counter(column.tolist())
    not_given = counts.pop("", 0)
    named = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return {**named, "not given": not_given} if named and not_given else named
