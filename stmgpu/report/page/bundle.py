"""Join ES modules into one script.

Only the part of the language that the page's own modules use is understood: named imports from a file beside the
module, and ``export`` before a function, class or constant at the start of a line. Each module becomes a closure that
returns what it exports. The modules stay ES modules, so that other tools read them as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const)\s+(\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


def bundle(modules: Mapping[str, str], entry: str) -> str:
    """Join a module and all that it imports into one script.

    Parameters
    ----------
    modules : mapping of str
        Text of every module by its file name.
    entry : str
        Name of the module to begin with; it exports nothing that is used.

    Returns
    -------
    str
        A script in strict mode that defines nothing outside itself.

    Raises
    ------
    ValueError
        If a module is missing, modules import each other in a circle, a name is imported that is not exported, or an
        import or export has another form.

    Examples
    --------
    >>> print(bundle({"a.js": 'import { b } from "./b.js";\\nb();\\n', "b.js": "export const b = () => 1;\\n"}, "a.js"))
    (() => {
    "use strict";
    const b_js = (() => {
    const b = () => 1;
    return { b };
    })();
    const a_js = (() => {
    const { b } = b_js;
    b();
    return {  };
    })();
    })();
    """
    exports: dict[str, list[str]] = {}
    parts: list[str] = []

    def add(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(f"modules import each other in a circle: {' -> '.join((*path, name))}; break it")
        if name in exports:
            return
        if name not in modules:
            raise ValueError(f"{path[-1] if path else 'the page'} needs the module {name}, which is missing; add it")
        text = modules[name]
        for names, source in _IMPORT.findall(text):
            add(source, (*path, name))
            if missing := [word for word in _names(names) if word not in exports[source]]:
                raise ValueError(f"{name} imports {missing[0]} from {source}, which exports no such name")
        exports[name] = _EXPORT.findall(text)
        body = _EXPORT.sub("", _IMPORT.sub(_as_constant, text))
        if other := _OTHER.search(body):
            raise ValueError(
                f'{name}: {other[0]!r} is not understood; use import {{ a }} from "./b.js"; or export const'
            )
        parts.append(f"const {_closure(name)} = (() => {{\n{body}return {{ {', '.join(exports[name])} }};\n}})();\n")

    add(entry, ())
    return f'(() => {{\n"use strict";\n{"".join(parts)}}})();'


def _as_constant(found: re.Match[str]) -> str:
    return f"const {{ {', '.join(_names(found[1]))} }} = {_closure(found[2])};"


def _names(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _closure(name: str) -> str:
    return name.replace(".", "_")
