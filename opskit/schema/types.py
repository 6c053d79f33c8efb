"""A type as JSON Schema (draft 2020-12): what core/jsonable.py makes of its values, and nothing else. No I/O."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from opskit.core.jsonable import Shape
from opskit.core.results import Merged

Schema = dict[str, Any]
PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
# `size: in bytes`, `deleted, deleted_files: size and number of …` in the docstring of a class; it may go on below.
_SENTENCE = re.compile(r"(?<=[.;]) (?=\w+(?:, \w+)*: )")  # `A group. size: in bytes; free: the same` is told so, too
_FIELD = re.compile(r"^(\w+(?:, \w+)*): (.*(?:\n[ ]+.*)*)", re.MULTILINE)


class Writer:
    """Schemas of types, with one definition for each class.

    reading: of what from_json reads, which knows the defaults of what is absent; else of what to_json writes
    """

    def __init__(self, *, reading: bool = False) -> None:
        self.reading = reading
        self.definitions: dict[str, Schema] = {}
        self.names: dict[type, str] = {}

    def schema(self, hint: Any) -> Schema:
        """The schema of a type hint, or of a class that get_type_hints can read."""
        if hint is Any:
            return {}
        if isinstance(hint, type) and hint in PLAIN:
            return {"type": PLAIN[hint]}
        if isinstance(hint, Merged):
            return self._merged(hint)
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is not None:
            return self._generic(origin, arguments)
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return {"enum": [member.value for member in hint]}
        return {"$ref": f"#/$defs/{self._define(hint)}"}

    def _generic(self, origin: Any, arguments: tuple[Any, ...]) -> Schema:
        """The schema of a type with arguments."""
        if origin is Annotated:
            return {**self.schema(arguments[0]), **_keywords(arguments[1])}
        if origin is Union:
            return self.any_of(arguments)
        if origin is Literal:
            return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
        if origin is tuple and (len(arguments) != 2 or arguments[1] is not Ellipsis):
            items = [self.schema(each) for each in arguments]
            return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
        if origin in {tuple, list, Sequence}:
            return {"type": "array", "items": self.schema(arguments[0])}
        if origin in {dict, Mapping}:
            return {"type": "object", "additionalProperties": self.schema(arguments[1])}
        raise TypeError(origin)

    def any_of(self, hints: Sequence[Any]) -> Schema:
        """The schema of what is one of several."""
        schemas = [self.schema(hint) for hint in hints]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def _define(self, cls: type) -> str:
        """The name under which the definitions have a class."""
        if cls not in self.names:
            taken = cls.__name__ in self.names.values()
            self.names[cls] = name = f"{cls.__module__}.{cls.__name__}" if taken else cls.__name__
            self.definitions[name] = {}  # a class may hold others of itself
            self.definitions[name] = self._object(cls)
        return self.names[cls]

    def _object(self, cls: type) -> Schema:
        """A dataclass, NamedTuple or TypedDict."""
        hints, text = get_type_hints(cls, include_extras=True), _docstring(cls)
        told = _FIELD.finditer(_SENTENCE.sub("\n", text))
        texts = {name: " ".join(match[2].split()).rstrip(";.") for match in told for name in match[1].split(", ")}
        fields = {field.name: field for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else None
        properties: dict[str, Schema] = {}
        for name in hints if fields is None else fields:
            properties[name] = self.schema(hints[name])
            if name in texts:
                properties[name]["description"] = texts[name]
        written = properties if fields is None else [name for name in fields if self._is_written(fields[name])]
        required = sorted(getattr(cls, "__required_keys__", written))  # a TypedDict says it itself
        first = {"description": " ".join(text.split("\n\n")[0].split())} if text else {}
        return {
            "type": "object",
            **first,
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _is_written(self, field: dataclasses.Field[Any]) -> bool:
        """Whether the field is there in any case."""
        default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        return not (self.reading and default)

    def _merged(self, merged: Merged) -> Schema:
        parts = [self._object(cls) for cls in merged.classes]
        properties = {name: schema for part in parts for name, schema in part["properties"].items()}
        required = sorted({name for part in parts for name in part["required"]})
        return {**parts[0], "properties": properties, "required": required}


def _keywords(shape: Shape) -> Schema:
    if shape.words:
        return {"enum": list(shape.words)}
    return {"anyOf": [{"format": shape.format}, {"const": ""}]} if shape.or_empty else {"format": shape.format}


def _docstring(cls: type) -> str:
    """Its own, if it has one; dataclasses and NamedTuples get one that says nothing more."""
    text = inspect.cleandoc(cls.__doc__ or "")
    return "" if text.startswith(f"{cls.__name__}(") else text
