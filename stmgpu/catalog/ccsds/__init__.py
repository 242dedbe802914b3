"""CCSDS messages: orbit mean elements (OMM) and ephemerides (OEM)."""
