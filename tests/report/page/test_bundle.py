"""The bundler: order, scopes, and refusal of what it does not understand."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from stmgpu.report.page.bundle import bundle

MODULES = {
    "app.js": 'import { add, Sum } from "./sums.js";\nimport {\n  one,\n} from "./ones.js";\nconst own = 5;\n'
    "const sum = new Sum();\nsum.put(add(one, own));\nconsole.log(String(sum.total));\n",
    "sums.js": 'import { one } from "./ones.js";\nexport function add(a, b) {\n  return a + b * one;\n}\n'
    "export class Sum {\n  total = 0;\n  put(value) {\n    this.total += value;\n  }\n}\n",
    "ones.js": "const own = 1;\nexport const one = own;\nexport async function later() {}\n",
    "unused.js": "this is no JavaScript",
}


def test_modules_stand_before_their_users_and_once() -> None:
    text = bundle(MODULES, "app.js")
    places = [text.index(f"const {name}_js") for name in ("ones", "sums", "app")]
    assert places == sorted(places)
    assert text.count("const ones_js") == 1
    assert "return { one, later };" in text
    assert "no JavaScript" not in text


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_the_script_runs() -> None:
    script = bundle(MODULES, "app.js")
    run = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert run.stdout == "6\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ones.js": 'import { add } from "./sums.js";\nexport const one = 1;\n'},
            "app.js -> sums.js -> ones.js -> sums.js",
        ),
        ({"ones.js": "export const two = 2;\n"}, "imports one from ones.js, which exports no such name"),
        ({"ones.js": "export default 1;\n"}, "'export default 1;' is not understood"),
        ({"ones.js": 'import * as x from "./sums.js";\n'}, "is not understood"),
        ({"ones.js": "export let one = 1;\n"}, "'export let one = 1;' is not understood"),
        ({"app.js": 'import { a } from "./nowhere.js";\n'}, "app.js needs the module nowhere.js, which is missing"),
    ],
)
def test_other_forms_are_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bundle(MODULES | changes, "app.js")
