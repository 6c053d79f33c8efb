"""The completion script for fish 3.0 and later."""

from __future__ import annotations

from opskit.completion.quote import first_sentence, fish_quoted
from opskit.completion.tree import Node, Option, valued_names

HEAD = r"""# fish completion for opskit. Written by scripts/completions from the tree of commands: do not edit.

# The command named so far and how many arguments it has got: "opskit disk mount 1".
function __opskit_so_far
    set -l path opskit
    set -l arguments 0
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip -eq 1
            set skip 0
        else if contains -- $word $__opskit_valued; or contains -- "$path $word" $__opskit_valued
            set skip 1
        else if string match -q -- '-*' $word
            continue
        else if contains -- "$path $word" $__opskit_commands
            set path "$path $word"
        else
            set arguments (math $arguments + 1)
        end
    end
    echo "$path $arguments"
end

# Whether the command named so far is this one, whatever arguments it has got.
function __opskit_in
    string match -qr -- "^$argv \d+\$" (__opskit_so_far)
end

# Whether this command has got this many arguments: __opskit_at opskit disk mount 0
function __opskit_at
    test (__opskit_so_far) = "$argv"
end

# Every block device that has a size.
function __opskit_devices
    for entry in /sys/class/block/*
        set -l name (string replace -a ! / (string replace -r '.*/' '' $entry))
        string match -qr '^ram\d' $name; and continue
        test (cat $entry/size 2>/dev/null; or echo 0)[1] != 0; and echo /dev/$name
    end
end

# Every mount point of a block device; the kernel writes a space as \040.
function __opskit_mountpoints
    while read -l source place rest
        string match -q '/dev/*' $source; and printf '%b\n' (string replace -ar '\\\\(\d{3})' '\\\\0$1' $place)
    end </proc/self/mounts
end

# Every unit that systemd has loaded; a failed one may have a mark before its name.
function __opskit_units
    systemctl list-units --all --full --plain --no-legend --no-pager 2>/dev/null |
        string replace -r '^[^[:alnum:]_-]*' '' | string replace -r ' .*' ''
end

function __opskit_targets
    __opskit_mountpoints
    __opskit_devices
end

# The newest runs in the ledger, and `last`.
function __opskit_runs
    set -l state /var/lib/opskit
    set -q OPSKIT_STATE_DIR; and set state $OPSKIT_STATE_DIR
    echo last
    tail -c 2000000 $state/ledger.jsonl 2>/dev/null |
        sed -n 's/.*"entry": "begin", "run": "\([^"]*\)".*/\1/p'
end

complete -c opskit -f
"""
SOURCES = {
    "device": "(__opskit_devices)",
    "mountpoint": "(__opskit_mountpoints)",
    "target": "(__opskit_targets)",
    "unit": "(__opskit_units)",
    "run": "(__opskit_runs)",
    "directory": "(__fish_complete_directories)",
}


def fish_script(root: Node) -> str:
    """The whole script."""
    commands = [fish_quoted(node.path) for node in root.walk()]
    valued = [fish_quoted(name) for name in valued_names(root)]
    lines = [f"set -g __opskit_commands {' '.join(commands)}", f"set -g __opskit_valued {' '.join(valued)}"]
    for node in root.walk():
        lines += ["", f"# {node.path}"]
        here = fish_quoted(f"__opskit_in {node.path}")
        for child in node.children:
            first = fish_quoted(f"__opskit_at {node.path} 0")
            summary = fish_quoted(first_sentence(child.summary))
            lines.append(f"complete -c opskit -n {first} -a {child.name} -d {summary}")
        for place, argument in enumerate(node.arguments):
            due = here if argument.many else fish_quoted(f"__opskit_at {node.path} {place}")
            if argument.kind:
                lines.append(f"complete -c opskit -n {due}{_values(argument.kind)}")
        lines += [_option(option, here) for option in node.options]
    return HEAD + "\n".join(lines) + "\n"


def _values(kind: str | tuple[str, ...]) -> str:
    if isinstance(kind, tuple):
        return f" -a {fish_quoted(' '.join(kind))}"
    if kind == "file":
        return " -F"
    return f" -a {fish_quoted(SOURCES[kind])}" if kind else ""


def _option(option: Option, here: str) -> str:
    names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
    # -x: a value and no files; -r: a value.
    value = (" -r -F" if option.kind == "file" else f" -x{_values(option.kind)}") if option.value else ""
    return f"complete -c opskit -n {here} {names}{value} -d {fish_quoted(first_sentence(option.help))}"
