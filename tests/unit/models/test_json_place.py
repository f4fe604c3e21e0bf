"""A writer of JSON knows where it stands: inside a text, and which names the open object has."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tierwise.models.local.json_place import JsonPlace

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.data())
def test_a_value_that_is_whole_leaves_no_text_open_and_repeats_nothing(value: object, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode()
    cut = data.draw(st.integers(0, len(text)))
    place = JsonPlace()
    place.feed(text[:cut])
    assert not place.would_repeat(text[cut:])
    place.feed(text[cut:])
    assert not place.in_text
    assert not place.repeats


@given(st.dictionaries(st.text(max_size=6), st.integers(), min_size=1, max_size=4), st.data())
def test_a_name_that_comes_again_is_seen_before_it_is_written(names: dict[str, int], data: st.DataObject) -> None:
    again = json.dumps(data.draw(st.sampled_from(sorted(names))))
    text = f"{json.dumps(names)[:-1]}, {again}"
    cut = data.draw(st.integers(len(text) - len(again), len(text) - 1))
    place = JsonPlace()
    place.feed(text[:cut].encode())
    assert place.would_repeat(text[cut:].encode())
    place.feed(text[cut:].encode())
    assert place.repeats


def test_the_same_name_may_stand_in_other_objects() -> None:
    place = JsonPlace()
    place.feed(b'[{"a": {"a": "a"}}, {"a": [{"a": 1}, "a"]}')
    assert not place.repeats
