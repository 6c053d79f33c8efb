"""How a case of bad input is written: a function that sets it up and tells what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from host.hosts import Host, Namespace

USAGE, REFUSED, MISSING, BUSY = 2, 5, 6, 7


@dataclass
class Case:
    """What is asked for, and what must come of it. words: what the message has to name."""

    device: str
    code: int
    id: str
    options: tuple[str, ...] = ()
    target: str = ""
    words: tuple[str, ...] = ()
    inside: Optional[Namespace] = None
    wipe: bool = False  # --wipe must not get past it either


CASES: dict[str, Callable[[Host], Case]] = {}


def case(function: Callable[[Host], Case]) -> Callable[[Host], Case]:
    CASES[function.__name__] = function
    return function


def each(name: str, function: Callable[[Host, str], Case], *values: str) -> None:
    for value in values:
        CASES[f"{name}-{value}"] = lambda host, value=value: function(host, value)  # type: ignore[misc]
