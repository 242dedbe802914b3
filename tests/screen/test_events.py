"""Duplicates among the minima of a pair."""

import numpy as np

from stmgpu.screen.events import Events, merge_events
from stmgpu.screen.window_ends import END_EDGE, START_EDGE


def test_twins_leave_one_event_and_the_inner_one() -> None:
    def events(times, flags):
        n = len(times)
        return Events(np.zeros(n, np.int32), np.ones(n, np.int32), np.array(times), np.array(flags, np.int32))

    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]):
        crowd = events([60.0, 60.0 + 5e-7, 60.0 - 1e-5], [END_EDGE, 0, 0])
        merged = merge_events(crowd[np.array(order)])
        assert merged.flags.tolist() == [0]
        assert merged.tca_s.tolist() == [60.0 - 1e-5]
    assert len(merge_events(events([], []))) == 0
    assert merge_events(events([0.0, 30.0, 60.0], [START_EDGE, 0, END_EDGE])).tca_s.tolist() == [0.0, 30.0, 60.0]
