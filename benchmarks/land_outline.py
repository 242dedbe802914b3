"""Make the land outline of the report page's globe from Natural Earth's land at 1:110 million (public domain).

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python benchmarks/land_outline.py package/land-110m.json > stmgpu/report/page/scripts/land_outline.js

The package `world-atlas` carries the outline of Natural Earth 4.1.0 as TopoJSON. Points are dropped where the triangle
with their neighbours is small (Visvalingam and Whyatt, Cartographic Journal 30, 1993), small islands with them. What is
left is rounded to 0.1 degree and written as differences: zigzag, then five bits a character, the lowest first, with the
sixth bit where more follow. Rings are separated by a full stop.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Point = tuple[float, float]

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
SMALLEST_TRIANGLE = 0.03
"""Area of a triangle below which its middle point is dropped, in square degrees at the equator."""

SMALLEST_RING = 0.25
"""Area of a ring below which it is dropped."""

UNITS_PER_DEGREE = 10
WIDTH = 112

HEADER = """// @ts-check
/**
 * Coast lines: Natural Earth's land at 1:110 million, version 4.1.0 (public domain, naturalearthdata.com), thinned to
 * {points} points in tenths of a degree. Made by benchmarks/land_outline.py, which says how the text is coded.
 */
export const OUTLINE = [
"""


def rings(topology: dict[str, Any]) -> Iterator[list[Point]]:
    """Outer and inner rings of all polygons in degrees."""
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs: list[list[Point]] = []
    for arc in topology["arcs"]:
        steps = [itertools.accumulate(axis) for axis in zip(*arc, strict=True)]
        arcs.append([(scale[0] * x + shift[0], scale[1] * y + shift[1]) for x, y in zip(*steps, strict=True)])
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]:
            for ring in polygon:
                points: list[Point] = []
                for number in ring:
                    points += (arcs[number] if number >= 0 else arcs[~number][::-1])[:-1]
                yield points


def triangle(a: Point, b: Point, c: Point) -> float:
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2


def area(ring: list[Point]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise([*ring, ring[0]]))) / 2


def thinned(ring: list[Point]) -> list[Point]:
    """Drop the point with the smallest triangle again and again; points on the edge of the map stay."""
    points = list(ring)
    while len(points) > 4:
        sizes = [
            float("inf")
            if abs(points[k][0]) > 179.9
            else triangle(points[k - 1], points[k], points[(k + 1) % len(points)])
            for k in range(len(points))
        ]
        least = min(range(len(points)), key=sizes.__getitem__)
        if sizes[least] >= SMALLEST_TRIANGLE:
            break
        del points[least]
    return points


def coded(points: list[Point]) -> str:
    text, last = [], (0, 0)
    for point in points:
        here = (round(point[0] * UNITS_PER_DEGREE), round(point[1] * UNITS_PER_DEGREE))
        for step in (here[0] - last[0], here[1] - last[1]):
            rest = step << 1 if step >= 0 else ~(step << 1)
            while rest >= 32:
                text.append(DIGITS[32 | (rest & 31)])
                rest >>= 5
            text.append(DIGITS[rest])
        last = here
    return "".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topology", type=Path)
    topology = json.loads(parser.parse_args().topology.read_text())
    kept = [thinned(ring) for ring in rings(topology) if area(ring) >= SMALLEST_RING]
    text = ".".join(coded(ring) for ring in kept)
    lines = "\n".join(f'  "{text[k : k + WIDTH]}",' for k in range(0, len(text), WIDTH))
    print(HEADER.format(points=sum(map(len, kept))) + lines + '\n].join("");')


if __name__ == "__main__":
    main()
