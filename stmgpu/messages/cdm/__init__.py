"""Conjunction Data Messages (CDM 1.0, CCSDS 508.0-B-1): read in KVN, XML and JSON, written in KVN and XML."""

from stmgpu.messages.cdm.message import ConjunctionMessage, ConjunctionObject
from stmgpu.messages.cdm.reading import read_cdm
from stmgpu.messages.cdm.writing import format_cdm, write_cdm

__all__ = ["ConjunctionMessage", "ConjunctionObject", "format_cdm", "read_cdm", "write_cdm"]
