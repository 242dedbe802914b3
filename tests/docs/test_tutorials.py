"""Every tutorial, and every explanation that computes, runs and says what its text says it does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from support.paths import ROOT

from stmgpu.backend.cpu import usable_levels

SCRIPTS = sorted(path for name in ("tutorials", "explanation") for path in (ROOT / "docs" / name).glob("*.py"))
TUTORIALS = [path for path in SCRIPTS if path.parent.name == "tutorials"]

needs_kernels = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(name: str) -> dict[str, Any]:
    try:
        names = runpy.run_path(str(ROOT / "docs" / name))
        drawn = [value for value in names.values() if isinstance(value, Figure)]  # also those that pyplot does not keep
        names["figures"] = [*drawn, *map(plt.figure, plt.get_fignums())]
    finally:
        plt.close("all")
    return names


@pytest.mark.slow
@needs_kernels
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs_and_draws(path: Path) -> None:
    assert run(str(path.relative_to(ROOT / "docs")))["figures"]


@pytest.mark.slow
@needs_kernels
def test_decisions_are_due_for_some_and_in_doubt_for_others() -> None:
    names = run("tutorials/conjunctions_to_decision.py")
    assert names["table"].triage.iloc[0] == 3
    assert ((names["forecast"].p_act > 0.0) & (names["forecast"].p_act < 1.0)).all()


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_reads_as_a_short_paper(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    parts = ["# # ", "# **Question.**", "# **Method.**", "# ## Answer", "# **Exercise.**"]
    places = [text.find(part) for part in parts]
    assert -1 not in places, path.name
    assert places == sorted(places), path.name


def test_the_list_has_every_tutorial() -> None:
    text = (ROOT / "docs" / "tutorials" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[([^]]*)\]\((\w+\.py)\)", text, re.M)
    titles = {path.name: re.search(r"^# # (.*)$", path.read_text(encoding="utf-8"), re.M) for path in TUTORIALS}
    assert {name: title for title, name in listed} == {name: title and title[1] for name, title in titles.items()}
