"""Figures by name: what each draws, of which results, and where its function is. Nothing here needs matplotlib."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = (".png", ".svg", ".pdf")
"""Endings of figure files."""

_SCREENINGS, _RISK, _STUDIES = ("conjunctions",), ("conjunctions", "messages"), ("ensemble",)


@dataclass(frozen=True)
class FigureKind:
    """A figure that the command line can draw of a store.

    Parameters
    ----------
    meaning : str
        What it shows.
    stores : tuple of str
        Kinds of stores that it can be drawn of.
    module : str
        Module of its function, within this package.
    options : tuple of str
        Options that it takes besides the result.
    """

    meaning: str
    stores: tuple[str, ...]
    module: str
    options: tuple[str, ...] = ()


FIGURES = {
    "overview": FigureKind("several panels in one figure", (*_SCREENINGS, *_STUDIES), "overview"),
    "miss_distance": FigureKind("conjunctions within a distance, and the square law", _SCREENINGS, "screening"),
    "speeds": FigureKind("altitude against relative speed", _SCREENINGS, "screening"),
    "density": FigureKind("density by altitude, of objects or of conjunctions", (*_SCREENINGS, *_STUDIES), "densities"),
    "rate": FigureKind("conjunctions an hour, or collisions a year", (*_SCREENINGS, *_STUDIES), "densities"),
    "timeline": FigureKind("every conjunction at its time", _RISK, "screening"),
    "ages": FigureKind("ages of the elements at TCA", _SCREENINGS, "screening"),
    "encounter_plane": FigureKind("one conjunction with its covariance", _RISK, "encounters", ("event",)),
    "flux": FigureKind("flux by altitude", _STUDIES, "densities"),
    "ensemble": FigureKind("objects by year, with the spread of the runs", _STUDIES, "ensembles"),
    "collisions": FigureKind("collisions since the start", _STUDIES, "ensembles"),
    "difference": FigureKind("differences from the first scenario, paired by run", _STUDIES, "policies"),
    "policies": FigureKind("scenarios at the end, compared by an effect", _STUDIES, "policies", ("effect",)),
    "cost": FigureKind("cost against collisions avoided", _STUDIES, "policies", ("prices",)),
    "gabbard": FigureKind("orbits of the fragments of a breakup", _STUDIES, "breakups", ("event",)),
}
"""Figures by name."""
