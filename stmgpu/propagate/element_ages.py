"""Ages of element sets at the middle of a window, and the warning about old ones."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.choices import MAX_AGE_DAYS
from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.errors import InputError, StaleElementsWarning
from stmgpu.time import seconds_since
from stmgpu.validation import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stmgpu.catalog import Catalog
    from stmgpu.window import Window

OLD_DAYS = 30.0
"""Age beyond which objects are counted [d]."""

_OLD_SHARE = 0.1  # of the objects that may be that old without a warning


@dataclass(frozen=True)
class ElementAges:
    """Ages of the elements of a catalogue at an instant.

    Parameters
    ----------
    objects : int
        Objects with elements.
    median_days : float
        Median age [d]; negative where elements are newer than the instant, NaN without objects.
    old : int
        Objects whose elements are more than 30 days from the instant, before or after it.
    """

    objects: int
    median_days: float
    old: int

    @classmethod
    def of(cls, catalog: Catalog, window: Window) -> ElementAges:
        """Ages at the middle of a window.

        Examples
        --------
        >>> from stmgpu.catalog import synthetic_catalog
        >>> from stmgpu.window import Window
        >>> ElementAges.of(synthetic_catalog(5, epoch="2025-01-01"), Window.of("2026-01-01", hours=1)).old
        5
        """
        age_days = -seconds_since(catalog.epoch_jd, catalog.epoch_fr, window.middle) / SECONDS_PER_DAY
        median = float(np.median(age_days)) if len(catalog) else math.nan
        return cls(len(catalog), median, int((np.abs(age_days) > OLD_DAYS).sum()))

    @classmethod
    def from_attributes(cls, attrs: Mapping[str, Any]) -> ElementAges:
        """Ages that `attributes` wrote; none where a result is from before they were."""
        return cls(
            int(attrs.get("objects_with_elements", 0)),
            float(attrs.get("median_age_days", math.nan)),
            int(attrs.get("objects_older_than_30_days", 0)),
        )

    def attributes(self) -> dict[str, int | float]:
        """Attributes of a result; empty without objects."""
        if not self.objects:
            return {}
        return {
            "objects_with_elements": self.objects,
            "median_age_days": self.median_days,
            "objects_older_than_30_days": self.old,
        }

    def are_old(self, max_age_days: float = MAX_AGE_DAYS) -> bool:
        """Whether the median is beyond the limit, or more than a tenth of the objects beyond 30 days."""
        old_share = self.old > _OLD_SHARE * self.objects and math.isfinite(max_age_days)
        return abs(self.median_days) > max_age_days or old_share

    def text(self) -> str:
        """Median age and share of old elements, in words.

        Examples
        --------
        >>> ElementAges(3, 0.54, 1).text()[-60:]
        '1 of 3 objects (33 %) has elements more than 30 days from it'
        """
        share = f"{self.old:,} of {self.objects:,} objects ({100.0 * self.old / max(self.objects, 1):.0f} %)"
        return (
            f"the median age of the elements at the window's middle is {self.median_days:,.1f} days; {share} "
            f"{'has' if self.old == 1 else 'have'} elements more than {OLD_DAYS:g} days from it"
        )


def ages_text(catalog: Catalog, window: Window, max_age_days: float = MAX_AGE_DAYS) -> str:
    """Warning about the elements of a catalogue in a window; empty if none is needed."""
    ages = ElementAges.of(catalog, window)
    return ages.text() if ages.are_old(max_age_days) else ""


def age_limit(max_age_days: object) -> float:
    """Largest age of elements that is no reason for a warning [d]; `InputError` unless it is above 0."""
    limit = number("max_age_days", max_age_days)
    if not limit > 0.0:
        raise InputError(f"max_age_days is {limit}, allowed is a number above 0; inf gives no warning")
    return limit


def warn(text: str, *, stacklevel: int) -> None:
    """Warn about old elements, unless the text is empty."""
    if text:
        warnings.warn(StaleElementsWarning(text), stacklevel=stacklevel + 1)
