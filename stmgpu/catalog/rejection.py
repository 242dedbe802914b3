"""Rejected records of a catalogue's source."""

from __future__ import annotations

from dataclasses import dataclass

from stmgpu.errors import printable

MAX_REJECTIONS = 1_000
"""Number of rejected records that are kept with place and reason; further ones are counted."""


@dataclass(frozen=True)
class Rejection:
    """A rejected record of a source.

    Parameters
    ----------
    where : str
        Place in the source, such as 'line 12' or 'record 3', counted from 1.
    norad_id : str
        The object's id as given there; empty if unknown.
    reason : str
        What was wrong, the value, and what is allowed; without control characters, at most 1,000 characters.

    Examples
    --------
    >>> str(Rejection("line 7", "00005", "checksum is 3, the line tallies to 4"))
    'line 7 (object 00005): checksum is 3, the line tallies to 4'
    """

    where: str
    norad_id: str
    reason: str

    def __post_init__(self) -> None:
        for name in ("where", "norad_id", "reason"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def __str__(self) -> str:
        who = f" (object {self.norad_id})" if self.norad_id else ""
        return f"{self.where}{who}: {self.reason}"
