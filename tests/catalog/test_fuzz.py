"""Whatever the bytes, reading gives a valid catalogue or one of our own errors. Mutations: tests/test_attacks.py."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.samples import every_form

from stmgpu.catalog import Catalog, read_catalog
from stmgpu.catalog.limits import element_faults
from stmgpu.catalog.reader import FORMATS
from stmgpu.errors import StmgpuError

FORMS = every_form()


def read(content: bytes, form: str | None = None) -> None:
    try:
        catalog = read_catalog(content, format=form)
    except StmgpuError as error:
        str(error).encode("ascii", "backslashreplace")
        return
    assert isinstance(catalog, Catalog)
    assert len(catalog) > 0
    assert not list(element_faults({name: getattr(catalog, name) for name in catalog.__dataclass_fields__}))
    assert len(np.unique(catalog.norad_id)) == len(catalog)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([None, *FORMATS]))
def test_random_bytes(content: bytes, form: str | None) -> None:
    read(content, form)
    read(gzip.compress(content), form)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="0123456789 .-+UABIO\n12", max_size=300))
def test_text_like_element_sets(text: str) -> None:
    read(text.encode(), "tle")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(sorted(json.loads(FORMS["json"])[0])), JSON_VALUES)))
def test_odd_json_values(edits: list[tuple[int, str, object]]) -> None:
    records = json.loads(FORMS["json"])
    for index, key, value in edits:
        records[index][key] = value
    read(json.dumps(records).encode())


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["csv", "kvn", "xml"]),
    st.lists(st.tuples(st.integers(0, 500), st.text(max_size=12)), min_size=1, max_size=4),
)
def test_odd_values_in_text_forms(form: str, edits: list[tuple[int, str]]) -> None:
    marks = {"csv": b",", "kvn": b"=", "xml": b">"}
    parts = FORMS[form].split(marks[form])
    for place, text in edits:
        parts[place % len(parts)] = text.encode("utf-8", "surrogatepass")
    read(marks[form].join(parts))


@pytest.mark.parametrize("form", sorted(FORMS))
def test_cut_anywhere(form: str) -> None:
    content = FORMS[form]
    for end in range(0, len(content), max(1, len(content) // 60)):
        read(content[:end])
        read(content[end:])


@pytest.mark.parametrize(
    "content",
    [
        b"<omm>" * 200_000,
        b"<omm>" * 100_000 + b"</omm>" * 100_000,
        b"<ndm>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</ndm>",
        b"NORAD_CAT_ID," + b",".join(b"%d" % i for i in range(100_000)),
        b"[" + b",".join(b'{"%d":1}' % i for i in range(20_000)) + b"]",
        b"[" * 1_000_000,
        b"A = 1\n" * 50_000,
        b"1 00042" + b" " * 1_000_000,
        b"1 00042\n2 00042\n" * 20_000,
    ],
    ids=["open", "nested", "deep", "wide", "many keys", "brackets", "repeats", "blanks", "short lines"],
)
def test_hostile_sizes_take_linear_time(content: bytes) -> None:
    """Quadratic work in any of these would run for minutes."""
    read(content)
