"""What ansible-playbook is given: the playbook of a run, its words, its environment. Ansible's own settings stay."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from opskit.core.text import last_lines
from opskit.fleet.model import FleetRun

CALLBACK = "opskit.host.record"
ACTION = "opskit.host.run"
# How long one command on one host may take, in seconds: what looks, and what changes it (mkfs of a large disk).
LOOK_SECONDS = 900
ACT_SECONDS = 4 * 3600
# A host that is gone without a word is noticed in a minute; ssh itself would wait for two hours.
ALIVE = "-o ServerAliveInterval=15 -o ServerAliveCountMax=4"
DEFAULT_COLLECTIONS = "~/.ansible/collections:/usr/share/ansible/collections"


class Unsafe(str):
    """A text that Ansible takes as it is: braces in it are no expression."""

    __slots__ = ()


class Asked(NamedTuple):
    """How the hosts are asked.

    stop: the file whose being there leaves every host alone that has not begun
    check: show what would be done
    canary: check the first batch before and after its turn
    """

    stop: str
    check: bool = False
    canary: bool = False


def host_seconds(run: FleetRun) -> int:
    """How long a command of this run may take on one host."""
    return ACT_SECONDS if run.kind in {"apply", "undo"} else LOOK_SECONDS


def playbook(run: FleetRun, asked: Asked) -> str:
    """The playbook of a run, as YAML. Raises AssertionError for a change that nobody has seen the plan of: a fault.

    The first batch, if it is checked, is a play of its own: Ansible starts a process for each task on each host, also
    for one that is left out there.
    """
    names = list(run.hosts)
    if run.kind in {"apply", "undo"} and not asked.check and not (names and all(run.hosts.values())):
        raise AssertionError(f"a host of {run.id} has no token of its plan")
    sizes = batch_sizes(run.serial, len(names))
    if not (asked.canary and sizes and sizes[0] < len(names)):
        return as_yaml([_play(run, asked, names, sizes, ("main",))]) + "\n"
    first, others = names[: sizes[0]], names[sizes[0] :]
    plays = [
        _play(run, asked, first, (), ("before", "main", "after")),
        _play(run, asked, others, sizes[1:] or sizes, ("main",)),
    ]
    return as_yaml(plays) + "\n"


def batch_sizes(serial: tuple[str, ...], count: int) -> tuple[int, ...]:
    """How many hosts the batches have, of so many in all; the last number is that of all that follow (Ansible's)."""
    shares = (part.endswith("%") for part in serial)
    numbers = (int(part.rstrip("%")) for part in serial)
    return tuple(max(1, number * count // 100) if share else number for share, number in zip(shares, numbers))


def _play(
    run: FleetRun, asked: Asked, names: list[str], sizes: tuple[int, ...], tasks: tuple[str, ...]
) -> dict[str, Any]:
    """A play over some hosts of the run. names: none where only Ansible knows them."""
    play: dict[str, Any] = {
        "name": Unsafe(f"opskit fleet {run.kind}"),
        "hosts": [Unsafe(name) for name in names] if names else "all",
        "gather_facts": False,
        "strategy": "linear",
        "any_errors_fatal": False,
        "no_log": False,
        "debugger": "never",  # a setting of the user would have it wait for a person at the first failure
        "vars": {"opskit_fleet_stop": Unsafe(asked.stop)},
    }
    if sizes:
        play["serial"] = list(sizes)
    if names:  # all of them, for the callback: before any is asked
        play["vars"]["opskit_fleet_hosts"] = [Unsafe(name) for name in run.hosts]
    argv: Any = [Unsafe(word) for word in run.argv]
    if run.words:
        play["vars"]["opskit_fleet_words"] = {
            Unsafe(name): [Unsafe(word) for word in run.words[name]] for name in names if name in run.words
        }
        argv = "{{ opskit_fleet_words[inventory_hostname] }}"
    only_plan: Any = ""
    if any(run.hosts.values()):
        play["vars"]["opskit_fleet_tokens"] = {Unsafe(name): Unsafe(run.hosts[name]) for name in names}
        only_plan = "{{ opskit_fleet_tokens[inventory_hostname] }}"
    tool = {key: Unsafe(value) for key, value in run.tool.items() if value}
    main = {"argv": argv, "only_plan": only_plan, **tool}
    play["tasks"] = [
        _task(run.kind, main, host_seconds(run), check=asked.check)
        if name == "main"
        else _task(name, {"argv": ["check"], **tool}, LOOK_SECONDS)
        for name in tasks
    ]
    return play


def _task(name: str, asked: dict[str, Any], seconds: int, *, check: bool = False) -> dict[str, Any]:
    """A task. Whether to go on after a failure, the callback decides and not Ansible."""
    return {
        "name": name,
        ACTION: asked,
        "check_mode": check,
        "ignore_errors": True,
        "ignore_unreachable": True,
        "timeout": seconds,
    }


def as_yaml(value: Any) -> str:
    """YAML of plain values, in one line. JSON would do but for the mark of an unsafe text."""
    if isinstance(value, str):
        return ("!unsafe " if isinstance(value, Unsafe) else "") + _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(key))}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    return str(value)


def _quoted(text: str) -> str:
    """A text in double quotes; all but printable ASCII as an escape."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if " " <= char <= "~":
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def words(run: FleetRun, program: str, book: str) -> tuple[str, ...]:
    """The command line of ansible-playbook."""
    line = [program]
    for place in run.inventory:
        line += ["-i", place]
    if run.limit and not run.hosts:
        line += ["-l", run.limit]
    if run.forks:
        line += ["--forks", str(run.forks)]
    return (*line, *run.ansible, book)


def last_words(output: str) -> str:
    """What Ansible said last: some lines; of an error that it did not catch only the error, and no traceback."""
    if "Traceback (most recent call last)" in output:
        lines = [line for line in output.splitlines() if line[:1].strip()]
        return re.sub(r"^[\w.]+: ", "", lines[-1])
    return last_lines(output, 12)


class Config(NamedTuple):
    """The ansible.cfg that is in force. place: its absolute path, "" for none; text: what is in it."""

    place: str = ""
    text: str = ""


def environment(environ: Mapping[str, str], config: Config, collection: str, *, named: bool) -> dict[str, str]:
    """The environment of ansible-playbook: the caller's, with what the run needs and no setting of his overruled.

    collection: the folder that has ansible_collections
    named: the playbook names each host; those that the inventory has no more, opskit tells itself
    """
    settings = _settings(config.text)
    paths = (
        environ.get("ANSIBLE_COLLECTIONS_PATH")
        or environ.get("ANSIBLE_COLLECTIONS_PATHS")
        or _from_its_folder(
            config.place, settings.get("defaults.collections_path") or settings.get("defaults.collections_paths") or ""
        )
        or DEFAULT_COLLECTIONS
    )
    result = {
        **environ,
        "ANSIBLE_COLLECTIONS_PATH": f"{collection}:{paths}",
        "ANSIBLE_STDOUT_CALLBACK": CALLBACK,
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
    }
    # A part of the hosts is not taken for all: of an inventory that cannot be read, and of a name that was mistyped.
    if "inventory.any_unparsed_is_failed" not in settings:
        result.setdefault("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "True")
    if not named and "inventory.host_pattern_mismatch" not in settings:
        result.setdefault("ANSIBLE_HOST_PATTERN_MISMATCH", "error")
    result.pop("ANSIBLE_COLLECTIONS_PATHS", None)
    result.pop("ANSIBLE_FORCE_COLOR", None)
    pipelining = ("defaults.pipelining", "connection.pipelining", "ssh_connection.pipelining")
    if not any(name in settings for name in pipelining) and "ANSIBLE_SSH_PIPELINING" not in environ:
        result.setdefault("ANSIBLE_PIPELINING", "True")
    if "ssh_connection.ssh_extra_args" not in settings:
        result.setdefault("ANSIBLE_SSH_EXTRA_ARGS", ALIVE)
    return result


def _from_its_folder(config: str, paths: str) -> str:
    """Paths of an ansible.cfg as they mean the same in a variable, where they would be of the working directory."""
    folder = os.path.dirname(config)
    return ":".join(
        path if path.startswith(("/", "~", "$", "{")) else os.path.join(folder, path)
        for path in paths.split(":")
        if path
    )


def _settings(config: str) -> dict[str, str]:
    """The settings of an ansible.cfg as section.key; none of one that cannot be read: Ansible tells of that."""
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None, strict=False)
    try:
        parser.read_string(config)
    except configparser.Error:
        return {}
    return {f"{section}.{key}": value for section in parser.sections() for key, value in parser[section].items()}


def config_places(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Where Ansible looks for its ansible.cfg, the first that is there counts.

    It passes over one in a working directory that others can write to; then a setting here is its default there.
    """
    named = environ.get("ANSIBLE_CONFIG", "")
    either = (os.path.join(named, "ansible.cfg"), named) if named else ()  # its folder may be named
    return (*either, "ansible.cfg", os.path.join(environ.get("HOME", ""), ".ansible.cfg"), "/etc/ansible/ansible.cfg")
