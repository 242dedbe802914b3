"""Packages that can be called: help and signature are those of the function."""

from __future__ import annotations

import inspect
import pydoc

import pytest

import stmgpu as stm


@pytest.mark.parametrize("name", ["screen", "propagate"])
def test_help_shows_the_function(name: str) -> None:
    package = getattr(stm, name)
    function = getattr(package, name)
    assert inspect.signature(package) == inspect.signature(function)
    text = pydoc.plain(pydoc.render_doc(package))
    for line in (function.__doc__ or "").splitlines():
        assert line.strip() in text
    assert f"stmgpu.{name}(catalog" in text


def test_dir_lists_public_names_alone() -> None:
    assert set(dir(stm)) == {*stm.__all__, "__version__"}
    assert all(hasattr(stm, name) for name in stm.__all__)
