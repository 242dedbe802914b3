"""Sphinx configuration of the documentation, for the sources that docs/site/stage.py lays out; see `make docs`."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent / "site"))

import mathml
from jupyter_client import KernelManager
from nbclient import NotebookClient

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "stmgpu"
author = "The stmgpu developers"
copyright = "the stmgpu developers, Apache-2.0"
version = release = version_of("stmgpu")
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".py": "myst-nb"}
exclude_patterns = ["**/*.ipynb"]
nitpicky = False  # types of xarray and NumPy would need an inventory from the network

# ------------------------------------------------------------------------------------------- pages and notebooks
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parents[1] / "build" / "docs" / "notebooks")
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_raise_on_error = True
KernelManager.transport_encryption.default_value = "auto"  # otherwise every kernel warns
NotebookClient.startup_timeout.default_value = 300  # seconds, on a busy machine
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
suppress_warnings = ["myst.header"]

# ---------------------------------------------------------------------------------------------------- reference
add_module_names = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False  # docs/site/reference.py writes the pages
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

# --------------------------------------------------------------------------------------------------------- look
html_theme = "pydata_sphinx_theme"
html_title = "stmgpu"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["stmgpu.css"]
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_nav_level": 1,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars: dict[str, list[str]] = {"index": [], "source/**": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer of formulas, which needs no script from elsewhere."""
    mathml.register(app)
    return {"parallel_read_safe": True}
