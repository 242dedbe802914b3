"""Space-weather files of a few made-up months."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np


def record(day: np.datetime64, f107: float = 150.0, ap: float = 10.0, mean: float = 150.0) -> str:
    """A record in the columns of the format page of CelesTrak."""
    year, month, dom = (int(part) for part in str(day).split("-"))
    line = f"{year:4d} {month:02d} {dom:02d}{2000:5d}{1:3d}" + 8 * f"{20:3d}" + f"{160:4d}" + 8 * f"{7:4d}"
    line += f"{ap:4.0f}{0.5:4.1f}{2:2d}{100:4d}{99.9:6.1f}{0:2d}{88.8:6.1f}{mean:6.1f}{f107:6.1f}{mean:6.1f}{mean:6.1f}"
    assert len(line) == 130
    return line


def document(start: str, stop: str, change: Callable[[list[str]], list[str]] = lambda lines: lines) -> str:
    """A small file of the days from start to before stop; F10.7 = 100 + month, Ap = month."""
    days = np.arange(start, stop, dtype="datetime64[D]")
    lines = [record(d, 100.0 + int(str(d)[5:7]), int(str(d)[5:7])) for d in days]
    lines = [
        "DATATYPE CssiSpaceWeather",
        "VERSION 1.2",
        "# comment",
        f"NUM_OBSERVED_POINTS {len(days)}",
        "BEGIN OBSERVED",
        *lines,
        "END OBSERVED",
    ]
    return "\r\n".join(change(lines)) + "\r\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "sw.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def csv_document(start: str, stop: str, predicted: int = 3) -> str:
    """The file of `document` as CSV, with a few predicted days and months after it."""
    header = "DATE,BSRN,ND," + ",".join(f"KP{k}" for k in range(1, 9)) + ",KP_SUM,"
    header += ",".join(f"AP{k}" for k in range(1, 9))
    header += ",AP_AVG,CP,C9,ISN,F10.7_OBS,F10.7_ADJ,F10.7_DATA_TYPE,F10.7_OBS_CENTER81,F10.7_OBS_LAST81"
    header += ",F10.7_ADJ_CENTER81,F10.7_ADJ_LAST81"
    days = np.arange(start, stop, dtype="datetime64[D]")

    def row(day: object, kind: str) -> str:
        month = int(str(day)[5:7])
        return (
            f"{day},2000,1{',20' * 8},160{',7' * 8},{month},0.5,2,100,{100 + month}.0,99.9,{kind},150.0,150.0,88.8,88.8"
        )

    lines = [header, *(row(day, "INT" if k % 7 == 3 else "OBS") for k, day in enumerate(days))]
    lines += [row(days[-1] + k + 1, "PRD") for k in range(predicted)]
    lines += [row((days[-1] + 60 * (k + 1)).astype("datetime64[M]").astype("datetime64[D]"), "PRM") for k in range(2)]
    return "\r\n".join(lines) + "\r\n"
