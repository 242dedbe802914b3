"""Sources of covariances: constants, what is refused, and what every source has to hold."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.errors import InputError
from stmgpu.risk.covariance import FLAGS, covariance_source


def test_a_constant_covariance_has_the_given_sigmas_for_every_object() -> None:
    source = covariance_source("rtn:100,300,50.5")
    assert (source.name, source.is_model) == ("rtn:100,300,50.5", True)
    found = source.at(np.arange(1, 5), np.ones((4, 6)), (np.full(4, 2460000.5), np.zeros(4)), np.full(4, 3.0))
    assert len(found) == 4
    np.testing.assert_array_equal(found.matrix[:, :3, :3], np.broadcast_to(np.diag([1e4, 9e4, 50.5**2]), (4, 3, 3)))
    assert np.isnan(found.matrix[:, 3:]).all()
    assert np.isnan(found.matrix[:, :, 3:]).all()
    assert np.isnan(found.age_days).all()
    assert not found.flags.any()
    assert found.source.tolist() == ["rtn:100,300,50.5"] * 4
    assert "do not suffice for decisions" in source.notice


_WRONG = ("", "none", "rtn", "rtn:", "rtn:1,2", "rtn:1,2,3,4", "rtn:1,2,x", "rtn:1,0,2", "rtn:1,-5,2", "rtn:1,nan,2")


@pytest.mark.parametrize("text", [*_WRONG, "rtn:1,inf,2", "rtn:1_0,2,3", "rtn:1e10,2,3"])
def test_other_texts_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InputError, match=r"covariance source .* (unknown|wrong).*; allowed .*rtn:100,300,100"):
        covariance_source(text)


def test_every_flag_is_one_bit_and_has_words() -> None:
    assert sorted(FLAGS) == [1, 2, 4, 8]
    assert all(FLAGS.values())
