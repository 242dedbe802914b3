"""R1: NASA Standard Breakup Model against published counts, mass balance and observed breakups.

Usage: python benchmarks/reproduce/breakup_model.py [--seed 1] [--events 400]

Truth: unit tests of ESA's C++ implementation (esa/NASA-breakup-model-cpp); the model's own integrals; the comparison of
implementations at the 24th IADC meeting (Rossi 2006, as quoted by M. Brown); catalogues of 2009.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
from verdict import Report

from stmgpu.debris.breakup import Body, Breakup, collision, explosion
from stmgpu.debris.breakup.area_to_mass import chi_moments, draw_chi
from stmgpu.debris.breakup.size_law import (
    area_of_length,
    draw_length,
    ejecta_mass,
    expected_count,
    expected_fragments,
    expected_mass,
    length_of_mass,
)

ESA = "ESA unit test"
CLOSURE = (  # case, rocket body, M [kg], mass of 1 mm to 1 m, of 10 cm to 1 m [kg], the same as weighted sums
    ("spacecraft 1010 kg", False, 1010.0, 998.0, 808.0, 609.0, 425.0),
    ("spacecraft 1510 kg", False, 1510.0, 1349.0, 1093.0, 824.0, 574.0),
    ("rocket body 1010 kg", True, 1010.0, 432.0, 251.0, 384.0, 203.0),
    ("rocket body 9000 kg", True, 9000.0, 2228.0, 1295.0, 1978.0, 1047.0),
)
MOMENTS = (  # L_c [m], rocket body, mean and standard deviation of chi, computed independently (to 0.002)
    (0.11, False, -0.978, 0.485),
    (0.2, False, -0.965, 0.453),
    (0.5, False, -1.154, 0.513),
    (1.0, False, -1.181, 0.529),
    (0.11, True, -0.519, 0.542),
    (0.2, True, -0.562, 0.527),
    (0.5, True, -0.736, 0.460),
    (1.0, True, -0.900, 0.397),
)
DRAWS = 1_000_000


def body(mass: float, *, rocket: bool = False) -> Body:
    return Body(mass, float(length_of_mass(mass)), rocket_body=rocket)


def counts(report: Report) -> None:
    """Numbers of fragments."""
    fast, slow = (float(x) for x in ejecta_mass(560.0, 950.0, [11.7, 0.1]))
    report.check(
        "560 + 950 kg, 11.7 km/s: M [kg]", 1510.0, fast, tolerance_relative=0.0, note="catastrophic", source=ESA
    )
    report.check("  fragments >= 5 cm", 4064, int(expected_count(fast, 0.05)), tolerance_relative=0.0, source=ESA)
    report.check(
        "same pair, 0.1 km/s: M [kg]", 5.6, slow, tolerance_relative=1e-12, note="v squared: Krisko 2011", source=ESA
    )
    report.check("  fragments >= 5 cm", 61, int(expected_count(slow, 0.05)), tolerance_relative=0.0, source=ESA)
    for length, reference, tolerance, source in (
        (0.05, 724, 0.0, ESA),
        (0.1, 238.9, 5e-4, "by hand"),
        (0.01, 9509, 5e-4, "by hand"),
    ):
        ours = float(expected_count(1.0, length, event="explosion"))
        report.check(
            f"explosion S = 1, >= {100 * length:g} cm",
            reference,
            int(ours) if source == ESA else ours,
            tolerance_relative=tolerance,
            source=source,
        )
    for length, number in ((0.01, 63_714.0), (0.1, 1242.3), (1.0, 24.2)):
        report.check(
            f"collision of 1510 kg, >= {100 * length:g} cm",
            number,
            float(expected_count(1510.0, length)),
            tolerance_relative=2e-3,
            source="by hand",
        )


def area_to_mass(report: Report, rng: np.random.Generator) -> None:
    """Moments of the mixture, and that a weighted sum is something else."""
    worst = [0.0, 0.0, 0.0]
    for length, rocket, mean, sd in MOMENTS:
        found = [float(x) for x in chi_moments(length, rocket_body=rocket)]
        chi = draw_chi(np.full(DRAWS, length), rocket_body=rocket, rng=rng)
        worst = [
            max(worst[0], abs(found[0] - mean)),
            max(worst[1], abs(found[1] - sd)),
            max(worst[2], abs(chi.mean() - found[0]) / (found[1] / np.sqrt(DRAWS))),
        ]
    report.check("chi, 8 cases: largest error of the mean", 0.0, worst[0], high=0.0025, note="reference good to 0.002")
    report.check("chi, 8 cases: largest error of the sd", 0.0, worst[1], high=0.0025, note="reference good to 0.002")
    report.check("chi, 8 cases: draws off their mean [standard errors]", 0.0, worst[2], high=4.0)


def closure(report: Report, rng: np.random.Generator) -> None:
    """Expected masses, by integration and by Monte Carlo."""
    for name, rocket, mass, total, long, wrong_total, wrong_long in CLOSURE:
        report.check(
            f"{name}: mass of 1 mm to 1 m [kg]",
            total,
            float(expected_mass(mass, rocket_body=rocket)),
            tolerance_relative=0.01,
            note=f"weighted sum (wrong): {wrong_total:g}",
        )
        ours = float(expected_mass(mass, rocket_body=rocket, low_m=0.1))
        report.check(
            f"{name}: mass of 10 cm to 1 m [kg]",
            long,
            ours,
            tolerance_relative=0.01,
            note=f"weighted sum (wrong): {wrong_long:g}",
        )
        length = draw_length(DRAWS, low_m=0.1, high_m=1.0, rng=rng)
        drawn = area_of_length(length) / 10.0 ** draw_chi(length, rocket_body=rocket, rng=rng)
        number = float(expected_count(mass, 0.1, high_m=1.0))
        report.check(
            f"{name}: the same by Monte Carlo [kg]",
            ours,
            number * drawn.mean(),
            sigma=float(number * drawn.std() / np.sqrt(DRAWS)),
        )


def conservation(report: Report, rng: np.random.Generator, events: int) -> None:
    """Mass and momentum of whole breakups, counts against their expectation."""
    makers: tuple[tuple[str, Callable[[], Breakup], float], ...] = (
        (
            "950 + 560 kg, 11.7 km/s",
            lambda: collision(body(950.0), body(560.0), speed_km_s=11.7, rng=rng),
            float(expected_fragments(950.0, 560.0, 11.7)),
        ),
        (
            "two rocket bodies of 8.3 t, 12 km/s",
            lambda: collision(body(8300.0, rocket=True), body(8300.0, rocket=True), speed_km_s=12.0, rng=rng),
            float(expected_fragments(8300.0, 8300.0, 12.0, rocket_body=True)),
        ),
        (
            "1000 + 0.5 kg, 10 km/s (crater)",
            lambda: collision(body(1000.0), body(0.5), speed_km_s=10.0, rng=rng),
            float(expected_fragments(1000.0, 0.5, 10.0)),
        ),
        (
            "rocket body of 800 kg explodes",
            lambda: explosion(body(800.0, rocket=True), scale=1.0, rng=rng),
            float(expected_count(1.0, 0.1, high_m=1.0, event="explosion")),
        ),
    )
    for name, make, mean in makers:
        debris = [make() for _ in range(events)]
        number = [int((~d.remnant).sum()) for d in debris]
        report.check(f"{name}: fragments >= 10 cm", mean, float(np.mean(number)), sigma=0.5 / float(np.sqrt(events)))
        report.check("  mass not accounted for, worst", 0.0, max(abs(d.closure) for d in debris), high=1e-12)
        report.check(
            "  momentum left over, worst",
            0.0,
            max(d.momentum_residual for d in debris),
            high=1e-10,
            note=f"as drawn: {np.mean([d.momentum_drawn for d in debris]):.2g} of sum of m |dv|",
        )
        report.check(
            "  remnants, mean",
            None,
            float(np.mean([d.remnant.sum() for d in debris])),
            note=f"mass {np.mean([d.mass_kg[d.remnant].sum() for d in debris]):.0f} kg",
        )


def iadc(report: Report, rng: np.random.Generator) -> None:
    """The comparison of 2006: 1000 kg and 10 kg."""
    debris = collision(body(1000.0), body(10.0), speed_km_s=10.0, rng=rng, min_length_m=1e-3)
    speed = np.sqrt((debris.delta_v_km_s**2).sum(1))
    source = "NASA at the 24th IADC (second hand)"
    rows = (
        ("fragments >= 1 mm", 2_957_159, len(debris)),
        (">= 10 cm", 862, (debris.length_m >= 0.1).sum()),
        ("heavier than 1 g", 12_600, (debris.mass_kg > 1e-3).sum()),
        ("larger than 1 cm2", 28_892, (debris.area_m2 > 1e-4).sum()),
        ("faster than 1 km/s", 638_537, (speed > 1.0).sum()),
    )
    for name, reference, ours in rows:
        report.check(f"IADC 2006, 1000 + 10 kg: {name}", reference, int(ours), tolerance_relative=0.25, source=source)
    report.check("  mass [kg]", 1010.0, float(debris.mass_kg.sum()), tolerance_relative=1e-9, source=source)
    share = float((debris.parent == 1).mean())
    report.check(
        "  share of the 10 kg object",
        84_832 / 2_957_159,
        share,
        source=source,
        note="10 / 1010 by mass; only fragments shorter than it are shared",
    )


def observed(report: Report) -> None:
    """Observed breakups in catalogues."""
    ours = float(expected_fragments(950.0, 560.0, 11.7))
    report.check("Iridium 33 - Cosmos 2251, >= 10 cm", 1300, ours, tolerance_relative=0.1, source="NASA's simulation")
    for reference, when in ((1366, "Aug 2009"), (1632, "Dec 2009"), (2300, "finally")):
        report.check(f"  catalogued, {when}", reference, ours, source="Kelso, Wang, press")
    fengyun = float(expected_count(958.0, 0.1))
    report.check(
        "Fengyun-1C, >= 10 cm",
        3500,
        fengyun,
        note=f"the model is low by {3500 / fengyun:.1f}: information",
        source="catalogue",
    )


def speed(report: Report, rng: np.random.Generator) -> None:
    pair = body(950.0), body(560.0)
    collision(*pair, speed_km_s=11.7, rng=rng)
    took = []
    for _ in range(20):
        start = time.perf_counter()
        collision(*pair, speed_km_s=11.7, rng=rng)
        took.append(time.perf_counter() - start)
    report.check("time of a breakup of 1218 fragments [ms]", None, 1e3 * float(np.median(took)), note="here and now")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=400, help="whole breakups of each kind")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    report = Report("R1: NASA Standard Breakup Model")
    counts(report)
    area_to_mass(report, rng)
    closure(report, rng)
    conservation(report, rng, options.events)
    iadc(report, rng)
    observed(report)
    speed(report, rng)
    report.note(f"seed {options.seed}; {DRAWS:,} draws a mean, {options.events} whole breakups of each kind")
    report.note(
        "IADC 2006: speed of impact and kind are not quoted; 10 km/s and spacecraft are taken. NASA's file "
        "counts each object by itself and includes the filling up of mass: 22 % more than the power law has."
    )
    report.note("proxies: lengths of bodies follow from their masses (ESA's relation)")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
