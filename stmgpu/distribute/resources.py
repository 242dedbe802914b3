"""Cores and memory available to this process, under the limits of its control group and its Slurm job."""

from __future__ import annotations

import os
from pathlib import Path


def cores() -> int:
    """Number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Memory that this process may still allocate [bytes]: the least of free memory and what its limits leave."""
    limits = [_available(), *_control_groups()]
    if node := os.environ.get("SLURM_MEM_PER_NODE"):
        limits.append(int(node) << 20)
    elif core := os.environ.get("SLURM_MEM_PER_CPU"):
        limits.append((int(core) << 20) * int(os.environ.get("SLURM_CPUS_ON_NODE", "1")))
    return min(limits)


def _available() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        return 4 << 30
    return 4 << 30


def _control_groups() -> list[int]:
    """Memory left by the control groups, versions 2 and 1 [bytes]."""
    left = []
    groups = Path("/sys/fs/cgroup")
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            most = int((groups / limit).read_text(encoding="ascii"))
            left.append(max(most - int((groups / usage).read_text(encoding="ascii")), most // 4))
        except (OSError, ValueError):  # no such control group, or "max"
            continue
    return left
