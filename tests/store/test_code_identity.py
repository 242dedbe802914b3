"""Identity of a run's code: edits that cannot change a number keep it, all others change it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import stmgpu
from stmgpu.store.code_identity import code_identity, kernel_tokens, source_identity

JOB = "stmgpu.distribute.job"
FROM = "from stmgpu.constants"
MODULES = {
    "constants.py": "RADIUS_KM = 6378.135\n",
    "propagate/__init__.py": "",
    "propagate/orbits.py": '''
        """Orbits."""

        from stmgpu.constants import RADIUS_KM


        def perigee_km(a: float, e: float) -> float:
            """Height of the perigee."""
            return a * (1.0 - e) - RADIUS_KM  # above the equator
    ''',
    "propagate/drag.toml": "# measured\nbodies = [{ name = 'a', drag = 2.2 }]\n",
    "frames/__init__.py": "from stmgpu.frames.axes import AXES\nSPEED = 1.0\n",
    "frames/axes.py": "AXES = 3\n",
    "debris/__init__.py": "",
    "debris/other.toml": "rate = 1\n",
    "debris/growth.py": "RATE = 0.1\n",
    "distribute/__init__.py": "",
    "distribute/job.py": """
        from stmgpu.frames import AXES
        from stmgpu.propagate import orbits


        def compute(a: float) -> float:
            return orbits.perigee_km(a, 0.1) + AXES
    """,
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "stmgpu"
    for name, text in MODULES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))
    return folder


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _rename(package: Path) -> None:
    (package / "propagate" / "orbits.py").rename(package / "propagate" / "shapes.py")
    _replace(package / "distribute" / "job.py", "import orbits", "import shapes")
    _replace(package / "distribute" / "job.py", "orbits.", "shapes.")


def _move(package: Path) -> None:
    (package / "catalog").mkdir()
    (package / "constants.py").rename(package / "catalog" / "constants.py")
    _replace(package / "propagate" / "orbits.py", "stmgpu.constants", "stmgpu.catalog.constants")


KEEPING: dict[str, Callable[[Path], None]] = {
    "comment": lambda p: _replace(p / "propagate" / "orbits.py", "# above", "# measured above"),
    "docstring": lambda p: _replace(p / "propagate" / "orbits.py", "Height of", "Altitude of"),
    "layout": lambda p: _replace(
        p / "propagate" / "orbits.py", "a * (1.0 - e) - RADIUS_KM", "(\n a * (1.0-e)\n - RADIUS_KM)"
    ),
    "annotation": lambda p: _replace(p / "propagate" / "orbits.py", "a: float", "a: int"),
    "renamed module": _rename,
    "moved module": _move,
    "comment in a data file": lambda p: _replace(p / "propagate" / "drag.toml", "# measured", "# as measured"),
    "layout of a data file": lambda p: _replace(
        p / "propagate" / "drag.toml", "bodies = [{ name = 'a', drag = 2.2 }]", '[[bodies]]\ndrag = 2.2\nname = "a"'
    ),
    "data file of another package": lambda p: _replace(p / "debris" / "other.toml", "1", "2"),
    "package that passes on": lambda p: _replace(p / "frames" / "__init__.py", "SPEED", "MAX_SPEED"),
    "other kind of job": lambda p: _replace(p / "debris" / "growth.py", "0.1", "0.2"),
}

CHANGING: dict[str, Callable[[Path], None]] = {
    "constant": lambda p: _replace(p / "constants.py", "6378.135", "6378.137"),
    "value in a data file": lambda p: _replace(p / "propagate" / "drag.toml", "2.2", "2.3"),
    "new data file": lambda p: _write(p / "propagate" / "more.toml", "speed = 1\n"),
    "definition passed on by a package": lambda p: _replace(p / "frames" / "axes.py", "3", "2"),
    "sign": lambda p: _replace(p / "propagate" / "orbits.py", "- RADIUS_KM", "+ RADIUS_KM"),
    "new import": lambda p: _replace(p / "propagate" / "orbits.py", FROM, f"import stmgpu.debris.growth\n{FROM}"),
}


@pytest.mark.parametrize("edit", KEEPING)
def test_what_cannot_change_a_number_keeps_the_identity(package: Path, edit: str) -> None:
    before = source_identity(package, JOB)
    KEEPING[edit](package)
    assert source_identity(package, JOB) == before


@pytest.mark.parametrize("edit", CHANGING)
def test_what_may_change_a_number_changes_the_identity(package: Path, edit: str) -> None:
    before = source_identity(package, JOB)
    CHANGING[edit](package)
    assert source_identity(package, JOB) != before


def test_two_imports_exchanged_change_the_identity(package: Path) -> None:
    (package / "catalog").mkdir()
    (package / "catalog" / "constants.py").write_text("RADIUS_KM = 6371.0\n")
    orbits = package / "propagate" / "orbits.py"
    other = "from stmgpu.catalog.constants"
    _replace(orbits, f"{FROM} import RADIUS_KM", f"{FROM} import RADIUS_KM\n{other} import RADIUS_KM as MEAN_KM")
    before = source_identity(package, JOB)
    _replace(orbits, f"{FROM} import RADIUS_KM\n{other}", f"{other} import RADIUS_KM\n{FROM}")
    assert source_identity(package, JOB) != before


@pytest.mark.slow
def test_a_screening_does_not_depend_on_debris(tmp_path: Path) -> None:
    package = tmp_path / "stmgpu"
    shutil.copytree(Path(stmgpu.__file__).parent, package, ignore=shutil.ignore_patterns("_native", "__pycache__"))
    kinds = [f"stmgpu.distribute.jobs.{kind}" for kind in ("screening", "ephemeris", "ensemble")]
    before = [source_identity(package, kind) for kind in kinds]
    assert len(set(before)) == 3
    assert before == [code_identity(kind)["sources"] for kind in kinds]
    _replace(package / "debris" / "breakup" / "model.py", "import numpy as np", "import numpy as np\nWEIGHT = 1.0")
    after = [source_identity(package, kind) for kind in kinds]
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, True, False]


@pytest.mark.slow
def test_an_ensemble_depends_on_the_families_of_the_synthetic_population(tmp_path: Path) -> None:
    package = tmp_path / "stmgpu"
    shutil.copytree(Path(stmgpu.__file__).parent, package, ignore=shutil.ignore_patterns("_native", "__pycache__"))
    families = package / "debris" / "population" / "synthetic_families.toml"
    kinds = [f"stmgpu.distribute.jobs.{kind}" for kind in ("screening", "ensemble")]
    before = [source_identity(package, kind) for kind in kinds]
    _replace(package / "debris" / "scenarios" / "removal.toml", "years = 100", "years = 50")
    _replace(families, "# Families of objects", "# Families")
    assert [source_identity(package, kind) for kind in kinds] == before
    _replace(families, "mass = 96000.0", "mass = 96001.0")
    after = [source_identity(package, kind) for kind in kinds]
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False]


def test_kernel_tokens() -> None:
    text = '#include "a.h"\n#define F(x) \\\n  ((x) + 1)\n// why\nKERNEL void f(int n) { /* do\n it */ n +=1; }\n'
    assert kernel_tokens(text) == "# define F ( x ) ( ( x ) + 1 )\nKERNEL void f ( int n ) { n += 1 ; }"
    assert kernel_tokens(text) == kernel_tokens(text.replace(" n +=1;", "\n  n += 1;").replace("why", "because"))
    assert kernel_tokens(text) != kernel_tokens(text.replace("+=1", "+=2"))
    assert kernel_tokens("a + +b") != kernel_tokens("a ++b")
