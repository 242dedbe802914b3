"""The command about the CRASH clock of a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stmgpu.cli import common
from stmgpu.cli.common import CatalogFile, Lenient, MaxSizeGib, SatcatFile
from stmgpu.cli.outputs import check_outputs, is_standard_output, opened
from stmgpu.cli.results import result
from stmgpu.errors import InputError
from stmgpu.files import writing

if TYPE_CHECKING:
    from stmgpu.debris.statistics.crash import CrashClock, Radii

_SHOWN_SHELLS = 3


def crash_clock(
    catalog: CatalogFile,
    satellite_m: Annotated[float, typer.Option(help="Radius of satellites in m; two of 4.89 m have 300 m^2.")] = 4.89,
    stage_m: Annotated[float, typer.Option(help="Radius of rocket bodies in m.")] = 3.0,
    debris_m: Annotated[float, typer.Option(help="Radius of all other objects in m.")] = 0.13,
    sizes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="SATCAT or CSV table with norad_id and radius_m: its radii instead of those three; what it lacks is "
            "filled in by class.",
        ),
    ] = None,
    thickness_km: Annotated[float, typer.Option(help="Thickness of the shells in which objects are spread.")] = 1.0,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write collisions per year by shell; - writes to standard output."),
    ] = None,
    satcat: SatcatFile = None,
    lenient: Lenient = False,
    max_size_gib: MaxSizeGib = None,
    backend: common.Backend = "auto",
    threads: common.Threads = None,
) -> None:
    """Days to a collision if nobody manoeuvres (CRASH clock), from a catalogue alone, with its parts."""
    import numpy as np

    from stmgpu.backend import get_backend
    from stmgpu.debris.population import read_gp
    from stmgpu.debris.statistics.crash import Radii, population_crash_clock

    check_outputs(None, csv)
    radii = None if sizes is not None else Radii(satellite_m, stage_m, debris_m)
    if sizes is not None and (satellite_m, stage_m, debris_m) != tuple(vars(Radii()).values()):
        raise InputError("--sizes gives the radii; omit --satellite-m, --stage-m and --debris-m")
    objects = common.read(catalog, satcat=satcat, lenient=lenient, max_size_gib=max_size_gib)
    chosen = get_backend(backend, threads)
    population = read_gp(objects, np.random.default_rng(0), sizes=sizes)
    clock = population_crash_clock(
        population, radii, thickness_km=thickness_km, backend=chosen if chosen.runs_kernels else None
    )
    if csv is not None:
        with writing(opened(csv)) as file:
            file.write(_csv(clock).encode())
    notes = [text for text in population.notes if radii is None or "radius" not in text]
    document = _document(clock, radii, thickness_km, notes)
    written = [csv] if csv is not None and not is_standard_output(csv) else []
    result(document, _lines(clock, document), written=written if csv is not None else None)


def _document(clock: CrashClock, radii: Radii | None, thickness_km: float, notes: list[str]) -> dict[str, Any]:
    """The clock in plain numbers."""
    from stmgpu.debris.statistics.crash import PUBLISHED
    from stmgpu.time import YEAR_DAYS

    return {
        "year": clock.year,
        "days": clock.days,
        "collisions_per_year": clock.rate,
        "probability_24_h": clock.probability_of_a_day,
        "objects": clock.objects,
        "parts": [{"between": list(pair), "collisions_per_year": rate} for pair, rate in clock.parts.items()],
        "shells": [
            {"lower_km": low, "upper_km": high, "collisions_per_year": rate}
            for low, high, rate in zip(
                clock.edges_km[:-1].tolist(), clock.edges_km[1:].tolist(), clock.by_shell.tolist(), strict=True
            )
        ],
        "radii_m": None if radii is None else vars(radii),
        "shell_thickness_km": thickness_km,
        "days_by_thickness_km": {f"{km:g}": YEAR_DAYS / rate for km, rate in clock.by_thickness.items() if rate},
        "published_days": {f"{year:g}": days for year, days in PUBLISHED.items()},
        "assumptions": [
            "no object manoeuvres; members of a constellation are not kept apart",
            "nodes, perigees and anomalies at random; objects spread evenly within a shell",
            "a collision is a passage within the sum of both radii, whatever its energy",
            *notes,
        ],
    }


def _lines(clock: CrashClock, document: dict[str, Any]) -> list[str]:
    """The clock as text."""
    lines = [
        f"CRASH clock   {clock.days:.3g} days in {clock.year:.2f} "
        f"({clock.rate:.3g} collisions a year, {100.0 * clock.probability_of_a_day:.2g} % within 24 hours)"
        if clock.rate
        else f"CRASH clock   no objects that can meet in {clock.year:.2f}",
        f"objects       {', '.join(f'{n:,} {name}' for name, n in clock.objects.items())} below 2,050 km",
    ]
    for (first, second), rate in sorted(clock.parts.items(), key=lambda item: -item[1]):
        if rate:
            lines.append(f"part          {100.0 * rate / clock.rate:5.1f} %  {first} with {second}")
    shells = sorted(document["shells"], key=lambda shell: -shell["collisions_per_year"])[:_SHOWN_SHELLS]
    for shell in shells:
        if rate := shell["collisions_per_year"]:
            share = 100.0 * rate / clock.rate
            lines.append(f"shell         {share:5.1f} %  from {shell['lower_km']:.0f} to {shell['upper_km']:.0f} km")
    radii = document["radii_m"]
    lines.append(
        "radii         of the table of sizes"
        if radii is None
        else f"radii         satellites {radii['satellite_m']:g} m, rocket bodies {radii['stage_m']:g} m, others "
        f"{radii['debris_m']:g} m"
    )
    own = f"{document['shell_thickness_km']:g}"
    others = [f"{days:.3g} days with {km} km" for km, days in document["days_by_thickness_km"].items() if km != own]
    lines.append(f"shells        {'; '.join([f'{own} km thick', *others])}")
    lines += [f"assumed       {text}" for text in document["assumptions"]]
    published = ", ".join(f"{days:g} in {year}" for year, days in document["published_days"].items())
    return [
        *lines,
        f"published     {published} (Thiele et al. 2025, with radii of stages and debris that may differ)",
    ]


def _csv(clock: CrashClock) -> str:
    rows = zip(clock.edges_km[:-1].tolist(), clock.edges_km[1:].tolist(), clock.by_shell.tolist(), strict=True)
    table = [f"{low:g},{high:g},{rate:.9g}" for low, high, rate in rows]
    return "\n".join(["lower_km,upper_km,collisions_per_year", *table]) + "\n"
