"""Lay out the sources of the documentation for Sphinx: pages of the whole project in one folder, links between them.

Pages keep the links that work in a checkout and on a code host. Here a link to another page is turned to where that
page is laid out, and a link to any other file of the project to a page that shows the file.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from pathlib import Path, PurePosixPath

import reference

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "kernels/README.md": "project/kernels.md",
    "slurm/README.md": "guide/slurm.md",
    "docs/tutorials": "tutorials/README.md",
    "docs/design": "design/README.md",
    "benchmarks/results": "project/README.md",
}
"""Pages outside ``docs``, and folders that pages link to, with the places of what is shown for them."""

LANGUAGES = {
    ".py": "python", ".toml": "toml", ".json": "json", ".sbatch": "bash", ".sh": "bash", ".cu": "cuda", ".h": "cpp",
    ".cpp": "cpp", ".js": "javascript", ".cff": "yaml", ".yml": "yaml", ".def": "bash",
}  # fmt: skip
"""Languages of files that are shown, for highlighting."""

CLAIMS = ("README.md", "claims-and-tests", PurePosixPath("explanation/claims.md"))
"""The section of README that is a page of its own here, and its place."""

_CONTENTS = ("index.md", "README.md")
"""Pages that are tables of contents: a toctree of the pages that their lists link to is added to them."""

_LINK = re.compile(r"(?<!`)(!?\[[^\]]*\]\()([^)\s]+)(\))")
_FENCED = re.compile(r"(^ *(```+|~~~+).*?^ *\2 *$)", re.M | re.S)


def place_of(path: PurePosixPath) -> PurePosixPath | None:
    """Place of a page of the project in the laid out folder; None if the file is not a page."""
    name = str(path)
    if name in PLACES:
        return PurePosixPath(PLACES[name])
    if path.suffix == ".md" and path.parent == PurePosixPath("benchmarks/results"):
        return PurePosixPath("results") / path.name
    if path.suffix == ".md" and path.parts[0] == "docs":
        return PurePosixPath(*path.parts[1:])
    if path.suffix == ".py" and path.parts[:2] in (("docs", "tutorials"), ("docs", "explanation")):
        return PurePosixPath(*path.parts[1:])
    if path.parts[:2] == ("docs", "images"):
        return PurePosixPath(*path.parts[1:])
    return None


class Stage:
    """A folder of laid out sources.

    Parameters
    ----------
    out : Path
        The folder; what it held before is removed.
    root : Path
        The checkout.
    """

    def __init__(self, out: Path, root: Path = ROOT) -> None:
        self.out, self.root = out, root
        self.shown: set[PurePosixPath] = set()
        """Files of the project that need a page of their own, since other pages link to them."""

    def write(self, place: PurePosixPath, text: str) -> None:
        """Write one page."""
        file = self.out / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def page(self, path: PurePosixPath) -> None:
        """Lay out one page of the project."""
        place = place_of(path)
        assert place is not None, path
        if path.suffix == ".png":
            (self.out / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.root / path, self.out / place)
            return
        text = self.relinked((self.root / path).read_text(encoding="utf-8"), path, place)
        if place.name in _CONTENTS:
            text += toctree(text)
        self.write(place, text + reference.made(str(place)))

    def relinked(self, text: str, path: PurePosixPath, place: PurePosixPath) -> str:
        """Text of a page with its links turned to the laid out places; fenced blocks stay as they are."""
        parts = _FENCED.split(text)
        # the two groups of the pattern follow each text: the block, and its fence
        for k in range(0, len(parts), 3):
            parts[k] = _LINK.sub(lambda link: link[1] + self.target(link[2], path, place) + link[3], parts[k])
        return "".join(part for k, part in enumerate(parts) if k % 3 != 2)

    def target(self, link: str, path: PurePosixPath, place: PurePosixPath) -> str:
        """Where a link of a page leads once the page is laid out."""
        file, _, anchor = link.partition("#")
        if "://" in link or not file:
            return link
        linked = PurePosixPath(os.path.normpath(path.parent / file))
        if not (self.root / linked).exists():
            raise SystemExit(f"{path}: the link {link} leads nowhere")
        if (str(linked), anchor) == CLAIMS[:2]:
            return os.path.relpath(CLAIMS[2], place.parent)
        to = place_of(linked)
        if to is None:
            if (self.root / linked).is_dir():
                raise SystemExit(f"{path}: {link} is a folder; link a file of it, or add the folder to PLACES")
            self.shown.add(linked)
            to = PurePosixPath("source") / f"{linked}.md"
        return os.path.relpath(to, place.parent) + (f"#{anchor}" if anchor else "")

    def show(self, path: PurePosixPath) -> None:
        """Write a page that shows a file of the project."""
        place = PurePosixPath("source") / f"{path}.md"
        text = (self.root / path).read_text(encoding="utf-8")
        fence = "`" * (1 + max([2, *map(len, re.findall(r"`+", text))]))
        language = LANGUAGES.get(path.suffix, "text")
        body = f"{fence}{{code-block}} {language}\n:linenos:\n\n{text.rstrip()}\n{fence}\n"
        self.write(place, f"---\norphan: true\nhtml_theme.sidebar_secondary.remove: true\n---\n\n# {path}\n\n{body}")


def toctree(text: str) -> str:
    """A hidden table of contents: the pages that the items of a page's lists begin with a link to.

    Examples
    --------
    >>> print(toctree("- [Scripts](scripts.md): streams"))
    <BLANKLINE>
    ```{toctree}
    :hidden:
    <BLANKLINE>
    scripts
    ```
    <BLANKLINE>
    """
    links = re.findall(r"^- \[[^\]]*\]\((?!\w+://)([^)#]+)\)", text, re.M)
    entries = "\n".join(dict.fromkeys(re.sub(r"\.(md|py|rst)$", "", link) for link in links))
    return f"\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"


def pages(root: Path) -> list[PurePosixPath]:
    """All pages and pictures of the project."""
    found = [path for pattern in ("docs/**/*.md", "benchmarks/results/*.md") for path in root.glob(pattern)]
    found += [*root.glob("docs/tutorials/*.py"), *root.glob("docs/explanation/*.py"), *root.glob("docs/images/*.png")]
    found += [root / name for name in PLACES if name.endswith(".md") and name != "README.md"]
    skipped = {"docs/index.md", "docs/paper.md"}
    return sorted({PurePosixPath(p.relative_to(root)) for p in found} - {PurePosixPath(name) for name in skipped})


def lay_out(out: Path, root: Path = ROOT) -> None:
    """Lay out everything into a folder, which is emptied before."""
    shutil.rmtree(out, ignore_errors=True)
    stage = Stage(out, root)
    for path in [PurePosixPath("docs/index.md"), *pages(root)]:
        stage.page(path)
    readme = PurePosixPath("README.md")
    claims = re.search(r"^## Claims and tests\n(.*?)(?=^## )", (root / readme).read_text(encoding="utf-8"), re.M | re.S)
    assert claims, "README.md has no section on claims"
    title = "# Claims and the tests that attack them\n"
    stage.write(CLAIMS[2], stage.relinked(title + claims[1], readme, CLAIMS[2]))
    for name, text in reference.pages().items():
        stage.write(PurePosixPath(name), text)
    for path in sorted(stage.shown):
        stage.show(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the laid out sources; it is emptied")
    lay_out(parser.parse_args().out)
