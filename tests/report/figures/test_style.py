"""Looks: told apart by colour-blind readers and in print, and never left behind in the session."""

from __future__ import annotations

import itertools
import warnings

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.colors import to_rgb

from stmgpu import plot
from stmgpu.errors import InputError
from stmgpu.report.figures.style import COLOURS, look, new_figure, short, styled

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from colorspacious import cspace_convert, deltaE


@pytest.mark.parametrize("kind", ["deuteranomaly", "protanomaly", "tritanomaly"])
def test_colour_blind_readers_tell_every_pair_of_lines_apart(kind: str) -> None:
    vision = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
    seen = {c: np.clip(cspace_convert(np.array(to_rgb(c)), vision, "sRGB1"), 0.0, 1.0) for c in COLOURS}
    distance = {
        pair: deltaE(seen[pair[0]], seen[pair[1]], input_space="sRGB1") for pair in itertools.combinations(seen, 2)
    }
    assert min(distance.values()) > 10.0, min(distance, key=distance.__getitem__)


def test_drawn_lines_have_those_colours(three: xr.Dataset) -> None:
    lines = plot.collisions(three).lines
    assert {line.get_color() for line in lines} == set(COLOURS[:3])


def test_no_two_series_look_alike() -> None:
    looks = [tuple(look(k).values()) for k in range(28)]
    assert len(set(looks)) == 28
    assert all(look(k)["ls"] != look(k + 1)["ls"] for k in range(27))


def test_the_session_keeps_its_settings(con: xr.Dataset) -> None:
    with mpl.rc_context({"font.size": 17.0, "image.cmap": "magma"}):
        before = dict(mpl.rcParams)
        ax = plot.rate(con)
        assert dict(mpl.rcParams) == before
    assert ax.xaxis.label.get_size() == 8.0


def test_a_session_that_becomes_interactive_stays_so() -> None:
    """As a notebook does with its first figure; the next ones would not be shown."""
    with mpl.rc_context({"interactive": False}):
        styled(mpl.interactive)(True)
        assert mpl.is_interactive()


def test_text_is_of_7_to_9_points(con: xr.Dataset, study: xr.Dataset) -> None:
    for ds in (con, study):
        figure = plot.overview(ds)
        figure.canvas.draw()
        sizes = {text.get_fontsize() for text in figure.findobj(mpl.text.Text) if text.get_text()}
        assert min(sizes) >= 7.0
        assert max(sizes) <= 9.0


def test_without_axes_a_new_figure_of_one_column_is_made(con: xr.Dataset) -> None:
    figure, axes = pyplot.subplots()
    assert plot.miss_distance(con).figure.get_figwidth() == 3.5
    assert plot.miss_distance(con, axes) is axes
    assert axes.figure is figure


def test_sizes() -> None:
    assert new_figure("two", rows=2, columns=2).get_figwidth() == 7.2
    with pytest.raises(InputError, match="width = 'three' is unknown; choose one of one, two"):
        new_figure("three")


def test_names_are_short_and_harmless() -> None:
    assert short("a $x$ b") == r"a \$x\$ b"
    assert short("two\nlines\x1b") == r"two lines\x1b"
    assert short("x" * 40) == "x" * 15 + "…" + "x" * 14
    assert short("") == "-"
