"""The tables of a scenario file: every key with its default and range.

Every table rejects unknown keys and values out of range.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator, model_validator

from stmgpu.debris.breakup.area_to_mass import Bridge
from stmgpu.debris.shells import SHELL_EDGES_KM

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

Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
Positive = Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(strict=True, ge=0.0, allow_inf_nan=False)]
Year = Annotated[float, Field(strict=True, ge=1957.0, le=3000.0)]


class Strict(BaseModel):
    """A table of a scenario file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    decay_km : float
        Perigee altitude at which an object has decayed.
    drag_spread : float
        Standard deviation of the logarithm of a factor on the drag of intact objects, drawn for each object in each
        run: equal satellites tumble differently, so an uncontrolled fleet disperses
        (benchmarks/reproduce/drag_spread.py measures it).
    """

    step_days: Annotated[float, Field(strict=True, gt=0.0, le=30.0)] = 5.0
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


class ConstellationSpec(Strict):
    """A Walker constellation that is built up and replenished.

    ``planes`` planes of ``per_plane`` satellites and ``spares`` spares, filled over ``build_years`` from ``from_year``.
    Each satellite is replaced after ``life_years``, until ``until_year``.

    Attributes
    ----------
    spread_km : float
        Difference in altitude between one plane and the next. Satellites of a plane share their altitude; the mean over
        the planes is ``altitude_km``. Operators separate planes so that satellites which lost control do not meet.
    """

    name: str
    altitude_km: Annotated[float, Field(strict=True, ge=200.0, le=40_000.0)]
    spread_km: Annotated[float, Field(strict=True, ge=0.0, le=100.0)] = 2.0
    inclination_deg: Annotated[float, Field(strict=True, ge=0.0, le=180.0)]
    planes: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    per_plane: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    spares: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    mass_kg: Positive
    radius_m: Positive
    area_to_mass: Positive | None = None
    life_years: Positive = 5.0
    from_year: Year
    build_years: NotNegative = 5.0
    until_year: Year = 3000.0

    @model_validator(mode="after")
    def _years(self) -> ConstellationSpec:
        if not self.from_year < self.until_year:
            raise ValueError(f"until_year {self.until_year:g} is not after from_year {self.from_year:g}")
        return self

    @model_validator(mode="after")
    def _inside_the_shells(self) -> ConstellationSpec:
        low, high = self.altitudes_km
        bottom, top = float(SHELL_EDGES_KM[0]), float(SHELL_EDGES_KM[-1])
        if low < bottom or self.altitude_km <= top < high:
            most = 2.0 * min(self.altitude_km - bottom, abs(top - self.altitude_km)) / max(self.planes - 1, 1)
            raise ValueError(
                f"the {self.planes:,} planes of constellation {self.name!r}, spread_km = {self.spread_km:g} apart, lie "
                f"at {low:g} to {high:g} km, outside the shells of {bottom:g} to {top:g} km; choose spread_km of at "
                f"most {most:.3g}, or another altitude_km"
            )
        return self

    @property
    def altitudes_km(self) -> tuple[float, float]:
        """Altitudes of the lowest and the highest plane."""
        half = 0.5 * self.spread_km * (self.planes - 1)
        return self.altitude_km - half, self.altitude_km + half


class LaunchSpec(Strict):
    """Launches of payloads, rocket bodies and mission-related objects.

    'none': no launches. 'repeat': those of ``window`` (first year, last year exclusive), repeated. 'constant': objects
    resampled from those of the window, as a Poisson process of ``per_year`` objects of each class. Both grow by
    ``growth`` per year until ``until_year``, and include members of constellations only with
    ``repeat_constellations``. ``constellations`` are built in addition.
    """

    model: Literal["none", "repeat", "constant"] = "none"
    window: tuple[Year, Year] | None = None
    per_year: (
        dict[Literal["payload", "rocket_body", "mission_related"], Annotated[float, Field(strict=True, ge=0.0, le=1e6)]]
        | None
    ) = None
    growth: Annotated[float, Field(strict=True, ge=-0.5, le=0.5)] = 0.0
    until_year: Year = 3000.0
    repeat_constellations: StrictBool = False
    constellations: tuple[ConstellationSpec, ...] = ()

    @model_validator(mode="after")
    def _window(self) -> LaunchSpec:
        if self.model != "none" and self.window is None:
            raise ValueError(f"model = {self.model!r} needs window = [first year, last year]")
        if self.window is not None and not self.window[0] < self.window[1]:
            raise ValueError(f"window {list(self.window)} is empty; the first year must be before the last")
        if self.model == "none":  # the base may configure what a scenario switches off
            return self
        if self.window is not None and self.until_year <= self.window[1]:
            raise ValueError(
                f"until_year {self.until_year:g} is before the window ends, so nothing is launched; choose a later year"
            )
        if self.model == "constant" and self.per_year is None:
            raise ValueError(
                "model = 'constant' needs per_year, the objects a year by class, such as "
                "{ payload = 100.0, rocket_body = 30.0 }"
            )
        if self.model == "repeat" and self.per_year is not None:
            raise ValueError("per_year belongs to model = 'constant'")
        if self.per_year is not None and not any(self.per_year.values()):
            raise ValueError("per_year launches nothing; set a class above 0, or use model = 'none'")
        return self


class OutputSpec(Strict):
    """What a result holds; the same in every scenario of a study.

    Attributes
    ----------
    size_edges_m : tuple of float
        Edges between the sizes by which objects are counted [m], increasing; objects below the first and above the last
        are counted too. Sizes are characteristic lengths.
    final_population : bool
        Whether the objects at the end of every run are kept, to start another study with them.
    """

    size_edges_m: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=MOST_SIZE_EDGES)] = (0.1, 1.0)

    final_population: StrictBool = False

    @model_validator(mode="after")
    def _increasing(self) -> OutputSpec:
        edges = self.size_edges_m
        if any(low >= high for low, high in pairwise(edges)):
            raise ValueError(f"size_edges_m {list(edges)} must increase, as in [0.01, 0.1, 1.0]")
        return self


class ExplosionSpec(Strict):
    """Explosion rates [1/a] of intact objects that are not passivated.

    They apply up to ``max_age_years``, counted from launch for rocket bodies and for payloads that are derelict at the
    start, and from the end of mission for other payloads. ``scale`` is the factor S of the breakup model.
    """

    rocket_body: Annotated[float, Field(strict=True, ge=0.0, le=1.0)] = 0.0
    payload: Annotated[float, Field(strict=True, ge=0.0, le=1.0)] = 0.0
    max_age_years: Positive = 18.0
    scale: Positive = 1.0
    passivated: Share = 0.0


class DisposalSpec(Strict):
    """Post-mission disposal, with the probability of success by class.

    'remove': at once. 'lower': to an orbit that decays within ``rule_years``. 'graveyard': the smaller manoeuvre of
    that and a circular orbit at ``graveyard_km``, above the protected region.

    Attributes
    ----------
    constellation_rule_years : float
        The same as ``rule_years`` for members of constellations, whose operators lower them within months (SpaceX's
        satellites come down within about six months and manoeuvre on the way: FCC filings of 2022 and later).
    avoids_while_lowering : bool
        Whether a member of a constellation keeps avoiding others, as an active object does, until it has decayed, if
        its disposal succeeds.
    station_kg : float
        Active payloads of this mass and more are crewed stations: their missions end by controlled re-entry, whatever
        the mode, as Mir's did in 2001 and that of the ISS is planned to (NASA 2024, International Space Station
        Deorbit Analysis Summary).
    """

    mode: Literal["remove", "lower", "graveyard"] = "lower"
    rule_years: Positive = 25.0
    constellation_rule_years: Positive = 1.0
    avoids_while_lowering: StrictBool = True
    station_kg: Positive = 50_000.0
    graveyard_km: Annotated[float, Field(strict=True, ge=2000.0, le=35_000.0)] = 2100.0
    payload: Share = 0.9
    rocket_body: Share = 0.9
    constellation: Share = 0.9
    mission_years: Positive = 8.0
