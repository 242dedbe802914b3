"""Columns of a screening's page: one value for each row of the table, and one for each object in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.report.page.columns import Column, encode
from stmgpu.report.page.screening_figures import family_labels
from stmgpu.screen.variables import ROW

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    from stmgpu.report.page.objects import PageObjects
    from stmgpu.typing import Floats, Ints

SCALES = {
    "miss_distance": 1e6, "relative_speed": 1e6, "miss_radial": 1e6, "miss_transverse": 1e6, "miss_normal": 1e6,
    "primary_epoch_age_days": 1e6, "secondary_epoch_age_days": 1e6, "altitude": 1e2, "latitude": 1e2, "longitude": 1e2,
}  # fmt: skip
"""Numbers of a row and the parts of their unit that are kept: millimetres, mm/s, 1e-6 d, 10 m, 0.01 degree."""

ASSESSED = {"pc": 8, "pc_max": 8, "hard_body_radius": 8} | dict.fromkeys(
    ("sigma_major", "sigma_minor", "miss_major", "miss_minor"), 11
)
"""Numbers of an assessed row, and the bits that their float32 is shortened by: five digits, or four for the drawing."""

CODES = ("pc_method", "triage")
"""Codes of an assessed row."""

USED = (
    "tca", "primary", "secondary", "flags", *SCALES, *ASSESSED, *CODES, "pc_flags",
    *(f"{who}_{what}" for what in ("name", "type", "status") for who in ("primary", "secondary")),
)  # fmt: skip
"""Variables of a result that its page needs."""

_OBJECT_SCALES = {"epoch": 1.0, "mean_motion": 1e10, "eccentricity": 1e7}
_ANGLES = ("inclination", "raan", "argp", "mean_anomaly")


def chosen_rows(ds: xr.Dataset, rows: int) -> Ints:
    """Rows of the table: the closest, sorted by miss distance."""
    return np.argsort(ds.miss_distance.to_numpy(), kind="stable")[:rows]


def row_columns(ds: xr.Dataset, chosen: Ints, objects: PageObjects) -> list[Column]:
    """Columns of the chosen rows; ``primary_object`` and ``secondary_object`` are places in the columns of objects."""
    shown = ds.isel({ROW: chosen})
    ids = [shown[who].to_numpy() for who in ("primary", "secondary")]
    here = np.unique(np.concatenate(ids))
    columns = [encode("tca_ms", np.rint(shown.tca.to_numpy().astype("datetime64[us]").astype(np.float64) / 1e3))]
    for who, column in zip(("primary", "secondary"), ids, strict=True):
        columns.append(encode(f"{who}_object", np.searchsorted(here, column).astype(np.uint32)))
    columns += [encode(name, shown[name].to_numpy(), scale=scale) for name, scale in SCALES.items() if name in shown]
    columns.append(encode("flags", shown.flags.to_numpy().astype(np.uint32)))
    if "pc" in shown:
        columns += [
            encode(name, shortened(shown[name].to_numpy(), bits)) for name, bits in ASSESSED.items() if name in shown
        ]
        columns += [encode(name, shown[name].to_numpy().astype(np.uint8)) for name in CODES if name in shown]
        columns.append(encode("pc_flags", shown.pc_flags.to_numpy().astype(np.uint32)))
    return columns + _object_columns(objects, objects.places(here))


def shortened(values: npt.NDArray[np.floating], bits: int) -> npt.NDArray[np.float32]:
    """Numbers as float32 whose last bits are zero, so that they pack better; relative error at most 2^(bits - 24).

    Examples
    --------
    >>> abs(float(shortened(np.array([1.23456789e-5]), 8)[0]) / 1.23456789e-5 - 1.0) < 2.0**-16
    True
    """
    with np.errstate(under="ignore", over="ignore"):
        short = np.asarray(values, np.float32)
    rounded = (short.view(np.uint32).astype(np.uint64) + (1 << (bits - 1))) >> bits << bits
    return np.where(np.isfinite(short), rounded.astype(np.uint32).view(np.float32), short)


def _object_columns(objects: PageObjects, here: Ints) -> list[Column]:
    """Columns of the objects at some places."""
    columns = [encode("object_id", objects.norad_id[here].astype(np.uint32))]
    families = objects.families()
    labels, group = family_labels(objects)
    for name, text in (("name", objects.name), ("type", objects.type), ("status", objects.status)):
        if np.any(text != ""):
            columns.append(encode(f"object_{name}", text[here]))
    if np.any(families != ""):
        columns.append(encode("object_constellation", families[here]))
    columns.append(encode("object_kind", objects.kinds()[0][here]))
    columns.append(encode("object_group", np.array(labels, np.str_)[group[here]]))
    scales = _OBJECT_SCALES | dict.fromkeys(_ANGLES, 1e8)
    columns += [
        encode(f"object_{name}", _wrapped(name, all_[here]), scale=scales[name])
        for name, all_ in objects.elements.items()
    ]
    return columns


def _wrapped(name: str, values: Floats) -> Floats:
    return np.mod(values, 2.0 * np.pi) if name in _ANGLES else values
