"""A frozen dataclass of core/record.py is one of the standard library, but for how its methods are made."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Callable, ClassVar

import pytest

from opskit.core import record

KINDS: tuple[Callable[..., Any], ...] = (dataclasses.dataclass, record.dataclass)


def made(dataclass: Callable[..., Any]) -> Any:
    """A class with all that opskit's have, a subclass of it, and one without fields."""

    class Root:
        kind: ClassVar[str] = "root"

    @dataclass(frozen=True)
    class Base(Root):
        name: str
        size: int = 7
        made: list[str] = dataclasses.field(default_factory=list)
        secret: str = dataclasses.field(default="", repr=False)
        beside: int = dataclasses.field(default=0, compare=False)

        def __post_init__(self) -> None:
            if self.name == "changed":
                object.__setattr__(self, "name", "other")

        @cached_property
        def twice(self) -> int:
            return self.size * 2

    @dataclass(frozen=True)
    class Derived(Base):
        more: str = "x"

        def __repr__(self) -> str:
            return "its own"

    @dataclass(frozen=True)
    class Empty:
        pass

    return Base, Derived, Empty


def answers(dataclass: Callable[..., Any]) -> Iterator[Any]:
    base, derived, empty = made(dataclass)
    for arguments, named in (
        (("a",), {}), (("a", 1), {}), (("a", 1, ["m"], "s", 3), {}), ((), {"name": "a", "size": 0}), (("changed",), {}),
        ((), {}), (("a",), {"name": "b"}), (("a",), {"none": 1}), (("a", 1, [], "s", 3, 4), {}), ((), {"none": 1}),
    ):  # fmt: skip
        for cls in (base, derived, empty):
            try:
                each = cls(*arguments, **named)
            except TypeError:
                yield TypeError
                continue
            yield repr(each).replace(f"{dataclass.__module__}", ""), dataclasses.asdict(each)
            yield [each == other for other in (cls(*arguments, **named), dataclasses.replace(each), base("a"), 1)]
    one, other = base("a"), base("a", beside=5)
    one.twice  # noqa: B018 - what is kept of it is no field
    yield one == other, one.made is not other.made, one != base("b"), base("a") == derived("a")
    yield (
        hash(empty()) == hash(empty()),
        {derived("a", made=()), derived("a", made=()), derived("b", made=())}.__len__(),
    )
    yield [field.name for field in dataclasses.fields(derived)], derived("a", 2, more="y").more, one.kind
    for change in (lambda: setattr(one, "size", 1), lambda: delattr(one, "size"), lambda: setattr(one, "none", 1)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    with pytest.raises(TypeError):
        hash(base("a"))


def test_it_does_what_one_of_the_standard_library_does() -> None:
    theirs, ours = (list(answers(kind)) for kind in KINDS)
    assert ours == theirs


def test_what_is_wrong_with_arguments_is_said() -> None:
    base, *_ = made(record.dataclass)
    for arguments, named, why in (
        ((), {}, "it lacks name"), (("a",), {"name": "b"}, "it has twice name"), (("a",), {"b": 1}, "does not take b"),
        (("a", 1, [], "s", 3, 4), {}, "6 arguments are given, and 5 are taken"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=why):
            base(*arguments, **named)


@record.dataclass(frozen=True)
class Sent:
    """As facts that a child sends."""

    name: str


def test_it_is_pickled_and_one_that_is_not_frozen_is_the_standard_librarys() -> None:
    assert pickle.loads(pickle.dumps(Sent("a"))) == Sent("a")

    @record.dataclass
    class Open:
        name: str = ""

    each = Open()
    each.name = "b"
    assert each == Open("b")
