"""Reproduction of a claim: its script is run, and its figures are compared with the stored ones."""

from __future__ import annotations

import fnmatch
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stmgpu.errors import InputError, StmgpuError
from stmgpu.files import file_hash, writing
from stmgpu.report.claims import Claim, Claims, to_fetch

STORED = Path("benchmarks") / "results" / "claims"
"""Folder of the stored figures, in a checkout."""

VERDICTS = "STMGPU_VERDICTS"
"""Variable of the environment with the file into which a script writes its figures."""


@dataclass(frozen=True)
class Outcome:
    """What came of a claim.

    Attributes
    ----------
    name : str
        Name of the claim.
    figures : list of dict
        Figures of the script: ``name``, ``reference``, ``ours``, ``allowed``, ``passed``, ``note``.
    differences : list of str
        Where the figures part from the stored ones; empty if they were reproduced.
    text : str
        What the script printed.
    """

    name: str
    figures: list[dict[str, Any]]
    differences: list[str]
    text: str

    @property
    def reproduced(self) -> bool:
        """Whether the stored figures came out again."""
        return not self.differences

    @property
    def verdicts(self) -> tuple[int, int]:
        """Numbers of figures that agree with their reference, and of those that were judged."""
        judged = [row["passed"] for row in self.figures if row["passed"] is not None]
        return sum(judged), len(judged)


def reproduce(name: str, table: Claims, root: Path, out: Path, folder: Path | None) -> Outcome:
    """Run the script of a claim and compare its figures with the stored ones.

    Parameters
    ----------
    name : str
        Name of the claim.
    table : Claims
        The table.
    root : Path
        Checkout.
    out : Path
        Folder for the figures (``NAME.json``) and what the script printed (``NAME.txt``).
    folder : Path, optional
        Folder of the data.

    Returns
    -------
    Outcome
        Figures, and where they part from the stored ones.

    Raises
    ------
    InputError
        If a file of the data is missing or is another one than that of the stored figures.
    StmgpuError
        If the script ends without figures.
    OSError
        If the folder cannot be made or written to.
    """
    claim = table.claims[name]
    for key, files in table.lacking(name, folder).items():
        raise InputError(to_fetch(key, table.data[key], files))
    for data in table.data_of(name).values():
        if folder is not None and (altered := data.altered(folder)):
            raise InputError(
                f"{folder / altered[0]} is not the file of the stored result: its SHA-256 is "
                f"{file_hash(folder / altered[0])[1]}, not {data.files[altered[0]]}; fetch it anew from {data.source}"
            )
    stored = _figures(root / STORED / f"{name}.json")
    out.mkdir(parents=True, exist_ok=True)  # a folder that cannot be made is told before the script runs
    command = [part.replace("{data}", str(folder.absolute()) if folder else "") for part in claim.command]
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / "figures.json"
        done = subprocess.run(
            [sys.executable, str(root / command[0]), *command[1:]],
            cwd=root,
            env={**os.environ, VERDICTS: str(written)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = done.stdout.decode("utf-8", errors="replace")
        if not written.is_file():
            last = (text.strip().splitlines() or ["nothing was printed"])[-1]
            raise StmgpuError(f"{claim.command[0]} ended with exit code {done.returncode} and without figures: {last}")
        content = written.read_bytes()
        figures = _figures(written) or []
    for ending, output in ((".json", content), (".txt", text.encode("utf-8"))):
        with writing(out / f"{name}{ending}") as file:
            file.write(output)
    if stored is None:
        return Outcome(name, figures, [f"no figures are stored; --out {STORED} stores these"], text)
    return Outcome(name, figures, compare(stored, figures, claim), text)


def compare(stored: list[dict[str, Any]], figures: list[dict[str, Any]], claim: Claim) -> list[str]:
    """Where figures part from the stored ones: values beyond the tolerance, other verdicts, and rows without a partner.

    Parameters
    ----------
    stored, figures : list of dict
        Figures as scripts write them.
    claim : Claim
        Its tolerance and the patterns of what is not compared.

    Returns
    -------
    list of str
        One line a difference.
    """
    before, now = _named(stored), _named(figures)
    differences = []
    for name in {**before, **now}:
        if name not in before or name not in now:
            if not _matches(name, claim.optional):
                differences.append(f"{name}: {'not stored' if name in now else 'not computed'}")
            continue
        old, new = before[name], now[name]
        if not (_matches(name, claim.unstable) or _equal(old["ours"], new["ours"], claim.tolerance)):
            differences.append(f"{name}: {new['ours']}, stored {old['ours']}")
        elif old["passed"] != new["passed"]:
            words = {True: "passes", False: "fails", None: "is not judged"}
            differences.append(f"{name}: {words[new['passed']]}, stored: {words[old['passed']]}")
    return differences


def _named(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Figures by name, with a number behind a name that occurs again."""
    named: dict[str, dict[str, Any]] = {}
    for row in rows:
        again = sum(one["name"] == row["name"] for one in named.values())
        named[f"{row['name']} ({again + 1})" if again else row["name"]] = row
    return named


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _figures(file: Path) -> list[dict[str, Any]] | None:
    """Figures of a file; None if there is no file."""
    try:
        return list(json.loads(file.read_bytes())["verdicts"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StmgpuError(f"{file} is no result of a script: {error}; restore or remove it") from error


def _equal(stored: str, ours: str, tolerance: float) -> bool:
    """Whether two figures as printed are equal: numbers to a relative tolerance, all else to the letter."""
    try:
        a, b = (float(text.replace(",", "")) for text in (stored, ours))
    except ValueError:
        return stored == ours
    return math.isclose(a, b, rel_tol=tolerance) or (math.isnan(a) and math.isnan(b))
