"""Sound files of every format that is read, and ways to damage them."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from support.messages import json_text, kvn, space_track
from support.populations import mocat_file
from support.samples import FORMATS
from support.space_weather import csv_document, document
from support.trajectories import MEME_NAME, meme

from stmgpu.catalog import Catalog, format_catalog, read_catalog, read_satcat, synthetic_catalog
from stmgpu.catalog.ccsds.oem import read_oem
from stmgpu.catalog.limits import element_faults
from stmgpu.catalog.trajectories.files import read_trajectories
from stmgpu.debris.environment.space_weather import read_space_weather
from stmgpu.debris.population.from_table import read_table
from stmgpu.debris.population.mocat import read_mocat
from stmgpu.debris.study.scenario_file import read_study
from stmgpu.messages.cdm import format_cdm, read_cdm
from stmgpu.messages.cdm.density import density_sensitivity
from stmgpu.messages.socrates import COLUMNS, read_socrates
from stmgpu.risk.covariance_files import read_covariance_table
from stmgpu.risk.covariance_model import CovarianceModel, format_model, read_model
from stmgpu.risk.object_tables import LARGEST_M, read_object_table
from stmgpu.risk.radius_files import read_radius_rule
from stmgpu.risk.triage import read_lines

Read = Callable[[bytes, Path], Any]

META = """META_START
OBJECT_NAME = A
OBJECT_ID = 2024-001A
CENTER_NAME = EARTH
REF_FRAME = EME2000
TIME_SYSTEM = UTC
START_TIME = 2024-07-05T00:00:00
STOP_TIME = 2024-07-05T00:04:00
META_STOP
"""
STATES = [f"2024-07-05T00:0{k}:00 {7000 - k} {450 * k} {60 * k}.5 -0.{k} 7.5 1.0" for k in range(5)]
OEM = "CCSDS_OEM_VERS = 2.0\nCREATION_DATE = 2024-07-05T00:00:00\nORIGINATOR = X\n" + META + "\n".join(STATES) + "\n"


def _oem_xml() -> bytes:
    names = ("EPOCH", "X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
    meta = "".join(
        f"<{key.strip()}>{value.strip()}</{key.strip()}>"
        for key, value in (line.split("=") for line in META.splitlines()[1:-1])
    )
    vectors = "".join(
        "<stateVector>" + "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, row.split(), strict=True)) + "</stateVector>"
        for row in STATES
    )
    body = f"<segment><metadata>{meta}</metadata><data>{vectors}</data></segment>"
    return f'<oem id="CCSDS_OEM_VERS" version="2.0"><header/><body>{body}</body></oem>'.encode()


class _Named(io.BytesIO):
    name = MEME_NAME.format(number=91001, name="A")


def _from_file(reader: Callable[[Path], Any]) -> Read:
    def read(content: bytes, path: Path) -> Any:
        path.write_bytes(content)
        return reader(path)

    return read


def _cdm(content: bytes, path: Path) -> Any:
    for message in read_cdm(content):
        message.hard_body_radius()
        for one in message.objects:
            density_sensitivity(one)
        for form in ("kvn", "xml"):
            assert len(read_cdm(format_cdm(message, form))) == 1  # what was read can be written
    return message


def _catalog(content: bytes, path: Path) -> Any:
    catalog = read_catalog(content, lenient=len(content) % 2 == 0)
    assert len(catalog) > 0
    assert not list(element_faults({name: getattr(catalog, name) for name in Catalog.column_names()}))
    assert len(np.unique(catalog.norad_id)) == len(catalog)
    return catalog


TABLE = """# epoch = 2025-01-01
perigee_km,apogee_km,inc_deg,object_type,mass_kg,radius_m,owner
500,520,53,payload,260,1.2,US
800,810,98.6,rocket body,1400,,"=CIS"
"""
SATCAT = """OBJECT_NAME,OBJECT_ID,NORAD_CAT_ID,OBJECT_TYPE,OPS_STATUS_CODE,OWNER,LAUNCH_DATE,DECAY_DATE,RCS
A,2024-001A,91001,PAY,+,US,2024-01-01,,1.0
B,2024-001B,91002,R/B,D,US,2024-01-01,2024-05-05,
"""
SOCRATES = f"""{",".join(COLUMNS)}
91001,A [+],5.552,91002,"B, DEB [-]",5.609,2026-07-08 05:14:25.836,0.003,11.860,1.000E+00,0.000
"""
COVARIANCES = "norad_id,sigma_r_m,sigma_t_m,sigma_n_m\n5,1.5,20,3e1\n25544,10,200,20\n"
COVARIANCE_MODEL = """format = 1
name = "own"
obtained = "sets of 2025"
reference = "states of an operator"
correlation = -0.9
[[stratum]]
regime = "LEO2"
age_days = [0.75, 1.5]
at_days = 1.1
sigma_m = [90.0, 770.0, 65.0]
verdict = "calibrated"
"""
OBJECTS = "norad_id,radius_m,sigma_m,mass_kg,owner,source\n25544,55,2,420000,ISS,drawing\n9,,,3,,\n5,0.4,,,US,radar\n"
RADII = """source = "an operator"
catalog_radii = false
[default]
radius_m = 2
[[object]]
norad_id = 5
radius_m = 0.3
sigma_m = 0.1
[[name]]
pattern = "SAT-?*[A]"
radius_m = 4.0
source = "drawing 7"
[[type]]
object_type = "ROCKET BODY"
radius_m = 6.0
"""
LINES = 'source = "an operator"\nact = 1e-4\nwatch = 1e-7\n'
DENSITY = """COMMENT DCP Density Forecast Uncertainty = 1.8e-01
COMMENT DCP Sensitivity Vector RTN Pos = -2.0e+01 1.5e+03 -3.0e+00 [m]
COMMENT DCP Sensitivity Vector RTN Vel = -1.5e+00 2.0e-02 6.0e-03 [m/sec]
"""
SCENARIO = """years = 20
runs = 2
[population]
source = "synthetic"
objects = 300
[environment]
density = "exponential"
[[scenario]]
name = "with removal"
[[scenario.removal]]
rank = "risk"
per_year = 5
"""


READ = (
    *FORMATS, "gzip", "OEM in KVN", "OEM in XML", "MEME", "SATCAT", "scenario", "table", "MAT", "space weather",
    "space weather as CSV", "CDM in KVN", "CDM in XML", "CDM in JSON", "SOCRATES",
    "covariance model", "covariance table", "radius rule", "table of objects", "lines of a triage",
)  # fmt: skip
"""Formats of `sound_files`."""


def _model(path: Path) -> CovarianceModel:
    model = read_model(path)
    path.write_text(format_model(model), encoding="utf-8")
    assert read_model(path) == model
    return model


def _radii(path: Path) -> Any:
    found = read_radius_rule(path).of([5, 7], ["SAT-1A", "X"], ["", "ROCKET BODY"])
    assert ((found.radius_m >= 0.0) & (found.radius_m <= LARGEST_M)).all()
    return found


def sound_files(folder: Path) -> dict[str, tuple[bytes, Read]]:
    """Content and reader of each format."""
    small = synthetic_catalog(3, seed=5)
    files: dict[str, tuple[bytes, Read]] = {name: (format_catalog(small, name), _catalog) for name in FORMATS}
    times = np.datetime64("2024-07-08T00:00:42", "ns") + np.arange(5) * np.timedelta64(60, "s")
    states = np.array([[float(x) for x in row.split()[1:]] for row in STATES])
    generator = np.random.default_rng(1)
    return files | {
        "gzip": (gzip.compress(files["tle"][0]), _catalog),
        "OEM in KVN": (OEM.encode(), lambda content, path: read_oem(content)),
        "OEM in XML": (_oem_xml(), lambda content, path: read_oem(content)),
        "MEME": (
            meme(times, states),
            lambda content, path: read_trajectories(_Named(content), on_note=lambda note: None),
        ),
        "CDM in KVN": (kvn().replace("COMMENT of object 1\n", DENSITY).encode(), _cdm),
        "CDM in XML": (format_cdm(read_cdm(kvn().encode()), "xml"), _cdm),
        "CDM in JSON": (json_text(space_track()).encode(), _cdm),
        "SOCRATES": (SOCRATES.encode(), lambda content, path: read_socrates(content, on_rejected=lambda text: None)),
        "covariance model": (COVARIANCE_MODEL.encode(), _from_file(_model)),
        "covariance table": (COVARIANCES.encode(), lambda content, path: read_covariance_table(content)),
        "radius rule": (RADII.encode(), _from_file(_radii)),
        "table of objects": (OBJECTS.encode(), lambda content, path: read_object_table(content)),
        "lines of a triage": (LINES.encode(), _from_file(read_lines)),
        "SATCAT": (SATCAT.encode(), lambda content, path: read_satcat(content)),
        "scenario": (SCENARIO.encode(), _from_file(read_study)),
        "table": (TABLE.encode(), _from_file(lambda path: read_table(path, generator))),
        "MAT": (
            mocat_file(folder / "sound.mat").read_bytes(),
            _from_file(lambda path: read_mocat(path, generator, year=2020.0)),
        ),
        "space weather": (document("2020-01-01", "2020-03-01").encode(), _from_file(read_space_weather)),
        "space weather as CSV": (csv_document("2020-01-01", "2020-03-01").encode(), _from_file(read_space_weather)),
    }


TOKENS = [
    *(bytes([byte]) for byte in b"\0\n\r\"\xff',<>&{}[]= 09-+._e;\t#"), b"", b"\xc3\xa9", b"&#0;", b"]]>", b"E999",
    b"nan",    b"NaN", b"inf", b"1e400", b"null", b"\\ud800",
    b"1 ", b"2 ", b"9" * 25, b"COMMENT", b"CCSDS_OMM_VERS = 3.0\n",
    b"<omm>", b"</omm>", b"<!DOCTYPE x>", "１".encode(), b"\x1b[2J", b"\xff\xfe", b"PK\x03\x04", b"\x1f\x8b", b"[[",
    b"true",    b"META_START", b"2024-02-30", b"T24:00:00", b"+25:00",
]  # fmt: skip


def mutated(content: bytes, dice: random.Random) -> bytes:
    """The content with one to six pieces replaced, repeated, moved or cut off."""
    damaged = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        start = dice.randrange(len(damaged) + 1)
        length = dice.choice((0, 0, 1, 1, 2, 10, 70, 500))
        kind = dice.randrange(8)
        if kind == 0:
            piece = bytes(damaged[start : start + length]) * 2
        elif kind == 1:
            other = dice.randrange(len(damaged) + 1)
            piece = bytes(damaged[other : other + length])
        elif kind == 2:
            piece = dice.randbytes(dice.randrange(8))
        elif kind == 3 and dice.randrange(4) == 0:
            del damaged[start:]
            continue
        else:
            piece = dice.choice(TOKENS)
        damaged[start : start + length] = piece
    return bytes(damaged)
