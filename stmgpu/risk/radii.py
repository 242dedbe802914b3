"""Hard-body radii by rule: of an object by its id, its name or its type, and of two objects together."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from stmgpu.catalog.ccsds.field_names import RADIUS_KEYWORD
from stmgpu.errors import InputError
from stmgpu.risk.object_tables import LARGEST_M

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from stmgpu.risk.object_tables import ObjectTable
    from stmgpu.typing import Floats, Ints, Strings

_SHIPPED = Path(__file__).resolve().parent / "rules"
_FIXED = "fixed"
_CATALOGUE = "catalogue"


@dataclass(frozen=True, eq=False)
class Radii:
    """Hard-body radii of n objects.

    Attributes
    ----------
    radius_m, sigma_m : float64, shape (n,)
        Radius of the sphere around the object, and its standard deviation, 0 where none is stated [m].
    source : str, shape (n,)
        Where the radius comes from: rule and entry, such as 'socrates: STARLINK*'; a table, or 'catalogue'.
    """

    radius_m: Floats
    sigma_m: Floats
    source: Strings

    def __len__(self) -> int:
        return len(self.radius_m)

    def __getitem__(self, rows: Ints | slice) -> Radii:
        """The radii of some objects, such as the first ones of all pairs."""
        return Radii(self.radius_m[rows], self.sigma_m[rows], self.source[rows])


class RadiusRule(Protocol):
    """A rule that gives every object a radius."""

    @property
    def name(self) -> str:
        """Name of the rule."""
        ...

    @property
    def citations(self) -> Mapping[str, str]:
        """The published source of the radii, by the text that stands as their source."""
        ...

    def of(
        self, norad_id: ArrayLike, name: ArrayLike, object_type: ArrayLike, *, stated_m: ArrayLike | None = None
    ) -> Radii:
        """Radii of n objects; `stated_m` are those of a catalogue, NaN where it has none [m]."""
        ...

    def combined(self, first: Radii, second: Radii) -> tuple[Floats, Strings]:
        """Combined radii of n pairs [m] and their sources."""
        ...


@dataclass(frozen=True)
class Entry:
    """Radius of the objects to which an entry of a rule applies.

    Attributes
    ----------
    radius_m, sigma_m : float
        Radius and its standard deviation [m].
    citation : str
        Published source.
    """

    radius_m: float
    sigma_m: float
    citation: str


@dataclass(frozen=True)
class TableRule:
    """A rule made of entries; the first that applies counts: tables, ids, catalogue, names, types, default.

    Attributes
    ----------
    name : str
        Name of the rule.
    default : Entry
        For objects to which nothing else applies.
    ids : mapping of int to Entry
        By catalogue number.
    names : mapping of str to Entry
        By pattern of the name in capitals, in which * stands for any text and ? for one character; in their order.
    types : mapping of str to Entry
        By object type of the catalogue.
    tables : tuple of ObjectTable
        A user's tables of radii.
    catalog_radii : bool
        Whether a radius that the catalogue states counts.
    prefix : str
        What stands before the entry in the source of a radius; by default the name.
    """

    name: str
    default: Entry
    ids: Mapping[int, Entry] = field(default_factory=dict)
    names: Mapping[str, Entry] = field(default_factory=dict)
    types: Mapping[str, Entry] = field(default_factory=dict)
    tables: tuple[ObjectTable, ...] = ()
    catalog_radii: bool = True
    prefix: str = ""

    @property
    def citations(self) -> dict[str, str]:
        """The published source of the radii, by the text that stands as their source."""
        entries = {"default": self.default, **self.types, **self.names, **{str(k): v for k, v in self.ids.items()}}
        found = {self._label(key): entry.citation for key, entry in entries.items()}
        for table in self.tables:
            found |= table.citations
        return found | ({_CATALOGUE: f"{RADIUS_KEYWORD} of the catalogue"} if self.catalog_radii else {})

    def _label(self, key: str) -> str:
        return f"{self.prefix or self.name}: {key}"

    def of(
        self, norad_id: ArrayLike, name: ArrayLike, object_type: ArrayLike, *, stated_m: ArrayLike | None = None
    ) -> Radii:
        """Radii of n objects.

        Parameters
        ----------
        norad_id : array_like of int, shape (n,)
            Catalogue numbers; 0 where there is none.
        name, object_type : array_like of str, shape (n,)
            Names, and types as in a catalogue; '' where unknown.
        stated_m : array_like, shape (n,), optional
            Radii that the catalogue states, NaN where it states none [m].

        Examples
        --------
        >>> radii = radius_rule("socrates").of([44713, 5], ["STARLINK-1007", "VANGUARD 1"], ["PAYLOAD", "PAYLOAD"])
        >>> radii.radius_m, radii.source.tolist()
        (array([10.,  1.]), ['socrates: STARLINK*', 'socrates: default'])
        """
        ids = np.asarray(norad_id, np.int64)
        radius, sigma = np.full(ids.shape, np.nan), np.zeros(ids.shape)
        source = np.full(ids.shape, "", object)

        def fill(rows: np.ndarray[tuple[int], np.dtype[np.bool_]], entry: Entry, key: str) -> None:
            free = rows & np.isnan(radius)
            radius[free], sigma[free], source[free] = entry.radius_m, entry.sigma_m, self._label(key)

        for table in self.tables:
            place, known = table.find(ids)
            free = known & np.isnan(radius) & ~np.isnan(table.radius_m[place])
            radius[free], sigma[free] = table.radius_m[place][free], table.sigma_m[place][free]
            source[free] = table.source[place][free]
        for norad, entry in self.ids.items():
            fill(ids == norad, entry, str(norad))
        if stated_m is not None and self.catalog_radii:
            stated = np.asarray(stated_m, np.float64)
            free = np.isnan(radius) & ~np.isnan(stated)
            radius[free], source[free] = stated[free], _CATALOGUE
        different, place = np.unique(np.asarray(name, np.str_), return_inverse=True)
        for pattern, entry in self.names.items():
            fits = re.compile(fnmatch.translate(pattern)).match
            fill(np.array([fits(text.upper()) is not None for text in different.tolist()], bool)[place], entry, pattern)
        types = np.asarray(object_type, np.str_)
        for kind, entry in self.types.items():
            fill(types == kind, entry, kind)
        fill(np.ones(ids.shape, bool), self.default, "default")
        return Radii(radius, sigma, source.astype(np.str_))

    def combined(self, first: Radii, second: Radii) -> tuple[Floats, Strings]:
        """Combined radii of n pairs: sqrt((R1 + R2)^2 + s1^2 + s2^2), the effective radius of NASA CARA.

        Returns
        -------
        float64, shape (n,)
            Combined radius [m]; the sum where no standard deviation is stated.
        str, shape (n,)
            Sources of both, once where they are the same.
        """
        total = first.radius_m + second.radius_m
        spread = first.sigma_m * first.sigma_m + second.sigma_m * second.sigma_m
        both = np.char.add(np.char.add(first.source, " + "), second.source)
        same = np.char.add("both ", first.source)
        radius = np.where(spread > 0.0, np.sqrt(total * total + spread), total)
        return radius, np.where(first.source == second.source, same, both)


@dataclass(frozen=True)
class FixedRule:
    """One combined radius for all pairs; half of it stands with each object.

    Attributes
    ----------
    combined_m : float
        Combined radius [m].
    """

    combined_m: float

    @property
    def name(self) -> str:
        """Name of the rule, such as 'fixed:20'."""
        return f"{_FIXED}:{self.combined_m:g}"

    @property
    def citations(self) -> dict[str, str]:
        """The published source of the radii: none but the user's choice."""
        return {self.name: "given by the user"}

    def of(
        self, norad_id: ArrayLike, name: ArrayLike, object_type: ArrayLike, *, stated_m: ArrayLike | None = None
    ) -> Radii:
        """Radii of n objects, whatever they are; see :meth:`TableRule.of`."""
        shape = np.shape(norad_id)
        return Radii(np.full(shape, self.combined_m / 2.0), np.zeros(shape), np.full(shape, self.name))

    def combined(self, first: Radii, second: Radii) -> tuple[Floats, Strings]:
        """Combined radii of n pairs [m] and their source."""
        return first.radius_m + second.radius_m, np.full(len(first), self.name)


def rule_names() -> list[str]:
    """Names of the rules that come with the package."""
    return sorted(path.stem for path in _SHIPPED.glob("*.toml"))


def radius_rule(text: str) -> RadiusRule:
    """Rule of a name or a file.

    Parameters
    ----------
    text : str
        'cara', 'socrates' or 'tracss'; 'fixed:20' for a combined radius of 20 m; or a file: a rule in TOML, or a CSV
        table of radii, which leaves the other objects to the rule 'cara'.

    Returns
    -------
    RadiusRule

    Raises
    ------
    InputError
        If there is neither such a rule nor such a file, or the file is wrong.

    Examples
    --------
    >>> radius_rule("fixed:20").name, radius_rule("cara").name
    ('fixed:20', 'cara')
    """
    from stmgpu.risk.radius_files import read_radius_rule

    kind, colon, value = text.partition(":")
    if kind == _FIXED and colon:
        return FixedRule(_metres(text, value))
    if text in rule_names():
        return read_radius_rule(_SHIPPED / f"{text}.toml")
    if Path(text).suffix:
        return read_radius_rule(text)
    raise InputError(
        f"the radius rule {text!r} is unknown; allowed are {', '.join(rule_names())}, {_FIXED}:METRES "
        f"(such as {_FIXED}:20), and a file that ends in .toml or .csv"
    )


def _metres(text: str, value: str) -> float:
    try:
        metres = float(value)
    except ValueError:
        metres = np.nan
    if not 0.0 <= metres <= 2.0 * LARGEST_M:
        raise InputError(
            f"the radius rule is {text!r}; allowed is {_FIXED}: and a number from 0 to {2.0 * LARGEST_M:g} in metres, "
            f"as in {_FIXED}:20"
        )
    return metres
