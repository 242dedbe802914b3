"""The closest conjunctions of a store for Cesium: objects on their orbits, and events, as CZML."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import BackendName, get_backend
from stmgpu.constants import EARTH
from stmgpu.errors import InputError, printable
from stmgpu.files import writing
from stmgpu.frames import from_teme
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.selection import closest
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.screen.variables import ROW
from stmgpu.store import open_dataset
from stmgpu.store.run import has_run, open_run
from stmgpu.time import NS_PER_DAY, format_utc

if TYPE_CHECKING:
    import os
    from typing import BinaryIO

    import xarray as xr

    from stmgpu.typing import Floats, Ints

_PRIMARY, _SECONDARY, _EVENT = [86, 180, 233, 255], [230, 159, 0, 255], [213, 94, 0, 255]
"""Colours [red, green, blue, opacity] of Okabe and Ito (2008)."""

_SHOWN_S = 600.0
"""Time before and after the closest approach during which an event is shown [s]."""

_STEPS = 60
"""Positions in a revolution; between them Cesium interpolates with polynomials of degree 5."""

_LONGEST_STEP_S, _FALLBACK_PERIOD_S = 300.0, 86_400.0
_NS = 1_000_000_000


@dataclass(frozen=True)
class _Track:
    """Positions of one object around its events and, by time, at them."""

    seconds: Floats
    position_m: Floats
    at_events_m: dict[int, Floats]
    period_s: float


def write_czml(
    store: str | os.PathLike[str],
    target: str | os.PathLike[str] | BinaryIO,
    *,
    events: int = 20,
    backend: BackendName = "auto",
) -> tuple[int, int]:
    """Write the closest conjunctions of a store as CZML, which Cesium shows.

    Pairs slower than 0.1 km/s are left out. Objects are shown from one revolution before their first event to one after
    their last, within the window, on orbits of the elements or trajectories that were screened.

    Parameters
    ----------
    store : path-like
        Store of a screening.
    target : path-like or binary file
        File to write.
    events : int
        Conjunctions to show, the closest ones.
    backend : str
        Backend that propagates the objects.

    Returns
    -------
    events, objects : int
        How many were written.

    Raises
    ------
    InputError
        If czml3 is not installed, the store holds no conjunctions of fast pairs, or not what was screened.
    StoreError
        If the store is unfinished or damaged, or the file cannot be written.
    """
    packets = _czml3()
    folder = Path(store)
    con = open_dataset(folder, "conjunctions")
    shown = closest(con, events)
    if not shown.sizes[ROW]:
        raise InputError(f"{folder} has no conjunctions of pairs faster than 0.1 km/s to view; screen a longer window")
    objects, settings = _screened(folder)
    begin = int(settings.window.start.datetime64.astype("datetime64[ns]").view(np.int64))
    end = begin + round(settings.window.duration_s * _NS)
    tracks = _tracks(shown, objects, settings, backend, begin)
    document = _document(packets, shown, tracks, begin, end)
    with writing(target) as file:
        file.write(document.encode("utf-8"))
        file.write(b"\n")
    return shown.sizes[ROW], len(tracks)


def _czml3() -> Any:
    try:
        import czml3
        import czml3.properties  # noqa: F401  # an attribute of czml3 from here on
        import czml3.types  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"writing CZML needs the package czml3 ({error}); install it: pip install 'stmgpu[czml]'"
        ) from None
    return czml3


def _screened(folder: Path) -> tuple[ScreeningObjects, ScreeningSettings]:
    """What was screened and how, from the store."""
    if has_run(folder):
        run = open_run(folder)
        objects, settings = run.run_input(), run.document.settings
        if isinstance(objects, ScreeningObjects) and isinstance(settings, ScreeningSettings):
            return objects, settings
    raise InputError(f"{folder} does not hold the orbits of its objects; view a store of `stmgpu screen`")


def _tracks(
    shown: xr.Dataset, objects: ScreeningObjects, settings: ScreeningSettings, backend: BackendName, begin: int
) -> dict[int, _Track]:
    """Positions of the objects of the events, by id."""
    both = np.concatenate([shown["primary"].to_numpy(), shown["secondary"].to_numpy()])
    tca = np.tile(shown["tca"].to_numpy().astype("datetime64[ns]").view(np.int64), 2)
    ids = np.unique(both)
    some = objects[np.flatnonzero(np.isin(objects.norad_id, ids))]
    start, runner = settings.window.start, get_backend(backend)
    begin_s = start.fr * NS_PER_DAY / _NS
    span = begin_s - 1.0, begin_s + settings.window.duration_s + 1.0
    tracks = {}
    with runner.on_device():
        propagator = some.propagator(runner, (start.jd, 0.0), span, mode=settings.mode, by_object=True)
        column = np.full(len(some), -1, np.int64)
        column[propagator.order] = np.arange(propagator.n)

        def states(place: int, seconds: Floats) -> Floats:
            found, code = propagator.at(np.full(len(seconds), column[place]), seconds + begin_s)
            return np.where(np.asarray(runner.get(code)) == 0, np.asarray(runner.get(found)), np.nan).T

        for place, number in enumerate(some.norad_id.tolist()):
            events = tca[both == number]
            times = (events - begin) / _NS
            at_events = states(place, times)
            period = _period_s(at_events[0])
            first = max(0.0, times.min() - period)
            last = min(settings.window.duration_s, times.max() + period)
            count = max(2, int(np.ceil((last - first) / min(period / _STEPS, _LONGEST_STEP_S))) + 1)
            seconds = np.linspace(first, last, count)
            state = states(place, seconds)
            good = np.isfinite(state).all(axis=1)
            if good.any():
                position = _inertial_m(begin + np.round(seconds[good] * _NS).astype(np.int64), state[good])
                meetings = dict(zip(events.tolist(), _inertial_m(events, at_events), strict=True))
                tracks[int(number)] = _Track(seconds[good], position, meetings, period)
    return tracks


def _inertial_m(time_ns: Ints, state: Floats) -> Floats:
    """Positions in GCRF [m] from states in TEME."""
    return from_teme("GCRF", time_ns, state[:, :3], state[:, 3:])[0] * 1e3


def _period_s(state: Floats) -> float:
    """Period of an osculating orbit [s]; a day for an orbit that is not closed, or an unknown one."""
    r, v = np.linalg.norm(state[:3]), np.linalg.norm(state[3:])
    axis = 1.0 / (2.0 / r - v * v / EARTH.mu_km3_s2) if np.isfinite(r) else np.nan
    return float(2.0 * np.pi * np.sqrt(axis**3 / EARTH.mu_km3_s2)) if axis > 0.0 else _FALLBACK_PERIOD_S


def _document(c: Any, shown: xr.Dataset, tracks: dict[int, _Track], begin: int, end: int) -> str:
    def utc(ns: int) -> str:
        return str(format_utc(np.datetime64(ns, "ns"), 3))

    p, t = c.properties, c.types
    tca = shown["tca"].to_numpy().astype("datetime64[ns]").view(np.int64)
    first = int(tca.min())
    clock = p.Clock(
        interval=t.TimeInterval(start=utc(begin), end=utc(end)),
        currentTime=utc(max(begin, first - round(_SHOWN_S * _NS))),
        multiplier=60,
    )
    packets = [c.core.Packet(id="document", name="Conjunctions of stmgpu", version="1.0", clock=clock)]
    primaries = set(shown["primary"].to_numpy().tolist())
    for number, track in tracks.items():
        colour = _PRIMARY if number in primaries else _SECONDARY
        table = np.column_stack([np.round(track.seconds, 3), np.round(track.position_m, 1)])
        packets.append(
            c.core.Packet(
                id=f"object-{number}",
                name=_name(shown, number),
                availability=t.TimeInterval(
                    start=utc(begin + round(track.seconds[0] * _NS)), end=utc(begin + round(track.seconds[-1] * _NS))
                ),
                position=p.Position(
                    epoch=utc(begin),
                    interpolationAlgorithm="LAGRANGE",
                    interpolationDegree=5,
                    referenceFrame="INERTIAL",
                    cartesian=t.Cartesian3Value(values=table.ravel().tolist()),
                ),
                point=p.Point(pixelSize=6, color=p.Color(rgba=colour)),
                path=p.Path(
                    leadTime=0.5 * track.period_s,
                    trailTime=0.5 * track.period_s,
                    width=1,
                    material=p.PolylineMaterial(
                        solidColor=p.SolidColorMaterial(color=p.Color(rgba=[*colour[:3], 140]))
                    ),
                ),
            )
        )
    for k in np.argsort(tca, kind="stable").tolist():
        pair = [tracks.get(int(shown[who].to_numpy()[k])) for who in ("primary", "secondary")]
        meeting = np.mean([track.at_events_m[int(tca[k])] for track in pair if track is not None], axis=0)
        packets.append(_event(c, shown.isel({ROW: k}), meeting, utc))
    return str(c.core.Document(packets=packets).dumps())


def _event(c: Any, one: xr.Dataset, meeting_m: Floats, utc: Any) -> Any:
    """The point where both orbits meet, with what is known of the event."""
    p, t = c.properties, c.types
    tca = int(one["tca"].to_numpy().astype("datetime64[ns]").view(np.int64))
    names = [_name(one, int(one[who])) for who in ("primary", "secondary")]
    facts = {
        "time of closest approach": f"{utc(tca)}",
        "miss distance": f"{float(one['miss_distance']):.3f} km",
        "relative speed": f"{float(one['relative_speed']):.3f} km/s",
    }
    if "pc" in one.variables and np.isfinite(float(one["pc"])):
        facts["collision probability"] = f"{float(one['pc']):.2e}"
    title = " and ".join(names)
    rows = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in facts.items())
    half = round(_SHOWN_S * _NS)
    return c.core.Packet(
        id=f"event-{int(one[ROW])}",
        name=title,
        description=f"<p>{html.escape(title)}</p><table>{rows}</table>",
        availability=t.TimeInterval(start=utc(tca - half), end=utc(tca + half)),
        position=p.Position(
            referenceFrame="INERTIAL", cartesian=t.Cartesian3Value(values=np.round(meeting_m, 1).tolist())
        ),
        point=p.Point(
            pixelSize=10, color=p.Color(rgba=_EVENT), outlineColor=p.Color(rgba=[255, 255, 255, 255]), outlineWidth=1
        ),
        label=p.Label(
            text=f"{title}\n{facts['miss distance']}", scale=0.5, horizontalOrigin="LEFT", showBackground=True
        ),
    )


def _name(table: xr.Dataset, number: int) -> str:
    """Name of an object, or its number."""
    for who in ("primary", "secondary"):
        rows = np.flatnonzero(np.atleast_1d(table[who].to_numpy()) == number)
        if len(rows) and f"{who}_name" in table.variables:
            text = str(np.atleast_1d(table[f"{who}_name"].to_numpy())[rows[0]]).strip()
            if text:
                return printable(text)
    return str(number)
