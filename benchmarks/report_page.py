"""Benchmark the report page: its size, what writing it costs, and how fast it is in a browser that renders in software.

    python benchmarks/report_page.py [--objects 27000] [--rounds 5] [--out results/report_page.json]

Screens a synthetic catalogue for a day at two thresholds, so that there are about 200,000 conjunctions to write a page
of, and 100,000 and 1,000,000 rows to put into one. Every page is written by a process of its own, whose processor time
and peak memory are read. Chromium (of the operating system, by playwright, without a GPU) then opens the pages; each
action is timed in the page, from the event to the frame in which its result is painted, and the processor time of the
page's main thread is read, which does not depend on other work on the machine. Frames of the globe are those of a page
of 30,000 rows. Writes `results/report_page.json`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
from playwright.sync_api import Page, sync_playwright

import stmgpu as stm

START = "2025-01-01"
TARGETS = {
    "first_table_ms": 1000, "sort_ms": 300, "filter_ms": 150, "brush_ms": 300, "far_scroll_ms": 100,
    "globe_30_frames_ms": 2500,
}  # fmt: skip
"""What the design asks of 100,000 rows [ms]."""

WRITER = """
import json, resource, sys, time
from pathlib import Path
from stmgpu.report.page import write_page
begin = time.monotonic()
page = write_page(sys.argv[1], sys.argv[2], rows=int(sys.argv[3]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "conjunctions": page.content["rows_total"], "rows": page.content["rows"], "bytes": Path(sys.argv[2]).stat().st_size,
    "wall_s": round(time.monotonic() - begin, 2), "cpu_s": round(used.ru_utime + used.ru_stime, 2),
    "peak_mib": round(used.ru_maxrss / 1024),
}))
"""

FIRST_TABLE = """new MutationObserver((_, own) => {
  if (!document.querySelector('[role=row][data-row] [data-column]')) return;
  own.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstTable = performance.now() }));
}).observe(document, {childList: true, subtree: true});"""
"""Notes when the first rows are painted, counted from the beginning of the navigation."""

PAINTED = "const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));"

ACTIONS = {
    "sort": """document.querySelector(`[role=columnheader][data-column=${arg}] button`).click()""",
    "filter": """{ const box = document.querySelector('[data-filter=miss_distance][data-bound=max]');
        box.value = arg; box.dispatchEvent(new Event('input', {bubbles: true})) }""",
    "far_scroll": """{ const grid = document.querySelector('[role=grid]');
        grid.scrollTop = arg * grid.scrollHeight }""",
    "brush": """{ const canvas = document.querySelector('#per_hour [role=img]'), box = canvas.getBoundingClientRect();
        const at = (type, x) => canvas.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerId: 1, button: 0,
          buttons: 1, clientX: box.left + x * box.width, clientY: box.top + 0.5 * box.height}));
        canvas.setPointerCapture = () => {};
        at('pointerdown', 0.2); at('pointermove', arg); at('pointerup', arg) }""",
}
"""What is done in the page, by the name of its time; `arg` differs from round to round."""

ARGUMENTS: dict[str, list[Any]] = {
    "sort": ["relative_speed", "tca", "primary_name", "altitude", "secondary"],
    "filter": ["6", "5", "4", "3", "2"],
    "far_scroll": [0.9, 0.2, 0.7, 0.4, 0.99],
    "brush": [0.4, 0.6, 0.5, 0.7, 0.8],
}

FRAMES = """async () => {
  const canvas = document.querySelector('#globe [role=img]');
  canvas.scrollIntoView({block: 'center'});
  canvas.setPointerCapture = () => {};
  const box = canvas.getBoundingClientRect();
  const at = (type, x) => canvas.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerId: 1, button: 0,
    buttons: 1, clientX: box.left + x, clientY: box.top + box.height / 2}));
  for (let k = 0; k < 3; k++) await new Promise(requestAnimationFrame);
  at('pointerdown', 100);
  const begin = performance.now();
  for (let k = 0; k < 30; k++) {
    at('pointermove', 105 + 5 * k);
    await new Promise(requestAnimationFrame);
  }
  const time = performance.now() - begin;
  at('pointerup', 260);
  return time;
}"""


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        result = _measure(options, folder)
    finally:
        shutil.rmtree(folder)
    path = machine.write("report_page", result, options.out)
    print(f"written: {path}")
    return 0


def _measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    catalog = stm.synthetic_catalog(options.objects)
    pages: dict[str, dict[str, Any]] = {}
    for threshold, counts in ((11.9, (100_000, 30_000)), (24.0, (1_000_000,))):
        store = folder / f"{threshold:g}.zarr"
        stm.screen_to_store(catalog, store, start=START, hours=24, threshold_km=threshold)
        for rows in counts:
            pages[f"{rows} rows"] = _written(store, folder / f"{rows}.html", rows)
            print(pages[f"{rows} rows"], flush=True)
    return {
        "catalog": {"source": catalog.source, "objects": len(catalog)},
        "pages": pages,
        "browser": {
            f"{rows} rows": _in_browser(folder / f"{rows}.html", options.rounds, rows)
            for rows in (100_000, 1_000_000, 30_000)
        },
        "targets_of_100000_rows": TARGETS,
    }


def _written(store: Path, page: Path, rows: int) -> dict[str, Any]:
    """Bytes of a page, and what its writing took in a process of its own."""
    command = [sys.executable, "-c", WRITER, str(store), str(page), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _in_browser(file: Path, rounds: int, rows: int) -> dict[str, Any]:
    times: dict[str, list[float]] = {}
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--disable-gpu"])
        version = browser.version
        for number in range(rounds):
            with browser.new_context(offline=True, viewport={"width": 1280, "height": 900}) as context:
                page = context.new_page()
                page.set_default_timeout(300_000)
                for name, value in _one_round(page, file, number, rows).items():
                    times.setdefault(name, []).append(round(value, 1))
                print(number, {name: values[-1] for name, values in times.items()}, flush=True)
        browser.close()
    medians = {name: {"median": statistics.median(values), "all": values} for name, values in times.items()}
    return {"chromium": version, **medians}


def _one_round(page: Page, file: Path, number: int, rows: int) -> dict[str, float]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy_ms() -> float:
        """Processor time of the page's main thread."""
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1e3 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    times: dict[str, float] = {}

    def timed(name: str, act: Callable[[], Any]) -> None:
        begin = busy_ms()
        times[f"{name}_ms"] = act()
        times[f"{name}_cpu_ms"] = busy_ms() - begin

    def open_() -> float:
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        page.wait_for_timeout(500)
        first: float = page.evaluate("window.firstTable")
        return first

    page.add_init_script(FIRST_TABLE)
    timed("first_table", open_)
    times["heap_mib"] = page.evaluate("performance.memory.usedJSHeapSize / 1048576")
    page.locator("details.more-filters summary").click()
    for name, action in ACTIONS.items():
        place = "#per_hour [role=img]" if name == "brush" else "[role=grid]"
        page.locator(place).scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        script = (
            f"async arg => {{ {PAINTED} await painted(); const begin = performance.now(); {action}; await painted();"
            " return performance.now() - begin }"
        )
        timed(name, lambda script=script, name=name: page.evaluate(script, ARGUMENTS[name][number % 5]))
        if name in ("filter", "brush"):
            shown = int(page.locator("[role=grid]").get_attribute("aria-rowcount") or 0) - 1
            if not 0 < shown < rows:
                raise SystemExit(f"{name}: {shown} of {rows} rows are shown; the action did nothing")
            page.locator("#clear-filters").click()
    timed("globe_30_frames", lambda: page.evaluate(FRAMES))
    return times


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=27_000, help="of the synthetic catalogue")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where stores and pages are kept while it runs")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
