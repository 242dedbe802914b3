"""Tables of classes that are imported when they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stmgpu.registry import Registry


def test_classes_are_imported_when_they_are_asked_for() -> None:
    table: Registry[type] = Registry({"fraction": "fractions:Fraction", "missing": "fractions:Nothing"})
    assert "fraction" in table
    assert table["fraction"](1, 2) == 0.5
    assert "decimal" not in table
    table.register("decimal", float)
    assert table["decimal"] is float
    with pytest.raises(KeyError, match="other"):
        table["other"]
    with pytest.raises(AttributeError, match="Nothing"):
        table["missing"]


def test_a_screening_into_a_store_imports_no_debris() -> None:
    code = (
        "import sys, stmgpu as stm, stmgpu.distribute.jobs.screening; stm.screen_to_store; "
        "print(*[m for m in sys.modules if m.startswith('stmgpu.debris.') and m != 'stmgpu.debris.variables'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
