"""Ephemerides on the command line: files, folders, patterns and stores, and whose they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stmgpu import log
from stmgpu.cli.common import SHOWN_REJECTIONS, ReadLimits, note, say, size_limits
from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.catalog import Catalog
    from stmgpu.catalog.rejection import Rejection
    from stmgpu.catalog.trajectories.trajectories import Trajectories

Ephemeris = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE[=NORAD]",
        help="Trajectories to screen against the catalogue and each other: OEM files (KVN or XML), Starlink's public "
        "ephemerides, a folder or quoted pattern of them, or a store of `stmgpu propagate`; with =NORAD the id of the "
        "file's object. May be repeated.",
    ),
]
SkipUnreadable = Annotated[
    bool,
    typer.Option(
        "--skip-unreadable",
        help="Screen without the ephemeris files that cannot be read, and list them. Default: they are an error.",
    ),
]


@dataclass(frozen=True)
class EphemerisSources:
    """Values of --ephemeris, found to be there.

    Parameters
    ----------
    shown : str
        What the user wrote.
    stores : tuple of str
        Folders of ephemeris stores.
    files : tuple of str
        Files.
    given : tuple of (str, int)
        Files of one object whose id is stated.
    """

    shown: str
    stores: tuple[str, ...]
    files: tuple[str, ...]
    given: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, sources: Sequence[str]) -> EphemerisSources:
        """Sort the values of the option; :class:`InputError` for one that is not there."""
        from stmgpu.catalog.trajectories.files import find_files

        stores, given, files = [], [], []
        for source in sources:
            path, norad_id = split_id(source)
            if norad_id is not None:
                found = find_files([path])
                if len(found) > 1:
                    raise InputError(f"--ephemeris {source!r} gives one id to {len(found)} files; name one file")
                given.append((found[0], norad_id))
            elif any((Path(path) / name).exists() for name in ("zarr.json", "run")):
                stores.append(path)
            else:
                files += find_files([path])
        return cls(", ".join(sources)[:200], tuple(stores), tuple(dict.fromkeys(files)), tuple(given))

    def read(
        self,
        catalog: Catalog | None,
        *,
        start: str | None,
        duration_s: float,
        skip: bool,
        covariances: bool,
        max_size_gib: float | None = None,
    ) -> Trajectories:
        """Read all; objects of an OEM get the NORAD id that the catalogue has for their designator.

        Parameters
        ----------
        catalog : Catalog or None
            The catalogue that is screened, too.
        start : str or None
            Start of the window; None if it is not known yet.
        duration_s : float
            Length of the window [s].
        skip : bool
            Whether files that cannot be read are left out.
        covariances : bool
            Whether covariances are kept.
        max_size_gib : float, optional
            Largest size of a file [GiB].
        """
        from stmgpu.catalog.trajectories import Trajectories
        from stmgpu.store import read_ephemeris

        known: dict[str, int] = {}
        if catalog is not None:
            known = dict(zip(catalog.object_id.tolist(), catalog.norad_id.tolist(), strict=True))
            known.pop("", None)
        window = (None, None) if start is None else (start, duration_s)
        window_ns = None if start is None else window_of(start, duration_s)
        options = _Options(window_ns, skip, covariances, size_limits(max_size_gib))
        parts = [read_ephemeris(path, *window) for path in self.stores]
        parts += [_read([path], norad_id, options) for path, norad_id in self.given]
        if self.files:
            parts.append(_read(self.files, known, options))
        trajectories = Trajectories.concatenate(parts)
        if len(trajectories) == 0:
            raise InputError("no ephemeris file could be read; there is nothing to screen against")
        states = counted(len(trajectories.time_ns), "state")
        note(f"ephemeris {self.shown}: {counted(len(trajectories), 'object')}, {states}")
        return trajectories


@dataclass(frozen=True)
class _Options:
    window_ns: tuple[int, int] | None
    skip: bool
    covariances: bool
    limits: ReadLimits


def _read(paths: Sequence[str], norad_ids: dict[str, int] | int, options: _Options) -> Trajectories:
    from stmgpu.catalog.trajectories.files import read_trajectories
    from stmgpu.distribute.resources import cores

    rejected: list[Rejection] = []
    with log.progress("reading ephemerides", total=len(paths), unit="files") as report:
        trajectories = read_trajectories(
            list(paths),
            norad_ids=norad_ids,
            window_ns=options.window_ns,
            covariances=options.covariances,
            processes=cores(),
            on_rejection=rejected.append,
            on_note=note,
            progress=report,
            **options.limits,
        )
    if len(rejected) == 1 and not options.skip:
        raise InputError(rejected[0].reason)
    for rejection in rejected[:SHOWN_REJECTIONS]:
        say(f"rejected: {rejection.reason}")
    if len(rejected) > SHOWN_REJECTIONS:
        say(f"and {counted(len(rejected) - SHOWN_REJECTIONS, 'more ephemeris file')} rejected")
    if rejected and not options.skip:
        raise InputError(
            f"{counted(len(rejected), 'ephemeris file')} cannot be read; get them corrected, or leave them out with "
            "--skip-unreadable"
        )
    return trajectories


def split_id(source: str) -> tuple[str, int | None]:
    """File and NORAD id of FILE=NORAD; an existing file whose name ends like that is the file."""
    path, separator, number = source.rpartition("=")
    if Path(source).exists() or not separator or not path:
        return source, None
    if not re.fullmatch(r"\d{1,9}", number, re.ASCII) or int(number) == 0:
        if Path(path).exists():
            raise InputError(f"--ephemeris {source!r}: {number!r} is not a NORAD id; use FILE=25544")
        return source, None
    return path, int(number)


def window_of(start: str, duration_s: float) -> tuple[int, int]:
    """First and last instant of a window [ns since 1970 UTC]."""
    import numpy as np

    from stmgpu.time import as_epoch, to_datetime64

    epoch = as_epoch(start)
    begin, end = to_datetime64(epoch.jd, epoch.fr, np.array([0.0, duration_s])).astype("datetime64[ns]").view(np.int64)
    return int(begin), int(end)
