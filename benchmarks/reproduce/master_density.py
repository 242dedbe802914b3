"""Spatial density by altitude beside that of MASTER.

Usage: python benchmarks/reproduce/master_density.py [--data ../shared/data/debris] [--seed 1]

Truth: densities of ESA's MASTER in steps of 10 km, as the repository of pySSEM holds them
(ssem/MASTER_IPOP_200_2000km.xlsx): fragments of 10 cm and more, launch and mission-related objects by diameter, and
smaller fragments by diameter. Rule, written before the first run: in every band of 200 km from 400 to 1,600 km the
density of ours is within a factor of 2 of MASTER's.
"""

from __future__ import annotations

import re
import sys
import zipfile

import numpy as np
from inputs import Parser
from verdict import Report

from stmgpu.debris.population import Kind, Population
from stmgpu.debris.population.mocat import read_mocat
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.statistics import spatial_density
from stmgpu.debris.statistics.density import shell_volume

BANDS_KM = np.arange(400.0, 1600.1, 200.0)
FACTOR = 2.0
STEP_KM = 10.0
MASTER = "ssem/MASTER_IPOP_200_2000km.xlsx"
LAUNCHED, LARGE, SMALL = 1, 2, 3
"""Sheets: launch and mission-related objects, fragments of 10 cm and more, smaller ones."""


def sheet(book: zipfile.ZipFile, number: int) -> np.ndarray:
    """Numbers of a sheet of a workbook, below its header; rows with text are left out."""
    text = book.read(f"xl/worksheets/sheet{number}.xml").decode()
    rows = []
    for row in re.findall(r"<row [^>]*>(.*?)</row>", text, re.S):
        cells = re.findall(r'<c r="[A-Z]+\d+"([^>]*)><v>([^<]*)', row)
        if cells and not any('t="s"' in attributes for attributes, _ in cells):
            rows.append([float(value) for _, value in cells])
    width = max(map(len, rows))
    return np.array([row for row in rows if len(row) == width])


def banded(table: np.ndarray, smallest_m: float = 0.0) -> np.ndarray:
    """Mean density [1/km^3] of a sheet by band; of one with diameters only from ``smallest_m`` on."""
    if table.shape[1] == 6:
        table = np.delete(table[table[:, 1] >= smallest_m], 1, axis=1)
    altitude, density = table[:, 0], table[:, 4]
    objects = density * shell_volume(altitude - 0.5 * STEP_KM, altitude + 0.5 * STEP_KM)
    sums = np.histogram(altitude, BANDS_KM, weights=objects)[0]
    return sums / shell_volume(BANDS_KM[:-1], BANDS_KM[1:])


def ours(population: Population, chosen: np.ndarray) -> np.ndarray:
    """Mean density of some objects by band [1/km^3]."""
    return spatial_density(population[chosen], BANDS_KM).sum("class").to_numpy()


def compare(report: Report, name: str, reference: np.ndarray, found: np.ndarray, note: str) -> None:
    for low, high, theirs, mine in zip(BANDS_KM[:-1], BANDS_KM[1:], reference, found, strict=True):
        report.check(
            f"{name}, {low:.0f} to {high:.0f} km [1/km^3]",
            theirs,
            mine,
            low=theirs / FACTOR,
            high=theirs * FACTOR,
            note=note,
        )


def main() -> int:
    parser = Parser(__doc__, MASTER, "mocat_mc/2018.mat")
    parser.add_argument("--seed", type=int, default=1, help="for what the sources do not say")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.data / MASTER) as book:
        launched, large, small = (sheet(book, number) for number in (LAUNCHED, LARGE, SMALL))
    report = Report("Spatial density beside MASTER's")
    rng = np.random.default_rng(arguments.seed)
    past = read_mocat(arguments.data / "mocat_mc" / "2018.mat", rng)
    fragment = past.kind > Kind.MISSION_RELATED
    compare(report, "catalogue of 2018, fragments", banded(large), ours(past, fragment), "MOCAT-MC")
    compare(report, "catalogue of 2018, others", banded(launched), ours(past, ~fragment), "MOCAT-MC")
    made = synthetic_population(None, arguments.seed, min_length_m=0.01)
    fragment = made.kind > Kind.MISSION_RELATED
    tiny = fragment & (made.length_m < 0.1)
    compare(report, "synthetic, fragments of 10 cm and more", banded(large), ours(made, fragment & ~tiny), "2023")
    compare(report, "synthetic, 1 to 10 cm", banded(small, 0.01), ours(made, tiny), "scaled to MASTER's total")
    report.note("MASTER's epoch is not in the file; ours are those of 2018, and of 2023 after Kosmos 1408 and Starlink")
    report.note("sizes are diameters there, L_c here; MASTER models also fragments of 10 cm that are not catalogued")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
