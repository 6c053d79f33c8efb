"""From the parameters of a task to the words of its command. Nothing here needs Ansible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.opskit.host.plugins.plugin_utils.commands import Parameter


def parameter_spec(parameter: Parameter) -> dict[str, Any]:
    """A parameter as Ansible has it. None of them is a secret: opskit takes none in its words."""
    spec: dict[str, Any] = {"type": parameter.kind, "required": parameter.required, "no_log": False}
    if parameter.kind == "list":
        spec["elements"] = "str"
    if parameter.choices:
        spec["choices"] = list(parameter.choices)
    return spec


def make_words(parameters: Iterable[Parameter], given: dict[str, Any]) -> list[str]:
    """The options, then what is told by its place, behind `--`. An empty value is passed on: opskit refuses it."""
    options: list[str] = []
    places: list[str] = []
    for parameter in parameters:
        value = given.get(parameter.name)
        if value is None:
            continue
        if parameter.kind == "bool":
            option = parameter.option if value else parameter.off
            options += [option] if option else []
            continue
        values = [str(each) for each in (value if isinstance(value, list) else [value])]
        if parameter.option:
            options += [f"{parameter.option}={each}" for each in values]
        else:
            places += values
    return [*options, "--", *places] if places else options
