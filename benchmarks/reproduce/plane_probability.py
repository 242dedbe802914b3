"""Collision probability in the encounter plane against 30-digit arithmetic.

Usage: python benchmarks/reproduce/plane_probability.py [--cases 24] [--seed 2]

Truth: the integral of the normal density over the disc, as chords, by mpmath with 30 digits. Cases are random: radii of
1e-5 to 100 of the smaller sigma, aspect ratios up to 1e4, misses up to 10 sigmas, and in a third of the cases the mean
on the rim of the disc. Limits, those of the library's promise: a relative error of 1e-12, 1e-11 for probabilities below
1e-20; below 1e-300 nothing is asked.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise

import mpmath
import numpy as np
from verdict import Report

from stmgpu.backend import get_backend
from stmgpu.errors import BackendError
from stmgpu.risk import plane_probability
from stmgpu.typing import Floats

DIGITS = 30
SMALLEST, SMALL = 1e-300, 1e-20


def draw(count: int, seed: int) -> tuple[Floats, ...]:
    """Miss along both axes, both sigmas and radius of each case, in units of the smaller sigma."""
    rng = np.random.default_rng(seed)
    aspect, radius = 10.0 ** rng.uniform(0, 4, count), 10.0 ** rng.uniform(-5, 2, count)
    along, across = rng.uniform(0, 10, count) * aspect, rng.uniform(0, 10, count)
    angle, rim = rng.uniform(0, np.pi / 2, count), np.arange(count) % 3 == 0
    return (
        np.where(rim, radius * np.cos(angle), along),
        np.where(rim, radius * np.sin(angle), across),
        aspect,
        np.ones(count),
        radius,
    )


def exact(along: float, across: float, major: float, minor: float, radius: float) -> float:
    """The integral over chords across the major axis, cut at the sigmas of the density."""
    x0, y0, a, b, r = (mpmath.mpf(value) for value in (along, across, major, minor, radius))
    peak = mpmath.exp(-(max(0, (x0 - r) / a) ** 2) / 2)  # keeps the integrand near 1

    def chord(angle: mpmath.mpf) -> mpmath.mpf:
        x, half = x0 - r * mpmath.cos(angle), r * mpmath.sin(angle)
        low, high = ((y0 + side * half) / (b * mpmath.sqrt(2)) for side in (-1, 1))
        inside = (mpmath.erf(high) - mpmath.erf(low)) if low < 0 else (mpmath.erfc(low) - mpmath.erfc(high))
        return mpmath.exp(-((x / a) ** 2) / 2) / peak * inside / 2 * mpmath.sin(angle)

    cuts = {mpmath.mpf(0), mpmath.pi / 2, mpmath.pi}
    for level in (0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 13):
        x = mpmath.hypot(max(0, x0 - r), level * a)
        y = mpmath.hypot(max(0, y0 - r), level * b)
        cuts |= {mpmath.acos((x0 - side * x) / r) for side in (-1, 1) if abs(x0 - side * x) < r}
        for sine in ((y0 - y) / r, (y0 + y) / r, -(y0 - y) / r):
            if 0 < sine < 1:
                cuts |= {mpmath.asin(sine), mpmath.pi - mpmath.asin(sine)}
    total = mpmath.fsum(mpmath.quad(chord, [low, high], maxdegree=7) for low, high in pairwise(sorted(cuts)))
    return float(r / (a * mpmath.sqrt(2 * mpmath.pi)) * total * peak)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--seed", type=int, default=2)
    given = parser.parse_args()
    cases = draw(given.cases, given.seed)
    mpmath.mp.dps = DIGITS
    truth = np.array([exact(*case) for case in zip(*(column.tolist() for column in cases), strict=True)])
    report = Report(f"Probability in the encounter plane, {given.cases} random cases, seed {given.seed}")
    report.check("cases with a probability of 1e-20 and more", None, int((truth >= SMALL).sum()))
    report.check("largest, smallest probability", None, f"{truth.max():.5g}, {truth[truth > SMALLEST].min():.5g}")
    for name in ("reference", "cpu", "cuda"):
        try:
            ours = plane_probability(*cases, backend=get_backend(name))
        except BackendError as error:
            report.note(f"{name}: not run, {str(error).splitlines()[0]}")
            continue
        for label, chosen, allowed in (
            ("1e-20 and more", truth >= SMALL, 1e-12),
            ("below", (truth < SMALL) & (truth > SMALLEST), 1e-11),
        ):
            if chosen.any():
                error = float(np.max(np.abs(ours[chosen] / truth[chosen] - 1.0)))
                report.check(f"{name}: relative error, {label}", None, error, high=allowed)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
