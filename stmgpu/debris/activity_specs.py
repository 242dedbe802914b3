"""The tables of a scenario file on what happens to objects: launches, explosions, disposal, scheduled breakups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.debris.spec_types import NotNegative, Positive, Share, Strict, Year

NoradId = Annotated[int, Field(strict=True, ge=1)]


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


class EventSpec(Strict):
    """A breakup at a stated date.

    An explosion of one object; a collision of one object with a projectile that is not in the population, or of two
    objects. The fragments are those of the breakup model, or of a file.

    Attributes
    ----------
    year : float
        Date, within the years of the study.
    ids : tuple of int
        NORAD id of the object that breaks up, or ids of the two that collide.
    type : {'explosion', 'collision'}
        Kind of breakup.
    projectile_kg, speed_km_s : float, optional
        Mass and relative speed of the projectile. It comes from ahead: its velocity is that of the object less
        ``speed_km_s`` in the direction of flight. Two objects meet with the speed of their own orbits, unless it is
        given here: the nodes of some populations are random.
    scale : float
        Factor on the number of fragments: S of the breakup model for explosions; in collisions 1 is the model's number.
    fragments : Path, optional
        Table of the fragments with their orbits at the date, in the form of ``source = "table"``, instead of the model.
    """

    year: Year
    ids: Annotated[tuple[NoradId, ...], Field(min_length=1, max_length=2)]
    type: Literal["explosion", "collision"] = "explosion"
    projectile_kg: Positive | None = None
    speed_km_s: Annotated[float, Field(strict=True, gt=0.0, le=30.0)] | None = None
    scale: Annotated[float, Field(strict=True, gt=0.0, le=100.0)] = 1.0
    fragments: Path | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> EventSpec:
        projectile = [name for name in ("projectile_kg", "speed_km_s") if getattr(self, name) is not None]
        if self.type == "explosion" and (len(self.ids) > 1 or projectile):
            raise ValueError(
                "an explosion is of one object and takes neither projectile_kg nor speed_km_s; set type = 'collision', "
                "or omit them"
            )
        if self.type == "collision" and len(self.ids) == 1 and len(projectile) < 2:
            raise ValueError(
                "a collision of one object needs projectile_kg and speed_km_s, those of the projectile; or give two ids"
            )
        if len(self.ids) == 2 and self.projectile_kg is not None:
            raise ValueError("projectile_kg belongs to a collision of one id; of two objects the masses are known")
        if len(set(self.ids)) < len(self.ids):
            raise ValueError(f"object {self.ids[0]} cannot collide with itself; give two different ids")
        if self.fragments is not None and self.scale != 1.0:
            raise ValueError("scale is a factor on the breakup model; omit it where the fragments come from a file")
        return self
