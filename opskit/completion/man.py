"""The manual pages in the man macros: opskit(1), and one for each word below it: opskit-disk(1) and so on."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from opskit.completion.tree import Argument, Node, Option
from opskit.core.report import Threshold

Thresholds = Mapping[str, Mapping[str, Threshold]]

# An option that this many commands have in the same words is told once, for all of them.
COMMON_AT_LEAST = 3
# The day of the last change of what stands here, and not in the tree; a page without one is a fault to mandoc.
DAY = "2026-11-29"
WIDTH = 78

STATUSES = {
    "0": "done, or nothing to do",
    "1": "failed",
    "2": "usage",
    "3": "changes pending (only with --dry-run --exit-code)",
    "4": "findings (checks only)",
    "5": "refused for safety, or needs confirmation",
    "6": "a missing tool or privilege",
    "7": "locked or busy",
    "8": "failed, and all that had been done was taken back: the host is as before",
    "9": "failed, and something of it is left: it could not be taken back, or a program is at work that not even"
    " SIGKILL ends",
    "10": "a host of a fleet could not be reached",
    "130, 143": "interrupted (SIGINT, SIGTERM), and taken back",
}
# Only of what changes the host.
OF_CHANGES = ("3", "5", "8", "9")
OF_FLEETS = ("10",)
# No option of click's: it is read before anything else is imported.
NEEDS = (
    "first of all words: exit 6, before anything is done, where this opskit is older than that release. One from before"
    " 0.2.0 does not know the option, and exits with 2"
)
VARIABLES = {
    "OPSKIT_COLOR, OPSKIT_STATE_DIR, OPSKIT_LOCK_TIMEOUT": "these options of every command",
    "OPSKIT_CONFIG": "a config file in place of both",
    "NO_COLOR": "no colours",
    "LC_ALL, LC_MESSAGES, LANG": "zh_CN, zh_TW: findings say in Chinese what they mean",
}
FILES = {
    "/etc/opskit/config.toml": "defaults for all users; ~/.config/opskit/config.toml stands over it, OPSKIT_* over"
    " both, the command line over all",
    "/var/lib/opskit": "the ledger of what was done, the lock and the log",
}
# Beside these, by the word.
FILES_OF: dict[str, dict[str, str]] = {
    "disk": {
        "/etc/fstab": "its entries; each change keeps a copy beside it, and fstab restore takes one back",
        "/etc/smbcredentials/": "user and password of each share of SMB, mode 0600",
    },
    "du": {"/var/lib/opskit/scans/": "the scans of --keep"},
    "journal": {
        "/run/log/journal, /var/log/journal": "the journal, in memory and on disk",
        "/etc/systemd/journald.conf.d/90-opskit-retain.conf": "what retain has written",
    },
    "memcached": {
        "/etc/sysconfig/memcached": "the settings of the unit of the RHEL family",
        "/etc/systemd/system/memcached.service.d/opskit.conf": "what start --unit has written",
    },
    "yum": {
        "/var/run/yum.pid, /var/cache/dnf/*.pid, /var/lib/rpm/.rpm.lock": "some of the locks that are looked at",
    },
    "service": {"/etc/systemd/system/UNIT.d/50-opskit-restart.conf": "what ensure --restart-policy has written"},
    "check": {
        "/etc/systemd/system/opskit-check.service, opskit-check.timer": "what --install-timer has written; below"
        " opskit-check.service.d and opskit-check.timer.d, where a package brought the units",
    },
    "fleet": {
        "~/.local/state/opskit/fleet/RUN/": "a run: its plan, what happened (events.jsonl), what Ansible said; below"
        " $XDG_STATE_HOME where that is set, or --state-dir",
        "/var/lib/opskit/tools": "on a host: the opskit that was sent there",
    },
    "history": {"/var/lib/opskit/ledger.jsonl": "the ledger: an entry before and after each step"},
}
ALSO = {
    "disk": ("fstab(5)", "mount(8)", "mkfs(8)", "growpart(1)", "lvm(8)", "swapon(8)", "nfs(5)"),
    "du": ("du(1)", "ncdu(1)"),
    "df": ("df(1)", "lsof(8)"),
    "journal": ("journalctl(1)", "journald.conf(5)"),
    "memcached": ("memcached(1)", "systemd.unit(5)"),
    "yum": ("yum(8)", "dnf(8)", "rpm(8)"),
    "service": ("systemctl(1)", "podman(1)", "docker(1)"),
    "check": ("systemd.timer(5)",),
    "fleet": ("ansible-playbook(1)", "ssh(1)"),
}


def man_page(root: Node, version: str) -> str:
    """opskit(1): what the commands are, and what they have in common."""
    commands = [node for node in root.walk() if node.runs]
    pages = [f"opskit-{child.name}(1)" for child in root.children]
    lines = [
        *_head("OPSKIT", "opskit", "chores on a host, as commands that explain themselves, and an undo", version),
        ".SH SYNOPSIS",
        ".B opskit",
        "COMMAND [options]",
        ".SH DESCRIPTION",
        *_paragraphs(root),
        ".PP",
        *_text("Each of the commands has a page of its own, such as opskit-disk(1)."),
        ".SH COMMANDS",
        *[line for node in commands for line in _entry(_title(node), node.summary)],
        ".SH OPTIONS",
        "Those that most commands have:",
        *[line for option in common_options(commands) for line in _option(option)],
        ".PP",
        "Those of opskit itself:",
        *[line for option in root.options if option not in common_options(commands) for line in _option(option)],
        *_entry("--needs RELEASE", NEEDS),
        ".SH EXAMPLES",
        *[line for child in root.children for line in _examples(next(node for node in child.walk() if node.runs))],
        *_end(commands, "opskit disk mount --fstype", FILES, pages),
    ]
    return _page(lines)


def area_page(root: Node, word: str, version: str, thresholds: Thresholds) -> str:
    """The page of a word below opskit: opskit-disk(1).

    thresholds: of each area
    """
    node = next(child for child in root.children if child.name == word)
    commands = [each for each in node.walk() if each.runs]
    shared = common_options([each for each in root.walk() if each.runs])
    used = [option for option in shared if any(option in each.options for each in commands)]
    lines = [
        *_head(f"OPSKIT-{word.upper()}", f"opskit-{word}", node.summary.rstrip("."), version),
        ".SH SYNOPSIS",
        *[line for each in commands for line in _synopsis(each)][1:],
        ".SH DESCRIPTION",
        *_paragraphs(node),
    ]
    if node.children:
        lines += [".SH COMMANDS", *[line for each in commands for line in _command(each, shared)]]
        lines += [".SH OPTIONS", "Those that most commands have:"]
    else:
        lines += [".SH OPTIONS", *_parameters(node, shared), ".PP", "Those that most commands have:"]
    lines += [line for option in used for line in _option(option)]
    lines += [".SH EXAMPLES", *[line for each in commands for line in _examples(each)]]
    lines += _thresholds(thresholds) if word == "check" else []
    own = [(each, option) for each in commands for option in each.options if option.value and option not in shared]
    example = f"{own[0][0].path} {_longest(own[0][1])}" if own else f"{commands[0].path} --state-dir"
    pages = ["opskit(1)", *(f"opskit-{each.name}(1)" for each in root.children if each.name != word)]
    lines += _end(commands, example, {**FILES_OF.get(word, {}), **FILES}, [*ALSO.get(word, ()), *pages])
    return _page(lines)


def _head(title: str, name: str, summary: str, version: str) -> Iterator[str]:
    yield '.\\" Written by scripts/completions from the tree of commands: do not edit.'
    yield f'.TH {title} 1 "{DAY}" "opskit {version}" "opskit"'
    yield from (".nh", ".ad l")  # an option or an id is not divided
    yield ".SH NAME"
    yield from _wrapped(f"{_plain(name)} \\- {_plain(summary)}")


def _end(commands: Iterable[Node], example: str, files: Mapping[str, str], also: Iterable[str]) -> Iterator[str]:
    """What stands at the end of each page. example: an option with its command, of which the variable is told."""
    nodes = tuple(commands)
    changes = any("--dry-run" in option.names for node in nodes for option in node.options)
    fleets = any(node.words[1:2] == ("fleet",) for node in nodes)
    yield ".SH EXIT STATUS"
    for status, meaning in STATUSES.items():
        if (changes or status not in OF_CHANGES) and (fleets or status not in OF_FLEETS):
            yield from _entry(status, meaning)
    yield ".SH ENVIRONMENT"
    variable = example.upper().replace(" --", "_").replace(" ", "_").replace("-", "_")
    command, _, option = example.rpartition(" ")
    text = f"each option of each command: {variable} is the {option} of {command}; not --yes, --wipe and --debug"
    yield from _entry("OPSKIT_COMMAND_OPTION", text)
    for name, meaning in VARIABLES.items():
        yield from _entry(name, meaning)
    yield ".SH FILES"
    for path, meaning in files.items():
        yield from _entry(path, meaning, font="I")
    yield ".SH SEE ALSO"
    yield from _text(", ".join(also))


def common_options(commands: Iterable[Node]) -> list[Option]:
    """The options that several commands have in the same words."""
    counted = Counter(option for node in commands for option in node.options)
    return [option for option, count in counted.items() if count >= COMMON_AT_LEAST]


def _thresholds(thresholds: Thresholds) -> Iterator[str]:
    yield ".SH THRESHOLDS"
    yield from _text("From when on something is told, as a config file has it; these are the defaults.")
    yield from _text("No guard of a plan knows them, and what is critical is told always.")
    for area, known in thresholds.items():
        if known:
            yield f".SS [check.{area}]"
        for name, threshold in known.items():
            yield from _entry(f"{name} = {threshold.text}", f"{threshold.meaning} ({threshold.finding})")


def _plain(text: str) -> str:
    """Text as roff reads it within a line: dashes stay as they are typed."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")


def _text(text: str) -> list[str]:
    """The same in lines of their own, none of which is taken for a request."""
    return _wrapped(_plain(text))


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return ["\\&" + line if line.startswith((".", "'")) else line for line in lines]


def _page(lines: list[str]) -> str:
    """The lines, without a paragraph where a section has just begun."""
    kept = [line for before, line in zip(["", *lines], lines) if line != ".PP" or not before.startswith((".SH", ".SS"))]
    return "\n".join(kept) + "\n"


def _entry(tag: str, text: str, *, font: str = "B") -> list[str]:
    return [".TP", f".{font} {_plain(tag)}", *(_text(text) or ["\\&"])]


def _arguments(node: Node) -> str:
    return " ".join(_argument(argument) for argument in node.arguments)


def _argument(argument: Argument) -> str:
    text = argument.name + ("..." if argument.many else "")
    return text if argument.required else f"[{text}]"


def _title(node: Node) -> str:
    return f"{node.path} {_arguments(node)}".rstrip()


def _synopsis(node: Node) -> list[str]:
    return [".PP", f".B {_plain(node.path)}", *_text(f"[options] {_arguments(node)}".strip())]


def _command(node: Node, shared: list[Option]) -> list[str]:
    return [f".SS {_plain(_title(node))}", *_paragraphs(node), *_parameters(node, shared)]


def _parameters(node: Node, shared: list[Option]) -> Iterator[str]:
    for argument in node.arguments:
        if argument.help:
            yield from _entry(argument.name, argument.help, font="I")
    for option in node.options:
        if option not in shared:
            yield from _option(option)
    names = ", ".join(option.names[0] for option in node.options if option in shared)
    yield from (".PP", *_text(f"And of those that most commands have: {names}."))


def _paragraphs(node: Node) -> list[str]:
    """The help without its example."""
    texts = [text for text in node.help if not text.startswith("Example: ")]
    return [line for text in texts for line in (".PP", *_text(text))][1:]


def _examples(node: Node) -> Iterator[str]:
    """What the help has for an example, as it is typed."""
    for text in node.help:
        if text.startswith("Example: "):
            yield from (".PP", f".B {_plain(text.replace('Example: ', '', 1))}")


def _longest(option: Option) -> str:
    return max(option.names, key=len)


def _option(option: Option) -> list[str]:
    value = f" {option.value}" if option.value else ""
    return _entry(", ".join(option.names) + value, option.help)
