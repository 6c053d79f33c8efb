"""The files that make up a unit or a configuration of systemd, in its order. They look at the host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional

from opskit.core.reach import check_answers
from opskit.core.systemd import installed_release

# Where systemd looks for its own configuration and for units, the strongest first (systemd.unit(5)).
CONF_PATHS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd")
# `systemctl set-property` has places of its own.
UNIT_PATHS = (
    *("/etc/systemd/system.control", "/run/systemd/system.control"),
    *(f"{path}/system" for path in CONF_PATHS),
)
# From this release on drop-ins are for a-b.service in a-.service.d, too; for all services in service.d from 244 on,
# and on EL8, whose 239 has that of 244 (src/shared/dropin.c of both).
DROP_INS_BY_PREFIX = 239


def drop_ins(directories: Iterable[str]) -> list[str]:
    """The drop-ins in these directories in the order in which systemd reads them: by their names.

    directories: the strongest first; of two drop-ins by one name the one in the first of them counts. One that is a
    link to /dev/null takes the place of another, and is empty: it is left out.
    Raises Failed where one leads to a mount that does not answer.
    """
    paths: dict[str, str] = {}
    directories = tuple(directories)
    check_answers(directories)
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            if name.endswith(".conf") and not name.startswith("."):
                paths.setdefault(name, f"{directory}/{name}")
    check_answers(paths.values())
    return [paths[name] for name in sorted(paths, key=os.fsencode) if os.path.realpath(paths[name]) != "/dev/null"]


def conf_files(name: str, root: str = "") -> list[str]:
    """The files that make up a configuration such as journald.conf, in systemd's order. root: where the host's / is.

    Raises Failed where one leads to a mount that does not answer.
    """
    places = [f"{root}{place}/{name}" for place in CONF_PATHS]
    check_answers(places)
    main = next((path for path in places if os.path.exists(path) and os.path.realpath(path) != "/dev/null"), "")
    return [path for path in (main, *drop_ins(f"{place}.d" for place in places)) if path]


def unit_files(unit: str, paths: Sequence[str] = UNIT_PATHS, release: Optional[int] = None) -> list[str]:
    """The files that make up a unit, in systemd's order: the unit's own, then drop-ins; none when there is no unit.

    unit: with its suffix; of `a@b.service` the files of the template `a@.service`, too
    paths: the directories of units, the strongest first
    release: of systemd, None for the one that is installed
    Raises Failed where one leads to a mount that does not answer.
    """
    names = [unit, *_template(unit)]
    places = [f"{place}/{name}" for name in names for place in paths]
    check_answers(places)
    main = next((path for path in places if os.path.exists(path)), "")
    return [main, *drop_ins(drop_in_directories(unit, paths, release))] if main else []


def drop_in_directories(unit: str, paths: Sequence[str] = UNIT_PATHS, release: Optional[int] = None) -> list[str]:
    """Where systemd looks for drop-ins of a unit, the strongest first (unit_file_find_dropin_paths() of dropin.c).

    unit, paths, release: as for unit_files
    """
    if (installed_release() if release is None else release) < DROP_INS_BY_PREFIX:
        names, for_all = [unit, *_template(unit)], []
    else:
        names, for_all = list(_drop_in_names(unit)), [unit.rpartition(".")[2]]
    return [f"{place}/{name}.d" for each in (names, for_all) for place in paths for name in each]


def _template(unit: str) -> list[str]:
    """`a@.service` of `a@b.service`; none of what is no instance."""
    stem, dot, suffix = unit.rpartition(".")
    prefix, at, instance = stem.partition("@")
    return [f"{prefix}@{dot}{suffix}"] if at and instance else []


def _drop_in_names(unit: str) -> Iterator[str]:
    """The unit, its template, and both again shorter by what is behind a dash: `a-b@c`, `a-b@`, `a-`, `a-@c` ….

    Of one dash at the end it takes no notice.
    """
    yield unit
    for template in _template(unit):
        yield from _drop_in_names(template)
    stem, dot, suffix = unit.rpartition(".")
    prefix, at, instance = stem.partition("@")
    end = prefix.rfind("-", 0, len(prefix) - 1 if prefix.endswith("-") else None)
    if end > 0:
        shorter = prefix[: end + 1] + (at + instance if instance else "")
        yield from _drop_in_names(f"{shorter}{dot}{suffix}")
