"""The option with the prices of removals: ``--price``."""

from __future__ import annotations

from typing import Annotated

import typer

from stmgpu.errors import InputError

Prices = Annotated[
    list[str] | None,
    typer.Option(
        "--price",
        metavar="KEY=VALUE",
        help="Price of removals in a study: per_removal, per_kg, per_campaign, fixed, per_collision or discount_rate; "
        "may be repeated.",
    ),
]


def prices_of(words: list[str] | None) -> dict[str, float] | None:
    """Prices of ``KEY=VALUE``, None without any; their keys and sizes are checked where they are used.

    Raises
    ------
    InputError
        If a word has another form, or a key is given twice.

    Examples
    --------
    >>> prices_of(["per_removal=30e6", "discount_rate=0.05"])
    {'per_removal': 30000000.0, 'discount_rate': 0.05}
    """
    if not words:
        return None
    prices: dict[str, float] = {}
    for word in words:
        key, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise InputError(f"--price is {word!r}, allowed is KEY=VALUE such as per_removal=30e6") from None
        if key in prices:
            raise InputError(f"--price {key} is given twice; give it once")
        prices[key] = number
    return prices
