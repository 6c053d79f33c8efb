"""Dataclasses to JSON and back: what came out goes in again, and anything else is refused with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.jsonable import ShapeError, from_json, to_json


@dataclass(frozen=True)
class Inner:
    name: str
    size: int = 0


@dataclass(frozen=True)
class Outer:
    inner: Inner
    many: tuple[Inner, ...] = ()
    named: dict[str, Inner] = field(default_factory=dict)
    maybe: Optional[Inner] = None
    ratio: float = 0.0
    flag: bool = False
    free: Any = None


inners = st.builds(Inner, st.text(alphabet=st.characters()), st.integers())
outers = st.builds(
    Outer,
    inners,
    st.lists(inners).map(tuple),
    st.dictionaries(st.text(), inners),
    st.none() | inners,
    st.floats(allow_nan=False),
    st.booleans(),
    st.none() | st.integers() | st.text(),
)


@given(outers)
def test_there_and_back_through_text(value: Outer) -> None:
    assert from_json(Outer, json.loads(json.dumps(to_json(value)))) == value


def test_absent_fields_take_their_defaults() -> None:
    assert from_json(Outer, {"inner": {"name": "x"}}) == Outer(Inner("x"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "Outer: an object is wanted, not list"),
        ({}, "Outer: the field 'inner' is absent"),
        ({"inner": {"name": "x"}, "more": 1}, "Outer: unknown field 'more'"),
        ({"inner": {"name": 3}}, "Outer.inner.name: str is wanted, not int"),
        ({"inner": {"name": "x", "size": True}}, "Outer.inner.size: int is wanted, not bool"),
        ({"inner": {"name": "x"}, "many": {}}, "Outer.many: a list is wanted"),
        ({"inner": {"name": "x"}, "many": [3]}, "Outer.many[0]: an object is wanted"),
        ({"inner": {"name": "x"}, "named": []}, "Outer.named: an object is wanted"),
        ({"inner": {"name": "x"}, "named": {"k": 1}}, "Outer.named.k: an object is wanted"),
        ({"inner": {"name": "x"}, "maybe": 3}, "Outer.maybe: an object is wanted"),
        ({"inner": {"name": "x"}, "ratio": "1"}, "Outer.ratio: float is wanted"),
        ({"inner": {"name": "x"}, "ratio": True}, "Outer.ratio: float is wanted"),
        ({"inner": None}, "Outer.inner: an object is wanted"),
    ],
)
def test_another_shape_is_refused_with_its_place(data: Any, words: str) -> None:
    with pytest.raises(ShapeError) as caught:
        from_json(Outer, data)
    assert words in str(caught.value)


class Pair(NamedTuple):
    path: str
    inner: Inner


def test_a_named_tuple_is_an_object_and_another_tuple_a_list() -> None:
    wanted = {"path": "/", "inner": {"name": "a", "size": 1}}
    assert to_json((Pair("/", Inner("a", 1)), (1, 2))) == [wanted, [1, 2]]
