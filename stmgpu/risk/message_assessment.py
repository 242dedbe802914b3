"""Assessment of conjunction data messages: the columns of an assessment, from what each message states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.frames import from_teme, to_teme
from stmgpu.risk import variables as v
from stmgpu.risk.assessment import result_attributes
from stmgpu.risk.assessor import add_triage, risk_columns
from stmgpu.risk.covariance import Covariances
from stmgpu.risk.cross_correlation import shared_errors
from stmgpu.risk.fallbacks import add_samples
from stmgpu.risk.messages import message_states, usable
from stmgpu.screen.row_index import index_rows
from stmgpu.screen.variables import ROW
from stmgpu.variables import CONVENTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stmgpu.backend import Backend
    from stmgpu.messages.cdm import ConjunctionMessage
    from stmgpu.risk.radii import RadiusRule
    from stmgpu.risk.triage import Lines
    from stmgpu.typing import Floats, Times


def assess_messages(
    messages: Sequence[ConjunctionMessage],
    limits: Lines,
    *,
    radii: RadiusRule | None = None,
    samples: int = 0,
    seed: int = 0,
    on_rejected: Callable[[str], None] | None = None,
    backend: str | Backend = "auto",
) -> tuple[xr.Dataset, dict[str, Floats]]:
    """Assess messages.

    Parameters
    ----------
    messages : sequence of ConjunctionMessage
        From :func:`stmgpu.read_cdm`.
    limits : Lines
        Lines of the triage.
    radii : RadiusRule, optional
        Rule for messages that state no hard-body radius.
    samples, seed : int
        Monte Carlo samples of each message for which no method holds, or nc_3d is only an upper limit, 0 for none, and
        their seed.
    on_rejected : callable, optional
        Called with the reason for each message that is left out. Without it, the first one is raised.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    xr.Dataset
        A row for each message that can be used, with :data:`stmgpu.risk.variables.MESSAGES`.
    dict of ndarray
        ``state_1``, ``state_2`` (n, 6) in GCRF [km, km/s], NaN for messages in ITRF; ``covariance_1``, ``covariance_2``
        (n, 6, 6) in the RTN axes of each object.

    Raises
    ------
    InputError
        If no message can be used; without `on_rejected`, if one cannot.
    """
    used, radius = usable(messages, None, radii, on_rejected=on_rejected)
    if not used:
        raise InputError("no message can be used; `stmgpu cdm check` lists what is wrong")
    runner = get_backend(backend) if isinstance(backend, str) else backend
    tca = np.array([message.tca for message in used]).astype("datetime64[ns]")
    r1, v1, c1, r2, v2, c2 = message_states(used)
    states = [np.hstack([r1, v1]), np.hstack([r2, v2])]
    covariances = [_covariances(used, c1, 0), _covariances(used, c2, 1)]
    shared, _ = shared_errors(used)
    columns = risk_columns(
        states[0],
        covariances[0],
        states[1],
        covariances[1],
        np.array([r for r, _ in radius]),
        shared=shared,
        backend=runner,
    )
    columns["pc_flags"][shared.any(axis=(1, 2))] |= v.CORRELATED
    if samples:
        given = (states[0], covariances[0].matrix, states[1], covariances[1].matrix)
        add_samples(columns, *given, samples=samples, seed=seed, shared=shared, backend=runner)
    columns["pc_flags"][[message.objects[0].frame == "ITRF" for message in used]] |= v.EARTH_FIXED
    columns["hard_body_source"] = np.array([source for _, source in radius])
    columns["p_act"] = np.full(len(used), np.nan)
    add_triage(columns, limits)
    d = states[1] - states[0]
    columns |= {
        "tca": tca,
        "message_id": np.array([message.message_id for message in used]),
        "source": np.array([message.source for message in used]),
        **{f"designator_{k + 1}": np.array([m.objects[k].designator for m in used]) for k in (0, 1)},
        **{f"name_{k + 1}": np.array([m.objects[k].name for m in used]) for k in (0, 1)},
        "miss_distance": np.sqrt((d[:, :3] * d[:, :3]).sum(axis=1)),
        "relative_speed": np.sqrt((d[:, 3:] * d[:, 3:]).sum(axis=1)),
        "pc_stated": np.array([message.number("COLLISION_PROBABILITY") for message in used]),
        "pc_stated_method": np.array([message.fields.get("COLLISION_PROBABILITY_METHOD", "") for message in used]),
    }
    attrs = {
        "Conventions": CONVENTIONS,
        "title": v.MESSAGES_TITLE,
        "covariance_model": "as stated",
        "hard_body_rule": "as stated" if radii is None else f"as stated, or {radii.name}",
        "triage_lines": limits.name,
        "red_line": limits.act,
        "watch_line": limits.watch,
        **({"samples": samples, "samples_seed": str(seed)} if samples else {}),
        **result_attributes(columns),
    }
    table = index_rows(
        xr.Dataset({name: spec.of(columns[name]) for name, spec in v.MESSAGES.items()}, attrs=attrs), ROW, "tca"
    )
    return table, {
        **{f"state_{k + 1}": _gcrf(used, tca, k) for k in (0, 1)},
        **{f"covariance_{k + 1}": covariances[k].matrix for k in (0, 1)},
    }


def _gcrf(messages: Sequence[ConjunctionMessage], tca: Times, k: int) -> Floats:
    """States of an object of each message in GCRF [n, 6]; NaN for ITRF, whose orientation is not known."""
    states = np.array([np.hstack([m.objects[k].position_km, m.objects[k].velocity_km_s]) for m in messages])
    frames = np.array([m.objects[k].frame for m in messages])
    for frame in np.unique(frames).tolist():
        rows = frames == frame
        if frame == "ITRF":
            states[rows] = np.nan
            continue
        time_ns = tca[rows].view(np.int64)
        turned = to_teme(frame, time_ns, states[rows, :3], states[rows, 3:])
        states[rows] = np.hstack(from_teme("GCRF", time_ns, *turned))
    return states


def _covariances(messages: Sequence[ConjunctionMessage], matrix: Floats, k: int) -> Covariances:
    """Covariances of an object of each message, as stated."""
    n = len(messages)
    sources = [message.objects[k].fields.get("COVARIANCE_METHOD", "") for message in messages]
    source = np.array([f"cdm: {text.lower()}" if text else "cdm" for text in sources])
    return Covariances(matrix, np.full(n, np.nan), source, np.zeros(n, np.int64))
