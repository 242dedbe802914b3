"""Looks of all figures: sizes, colours and dashes, applied by context and never to the whole session."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypedDict, TypeVar

import matplotlib as mpl
from matplotlib import style as mpl_style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from stmgpu.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

STYLE = Path(__file__).with_name("paper.mplstyle")
"""The style file, also for one's own figures: ``with matplotlib.style.context(stm.plot.STYLE): ...``."""

WIDTHS_IN = {"one": 3.5, "two": 7.2}
"""Width of a figure of one and of two columns of a page [inch]."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito (2008): colours that all common kinds of colour vision tell apart, without the pale yellow."""

LineStyle = str | tuple[int, tuple[int, ...]]

DASHES: tuple[LineStyle, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))
"""Line styles, which tell lines apart in print without colour."""

INK, SOFT, PALE = "#333333", "#595959", "#d9d9d9"
"""Greys of reference lines, of notes, and of areas."""

LABEL_WIDTH = 30
"""Characters of a scenario's name that fit into a figure."""

_ASPECT = 0.72
"""Height over width of a panel."""

P = ParamSpec("P")
R = TypeVar("R")


class Look(TypedDict):
    """Keyword arguments of matplotlib for a line."""

    color: str
    ls: LineStyle


def look(k: int) -> Look:
    """Colour and dashes of series k: both change with every step, and no two of the first 28 are alike.

    Examples
    --------
    >>> look(0), look(1)["color"]
    ({'color': '#0072B2', 'ls': '-'}, '#D55E00')
    """
    return {"color": COLOURS[k % len(COLOURS)], "ls": DASHES[k % len(DASHES)]}


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Draw with the style file; the settings of the session are as before afterwards."""

    @functools.wraps(function)
    def with_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl_style.context(STYLE):
            drawn = function(*args, **kwargs)
            interactive = mpl.is_interactive()
        mpl.interactive(interactive)  # the first figure of a notebook sets it, which the context would undo
        return drawn

    return with_style


def axes_of(ax: Axes | None) -> Axes:
    """The axes given, or those of a new figure of one column that notebooks show."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    width = WIDTHS_IN["one"]
    return pyplot.subplots(figsize=(width, _ASPECT * width))[1]


def new_figure(width: str = "one", *, rows: int = 1, columns: int = 1) -> Figure:
    """A figure for a file, which needs no display.

    Parameters
    ----------
    width : {'one', 'two'}
        Columns of the page that it fills.
    rows, columns : int
        Panels that it will have; they give the height.

    Raises
    ------
    InputError
        For another width.
    """
    if width not in WIDTHS_IN:
        raise InputError(f"width = {width!r} is unknown; choose one of {', '.join(WIDTHS_IN)}")
    inches = WIDTHS_IN[width]
    aspect = _ASPECT if columns > 1 or width == "one" else 0.62 * _ASPECT
    figure = Figure(figsize=(inches, rows * aspect * inches / columns))
    FigureCanvasAgg(figure)
    return figure


def short(name: object) -> str:
    """A name that fits into a figure, in one line and with signs of mathematics escaped.

    Examples
    --------
    >>> short("costs $5")
    'costs \\\\$5'
    """
    text = " ".join(printable(str(name)).split()) or "-"
    half = LABEL_WIDTH // 2
    return (text if len(text) <= LABEL_WIDTH else f"{text[:half]}…{text[1 - half :]}").replace("$", r"\$")


def legend_above(ax: Axes, handles: Sequence[Artist], labels: Sequence[str]) -> Legend:
    """A legend above the axes, where it covers no data."""
    legend = ax.legend(
        handles,
        [" "] * len(labels),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        ncols=_columns(ax, labels),
        columnspacing=1.2,
    )
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)  # legend() drops labels that begin with an underscore
    return legend


def _columns(ax: Axes, labels: Sequence[str]) -> int:
    """Columns of a legend whose longest entry fits beside itself."""
    inches = 1.1 * ax.get_position().width * ax.get_figure(root=True).get_figwidth()  # type: ignore[union-attr]
    entry = (max(map(len, labels)) * 0.5 + 4.5) * float(mpl.rcParams["legend.fontsize"]) / 72.0
    return max(1, min(len(labels), int(inches / entry)))


def note(ax: Axes, text: str, *, corner: str = "lower right") -> None:
    """A small remark in a corner of the axes."""
    bottom, left = corner.startswith("lower"), corner.endswith("left")
    ax.text(
        0.02 if left else 0.98,
        0.03 if bottom else 0.97,
        text,
        transform=ax.transAxes,
        ha="left" if left else "right",
        va="bottom" if bottom else "top",
        fontsize=7,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )


def blank(ax: Axes, text: str) -> None:
    """Axes that say why they are empty."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=SOFT, wrap=True)
