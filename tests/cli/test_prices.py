"""Prices of removals on the command line."""

from __future__ import annotations

import pytest

from stmgpu.cli.prices import prices_of
from stmgpu.errors import InputError


def test_prices_are_read_by_key() -> None:
    assert prices_of(["per_kg=1.5e3", "fixed=2"]) == {"per_kg": 1500.0, "fixed": 2.0}
    assert prices_of(None) is prices_of([]) is None


@pytest.mark.parametrize("word", ["per_kg", "per_kg=", "per_kg=cheap", "=", ""])
def test_other_forms_are_refused(word: str) -> None:
    with pytest.raises(InputError, match=f"--price is {word!r}, allowed is KEY=VALUE"):
        prices_of(["fixed=1", word])


def test_a_key_is_given_once() -> None:
    with pytest.raises(InputError, match="--price fixed is given twice"):
        prices_of(["fixed=1", "fixed=1"])
