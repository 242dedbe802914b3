"""Read many ephemeris files: lists, folders and patterns, in parallel processes, with a list of those rejected."""

from __future__ import annotations

import glob
import logging
import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from stmgpu.catalog.rejection import Rejection
from stmgpu.catalog.trajectories.reading import MAX_BYTES, ReadOptions, read_one
from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.compression import MAX_RATIO
from stmgpu.errors import InputError, printable
from stmgpu.files import exists
from stmgpu.progress import Progress, reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stmgpu.files import Source

_LOG = logging.getLogger("stmgpu.catalog")

_AT_ONCE = 16
"""Files that a process reads at a time; fewer files are read without other processes."""

_SHOWN = 3
_NOT_EPHEMERIDES = ("README", "MANIFEST", "LICENSE")

_Part = tuple[Trajectories, list[Rejection], list[str]]


def read_trajectories(
    sources: Source | Sequence[str | os.PathLike[str]],
    *,
    norad_ids: Mapping[str, int] | int | None = None,
    window_ns: tuple[int, int] | None = None,
    max_bytes: int = MAX_BYTES,
    max_ratio: float = MAX_RATIO,
    covariances: bool = True,
    processes: int = 1,
    on_rejection: Callable[[Rejection], None] | None = None,
    on_note: Callable[[str], None] = _LOG.warning,
    progress: Progress = None,
) -> Trajectories:
    """Read trajectories from ephemeris files: OEM in KVN or XML, or Starlink's public ephemerides.

    Parameters
    ----------
    sources : path, bytes, file-like, or sequence of paths
        A file (``archive.zip/name`` in a zip archive), its content or an open stream; or paths of files, folders (all
        files in them except hidden ones, README, MANIFEST and LICENSE) and patterns such as ``"MEME_*.txt"``.
    norad_ids : int or mapping of str to int, optional
        NORAD ids of the objects by OBJECT_ID or OBJECT_NAME; one number where there is one file of one object. An
        OBJECT_ID of digits alone is used as NORAD id, and the name of a Starlink file states it. All others get ids
        from 900,000,001 on.
    window_ns : tuple of int, optional
        First and last instant that is needed [ns since 1970 UTC]; default all. 16 states on either side are kept, too.
    max_bytes : int
        Largest size of a file, before and after unpacking [bytes].
    max_ratio : float
        Largest ratio of unpacked to packed size; up to 1 MiB may be unpacked whatever the ratio.
    covariances : bool
        Whether covariances are kept: 168 bytes each, beside 56 for a state.
    processes : int
        Processes that read; more than one only for more than 16 files.
    on_rejection : callable, optional
        Called with each file that cannot be read; the others are read all the same. By default they are an error.
    on_note : callable
        Called with remarks on files: gaps between segments, states that end early. Logged by default.
    progress : callable or bool, optional
        Called with the fraction done; True shows a bar of ``tqdm``.

    Returns
    -------
    Trajectories
        In TEME and UTC, with covariances, in the order of the files' names.

    Raises
    ------
    InputError
        If files cannot be read (it lists the first three), or two hold one object.

    Examples
    --------
    >>> import stmgpu as stm
    >>> stm.read_trajectories(["ephemerides"], processes=8)  # doctest: +SKIP
    <Trajectories: 9984 objects, 9984 segments, 43130880 samples>
    """
    options = ReadOptions(norad_ids, window_ns, max_bytes, max_ratio, covariances)
    if not isinstance(sources, (list, tuple)):
        if not isinstance(sources, (str, os.PathLike)) or Path(sources).is_file():
            trajectories, notes = read_one(sources, options)  # type: ignore[arg-type]
            for note in notes:
                on_note(note)
            return trajectories
        sources = [sources]
    paths = find_files(sources)
    if isinstance(norad_ids, int) and len(paths) > 1:
        raise InputError(f"one id, {norad_ids}, is given for {len(paths)} files; give a mapping of OBJECT_ID to id")
    chunks = [paths[k : k + _AT_ONCE] for k in range(0, len(paths), _AT_ONCE)]
    with reporting(progress, "reading") as report:
        parts = _read_chunks(chunks, options, processes, report)
    rejected = [rejection for _, problems, _ in parts for rejection in problems]
    for _, _, notes in parts:
        for note in notes:
            on_note(note)
    if rejected and on_rejection is None:
        if len(paths) == 1:
            raise InputError(rejected[0].reason)
        shown = "\n".join(f"  {printable(rejection.reason, 250)}" for rejection in rejected[:_SHOWN])
        more = f"\n  and {len(rejected) - _SHOWN} more" if len(rejected) > _SHOWN else ""
        raise InputError(
            f"{len(rejected)} of {len(paths)} ephemeris files cannot be read; on_rejection leaves them out:\n"
            f"{shown}{more}"
        )
    for rejection in rejected:
        if on_rejection is not None:
            on_rejection(rejection)
    filled = [part for part, _, _ in parts if len(part)]
    _check_unique(filled)
    return Trajectories.concatenate(filled)


def find_files(sources: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Files of a list of files, folders and patterns, sorted within each of them.

    Parameters
    ----------
    sources : sequence of path
        An existing path is never read as a pattern. ``archive.zip/name`` is a file of a zip archive.

    Raises
    ------
    InputError
        If there is no such file, or a folder or pattern has none.
    """
    found: dict[str, None] = {}
    for source in sources:
        text = os.fspath(source)
        path = Path(text)
        if path.is_dir():
            names = [str(p) for p in sorted(path.iterdir()) if p.is_file() and _is_candidate(p.name)]
            if not names:
                raise InputError(f"the folder {text!r} holds no ephemeris file; give files, a folder or a pattern")
        elif exists(text):
            names = [text]
        else:
            names = [p for p in sorted(glob.glob(text)) if Path(p).is_file()]  # noqa: PTH207 - absolute patterns, too
            if not names:
                problem = "no file matches the pattern" if glob.has_magic(text) else "there is no file"
                raise InputError(f"{problem} {text!r}; use ephemeris files (OEM, MEME), folders or patterns")
        found |= dict.fromkeys(names)
    return list(found)


def _is_candidate(name: str) -> bool:
    return not name.startswith(".") and not name.upper().startswith(_NOT_EPHEMERIDES)


def _read_chunks(
    chunks: Sequence[Sequence[str]], options: ReadOptions, processes: int, report: Callable[[float], None]
) -> list[_Part]:
    parts: list[_Part] = []
    if processes <= 1 or len(chunks) <= 1:
        for k, chunk in enumerate(chunks):
            parts.append(_read_chunk(chunk, options))
            report((k + 1) / len(chunks))
        return parts
    # fresh processes: those of fork would inherit the threads of backends and notebooks
    context = get_context("spawn")
    workers = min(processes, len(chunks))
    with ProcessPoolExecutor(workers, context, initializer=_ignore_interrupts) as pool:
        futures = [pool.submit(_read_chunk, chunk, options) for chunk in chunks]
        try:
            for done, _ in enumerate(as_completed(futures), start=1):
                report(done / len(chunks))
            return [future.result() for future in futures]
        except BrokenProcessPool:
            raise InputError(
                "a process that reads ephemerides was killed, perhaps for want of memory; use fewer processes"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read_chunk(paths: Sequence[str], options: ReadOptions) -> _Part:
    parts, rejected, notes = [], [], []
    for path in paths:
        try:
            trajectories, remarks = read_one(path, options)
        except InputError as error:
            rejected.append(Rejection(path, "", str(error)))
            continue
        parts.append(trajectories)
        notes += remarks
    try:
        return Trajectories.concatenate(parts), rejected, notes
    except InputError:
        _check_unique(parts)
        raise


def _check_unique(parts: Sequence[Trajectories]) -> None:
    """Name the files that hold one object."""
    first: dict[int, str] = {}
    for part in parts:
        for number, source in zip(part.norad_id.tolist(), part.source.tolist(), strict=True):
            other = first.setdefault(number, source)
            if other != source and number < SYNTHETIC_ID:
                raise InputError(
                    f"object {number} has an ephemeris in {other!r} and in {source!r}; give one file for each object"
                )
