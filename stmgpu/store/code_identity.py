"""Identity of the code that a result was computed with, unaffected by edits that cannot change a number.

Python modules are compared by their syntax trees: comments, docstrings, formatting, annotations of functions and file
names do not count. Kernel sources are compared by their tokens. Only the modules that a kind of job imports, directly
or through others, belong to its identity, and the data files (TOML, compared by their contents) beside these modules.
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
from typing import TYPE_CHECKING

from stmgpu.backend import source
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

ARITHMETIC = ("backend", "catalog", "debris", "propagate", "screen", "constants", "frames", "time")
"""Subpackages and modules of stmgpu that numbers come from; stores, schedulers, files and messages are left out."""

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
    data = {file for path in reached for file in path.parent.glob("*.toml")}
    digests = sorted([*(sources.digest_with_imports(path) for path in reached), *(_data_digest(file) for file in data)])
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _data_digest(path: Path) -> str:
    """Digest of the contents of a data file; comments, layout and the order of keys do not count."""
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}, a file of the package: {error}; install stmgpu anew") from error
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
    """Syntax trees of a package, read once."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._trees: dict[Path, ast.Module] = {}
        self._digests: dict[Path, str] = {}

    def file_of(self, module: str) -> Path | None:
        """File of a module of the package; None where the name is not that of one."""
        parts = module.split(".")
        if parts[0] != _PACKAGE:
            return None
        base = self._package.joinpath(*parts[1:])
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
        return None

    def imported_by(self, path: Path) -> Iterator[Path]:
        """Files of the package that a file imports."""
        for _, target, _ in self._imports(path):
            yield target

    def digest_with_imports(self, path: Path) -> str:
        """Digest of a module together with which definitions of which modules it refers to."""
        entries = sorted(f"{name} {self._digest(target)}" for name, target, _ in self._imports(path))
        return hashlib.sha256("\n".join([self._digest(path), *entries]).encode()).hexdigest()

    def _imports(self, path: Path) -> Iterator[tuple[str, Path, str | None]]:
        """Imports from the package: what is imported, the file, and the local name where it is a module."""
        for node in ast.walk(self._tree(path)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    target = self.file_of(alias.name)
                    if target is not None:
                        yield "module", target, alias.asname
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
                for alias in node.names:
                    target = self.file_of(f"{node.module}.{alias.name}")
                    if target is not None:
                        yield "module", target, alias.asname or alias.name
                        continue
                    target = self.file_of(node.module)
                    if target is not None:
                        yield f"{alias.name} as {alias.asname or alias.name}", target, None

    def _digest(self, path: Path) -> str:
        """Digest of what a module defines itself."""
        if path not in self._digests:
            modules = {name for _, _, name in self._imports(path) if name is not None}
            text = _dump(self._tree(path).body, modules)
            self._digests[path] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[path]

    def _tree(self, path: Path) -> ast.Module:
        if path not in self._trees:
            self._trees[path] = ast.parse(path.read_text(encoding="utf-8"))
        return self._trees[path]


def _dump(node: object, modules: set[str]) -> str:
    """Text of a syntax tree, the same in every version of Python; local names of modules are replaced."""
    if isinstance(node, list):
        return "[" + ",".join(_dump(item, modules) for item in node if not _is_skipped(item)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Name) and node.id in modules:
        return "<module>"
    fields = []
    for name, value in ast.iter_fields(node):
        if (value is None and not isinstance(node, ast.Constant)) or value == [] or name in _LEFT_OUT:
            continue
        if name == "returns" or (name == "annotation" and isinstance(node, ast.arg)):
            continue
        fields.append(f"{name}={_dump(value, modules)}")
    return f"{type(node).__name__}({','.join(fields)})"


_LEFT_OUT = {"ctx", "kind", "type_comment", "type_ignores", "type_params"}


def _is_skipped(node: object) -> bool:
    """Docstrings, also those of attributes, and imports from the package, which are counted by what they bring."""
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and node.module is not None and node.module.split(".")[0] in (_PACKAGE, "__future__")
    if isinstance(node, ast.Import):
        return all(alias.name.split(".")[0] == _PACKAGE for alias in node.names)
    return _is_docstring(node)


def _is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
