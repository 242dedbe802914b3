"""Public names of ``stmgpu.debris``: all can be imported, and importing the package alone is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stmgpu import debris


@pytest.mark.parametrize("name", debris.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(debris, name) is not None
    assert name in dir(debris)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'stmgpu\.debris' has no attribute 'evolved'"):
        debris.evolved  # noqa: B018


def test_importing_the_package_loads_none_of_its_modules() -> None:
    code = (
        "import sys, stmgpu.debris; print([m for m in sys.modules if m.startswith('stmgpu.debris.')], "
        "'xarray' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[] False"
