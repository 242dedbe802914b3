"""Write the ephemerides of a catalogue as an OEM file, a block of objects at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import InputError, counted
from stmgpu.files import replacing
from stmgpu.propagate.codes import CODE_DECAYED
from stmgpu.propagate.ephemeris import propagate

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from stmgpu.backend import BackendName
    from stmgpu.catalog import Catalog
    from stmgpu.choices import OemFrame
    from stmgpu.propagate.settings import EphemerisSettings

_STATES_AT_ONCE = 200_000


@dataclass(frozen=True)
class OemOutcome:
    """What was written.

    Parameters
    ----------
    written : int
        Objects in the file.
    failing : int
        Objects that cannot be propagated at some time; their bad states are left out.
    decayed : int
        Objects that leave at their date of decay; the states behind it are left out.
    """

    written: int
    failing: int
    decayed: int


def write_oem(
    catalog: Catalog,
    path: str | os.PathLike[str],
    settings: EphemerisSettings,
    *,
    frame: OemFrame = "teme",
    backend: BackendName = "auto",
    threads: int | None = None,
    report: Callable[[float], None] = lambda fraction: None,
) -> OemOutcome:
    """Write the ephemerides of all objects as OEM 2.0 in KVN, one message for each object.

    States with an error code are left out, and a gap of them ends a segment. `stmgpu.read_oem` reads the same states:
    the same numbers in TEME, within rounding in the other frames.

    Parameters
    ----------
    catalog : Catalog
        Objects to propagate.
    path : path-like
        File to write; an existing one is replaced once the new one is complete.
    settings : EphemerisSettings
        Window, step and mode.
    frame : {'teme', 'eme2000', 'gcrf'}
        Frame of the states.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of the cpu backend; default all cores.
    report : callable, optional
        Called with the fraction done.

    Raises
    ------
    InputError
        If the catalogue is empty, the window has fewer than two times, or no object has two good states in succession.
    StoreError
        If the file cannot be written; no partial file is left.
    """
    if settings.count < 2:
        raise InputError("an OEM needs two states at least; choose a shorter step or a longer window")
    n = len(catalog)
    written = failing = decayed = 0
    block = max(1, _STATES_AT_ONCE // settings.count)
    with replacing(path) as file:
        for k in range(0, n, block):
            states = propagate(
                catalog[k : k + block],
                settings.start,
                hours=settings.window.hours,
                step_s=settings.step_s,
                mode=settings.mode,
                backend=backend,
                threads=threads,
            )
            codes = states.error_code.to_numpy()
            good = codes == 0
            gone = (codes == CODE_DECAYED).any(axis=1)
            decayed += int(gone.sum())
            failing += int(((~good).any(axis=1) & ~gone).sum())
            if (good[:, 1:] & good[:, :-1]).any():
                trajectories = Trajectories.from_dataset(states)
                file.write(format_oem(trajectories, frame=frame))
                written += len(trajectories)
            report(min(k + block, n) / n)
        if not written:
            raise InputError(
                f"none of {counted(n, 'object')} has two good states in succession; there is nothing to write"
            )
    return OemOutcome(written, failing, decayed)
