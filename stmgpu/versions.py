"""Versions, backends and caches of this installation."""

from __future__ import annotations

import importlib.metadata
import os
import platform

from stmgpu.backend import cpu, cuda, nvrtc, source
from stmgpu.errors import BackendError, counted

_PACKAGES = ("numpy", "scipy", "xarray", "zarr", "sgp4", "cupy-cuda12x", "cupy-cuda13x", "cuda-bindings")


def show_versions() -> None:
    """Print versions, backends, devices and caches, for a report of a problem.

    Examples
    --------
    >>> show_versions()  # doctest: +ELLIPSIS
    stmgpu             ...
    """
    for name, value in describe().items():
        print(f"{name:<18} {value}")  # noqa: T201


def describe() -> dict[str, str]:
    """Versions, backends, devices, instruction set and caches, each as a name and a line of text."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lines = {
        "stmgpu": f"{_version('stmgpu') or 'not installed'}, kernel sources {source.digest()[:12]}",
        "python": f"{platform.python_version()} on {platform.platform()}",
        "cpu backend": _cpu(),
        "cuda backend": _cuda(),
        "reference backend": f"sgp4 {_version('sgp4')}",
        "cores": str(cores),
        "kernel cache": _cache(),
    }
    lines["packages"] = ", ".join(f"{name} {version}" for name in _PACKAGES if (version := _version(name)))
    return lines


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        backend = cpu.CpuBackend()
    except BackendError as error:
        return f"not available: {error}"
    return f"{backend.device}; usable: {', '.join(cpu.usable_levels())}; built: {', '.join(cpu.built_levels())}"


def _cuda() -> str:
    try:
        return "; ".join(cuda.devices())
    except BackendError as error:
        return f"not available: {error}"


def _cache() -> str:
    folder = nvrtc.cache_dir()
    sizes = [file.stat().st_size for file in folder.rglob("*.cubin")]
    return f"{folder}, {counted(len(sizes), 'file')}, {sum(sizes) / 1e6:.1f} MB"
