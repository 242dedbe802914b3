"""Types and checks of single values."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.typing import is_whole


@pytest.mark.parametrize("value", [0, -3, np.int64(7), np.uint8(1)])
def test_whole_numbers(value: object) -> None:
    assert is_whole(value)


@pytest.mark.parametrize("value", [True, np.True_, 1.0, np.float64(2.0), "1", None])
def test_other_values_are_no_whole_numbers(value: object) -> None:
    assert not is_whole(value)
