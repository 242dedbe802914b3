"""Figures of results: functions that take a result and axes, and return the axes.

They are loaded, and matplotlib with them, when they are first used. Each takes what :func:`stmgpu.screen`,
:func:`stmgpu.assess`, :func:`stmgpu.evolve` and :func:`stmgpu.open_dataset` return. Without ``ax`` it makes a figure of
one column, which notebooks show. The looks come from one style file, :data:`STYLE`, and leave other figures of the
session alone.

>>> import stmgpu as stm
>>> con = stm.screen(stm.synthetic_catalog(n=500, seed=1), hours=1, threshold_km=20)
>>> ax = stm.plot.miss_distance(con)
>>> stm.plot.save(ax.figure, "miss.pdf")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stmgpu.report.figures.breakups import gabbard
    from stmgpu.report.figures.densities import density, flux, rate
    from stmgpu.report.figures.encounters import encounter_plane
    from stmgpu.report.figures.ensembles import collisions, ensemble
    from stmgpu.report.figures.overview import overview
    from stmgpu.report.figures.policies import cost, difference, policies
    from stmgpu.report.figures.saving import save
    from stmgpu.report.figures.screening import ages, miss_distance, speeds, timeline
    from stmgpu.report.figures.style import STYLE, new_figure

_HOME = {
    "STYLE": "style",
    "ages": "screening",
    "collisions": "ensembles",
    "cost": "policies",
    "density": "densities",
    "difference": "policies",
    "encounter_plane": "encounters",
    "ensemble": "ensembles",
    "flux": "densities",
    "gabbard": "breakups",
    "miss_distance": "screening",
    "new_figure": "style",
    "overview": "overview",
    "policies": "policies",
    "rate": "densities",
    "save": "saving",
    "speeds": "screening",
    "timeline": "screening",
}

__all__ = [
    "STYLE",
    "ages",
    "collisions",
    "cost",
    "density",
    "difference",
    "encounter_plane",
    "ensemble",
    "flux",
    "gabbard",
    "miss_distance",
    "new_figure",
    "overview",
    "policies",
    "rate",
    "save",
    "speeds",
    "timeline",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'stmgpu.plot' has no attribute {name!r}")
    try:
        home = import_module(f"stmgpu.report.figures.{_HOME[name]}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ImportError("figures need matplotlib; install it: pip install 'stmgpu[plot]'") from None
    return getattr(home, name)


def __dir__() -> list[str]:
    return list(__all__)
