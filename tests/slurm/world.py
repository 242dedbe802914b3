"""What the jobs of the tests work on: a catalogue, and the result of the serial run that they have to equal."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from slurm.jobs import Job, contents, submit

STMGPU = Path(sys.executable).with_name("stmgpu")
SLOWLY = {"STMGPU_ISA": "scalar"}  # a few seconds of work, to have something to interrupt


@dataclass(frozen=True)
class World:
    """A catalogue, what is to be computed of it, and the result of the serial run."""

    folder: Path
    arguments: list[str]
    serial: dict[str, str]
    tiles: int

    def submit(self, store: str, options: list[str], script: str = "screen_array.sbatch", *more: str) -> Job:
        """Submit the screening into another store."""
        return submit(
            self.folder,
            options,
            script,
            [*self.arguments, "--threads", "1", *more, "--out", store],
            {"STMGPU": str(STMGPU), **SLOWLY},
        )

    def is_equal(self, store: str) -> bool:
        """Whether a store has the files and the bytes of the serial run."""
        return contents(self.folder / store) == self.serial


def stmgpu(folder: Path, *arguments: str) -> None:
    """Run stmgpu here."""
    done = subprocess.run(
        [STMGPU, *arguments],
        cwd=folder,
        env={**os.environ, **SLOWLY},
        timeout=600,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
