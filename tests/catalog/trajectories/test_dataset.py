"""Trajectories from an ephemeris. Truth: its states."""

from __future__ import annotations

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.catalog.trajectories import Trajectories
from stmgpu.errors import InputError


def test_from_a_dataset() -> None:
    cat = stm.synthetic_catalog(4, seed=2)
    eph = stm.propagate(cat, "2025-01-01", hours=1, step_s=60, backend="reference")
    whole = Trajectories.from_dataset(eph)
    assert whole.norad_id.tolist() == cat.norad_id.tolist()
    assert whole.name.tolist() == cat.name.tolist()
    assert np.array_equal(whole.position.reshape(4, 61, 3), eph.position)
    code = eph.error_code.values.copy()
    code[0, 20:22] = 6  # a hole: two segments
    code[1, 1:] = 6  # one state alone: left out
    code[2, :] = 1  # none at all
    code[3, 1], code[3, 3] = 7, 7  # a single state between two holes
    cut = Trajectories.from_dataset(eph.assign(error_code=(eph.error_code.dims, code)))
    assert cut.norad_id.tolist() == cat.norad_id[[0, 3]].tolist()
    assert np.diff(cut.offset).tolist() == [20, 39, 57]
    assert cut.segment_object.tolist() == [0, 0, 1]
    times = eph.time.values.astype("datetime64[ns]").view(np.int64)
    assert cut.usable_start_ns.tolist() == times[[0, 22, 4]].tolist()
    assert cut.usable_stop_ns.tolist() == times[[19, 60, 60]].tolist()
    assert np.array_equal(cut.position[20:59], eph.position.values[0, 22:])
    with pytest.raises(InputError, match="two good states"):
        Trajectories.from_dataset(eph.assign(error_code=(eph.error_code.dims, np.ones_like(code))))
    with pytest.raises(InputError, match="frame 'GCRF'"):
        Trajectories.from_dataset(eph.assign_attrs(frame="GCRF"))
    with pytest.raises(InputError, match="no error_code"):
        Trajectories.from_dataset(eph.drop_vars("error_code"))
