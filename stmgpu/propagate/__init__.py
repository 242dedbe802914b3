"""Propagation: SGP4/SDP4 in batches, and what is built on it."""
