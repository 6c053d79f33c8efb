"""The manual page opskit(1), in the man macros."""

from __future__ import annotations

from collections import Counter

from opskit.completion.tree import Argument, Node, Option

# An option that this many commands have in the same words is told once, for all of them.
COMMON_AT_LEAST = 3


def man_page(root: Node, version: str) -> str:
    """The whole page."""
    commands = [node for node in root.walk() if node.runs]
    counted = Counter(option for node in commands for option in node.options)
    common = [option for option, count in counted.items() if count >= COMMON_AT_LEAST]
    lines = [
        '.\\" Written by scripts/completions from the tree of commands: do not edit.',
        f'.TH OPSKIT 1 "" "opskit {version}" "opskit"',
        ".SH NAME",
        "opskit \\- chores on a host, as commands that explain themselves and can be taken back",
        ".SH SYNOPSIS",
        *[line for node in commands for line in _synopsis(node)],
        ".SH DESCRIPTION",
        *_paragraphs(root),
        ".SH COMMANDS",
        *[line for node in commands for line in _command(node, common)],
        ".SH COMMON OPTIONS",
        *[line for option in common for line in _option(option)],
        ".SH OPTIONS OF OPSKIT ITSELF",
        *[line for option in root.options if option not in common for line in _option(option)],
    ]
    return "\n".join(lines) + "\n" + END


END = r""".SH EXIT STATUS
.TP
.B 0
done, or nothing to do
.TP
.B 1
failed
.TP
.B 2
usage
.TP
.B 3
changes pending (only with \-\-dry\-run \-\-exit\-code)
.TP
.B 4
findings (checks only)
.TP
.B 5
refused for safety, or needs confirmation
.TP
.B 6
a missing tool or privilege
.TP
.B 7
locked or busy
.TP
.B 8
failed, and all that had been done was taken back: the host is as before
.TP
.B 9
failed, and something of it is left: it could not be taken back, or a program is at work that not even SIGKILL ends
.TP
.B 130, 143
interrupted (SIGINT, SIGTERM), and taken back
.SH ENVIRONMENT
.TP
.B OPSKIT_\fICOMMAND\fP_\fIOPTION\fP
each option of each command: OPSKIT_DISK_MOUNT_FSTYPE is the \-\-fstype of opskit disk mount; but for \-\-yes, \-\-wipe
and \-\-debug
.TP
.B OPSKIT_COLOR, OPSKIT_STATE_DIR, OPSKIT_LOCK_TIMEOUT
these options of every command
.TP
.B OPSKIT_CONFIG
a config file in place of both
.TP
.B NO_COLOR
no colours
.SH FILES
.TP
.I /etc/opskit/config.toml
defaults for all users; ~/.config/opskit/config.toml stands over it, OPSKIT_* over both, the command line over all
.TP
.I /var/lib/opskit
the ledger of what was done, the lock and the log
"""


def _text(text: str) -> str:
    """Text as roff reads it: no line is taken for a request, and dashes stay as they are typed."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return "\\&" + text if text.startswith((".", "'")) else text


def _argument(argument: Argument) -> str:
    text = argument.name + ("..." if argument.many else "")
    return text if argument.required else f"[{text}]"


def _synopsis(node: Node) -> list[str]:
    arguments = " ".join(_argument(argument) for argument in node.arguments)
    return [".PP", f".B {_text(node.path)}", _text(f"[options] {arguments}".strip())]


def _command(node: Node, common: list[Option]) -> list[str]:
    arguments = " ".join(_argument(argument) for argument in node.arguments)
    lines = [f".SS {_text(node.path)} {_text(arguments)}".rstrip(), *_paragraphs(node)]
    for argument in node.arguments:
        if argument.help:
            lines += [".TP", f".I {_text(argument.name)}", _text(argument.help)]
    for option in node.options:
        if option not in common:
            lines += _option(option)
    names = ", ".join(option.names[0] for option in node.options if option in common)
    return [*lines, ".PP", f"Common options: {_text(names)}."]


def _paragraphs(node: Node) -> list[str]:
    """The help; the example, which stands first on a screen, stands last here."""
    example = [text for text in node.help if text.startswith("Example: ")]
    lines = [line for text in node.help if text not in example for line in (".PP", _text(text))][1:]
    for text in example:
        lines += [".PP", "Example:", f".B {_text(text.replace('Example: ', '', 1))}"]
    return lines


def _option(option: Option) -> list[str]:
    value = f" {option.value}" if option.value else ""
    return [".TP", f".B {_text(', '.join(option.names) + value)}", _text(option.help) or "\\&"]
