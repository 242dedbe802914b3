"""Texts of results: their codes, however many are distinct."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.variables import coded


@pytest.mark.parametrize("distinct", [0, 1, 16, 17, 40])
def test_codes_of_texts(distinct: int) -> None:
    """As NumPy's unique gives them, below and above the number up to which each text is compared with all."""
    rng = np.random.default_rng(distinct)
    words = np.array([f"reason {k} {'x' * (k % 7)}" for k in range(distinct)] or ["?"])
    texts = words[rng.permutation(np.arange(200 if distinct else 0) % max(distinct, 1))]
    values, codes = coded(texts)
    expected, places = np.unique(texts, return_inverse=True)
    assert values.tolist() == expected.tolist()
    assert codes.tolist() == places.tolist()
    assert (values.dtype, codes.dtype) == (expected.dtype, places.dtype)
