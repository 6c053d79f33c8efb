"""The completion script for zsh: one function for each command, in the terms of _arguments."""

from __future__ import annotations

from opskit.completion.quote import first_sentence, quoted
from opskit.completion.tree import Argument, Node, Option

HEAD = r"""#compdef opskit
# zsh completion for opskit. Written by scripts/completions from the tree of commands: do not edit.

# Every block device that has a size.
_opskit_devices() {
  local entry expl
  local -a devices
  for entry in /sys/class/block/*(N); do
    [[ $(<$entry/size) != 0 && $entry:t != ram<-> ]] && devices+=("/dev/${${entry:t}//!//}")
  done 2>/dev/null
  _wanted devices expl 'block device' compadd -a devices
}

# Every mount point of a block device; the kernel writes a space as \040.
_opskit_mountpoints() {
  local source place rest expl
  local -a mountpoints
  while read -r source place rest; do
    [[ $source == /dev/* ]] && mountpoints+=("${(g:o:)place}")
  done </proc/self/mounts 2>/dev/null
  _wanted mountpoints expl 'mount point' compadd -a mountpoints
}

_opskit_targets() {
  _alternative 'mountpoints: :_opskit_mountpoints' 'devices: :_opskit_devices'
}

# Every unit that systemd has loaded; a failed one may have a mark before its name.
_opskit_units() {
  local expl
  local -a units
  units=(${(f)"$(systemctl list-units --all --full --plain --no-legend --no-pager 2>/dev/null |
    sed 's/^[^[:alnum:]_-]*//; s/ .*//')"})
  _wanted units expl 'unit' compadd -a units
}

# The newest runs in the ledger, and `last`.
_opskit_runs() {
  local expl ledger=${OPSKIT_STATE_DIR:-/var/lib/opskit}/ledger.jsonl
  local -a runs
  runs=(last ${(f)"$(tail -c 2000000 $ledger 2>/dev/null |
    sed -n 's/.*"entry": "begin", "run": "\([^"]*\)".*/\1/p')"})
  _wanted runs expl 'run' compadd -a runs
}
"""
TAIL = """
_opskit "$@"
"""
ACTIONS = {
    "device": "_opskit_devices",
    "mountpoint": "_opskit_mountpoints",
    "target": "_opskit_targets",
    "unit": "_opskit_units",
    "run": "_opskit_runs",
    "file": "_files",
    "directory": "_files -/",
    "": " ",
}


def zsh_script(root: Node) -> str:
    """The whole script."""
    return HEAD + "".join(_function(node) for node in root.walk()) + TAIL


def _function_name(node: Node) -> str:
    return "_" + "_".join(node.words).replace("-", "_")


def _function(node: Node) -> str:
    specs = [_option(option) for option in node.options]
    if not node.children:
        specs += [_argument(argument, place) for place, argument in enumerate(node.arguments, 1)]
        return f"\n{_function_name(node)}() {{\n  _arguments -s -S \\\n    " + " \\\n    ".join(specs) + "\n}\n"
    specs += ["'1: :->command'", "'*:: :->rest'"]
    commands = [quoted(f"{child.name}:{first_sentence(child.summary)}") for child in node.children]
    calls = [f"        {child.name}) {_function_name(child)} ;;" for child in node.children]
    lines = [
        "",
        f"{_function_name(node)}() {{",
        "  local curcontext=$curcontext state line",
        "  local -a commands",
        "  commands=(",
        *[f"    {command}" for command in commands],
        "  )",
        "  _arguments -C -S \\",
        "    " + " \\\n    ".join(specs),
        "  case $state in",
        "    command) _describe -t commands 'command' commands ;;",
        "    rest)",
        "      case $line[1] in",
        *calls,
        "      esac",
        "      ;;",
        "  esac",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Help text as it may stand between brackets or colons of a spec."""
    for mark in "\\[]:":
        text = text.replace(mark, "\\" + mark)
    return text


def _action(kind: str | tuple[str, ...]) -> str:
    return "(" + " ".join(kind) + ")" if isinstance(kind, tuple) else ACTIONS[kind]


def _option(option: Option) -> str:
    """A flag may be given once, except one that counts (-vv)."""
    text = f"[{_escaped(first_sentence(option.help))}]"
    value = f":{_escaped(option.value)}:{_action(option.kind)}" if option.value else ""
    # `+`: the value may also follow a short option at once; `=`: --option=value.
    marks = [name + (("=" if name.startswith("--") else "+") if value else "") for name in option.names]
    if len(marks) == 1:
        return quoted(marks[0] + text + value)
    if "--verbose" in option.names:
        return " ".join(quoted("*" + mark + text + value) for mark in marks)
    together = "(" + " ".join(option.names) + ")"
    return " ".join(quoted(together + mark + text + value) for mark in marks)


def _argument(argument: Argument, place: int) -> str:
    mark = "*" if argument.many else str(place)
    optional = "" if argument.required or argument.many else ":"
    return quoted(f"{mark}:{optional}{_escaped(argument.name.lower())}:{_action(argument.kind)}")
