"""Fields of a CDM: keyword, unit, what it may hold, and where it stands.

Conjunction Data Message, CCSDS 508.0-B-1, tables 3-1 to 3-4, and the further keywords of the draft of version 2 and of
the messages of TraCSS, which are read and written but never needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from stmgpu.messages.fields import STATE, Block

VERSIONS = ("1.0", "2.0")
VERSION_KEYWORD = "CCSDS_CDM_VERS"

AXES = ("R", "T", "N", "RDOT", "TDOT", "NDOT", "DRG", "SRP", "THR")
"""Rows of a covariance; the last three are optional."""

FRAMES = ("EME2000", "GCRF", "ITRF")
"""Reference frames of states."""


@dataclass(frozen=True)
class Field:
    """What a field may hold.

    Parameters
    ----------
    kind : {'text', 'number', 'time'}
        How its value is read.
    unit : str
        Unit of a number, '' for none.
    choices : tuple of str
        Allowed texts, if they are few.
    needed : bool
        Whether a message without it is refused.
    section : str
        XML element below the root, the body or the segment that holds it.
    """

    kind: str = "text"
    unit: str = ""
    choices: tuple[str, ...] = ()
    needed: bool = False
    section: str = ""


def _of(section: str, names: str, field: Field = Field()) -> dict[str, Field]:  # frozen
    return {name: replace(field, section=section) for name in names.split()}


def _numbers(section: str, **by_unit: str) -> dict[str, Field]:
    units = {"m": "m", "m_s": "m/s", "m_s2": "m/s**2", "m2": "m**2", "m2_kg": "m**2/kg", "W_kg": "W/kg"}
    units |= {"kg": "kg", "km": "km", "km_s": "km/s", "deg": "deg", "d": "d", "percent": "%", "none": ""}
    return {
        name: field
        for key, names in by_unit.items()
        for name, field in _of(section, names, Field("number", units[key])).items()
    }


_NEEDED, _TIME, _NEEDED_TIME = Field(needed=True), Field("time"), Field("time", needed=True)
_YES_NO = Field(choices=("YES", "NO"))
_HEADER, _RELATIVE, _VECTOR = "header", "relativeMetadataData", "relativeMetadataData/relativeStateVector"

MESSAGE: dict[str, Field] = (
    _of(_HEADER, "CREATION_DATE", _NEEDED_TIME)
    | _of(_HEADER, "ORIGINATOR", _NEEDED)
    | _of(_HEADER, "MESSAGE_FOR")
    | _of(_HEADER, "MESSAGE_ID", _NEEDED)
    | _of(_HEADER, "CLASSIFICATION")
    | _of(_RELATIVE, "CONJUNCTION_ID")
    | _of(_RELATIVE, "TCA", _NEEDED_TIME)
    | _of(_RELATIVE, "MISS_DISTANCE", Field("number", "m", needed=True))
    | _numbers(_RELATIVE, none="MAHALANOBIS_DISTANCE", m_s="RELATIVE_SPEED", deg="APPROACH_ANGLE")
    | _numbers(
        _VECTOR,
        m="RELATIVE_POSITION_R RELATIVE_POSITION_T RELATIVE_POSITION_N",
        m_s="RELATIVE_VELOCITY_R RELATIVE_VELOCITY_T RELATIVE_VELOCITY_N",
    )
    | _of(_RELATIVE, "START_SCREEN_PERIOD STOP_SCREEN_PERIOD", _TIME)
    | _of(_RELATIVE, "SCREEN_TYPE")
    | _of(_RELATIVE, "SCREEN_VOLUME_FRAME", Field(choices=("RTN", "TVN")))
    | _of(_RELATIVE, "SCREEN_VOLUME_SHAPE", Field(choices=("ELLIPSOID", "BOX", "SPHERE")))
    | _numbers(_RELATIVE, m="SCREEN_VOLUME_RADIUS SCREEN_VOLUME_X SCREEN_VOLUME_Y SCREEN_VOLUME_Z")
    | _of(_RELATIVE, "SCREEN_ENTRY_TIME SCREEN_EXIT_TIME", _TIME)
    | _numbers(_RELATIVE, none="SCREEN_PC_THRESHOLD")
    | _of(_RELATIVE, "COLLISION_PERCENTILE")
    | _numbers(_RELATIVE, none="COLLISION_PROBABILITY")
    | _of(_RELATIVE, "COLLISION_PROBABILITY_METHOD")
    | _numbers(_RELATIVE, none="COLLISION_MAX_PROBABILITY")
    | _of(_RELATIVE, "COLLISION_MAX_PC_METHOD")
    | _numbers(_RELATIVE, none="SEFI_COLLISION_PROBABILITY")
    | _of(_RELATIVE, "SEFI_COLLISION_PROBABILITY_METHOD SEFI_FRAGMENTATION_MODEL PREVIOUS_MESSAGE_ID")
    | _of(_RELATIVE, "PREVIOUS_MESSAGE_EPOCH NEXT_MESSAGE_EPOCH", _TIME)
)
"""Fields of the message, in the order of the standard."""

_META, _OD, _ADD = "metadata", "data/odParameters", "data/additionalParameters"
_STATE, _MATRIX = "data/stateVector", "data/covarianceMatrix"

OBJECT: dict[str, Field] = (
    _of(_META, "OBJECT_DESIGNATOR CATALOG_NAME OBJECT_NAME INTERNATIONAL_DESIGNATOR", _NEEDED)
    | _of(_META, "OBJECT_TYPE OPERATOR_CONTACT_POSITION OPERATOR_ORGANIZATION OPERATOR_PHONE OPERATOR_EMAIL")
    | _of(_META, "EPHEMERIS_NAME", _NEEDED)
    | _of(_META, "ODM_MSG_LINK ADM_MSG_LINK")
    | _of(_META, "OBS_BEFORE_NEXT_MESSAGE", _YES_NO)
    | _of(_META, "COVARIANCE_METHOD", Field(choices=("CALCULATED", "DEFAULT"), needed=True))
    | _of(_META, "COVARIANCE_SOURCE")
    | _of(_META, "MANEUVERABLE", Field(choices=("YES", "NO", "N/A"), needed=True))
    | _of(_META, "ORBIT_CENTER")
    | _of(_META, "REF_FRAME", Field(choices=FRAMES, needed=True))
    | _of(_META, "ALT_COV_TYPE ALT_COV_REF_FRAME GRAVITY_MODEL ATMOSPHERIC_MODEL N_BODY_PERTURBATIONS")
    | _of(_META, "SOLAR_RAD_PRESSURE EARTH_TIDES INTRACK_THRUST", _YES_NO)
    | _of(_OD, "TIME_LASTOB_START TIME_LASTOB_END", _TIME)
    | _numbers(_OD, d="RECOMMENDED_OD_SPAN ACTUAL_OD_SPAN", none="OBS_AVAILABLE OBS_USED TRACKS_AVAILABLE TRACKS_USED")
    | _numbers(_OD, percent="RESIDUALS_ACCEPTED", none="WEIGHTED_RMS")
    | _of(_OD, "OD_EPOCH", _TIME)
    | _numbers(_ADD, m2="AREA_PC AREA_PC_MIN AREA_PC_MAX AREA_DRG AREA_SRP")
    | _of(_ADD, "OEB_PARENT_FRAME")
    | _of(_ADD, "OEB_PARENT_FRAME_EPOCH", _TIME)
    | _numbers(_ADD, none="OEB_Q1 OEB_Q2 OEB_Q3 OEB_QC", m="OEB_MAX OEB_INT OEB_MIN")
    | _numbers(_ADD, m2="AREA_ALONG_OEB_MAX AREA_ALONG_OEB_INT AREA_ALONG_OEB_MIN RCS RCS_MIN RCS_MAX")
    | _numbers(_ADD, none="VM_ABSOLUTE VM_APPARENT_MIN VM_APPARENT VM_APPARENT_MAX REFLECTANCE", m="HBR")
    | _numbers(_ADD, kg="MASS", m2_kg="CD_AREA_OVER_MASS CR_AREA_OVER_MASS", m_s2="THRUST_ACCELERATION", W_kg="SEDR")
    | _numbers(_ADD, km="APOAPSIS_ALTITUDE PERIAPSIS_ALTITUDE", deg="INCLINATION", none="COV_CONFIDENCE")
    | _of(_ADD, "COV_CONFIDENCE_METHOD SCREENING_DATA_SOURCE CSIG3EIGVEC3")
    | _of(_ADD, "DCP_SENSITIVITY_VECTOR_POSITION DCP_SENSITIVITY_VECTOR_VELOCITY")
    | _numbers(_ADD, none="DENSITY_FORECAST_UNCERTAINTY CSCALE_FACTOR_MIN CSCALE_FACTOR CSCALE_FACTOR_MAX")
    | {
        name: Field("number", unit, needed=True, section=_STATE)
        for name, unit in zip(STATE, ("km",) * 3 + ("km/s",) * 3, strict=True)
    }
)
"""Fields of an object but its covariance, in the order of the standard."""


def element(row: int, column: int) -> str:
    """Keyword of an element of the covariance.

    Examples
    --------
    >>> element(1, 0), element(6, 3)
    ('CT_R', 'CDRG_RDOT')
    """
    return f"C{AXES[row]}_{AXES[column]}"


def _unit(row: int, column: int) -> str:
    """Unit of an element: metres, seconds and kilograms to the powers of the two axes."""
    m = s = kg = 0
    for axis in (row, column):
        if axis < 6:
            m, s = m + 1, s + (axis > 2)
        elif axis < 8:
            m, kg = m + 2, kg + 1
        else:
            m, s = m + 1, s + 2
    below = [f"{name}**{power}" if power > 1 else name for name, power in (("kg", kg), ("s", s)) if power]
    return f"m**{m}" + (f"/{below[0]}" if len(below) == 1 else f"/({'*'.join(below)})" if below else "")


COVARIANCE: dict[str, Field] = {
    element(row, column): Field("number", _unit(row, column), needed=row < 6, section=_MATRIX)
    for row in range(len(AXES))
    for column in range(row + 1)
}
"""Elements of the lower triangle in the object's own radial, transverse and normal axes, row by row."""

OF_OBJECT = OBJECT | COVARIANCE
"""All fields of an object."""

_OTHER_MATRIX = re.compile(r"C(?:[XYZ](?:DOT)?|DRG|SRP|THR)_[XYZ](?:DOT)?")
_USER_DEFINED = re.compile(r"USER_DEFINED_\w+", re.ASCII)


def _units(*tables: dict[str, Field]) -> dict[str, str]:
    return {name: field.unit for table in tables for name, field in table.items() if field.unit}


MESSAGE_BLOCK = Block(
    "a CDM before its objects", frozenset({*MESSAGE, VERSION_KEYWORD}), _units(MESSAGE), _USER_DEFINED,
    cure="allowed are those of CDM 1.0 (CCSDS 508.0-B-1); mend or remove it",
)  # fmt: skip
OBJECT_BLOCK = Block(
    "an object of a CDM", frozenset({*OBJECT, *COVARIANCE}), _units(OBJECT, COVARIANCE), _OTHER_MATRIX,
    cure="allowed are those of CDM 1.0 (CCSDS 508.0-B-1); mend or remove it",
)  # fmt: skip


def is_user_defined(keyword: str) -> bool:
    """Whether a keyword is a user's own, which belongs to the message wherever it stands."""
    return bool(_USER_DEFINED.fullmatch(keyword))
