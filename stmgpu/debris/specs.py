"""The tables of a scenario file: every key with its default and range.

Those on what happens to objects are defined in :mod:`stmgpu.debris.activity_specs` and are part of this module, too.
Every table rejects unknown keys and values out of range.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, field_validator, model_validator

from stmgpu.debris.activity_specs import ConstellationSpec, DisposalSpec, EventSpec, ExplosionSpec, LaunchSpec
from stmgpu.debris.breakup.area_to_mass import Bridge
from stmgpu.debris.spec_types import NotNegative, Positive, Share, Strict, Year

__all__ = [
    "CO2_PATHWAYS",
    "MOST_SIZE_EDGES",
    "BreakupSpec",
    "CollisionSpec",
    "ConstellationSpec",
    "DisposalSpec",
    "EnvironmentSpec",
    "EventSpec",
    "ExplosionSpec",
    "LatticeName",
    "LaunchSpec",
    "OutputSpec",
    "PopulationSpec",
    "PropagationSpec",
    "SolarSpec",
]

LatticeName = Literal["cube", "shell"]
"""Forms of the cells of Cube."""

CO2_PATHWAYS = (
    "SSP1-1.9",
    "SSP1-2.6",
    "SSP2-4.5",
    "SSP3-7.0",
    "SSP4-3.4",
    "SSP4-6.0",
    "SSP5-3.4-over",
    "SSP5-8.5",
)
"""Built-in concentration pathways of CO2."""

MOST_SIZE_EDGES = 20
"""Largest number of edges between sizes of objects."""


class PopulationSpec(Strict):
    """Source of the initial population.

    Attributes
    ----------
    source : {'synthetic', 'mocat', 'table', 'catalog', 'cascade'}
        'synthetic' (seeded, no file), 'mocat' (.mat of MOCAT-MC), 'table' (CSV with elements and sizes), 'catalog' (GP
        elements joined with ``sizes``), 'cascade' (states of esa/cascade).
    path, sizes : Path, optional
        Files, relative to the scenario file.
    objects, seed, year : int or float, optional
        Number of objects of 10 cm and larger (default: the published counts), seed and epoch of the synthetic
        population.
    constellations : bool
        Whether the synthetic population includes the large constellations.
    max_perigee_km : float
        Objects with a higher perigee are left out.
    min_length_m : float, optional
        Smaller objects are left out. In the synthetic population, values from 0.01 to 0.1 add fragments down to that
        length in their published numbers.
    ballistic : {'table', 'fitted'}
        Area-to-mass ratios of the source, or fitted to what each object sank between the dates of ``histories`` and of
        the population itself, with shrinkage to its type (:mod:`stmgpu.debris.population.ballistic`). 'fitted' needs
        the observed Sun of those years: ``solar.model`` 'repeat' or 'bootstrap'.
    histories : tuple of Path
        Files of the same source at other dates; a catalogue may hold several element sets of an object.
    """

    source: Literal["synthetic", "mocat", "table", "catalog", "cascade"] = "synthetic"
    path: Path | None = None
    sizes: Path | None = None
    objects: Annotated[int, Field(strict=True, ge=2, le=20_000_000)] | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    year: Year | None = None
    constellations: StrictBool = True
    max_perigee_km: Positive = 2000.0
    min_length_m: Positive | None = None
    ballistic: Literal["table", "fitted"] = "table"
    histories: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _has_histories(self) -> PopulationSpec:
        if self.ballistic == "fitted" and self.source not in ("mocat", "table", "catalog"):
            raise ValueError(
                f"ballistic = 'fitted' belongs to the sources 'mocat', 'table' and 'catalog', not to {self.source!r}"
            )
        if self.ballistic == "fitted" and not self.histories and self.source != "catalog":
            raise ValueError("ballistic = 'fitted' needs histories, files of the same source at other dates")
        if self.ballistic == "table" and self.histories:
            raise ValueError("histories belong to ballistic = 'fitted'")
        return self

    @model_validator(mode="after")
    def _needs_file(self) -> PopulationSpec:
        if self.source != "synthetic" and self.path is None:
            raise ValueError(f"source = {self.source!r} needs path, the file to read")
        if self.source == "synthetic" and (self.path is not None or self.sizes is not None):
            raise ValueError("source = 'synthetic' takes no path and no sizes")
        if self.source != "synthetic" and (self.objects is not None or not self.constellations):
            raise ValueError(
                f"objects and constellations belong to source = 'synthetic'; omit them with {self.source!r}"
            )
        if self.source in ("mocat", "table") and self.sizes is not None:
            raise ValueError(f"sizes belongs to the sources 'catalog' and 'cascade'; omit it with {self.source!r}")
        if self.source == "synthetic" and self.min_length_m is not None and self.min_length_m < 0.01:
            raise ValueError(
                f"min_length_m = {self.min_length_m:g} is too small for source = 'synthetic', which has "
                "no fragments below 0.01 m; choose 0.01 or more, or read smaller ones from a file (source = "
                "'table')"
            )
        return self


class SolarSpec(Strict):
    """Solar activity.

    'constant': f107 and ap. 'sinusoid': a cycle of 11 years around f107 with ``amplitude``. 'repeat' and 'bootstrap':
    past cycles of ``space_weather`` (a CelesTrak SW file), in their order or resampled in every run.
    """

    model: Literal["constant", "sinusoid", "repeat", "bootstrap"] = "sinusoid"
    f107: Annotated[float, Field(strict=True, ge=60.0, le=300.0)] = 123.0
    amplitude: Annotated[float, Field(strict=True, ge=0.0, le=120.0)] = 45.0
    ap: Annotated[float, Field(strict=True, ge=0.0, le=200.0)] = 12.8
    space_weather: Path | None = None

    @model_validator(mode="after")
    def _needs_file(self) -> SolarSpec:
        if self.model in ("repeat", "bootstrap") and self.space_weather is None:
            raise ValueError(f"model = {self.model!r} needs space_weather, a CelesTrak space-weather file")
        if self.model not in ("repeat", "bootstrap") and self.space_weather is not None:
            raise ValueError(f"space_weather belongs to the models 'repeat' and 'bootstrap', not to {self.model!r}")
        if self.model == "sinusoid" and self.f107 - self.amplitude < 60.0:
            raise ValueError("f107 - amplitude is below 60, lower than the Sun has been; lower the amplitude")
        return self


class EnvironmentSpec(Strict):
    """Density of the thermosphere.

    Attributes
    ----------
    density : {'exponential', 'nrlmsis', 'jb2008'}
        'exponential' (Vallado's table, no solar activity), 'nrlmsis' (table made with pymsis at ``solar``), 'jb2008' (a
        .mat table of MOCAT-MC at ``path``).
    co2_scenario : str
        Concentration pathway of the contraction by CO2, one of ``CO2_PATHWAYS`` or 'none'. 'auto' is SSP2-4.5, but none
        with 'exponential', which is constant in time.
    co2 : Path, optional
        NetCDF file of density scaling by CO2, instead of the built-in fit; ``co2_scenario`` names a pathway of it.
    density_sigma : float
        Standard deviation of the logarithm of a factor on the density, one for each run, the same in all scenarios of a
        study: what is not known about the mean density over years. Operators plan without knowing it. Yearly means of
        measured over modelled density scatter by 12 % for NRLMSISE-00 (root mean square of 11 data sets, 250 to 800 km;
        Bruinsma and Boniface 2021, J. Space Weather Space Clim., article swsc210039, table 3), and NRLMSIS 2.1 is
        lower by 10 % throughout (Guo et al. 2024, doi:10.1016/j.asr.2024.05.063): together 16 %, rounded to 0.15.
    """

    density: Literal["exponential", "nrlmsis", "jb2008"] = "nrlmsis"
    path: Path | None = None
    solar: SolarSpec = SolarSpec()
    co2: Path | None = None
    co2_scenario: str = "auto"
    density_sigma: Annotated[float, Field(strict=True, ge=0.0, le=1.0)] = 0.15

    @field_validator("co2_scenario", mode="before")
    @classmethod
    def _none_in_old_stores(cls, value: object) -> object:
        """Earlier versions stored null where they applied no contraction."""
        return "none" if value is None else value

    @model_validator(mode="after")
    def _needs_file(self) -> EnvironmentSpec:
        if self.density == "jb2008" and self.path is None:
            raise ValueError("density = 'jb2008' needs path, the .mat table")
        if self.density != "jb2008" and self.path is not None:
            raise ValueError(f"path belongs to density = 'jb2008'; {self.density!r} reads no file")
        if self.co2 is not None and self.co2_scenario in ("auto", "none"):
            raise ValueError(
                "co2 (the file of density scaling) and co2_scenario (its pathway, such as 'RCP4.5') go "
                "together; give both, or co2_scenario alone for the built-in pathways"
            )
        if self.co2 is None and self.co2_scenario not in ("auto", "none", *CO2_PATHWAYS):
            raise ValueError(
                f"co2_scenario = {self.co2_scenario!r} is not built in; use 'auto', 'none' or one of "
                f"{', '.join(CO2_PATHWAYS)}, or give co2, a file with more pathways"
            )
        return self

    @property
    def co2_pathway(self) -> str | None:
        """Concentration pathway, or None where no contraction is applied."""
        if self.co2_scenario == "auto":
            return None if self.density == "exponential" else "SSP2-4.5"
        return None if self.co2_scenario == "none" else self.co2_scenario


class PropagationSpec(Strict):
    """Mean elements: J2, drag, radiation pressure.

    Attributes
    ----------
    step_days : float
        Interval at which objects move. Radiation pressure acts on light objects once in every step of collisions.
    decay_km : float
        Perigee altitude at which an object has decayed.
    drag_spread : float
        Standard deviation of the logarithm of a factor on the drag of intact objects, drawn for each object in each
        run: equal satellites tumble differently, so an uncontrolled fleet disperses
        (benchmarks/reproduce/drag_spread.py measures it).
    """

    step_days: Annotated[float, Field(strict=True, gt=0.0, le=30.0)] = 30.0
    decay_km: Annotated[float, Field(strict=True, ge=100.0, le=400.0)] = 150.0
    drag_coefficient: Annotated[float, Field(strict=True, gt=0.0, le=10.0)] = 2.2
    drag_spread: Annotated[float, Field(strict=True, ge=0.0, le=1.0)] = 0.07
    radiation_pressure: StrictBool = True
    reflectivity: Annotated[float, Field(strict=True, ge=0.0, le=2.0)] = 1.2
    rotating_atmosphere: StrictBool = True


class CollisionSpec(Strict):
    """Collisions by the Cube method.

    Attributes
    ----------
    enabled : bool
        False: no encounters; launches, explosions, disposal and removal are not affected.
    step_days : float
        Interval at which objects meet, between moves; a whole number of such steps, at least one, fills a move.
    cube_km, resamples, lattice : float or int or str
        Size of a cell, samples of the anomalies per step, and kind of cells: 'cube' (Liou 2003), or 'shell': cells of
        the same volume (at a radius of 7,000 km) that are thin in radius, along which density changes fast, with less
        bias and, since they may be larger, less noise. Large populations need smaller cells, as encounters grow with
        the square of the population.
    estimator : {'sampled', 'expected', 'none'}
        'sampled': collisions are drawn at random. 'expected': every encounter sheds its expected number of fragments,
        with a far smaller variance (see the guide). 'none': rates are counted, nothing breaks.
    avoidance, avoidance_both : float
        Factor on the probability if one, or both, of the objects can avoid the other; only objects of ``trackable_m``
        and larger are avoided.
    protected_days : float
        Time after a breakup during which its fragments do not collide with each other.
    """

    enabled: StrictBool = True
    step_days: Annotated[float, Field(strict=True, gt=0.0, le=30.0)] = 5.0
    cube_km: Annotated[float, Field(strict=True, ge=0.5, le=350.0)] = 50.0
    resamples: Annotated[int, Field(strict=True, ge=1, le=1024)] = 1
    lattice: LatticeName = "shell"
    estimator: Literal["sampled", "expected", "none"] = "sampled"
    avoidance: Share = 0.01
    avoidance_both: Share = 0.0
    trackable_m: Positive = 0.1
    protected_days: NotNegative = 30.0


class BreakupSpec(Strict):
    """NASA Standard Breakup Model."""

    min_length_m: Annotated[float, Field(strict=True, ge=0.001, le=1.0)] = 0.1
    bridge: Bridge = "linear"


class OutputSpec(Strict):
    """What a result holds; the same in every scenario of a study.

    Attributes
    ----------
    size_edges_m : tuple of float
        Edges between the sizes by which objects are counted [m], increasing; objects below the first and above the last
        are counted too. Sizes are characteristic lengths.
    manoeuvre_km : float
        Distance within which a passage of a steered object is avoided by a manoeuvre, where it is avoided [km]; it only
        counts manoeuvres (:mod:`stmgpu.debris.evolution.operators`).
    final_population : bool
        Whether the objects at the end of every run are kept, to start another study with them.
    """

    size_edges_m: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=MOST_SIZE_EDGES)] = (0.1, 1.0)

    manoeuvre_km: Annotated[float, Field(strict=True, gt=0.0, le=25.0)] = 1.0
    final_population: StrictBool = False

    @model_validator(mode="after")
    def _increasing(self) -> OutputSpec:
        edges = self.size_edges_m
        if any(low >= high for low, high in pairwise(edges)):
            raise ValueError(f"size_edges_m {list(edges)} must increase, as in [0.01, 0.1, 1.0]")
        return self
