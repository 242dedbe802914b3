"""Choices of objects by id and range."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.catalog.ids import IdChoice
from stmgpu.errors import InputError

IDS = np.array([40_003, 7, 25_544, 40_001, 900_000_001])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (25_544, [25_544]),
        ([40_003, 7, 7], [7, 40_003]),
        ("7", [7]),
        ("25544, 40000-40010", [25_544, 40_001, 40_003]),
        ("# mine\n7\n40001  # spare\n\n900000001\n", [7, 40_001, 900_000_001]),
        (IdChoice((7,), ((1, 9),)), [7]),
    ],
)
def test_choices(choice, expected: list[int]) -> None:
    assert IdChoice.of(choice).among(IDS).tolist() == expected


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("12,x7", "'x7' is no NORAD id"),
        ("12.5", "'12.5' is no NORAD id"),
        ("9-7", "write 7-9"),
        ("#\n", "no NORAD id is given"),
        ([], "is no choice of objects"),
        ([1.5], "is no choice of objects"),
        (None, "is no choice of objects"),
    ],
)
def test_what_is_no_choice(choice, message: str) -> None:
    with pytest.raises(InputError, match=message):
        IdChoice.of(choice)


def test_unknown_ids_are_named() -> None:
    with pytest.raises(InputError, match=r"^8, 9, 50-60 are not among the 5 objects$"):
        IdChoice.of("7,9,8,50-60").among(IDS)
    with pytest.raises(InputError, match=r"^8 is not among the 5 objects$"):
        IdChoice.of(8).among(IDS)
    with pytest.raises(InputError, match=r"109 and 90 more are not among"):
        IdChoice.of(np.arange(100, 200)).among(IDS)
