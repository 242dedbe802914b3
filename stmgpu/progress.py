"""Progress of long computations: a callable, or a bar of tqdm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[float], None]
"""Function that is called with the fraction done, between 0 and 1."""

Progress = Report | bool | None
"""Argument ``progress`` of public functions: a function, True for a progress bar, None or False for neither."""


@contextmanager
def reporting(progress: Progress, label: str) -> Iterator[Report]:
    """Function to call with the fraction done.

    Parameters
    ----------
    progress : callable or bool, optional
        A function to call, or True to show a bar of ``tqdm.auto`` (a widget in notebooks, a line in terminals).
    label : str
        Name of the computation, in front of the bar.

    Examples
    --------
    >>> fractions = []
    >>> with reporting(fractions.append, "screening") as report:
    ...     report(0.5)
    >>> fractions
    [0.5]
    """
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda fraction: None
    else:
        from tqdm.auto import tqdm

        with tqdm(total=1.0, desc=label, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}") as bar:

            def report(fraction: float) -> None:
                bar.update(fraction - bar.n)

            yield report
