"""Frozen dataclasses to JSON and back, by their type hints alone.

Covers what facts and steps are made of: dataclasses, tuples, dicts, Optional, and plain values.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Shape(NamedTuple):
    """What a text is beyond that, as the metadata of an Annotated: read by opskit/schema alone.

    format: of JSON Schema; or_empty: that, or ""
    words: the only ones that it can be
    """

    format: str = ""
    words: tuple[str, ...] = ()
    or_empty: bool = False


# A time, RFC 3339 with zone; the other is "" where there is none.
Moment = Annotated[str, Shape("date-time")]
MomentOrNone = Annotated[str, Shape("date-time", or_empty=True)]
_PLAIN = frozenset({str, int, bool, float, type(None)})


class ShapeError(ValueError):
    """The JSON does not have the shape of the class; the text says where."""


def to_json(value: Any) -> Any:
    """A dataclass or NamedTuple (or a tuple or dict of such) as plain JSON values."""
    if type(value) in _PLAIN:  # most of what a long answer is made of
        return value
    if type(value) is dict and _PLAIN.issuperset(map(type, value.values())):  # and its rows
        return value
    if dataclasses.is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: to_json(item) for name, item in zip(value._fields, value)}
    if isinstance(value, (tuple, list)):
        return list(value) if _PLAIN.issuperset(map(type, value)) else [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


def from_json(cls: type[T], data: Any) -> T:
    """The dataclass cls from to_json's output. Absent fields take their defaults.

    Raises ShapeError for an unknown field, an absent one without a default, or a value of another type.
    """
    return _read(cls, data, cls.__name__)  # type: ignore[no-any-return]


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(hint: Any, data: Any, where: str) -> Any:
    if hint is Any:
        return data
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(hint, data, where)
    origin = get_origin(hint)
    if origin is Union:
        inner = next(arg for arg in get_args(hint) if arg is not type(None))
        return None if data is None else _read(inner, data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise ShapeError(f"{where}: a list is wanted, not {type(data).__name__}")
        return tuple(_read(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if origin is dict:
        if not isinstance(data, dict):
            raise ShapeError(f"{where}: an object is wanted, not {type(data).__name__}")
        return {key: _read(get_args(hint)[1], item, f"{where}.{key}") for key, item in data.items()}
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, hint) or (hint is int and isinstance(data, bool)):
        raise ShapeError(f"{where}: {hint.__name__} is wanted, not {type(data).__name__}")
    return data


def _read_dataclass(cls: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise ShapeError(f"{where}: an object is wanted, not {type(data).__name__}")
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ShapeError(f"{where}: unknown field {unknown[0]!r}")
    hints = _hints(cls)
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _read(hints[name], data[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ShapeError(f"{where}: the field {name!r} is absent")
    return cls(**values)
