"""Take the picture of README: the report of a day of the synthetic catalogue, screened all against all.

``python benchmarks/readme_figure.py [--out FILE.png]`` screens 27,000 synthetic objects, writes the report as ``stmgpu
demo`` does, opens it in the system's Chromium, without a network, and puts the globe and two figures of the page side
by side. It takes about half a minute and writes ``docs/images/report.png``.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import stmgpu as stm
from stmgpu.report.page import write_page

OBJECTS, SEED = 27_000, 0
START, THRESHOLD_KM = "2025-01-01T00:00:00", 5.0
WINDOW, RATIO = {"width": 920, "height": 900}, 2
"""A narrow window, in which letters are large beside the figures, and pixels of the picture for each of the page."""

EVENT = 2
"""Place in the table, from 0 for the closest fast pair, of the event whose orbits the globe shows."""

PANELS = ("miss_speed", "altitude_latitude")
HEIGHT, GAP, COLOURS = 800, 32, 96
"""Height of the picture, space around its parts [pixels], and colours of its palette, which shrinks the file."""

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_FOR_A_PICTURE = (
    "document.querySelectorAll('details, .note, .figure-note, button').forEach((one) => (one.hidden = true))"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURE, help="PNG file to write; default docs/images/report.png")
    picture = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        store, report = Path(folder) / "day.zarr", Path(folder) / "report.html"
        cat = stm.synthetic_catalog(OBJECTS, seed=SEED)
        stm.screen_to_store(cat, store, start=START, days=1, threshold_km=THRESHOLD_KM)
        write_page(store, report)
        parts = take(report)
    picture.parent.mkdir(exist_ok=True)
    few = composed(parts).quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)
    print(f"{picture.stat().st_size / 1000:.0f} kB: {picture}")


def take(report: Path) -> list[Image.Image]:
    """Globe and figures of a report, as a browser shows them."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit(f"no browser: none of {', '.join(BROWSERS)} is installed; install Chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--force-color-profile=srgb"])
        page = browser.new_page(viewport=WINDOW, device_scale_factor=RATIO, color_scheme="dark", offline=True)
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready]")
        page.locator(f"#conjunctions [aria-rowindex='{EVENT + 2}']").click()
        page.evaluate(_FOR_A_PICTURE)
        parts = [shot(page, "#globe .figure-frame"), *(shot(page, f"#{name}") for name in PANELS)]
        browser.close()
    return parts


def shot(page: Page, selector: str) -> Image.Image:
    """One part of the page, once it is drawn and at rest."""
    part = page.locator(selector)
    part.scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)
    return Image.open(io.BytesIO(part.screenshot(animations="disabled"))).convert("RGB")


def composed(parts: list[Image.Image]) -> Image.Image:
    """The globe at the left, the figures below each other at the right, with a margin around all."""
    globe, *figures = parts
    inner = HEIGHT - 2 * GAP
    half, x, y = globe.height // 2 - 4, globe.width // 2, globe.height // 2  # without the edges of the element
    globe = scaled(globe.crop((x - half, y - half, x + half, y + half)), inner)
    width = int((inner - GAP * (len(figures) - 1)) / sum(one.height / one.width for one in figures))
    picture = Image.new("RGB", (globe.width + width + 3 * GAP, HEIGHT), globe.getpixel((8, 8)))
    picture.paste(globe, (GAP, GAP))
    top = GAP
    for one in figures:
        picture.paste(scaled(one, width), (globe.width + 2 * GAP, top))
        top += scaled(one, width).height + GAP
    return picture


def scaled(image: Image.Image, width: int) -> Image.Image:
    """Scale an image to a width."""
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
