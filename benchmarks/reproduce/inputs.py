"""Command lines of the scripts on debris in this folder: where the data lie, and whether they are there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "debris"
"""Where the data lie if they lie beside the checkout."""

SPACE_WEATHER = "space_weather/sw19571001.txt"
"""Observed solar activity, in the folder of the data."""


class Parser(argparse.ArgumentParser):
    """Parser with the option ``--data``.

    Parameters
    ----------
    doc
        docstring of the script.
    needed
        files that it reads, in the folder of the data.
    """

    def __init__(self, doc: str | None, *needed: str) -> None:
        super().__init__(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.needed = needed
        self.add_argument("--data", type=Path, default=DATA, help=f"folder with {', '.join(needed)}")

    def ensemble(self, *, years: float, runs: int, seed: int = 1) -> None:
        """Add the options of an ensemble of runs with these defaults."""
        self.add_argument("--years", type=float, default=years)
        self.add_argument("--runs", type=int, default=runs)
        self.add_argument("--seed", type=int, default=seed)
        self.add_argument("--workers", type=int, default=2)
        self.add_argument("--name", help="write results/NAME.json")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the command line; exit with 2 where a file is missing."""
        given = super().parse_args(args, namespace)
        self.demand(given.data, *self.needed)
        return given

    def demand(self, folder: Path, *names: str) -> None:
        """Exit with 2 and a message where one of these files is missing."""
        missing = [str(folder / name) for name in names if not (folder / name).is_file()]
        if missing:
            self.exit(2, f"not there: {', '.join(missing)}; give --data FOLDER, the folder of these files\n")
