"""Columns of a page: what is encoded is what a browser reads back."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stmgpu.report.page.columns import Column, encode, natural_key


def decoded(column: Column) -> np.ndarray[Any, Any]:
    """Values of a column, by the rules that its description states."""
    facts = column.description
    kind = "u4" if facts["kind"] == "text" else facts["kind"]
    planes = np.frombuffer(gzip.decompress(base64.b64decode(column.data)), np.uint8)
    length = facts["length"]
    width = np.dtype(kind).itemsize
    values = np.ascontiguousarray(planes.reshape(width, length).T).view(f"<{kind}").reshape(length)
    if facts["kind"] == "text":
        return np.array(facts["values"], np.str_)[values]
    if "scale" in facts:
        return np.where(values == np.iinfo(np.int32).min, np.nan, values / facts["scale"])
    return values


@pytest.mark.parametrize("kind", ["f4", "f8", "i4", "u4", "u1"])
@given(data=st.data())
def test_numbers_come_back_bit_by_bit(kind: str, data: st.DataObject) -> None:
    values = data.draw(arrays(np.dtype(kind), st.integers(0, 50)))
    column = encode("one", values)
    assert column.description == {"name": "one", "kind": kind, "length": len(values), "data_id": "data-one"}
    assert decoded(column).tobytes() == values.tobytes()


@given(st.lists(st.text(max_size=12), max_size=30))
def test_texts_come_back_and_their_values_stand_in_order(texts: list[str]) -> None:
    column = encode("name", np.array(texts, np.str_))
    wanted = [str(one) for one in np.array(texts, np.str_).tolist()]  # NumPy drops NUL at the end of a text
    assert decoded(column).tolist() == wanted
    assert column.description["values"] == sorted(set(wanted), key=natural_key)


def test_a_scaled_column_keeps_the_parts_it_promises() -> None:
    values = np.array([0.0, 1.2345678, -2147.0, np.nan])
    column = encode("miss", values, scale=1e6)
    assert column.description["kind"] == "i4"
    np.testing.assert_allclose(decoded(column), [0.0, 1.234568, -2147.0, np.nan], rtol=1e-15)


def test_values_beyond_a_scale_are_stored_whole() -> None:
    values = np.array([1.0 / 3.0, 3e6])
    column = encode("miss", values, scale=1e6)
    assert column.description["kind"] == "f8"
    assert decoded(column).tolist() == values.tolist()


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="column id has type int64; convert it to one of f4"):
        encode("id", np.array([1, 2]))


def test_shuffled_bytes_are_smaller_than_plain_ones() -> None:
    rising = np.cumsum(np.random.default_rng(1).integers(0, 900, 20_000)).astype(np.uint32)
    plain = len(base64.b64encode(gzip.compress(rising.tobytes(), 6)))
    assert len(encode("time", rising).data) < 0.8 * plain
