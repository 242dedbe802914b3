"""Constants that kernels and Python share."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from stmgpu import constants as physics
from stmgpu.backend.signature import signature
from stmgpu.backend.source import flatten, kernel_dir, kernel_files
from stmgpu.backend.tables import constants, table
from stmgpu.debris import streams
from stmgpu.debris.collisions import crossing
from stmgpu.errors import BackendError
from stmgpu.propagate import codes, elements, orbit_table, secular_forces

CONDITIONAL = {"STM_LANES", "STM_FLOAT_LANES", "STM_BYTES", "SECULAR_BLOCK", "SGP4_BLOCK", "PAIR_GROUP"}


def test_enumerators_and_macros() -> None:
    text = """
        // enum { NOT, THIS }
        enum { A, B, C = B + 3, D, /* E, */ F };
        enum Named { G = D * 2 };
    """
    values = {"A": 0, "B": 1, "C": 4, "D": 5, "F": 6, "G": 10}
    macros = "#define LENGTH_KM 2.5e1 // km\n#define SHIFT (1 << 4)\n#define BIG 0x10ULL\n#define SUM (SHIFT + 1LL)\n"
    others = "#define CALL(x) (x)\n#define WORD static\n#define RATIO (1 / 2)\n#define NO\n#define LESS (-LENGTH_KM)\n"
    numbers = {"LENGTH_KM": 25.0, "SHIFT": 16, "BIG": 16, "SUM": 17, "LESS": -25.0}
    assert constants(text + "\n" + macros + others, "a.h") == values | numbers


def test_conditional_macros_are_left_out() -> None:
    text = "#define A 1\n#ifdef X\n#define B 2\n#if Y\n#define C 2\n#endif\n#else\n#define B 3\n#endif\n#define D 4\n"
    assert constants(text, "a.h") == {"A": 1, "D": 4}


def test_one_name_has_one_value() -> None:
    with pytest.raises(BackendError, match=r"a\.h defines A as 1 and as 2"):
        constants("#define A 1\nenum { B, C, A };\n", "a.h")


def test_missing_constants_and_headers() -> None:
    with pytest.raises(BackendError, match=r"'nothing\.h' is missing"):
        table("nothing.h")
    with pytest.raises(BackendError, match=r"earth\.h defines no numeric constant 'EARTH_J9'"):
        table("earth.h").number("EARTH_J9")
    with pytest.raises(BackendError, match="must be an integer"):
        table("earth.h").integer("EARTH_J2")


def test_earth_constants_are_those_of_python() -> None:
    header = table("earth.h")
    for prefix, model in (("WGS72", physics.WGS72), ("EARTH", physics.EARTH)):
        assert header.number(f"{prefix}_MU_KM3_S2") == model.mu_km3_s2
        assert header.number(f"{prefix}_RADIUS_KM") == model.radius_km
        assert header.number(f"{prefix}_J2") == model.j2
    assert header.number("WGS72_XKE") == elements.XKE
    exact = 60.0 * (physics.WGS72.mu_km3_s2 / physics.WGS72.radius_km**3) ** 0.5
    assert abs(elements.XKE / exact - 1.0) < 1e-13


def test_random_streams_are_those_of_python() -> None:
    header = table("random.h")
    assert header.integer("STREAM_ANGLE") == streams.ANGLE
    assert header.integer("STREAM_COLLISION") == streams.COLLISION


def test_rows_that_python_uses() -> None:
    rows = [orbit_table.A_KM, orbit_table.ECC, orbit_table.INC, orbit_table.RAAN, orbit_table.ARGP, orbit_table.MEAN]
    assert rows == list(range(6))  # debris fills and reads the first six together
    assert (orbit_table.RADIUS, orbit_table.WEIGHT, orbit_table.ROWS) == (8, 9, 10)
    assert (orbit_table.FREE, orbit_table.KEPT, orbit_table.ABSENT) == (0, 1, 2)
    assert (elements.MOTION, elements.STATUS, elements.ROWS) == (0, 11, 12)
    assert [codes.CODE_SENSELESS, codes.CODE_OUTSIDE, codes.CODE_DUMMY, codes.CODE_ABSENT] == [7, 8, 9, 10]
    assert secular_forces.SOLAR_PRESSURE_N_M2 == 4.56e-6
    assert table("mean_field.h").integer("MEAN_FIELD_SPEEDS") == crossing.GROUPS


def test_contracts_use_constants_of_headers() -> None:
    assert next(p.shape for p in signature("sgp4_init").parameters if p.name == "constants") == ("36", "n_pad")
    assert next(p.shape for p in signature("secular_step").parameters if p.name == "orbit") == ("10", "stride")


def test_no_macro_has_two_values() -> None:
    """Also across kernel files: a reader who has seen a name once knows it everywhere."""
    definitions = defaultdict(set)
    for path in [*kernel_files(), *(kernel_dir() / "include").glob("*.h")]:
        for name, value in re.findall(r"^#define (\w+)[ \t]+(\S.*)$", path.read_text(encoding="utf-8"), re.M):
            definitions[name].add(value.partition("//")[0].strip())
    local = {"ROW", *CONDITIONAL}  # ROW(name): a column of the table at hand, undefined again after each function
    files = {"STM_", "real", "ints", "mask", "words", "splat", "load", "lane_ids"}  # portable.h and wide.h
    twice = {n: v for n, v in definitions.items() if len(v) > 1 and n not in local and not n.startswith(tuple(files))}
    assert twice == {}


def test_no_struct_or_function_has_two_meanings() -> None:
    """Kernel functions outside portable.h and wide.h, which overload on purpose, are defined in one file only."""
    homes = defaultdict(set)
    for path in [*kernel_files(), *(kernel_dir() / "include").glob("*.h")]:
        if path.name in ("portable.h", "wide.h"):
            continue
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^(?:STM_FN \w+\*?|STM_KERNEL|struct) (\w+)\s*[({]", text, re.M):
            homes[name].add(path.name)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_flattened_kernels_define_every_name_once() -> None:
    for file in kernel_files():
        assert constants(flatten(file), file.name)
