"""Identity of the code that a result was computed with, unaffected by edits that cannot change a number.

Python modules are compared by their syntax trees: comments, docstrings, formatting, annotations of functions and file
names do not count. Kernel sources are compared by their tokens. Only the modules that a kind of job imports, directly
or through others, belong to its identity, and the data files (TOML, compared by their contents) beside these modules
and in the folders :data:`DATA` beside them. A name that a package passes on is followed to the module that defines it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stmgpu.backend import source
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARITHMETIC = ("backend", "catalog", "debris", "propagate", "risk", "screen", "constants", "frames", "time")
"""Subpackages and modules of stmgpu that numbers come from; stores, schedulers, files and messages are left out."""

DATA = ("lines", "models", "rules")
"""Folders beside modules with data files that numbers come from."""

_PACKAGE = "stmgpu"
_TOKENS = re.compile(r"[\w.]+|<<=|>>=|->|\+\+|--|<<|>>|[<>=!]=|&&|\|\||[-+*/%&|^]=|##|\S")
_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@cache
def code_identity(module: str) -> dict[str, str]:
    """Version of the package, digest of the kernels, and digest of the Python code that a job depends on.

    Parameters
    ----------
    module : str
        Name of the module that defines the job, such as ``"stmgpu.distribute.jobs.screening"``.

    Returns
    -------
    dict
        'version', 'kernels' and 'sources'. A run is only resumed by code with the same identity.
    """
    folder = Path(__file__).resolve().parent.parent
    return {
        "version": package_version(_PACKAGE),
        "kernels": kernel_identity(),
        "sources": source_identity(folder, module),
    }


def source_identity(package: Path, module: str) -> str:
    """SHA-256 over the syntax trees of the arithmetic modules that a module imports, and the data files beside them.

    Parameters
    ----------
    package : Path
        Folder of the package ``stmgpu``.
    module : str
        Dotted name of a module, inside the package or importable.
    """
    sources = _Sources(package)
    root = sources.file_of(module)
    if root is None:
        root = _importable(module)
    reached: set[Path] = set()
    waiting = list(sources.imported_by(root))
    while waiting:
        path = waiting.pop()
        if path not in reached and path.relative_to(package).parts[0].removesuffix(".py") in ARITHMETIC:
            reached.add(path)
            waiting.extend(sources.imported_by(path))
    folders = {path.parent / name for path in reached for name in ("", *DATA)}
    data = {file for folder in folders for file in folder.glob("*.toml")}
    digests = sorted([*(sources.digest_with_imports(path) for path in reached), *(_data_digest(file) for file in data)])
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _data_digest(path: Path) -> str:
    """Digest of the contents of a data file; comments, layout and the order of keys do not count."""
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}, a file of the package: {error}; reinstall stmgpu") from error
    text = json.dumps(contents, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def kernel_identity() -> str:
    """SHA-256 over the tokens of the kernel sources, without their comments and file names."""
    root = source.kernel_dir()
    files = [p for p in root.rglob("*") if p.suffix in {".cu", ".h", ".cpp"}]
    digests = sorted(hashlib.sha256(kernel_tokens(p.read_text(encoding="utf-8")).encode()).hexdigest() for p in files)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def kernel_tokens(text: str) -> str:
    """Tokens of a C++ source, one space between two; directives of the preprocessor keep their lines."""
    lines: list[list[str]] = [[]]
    for line in _COMMENTS.sub(" ", text).replace("\\\n", " ").splitlines():
        directive = line.lstrip().startswith("#")
        if directive and line.split('"')[0].strip() == "#include":
            continue  # names of files; their contents count
        if directive and lines[-1]:
            lines.append([])
        lines[-1].extend(_TOKENS.findall(line))
        if directive:
            lines.append([])
    return "\n".join(" ".join(tokens) for tokens in lines if tokens)


def _importable(module: str) -> Path:
    """Source file of a module outside the package, where jobs may be defined too."""
    loaded = sys.modules.get(module)
    name = getattr(loaded, "__file__", None)
    if name is None:
        spec = importlib.util.find_spec(module)
        name = spec.origin if spec is not None else None
    if name is None:
        raise InputError(f"the module {module} of a job has no source file; define the job in a file")
    return Path(name).resolve()


def package_version(name: str) -> str:
    """Version of an installed package; empty where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


class _Sources:
    """Syntax trees of a package, each read once."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._files: dict[str, Path | None] = {}
        self._imports: dict[Path, list[_Import]] = {}
        self._digests: dict[Path, str] = {}

    def file_of(self, module: str) -> Path | None:
        """File of a module of the package; None if the name is not that of one."""
        if module not in self._files:
            parts = module.split(".")
            base = self._package.joinpath(*parts[1:])
            paths = (base / "__init__.py", base.with_suffix(".py")) if parts[0] == _PACKAGE else ()
            self._files[module] = next((path for path in paths if path.is_file()), None)
        return self._files[module]

    def imported_by(self, path: Path) -> Iterator[Path]:
        """Files of the package that a file imports."""
        self._read(path)
        return (entry.target for entry in self._imports[path])

    def digest_with_imports(self, path: Path) -> str:
        """Digest of a module and of the definitions that it imports from others."""
        entries = sorted(f"{entry.name} {self._digest(entry.target)}" for entry in self._imports[path])
        return hashlib.sha256("\n".join([self._digest(path), *entries]).encode()).hexdigest()

    def _digest(self, path: Path) -> str:
        """Digest of what a module defines itself."""
        self._read(path)
        return self._digests[path]

    def _read(self, path: Path) -> None:
        if path in self._imports:
            return
        self._imports[path] = []  # packages may import each other
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self._imports[path] = list(self._imports_of(tree))
        modules = {entry.module for entry in self._imports[path] if entry.module is not None}
        parts: list[str] = []
        _write(tree.body, modules, parts.append)
        self._digests[path] = hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def _imports_of(self, tree: ast.Module) -> Iterator[_Import]:
        for node in _statements(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    target = self.file_of(alias.name)
                    if target is not None:
                        yield _Import("module", target, alias.asname)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
                for alias in node.names:
                    name = alias.asname or alias.name
                    module = self.file_of(f"{node.module}.{alias.name}")
                    target = module or self.file_of(node.module)
                    if target is not None:
                        label = "module" if module else f"{alias.name} as {name}"
                        yield _Import(label, self._home(target, alias.name), name if module else None)

    def _home(self, path: Path, name: str) -> Path:
        """File that defines a name which a package only passes on: the package's other modules do not count."""
        if path.name != "__init__.py":
            return path
        self._read(path)
        passed_on = [entry.target for entry in self._imports[path] if entry.name == f"{name} as {name}"]
        return passed_on[0] if passed_on else path


class _Import(NamedTuple):
    """Import from the package: what, the file that defines it, and the local name if it is a module."""

    name: str
    target: Path
    module: str | None


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements below a node; expressions are left out, since they cannot import.

    Imports for annotations only are among them: what a function does depends on the methods of what it is given.
    """
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, field, ()) if not isinstance(node, ast.expr) else ():
            if isinstance(child, ast.stmt):
                yield child
            yield from _statements(child)


_LEFT_OUT = {"ctx", "kind", "type_comment", "type_ignores", "type_params", "returns"}


def _fields_of(node: ast.AST) -> tuple[str, ...]:
    """Fields of a node that count; annotations of arguments do not."""
    left_out = _LEFT_OUT | {"annotation"} if isinstance(node, ast.arg) else _LEFT_OUT
    return tuple(name for name in node._fields if name not in left_out)


def _write(node: object, modules: set[str], write: Callable[[str], object]) -> None:
    """Write a syntax tree as text, the same in every version of Python; local names of modules are replaced."""
    if isinstance(node, ast.Name):
        write("<module>" if node.id in modules else node.id)
    elif isinstance(node, ast.Constant):
        write(repr(node.value))
    elif isinstance(node, ast.AST):
        write(type(node).__name__)
        write("(")
        for name in _fields_of(node):
            value = getattr(node, name, None)
            if value is not None and value != []:
                write(name)
                _write(value, modules, write)
        write(")")
    elif isinstance(node, list):
        write("[")
        for item in node:
            if not _is_skipped(item):
                _write(item, modules, write)
        write("]")
    else:
        write(repr(node))


def _is_skipped(node: object) -> bool:
    """Docstrings, also those of attributes, and imports from the package, which are counted by what they bring."""
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and node.module is not None and node.module.split(".")[0] in (_PACKAGE, "__future__")
    if isinstance(node, ast.Import):
        return all(alias.name.split(".")[0] == _PACKAGE for alias in node.names)
    return _is_docstring(node)


def _is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
