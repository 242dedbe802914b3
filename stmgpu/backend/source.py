"""Kernel sources: their folder, flattened text for run-time compilers, and the digest that identifies a build.

CuPy's disk cache does not look inside ``#include``, so a changed header would run a stale kernel; the sources are
therefore flattened into one text before they are compiled.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from stmgpu.errors import BackendError

_INCLUDE = re.compile(r'^\s*#include\s+"([^"]+)"\s*$')


@cache
def kernel_dir() -> Path:
    """Folder of the kernel sources: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent / "kernels", package / "_kernels"):
        if (folder / "include" / "portable.h").is_file():
            return folder
    raise BackendError(f"the kernel sources are missing beside {package}; reinstall stmgpu")


def kernel_files() -> list[Path]:
    """The ``.cu`` files, sorted by name."""
    return sorted(kernel_dir().glob("*.cu"))


def flatten(path: Path) -> str:
    """Text of a kernel file with every ``#include "..."`` replaced by the header's text, each header once."""
    seen: set[Path] = set()

    def expand(file: Path) -> list[str]:
        lines: list[str] = []
        for line in file.read_text(encoding="utf-8").splitlines():
            match = _INCLUDE.match(line)
            if match is None:
                lines.append(line)
                continue
            header = kernel_dir() / "include" / match.group(1)
            if header not in seen:
                seen.add(header)
                lines.extend(expand(header))
        return [line for line in lines if line.strip() != "#pragma once"]

    return "\n".join(expand(path)) + "\n"


@cache
def digest() -> str:
    """SHA-256 over all kernel sources; a compiled library carries the digest it was built from (CMakeLists.txt)."""
    root = kernel_dir()
    files = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.suffix in {".cu", ".h", ".cpp"})
    joined = "".join(hashlib.sha256((root / name).read_bytes()).hexdigest() for name in files)
    return hashlib.sha256(joined.encode()).hexdigest()
