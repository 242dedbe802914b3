"""Conjunction data messages that tests write."""

from __future__ import annotations

import json

from stmgpu.messages.cdm.fields import COVARIANCE, MESSAGE, OBJECT

MATRIX = {"CR_R": "41.42", "CT_R": "-8.579", "CT_T": "2533.0", "CN_R": "-23.13", "CN_T": "13.36", "CN_N": "70.98"}
DRAG = {
    f"CDRG_{axis}": str(value)
    for axis, value in zip(("R", "T", "N", "RDOT", "TDOT", "NDOT", "DRG"), range(1, 8), strict=True)
}
COMMON = {
    "CATALOG_NAME": "SATCAT", "EPHEMERIS_NAME": "NONE", "COVARIANCE_METHOD": "CALCULATED", "REF_FRAME": "EME2000",
}  # fmt: skip
OBJECTS = (
    {
        "OBJECT_DESIGNATOR": "91001", "OBJECT_NAME": "ALPHA [A] & CO", "INTERNATIONAL_DESIGNATOR": "2024-001A",
        "MANEUVERABLE": "YES", "MASS": "251.6", "TIME_LASTOB_END": "2024-070T02:14:12.746", "X": "2570.097065",
        "Y": "2244.654904", "Z": "6281.497978", "X_DOT": "4.418769571", "Y_DOT": "4.833547743", "Z_DOT": "-3.526774282",
        **DRAG,
    },
    {
        "OBJECT_DESIGNATOR": "91002", "OBJECT_NAME": "BETA DEB", "INTERNATIONAL_DESIGNATOR": "2024-001B",
        "MANEUVERABLE": "NO", "X": "2569.540800", "Y": "2245.093614", "Z": "6281.599946", "X_DOT": "-2.888612500",
        "Y_DOT": "-6.007247516", "Z_DOT": "3.328770172", "CR_R": "1337.0", "CT_R": "-4.806E+04", "CT_T": "2.492E+06",
        "CN_N": "7.105E+04",
    },
)  # fmt: skip
OWN = {
    "CREATION_DATE": "2024-03-12T22:31:12.000", "ORIGINATOR": "TEST", "MESSAGE_ID": "event-1",
    "TCA": "2024-03-13T22:37:52.618", "MISS_DISTANCE": "716", "RELATIVE_SPEED": "14762",
    "COLLISION_PROBABILITY": "4.835E-05", "USER_DEFINED_NOTE": "by hand",
}  # fmt: skip


def fields(number: int) -> dict[str, str]:
    """All fields of the message (0) or of an object."""
    if not number:
        return dict(OWN)
    zeros = {name: "0.0" for name, field in COVARIANCE.items() if field.needed}
    rates = dict.fromkeys(("CRDOT_RDOT", "CTDOT_TDOT", "CNDOT_NDOT"), "1.0E-5")
    found = COMMON | OBJECTS[number - 1] | zeros | MATRIX | rates
    return found | OBJECTS[number - 1]


def kvn(*, comment: str = "HBR = 10 [m]", replace: dict[str, str | None] | None = None) -> str:
    """A message; `replace` gives lines of fields (of object 1 where both have them), None for none."""
    left = dict(replace or {})
    lines = ["CCSDS_CDM_VERS = 1.0"]
    for number in (0, 1, 2):
        if number:
            lines.append(f"OBJECT = OBJECT{number}")
            lines.append(f"COMMENT of object {number}")
        elif comment:
            lines.append(f"COMMENT {comment}")
        for name, text in fields(number).items():
            table = MESSAGE | OBJECT | COVARIANCE
            unit = table[name].unit if name in table else ""
            line: str | None = f"{name} = {text} [{unit}]" if unit else f"{name} = {text}"
            line = left.pop(name, line)
            if line is not None:
                lines.append(line)
    assert not left, f"no fields: {left}"
    return "\n".join(lines) + "\n"


def space_track(**changes: object) -> dict[str, object]:
    """A message as an object of Space-Track's JSON."""
    own = fields(0)
    del own["USER_DEFINED_NOTE"]
    row: dict[str, object] = {
        "CDM_ID": "900000001", "CCSDS_CDM_VERS": "1.0", **own, "CREATION_DATE": "2024-03-12 22:31:12",
        "CREATION_DATE_FRACTION": "0", "TCA": "2024-03-13 22:37:52", "TCA_FRACTION": "618", "COMMENT_HBR": "10 [m]",
        "MISS_DISTANCE_UNIT": "m", "SCREEN_VOLUME_X": None, "SCREEN_VOLUME_X_UNIT": "m",
    }  # fmt: skip
    for number in (1, 2):
        row[f"SAT{number}_OBJECT"] = f"OBJECT{number}"
        for name, text in fields(number).items():
            row[f"SAT{number}_{name}"] = text
            unit = (OBJECT | COVARIANCE)[name].unit
            if unit:
                row[f"SAT{number}_{name}_UNIT"] = unit
    return row | changes


def json_text(*rows: object) -> str:
    """Objects in a list, as Space-Track writes them, slashes with a backslash."""
    return json.dumps(list(rows)).replace("/", "\\/")
