"""Columns of trajectories from an ephemeris, the Dataset that `stmgpu.propagate` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stmgpu.errors import InputError, counted

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.typing import Ints


def columns_of_dataset(dataset: xr.Dataset, *, method: str, degree: int) -> dict[str, npt.NDArray[np.generic]]:
    """Columns of `Trajectories` from an ephemeris Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        `position` [km] and `velocity` [km/s] (object, time, axis) in TEME, `error_code` (object, time), coordinates
        `object` (NORAD ids) and `time` (datetime64, UTC); `name` (object) if there is one.
    method : {'lagrange', 'hermite', 'linear'}
        Method of interpolation. Use 'lagrange' for states of SGP4: its velocity is not the derivative of its position.
    degree : int
        Degree of the polynomial, as in `Segment`.

    Returns
    -------
    dict of str to ndarray
        All columns. Samples with an error code are left out, and objects are cut into segments there. Segments of less
        than two samples, and objects without any other, are left out as well.

    Raises
    ------
    InputError
        If it is not an ephemeris in TEME and UTC, or no object has two good states in succession.
    """
    missing = [name for name in ("position", "velocity", "error_code", "object", "time") if name not in dataset]
    if missing:
        raise InputError(
            f"the Dataset is not an ephemeris: it has no {', '.join(missing)}; give what stmgpu.propagate "
            "returns or `stmgpu propagate` stores"
        )
    for attribute, wanted in (("frame", "TEME"), ("time_system", "UTC")):
        value = str(dataset.attrs.get(attribute, wanted))
        if value != wanted:
            raise InputError(f"the ephemeris has {attribute} {value[:40]!r}, allowed is {wanted}")
    time = np.asarray(dataset["time"].values)
    if time.dtype.kind != "M" or np.isnat(time).any():
        raise InputError(f"times of the ephemeris must be datetime64 without gaps, got {time.dtype}")
    states = ("object", "time", "axis")
    position, velocity = (
        np.asarray(dataset[name].transpose(*states).values, np.float64) for name in ("position", "velocity")
    )
    code = np.asarray(dataset["error_code"].transpose(*states[:2]).values)
    objects, count = code.shape
    good = code == 0
    # runs of good samples: where one begins, and where it has ended
    edge = np.zeros((objects, 1), bool)
    changes = np.diff(np.concatenate([edge, good, edge], axis=1).astype(np.int8), axis=1)
    owner, begin = np.nonzero(changes == 1)
    _, end = np.nonzero(changes == -1)
    long = end - begin >= 2
    owner, begin, length = owner[long], begin[long], (end - begin)[long]
    if len(owner) == 0:
        raise InputError(
            f"none of {counted(objects, 'object')} has two good states in succession in {counted(count, 'time')}; "
            "give an ephemeris with more times, or of other objects"
        )
    kept, segment_object = np.unique(owner, return_inverse=True)
    offset = np.concatenate([[0], np.cumsum(length)])
    if len(owner) == objects and (length == count).all():
        rows: slice | Ints = slice(None)
        times_ns = np.tile(time.astype("datetime64[ns]").view(np.int64), objects)
    else:
        rows = np.repeat(owner * count + begin - offset[:-1], length) + np.arange(offset[-1])
        times_ns = time.astype("datetime64[ns]").view(np.int64)[rows % count]
    n, s = len(kept), len(segment_object)
    name = np.array(dataset["name"].values[kept].tolist() if "name" in dataset else [""] * n, np.str_)
    source = str(dataset.attrs.get("catalog_source", dataset.attrs.get("source", "ephemeris")))
    return {
        "norad_id": np.asarray(dataset["object"].values)[kept],
        "name": name,
        "object_id": np.full(n, "", np.str_),
        "source": np.full(n, "".join(c if c.isprintable() else "?" for c in source[-200:])),
        "sha256": np.full(n, str(dataset.attrs.get("catalog_digest", ""))[:64]),
        "segment_object": segment_object.reshape(-1),
        "method": np.full(s, method),
        "degree": np.full(s, degree),
        "usable_start_ns": times_ns[offset[:-1]],
        "usable_stop_ns": times_ns[offset[1:] - 1],
        "offset": offset,
        "time_ns": times_ns,
        "position": position.reshape(-1, 3)[rows],
        "velocity": velocity.reshape(-1, 3)[rows],
    }
