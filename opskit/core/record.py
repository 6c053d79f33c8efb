"""Frozen dataclasses whose methods are shared, and not compiled for each class whenever a command starts.

The `dataclass(frozen=True)` of the standard library writes the methods of a class as source and compiles that: a third
of a millisecond for a class, and a tenth of the start of a command that loads forty. Here they are written once, and go
by the fields. In all else these are dataclasses, for dataclasses.fields and replace as for mypy.
"""

from __future__ import annotations

import dataclasses
import functools
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: Any = None, /, *, frozen: bool = False, init: bool = True) -> Any:
        """As that of the standard library: one that is not frozen is just that."""
        if cls is None:
            return functools.partial(dataclass, frozen=frozen, init=init)
        if not frozen:
            return dataclasses.dataclass(cls)
        own = set(cls.__dict__) - ({"__hash__"} if cls.__dict__.get("__hash__") is None else set())
        cls = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
        for method in (_init, _repr, _eq, _hash, _setattr, _delattr):
            name = f"_{method.__name__}__"
            if name not in own and (init or method is not _init):
                setattr(cls, name, method)
        return cls


__all__ = ["dataclass"]


class _Shape(NamedTuple):
    """What the methods of a class go by.

    names, known: of the arguments, in order and not
    defaults, factories: of those that have one
    followed: by __post_init__
    shown: the fields of repr()
    compared: an instance → what it is compared by
    """

    names: tuple[str, ...]
    known: frozenset[str]
    defaults: dict[str, Any]
    factories: tuple[tuple[str, Callable[[], Any]], ...]
    followed: bool
    shown: tuple[str, ...]
    compared: Callable[[Any], Any]


@functools.cache
def _shape(cls: Any) -> _Shape:
    fields = dataclasses.fields(cls)
    given = [field for field in fields if field.init]
    compared = [field.name for field in fields if field.compare]
    return _Shape(
        names=tuple(field.name for field in given),
        known=frozenset(field.name for field in given),
        defaults={field.name: field.default for field in given if field.default is not dataclasses.MISSING},
        factories=tuple(
            (field.name, field.default_factory) for field in given if field.default_factory is not dataclasses.MISSING
        ),
        followed=hasattr(cls, "__post_init__"),
        shown=tuple(field.name for field in fields if field.repr),
        compared=attrgetter(*compared) if compared else lambda _record: (),
    )


def _init(self: Any, /, *arguments: Any, **named: Any) -> None:
    names, known, defaults, factories, followed, _, _ = _shape(self.__class__)
    values = {**defaults, **dict(zip(names, arguments)), **named}
    for name, factory in factories:
        if name not in values:
            values[name] = factory()
    if values.keys() != known or len(arguments) > len(names):
        raise _wrong(self, arguments, named)
    if named and arguments and not named.keys().isdisjoint(names[: len(arguments)]):
        raise _wrong(self, arguments, named)
    self.__dict__.update(values)
    if followed:
        self.__post_init__()


def _wrong(record: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> TypeError:
    """The error for arguments that the class does not take."""
    shape, positional = _shape(record.__class__), len(arguments)
    having = {*shape.names[:positional], *named, *shape.defaults, *(name for name, _ in shape.factories)}
    absent = [name for name in shape.names if name not in having]
    twice = [name for name in shape.names[:positional] if name in named]
    unknown = [name for name in named if name not in shape.known]
    why = f"{positional} arguments are given, and {len(shape.names)} are taken"
    for names, text in ((absent, "lacks"), (twice, "has twice"), (unknown, "does not take")):
        if names:
            why = f"it {text} {', '.join(names)}"
    return TypeError(f"{record.__class__.__qualname__}(): {why}")


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in _shape(self.__class__).shown)
    return f"{self.__class__.__qualname__}({fields})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = _shape(self.__class__).compared
    return compared(self) == compared(other)


def _hash(self: Any) -> int:
    return hash(_shape(self.__class__).compared(self))


def _setattr(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
