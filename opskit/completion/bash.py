"""The completion script for bash 4.2 and later, without the bash-completion package."""

from __future__ import annotations

from opskit.completion.quote import quoted
from opskit.completion.tree import Node, valued_names

HEAD = r"""# bash completion for opskit. Written by scripts/completions from the tree of commands: do not edit.

# Add the lines of stdin that begin with $cur, quoted as bash would have them typed.
_opskit_add() {
  local word
  while IFS= read -r word; do
    printf -v word %q "$word"
    case $word in "$cur"*) COMPREPLY+=("$word") ;; esac
  done
}

# Every block device that has a size.
_opskit_devices() {
  local entry size
  for entry in /sys/class/block/*; do
    read -r size <"$entry/size" && [ "$size" != 0 ] || continue
    entry=${entry##*/}
    case $entry in ram[0-9]*) continue ;; esac
    printf '/dev/%s\n' "${entry//!//}"
  done 2>/dev/null
}

# Every mount point of a block device; the kernel writes a space as \040.
_opskit_mountpoints() {
  local source place rest
  while read -r source place rest; do
    case $source in /dev/*) printf '%b\n' "$place" ;; esac
  done </proc/self/mounts 2>/dev/null
}

# The newest runs in the ledger, and `last`.
_opskit_runs() {
  echo last
  tail -c 2000000 "${OPSKIT_STATE_DIR:-/var/lib/opskit}/ledger.jsonl" 2>/dev/null |
    sed -n 's/.*"entry": "begin", "run": "\([^"]*\)".*/\1/p'
}

# Every unit that systemd has loaded; a failed one may have a mark before its name.
_opskit_units() {
  systemctl list-units --all --full --plain --no-legend --no-pager 2>/dev/null | sed 's/^[^[:alnum:]_-]*//; s/ .*//'
}

_opskit_files() {
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen "$1" -- "$cur")
}

# Complete a value: one of the kinds, or the words themselves.
_opskit_value() {
  local file
  case $1 in
    '') ;;
    @device) _opskit_add < <(_opskit_devices) ;;
    @mountpoint) _opskit_add < <(_opskit_mountpoints) ;;
    @target) _opskit_add < <(_opskit_mountpoints; _opskit_devices) ;;
    @unit) _opskit_add < <(_opskit_units) ;;
    @run) _opskit_add < <(_opskit_runs) ;;
    @file) _opskit_files -f ;;
    @directory) _opskit_files -d ;;
    *) COMPREPLY+=($(compgen -W "$1" -- "$cur")) ;;
  esac
}
"""
TAIL = r"""
_opskit() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local path=opskit place=0 index word commands options kinds
  COMPREPLY=()
  # bash has split --option=value at the sign.
  if [ "$cur" = '=' ]; then
    cur=
  elif [ "$prev" = '=' ]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  _opskit_command "$path"
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    case $word in
      -*)
        if _opskit_option "$path" "$word"; then
          [ "${COMP_WORDS[index+1]-}" = '=' ] && index=$((index + 1))
          index=$((index + 1))
        fi
        ;;
      *)
        case " $commands " in
          *" $word "*) path="$path $word"; _opskit_command "$path" ;;
          *) place=$((place + 1)) ;;
        esac
        ;;
    esac
  done
  case $prev in
    -*)
      if kind=$(_opskit_option "$path" "$prev" && echo "$kind"); then
        _opskit_value "$kind"
        return
      fi
      ;;
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
    *)
      COMPREPLY=($(compgen -W "$commands" -- "$cur"))
      _opskit_value "${kinds[place]-}"
      ;;
  esac
}

complete -F _opskit opskit
"""


def bash_script(root: Node) -> str:
    """The whole script."""
    lines = ["# Of the command $1: its subcommands, its options, and the kind of each argument.", "_opskit_command() {"]
    lines += ["  commands= options= kinds=()", "  case $1 in"]
    for node in root.walk():
        commands = " ".join(child.name for child in node.children)
        options = " ".join(name for option in node.options for name in option.names)
        kinds = " ".join(quoted(_kind(argument.kind)) for argument in node.arguments)
        values = f"commands={quoted(commands)} options={quoted(options)} kinds=({kinds})"
        lines.append(f"    {quoted(node.path)}) {values} ;;")
    lines += ["  esac", "}", "", "# Whether the command $1 has an option $2 that takes a value; kind: what that is."]
    lines += ["_opskit_option() {", '  case "$1 $2" in']
    lines += [f"    {names}) kind={quoted(kind)} ;;" for names, kind in _valued(root)]
    lines += ["    *) return 1 ;;", "  esac", "}"]
    return HEAD + "\n" + "\n".join(lines) + "\n" + TAIL


def _kind(kind: str | tuple[str, ...]) -> str:
    if isinstance(kind, tuple):
        return " ".join(kind)
    return f"@{kind}" if kind else ""


def _valued(root: Node) -> list[tuple[str, str]]:
    """Patterns for a command and an option, and the kind; those of one kind together."""
    by_kind: dict[str, list[str]] = {}
    for name, kind in valued_names(root).items():
        pattern = quoted(name) if " " in name else f"*{quoted(' ' + name)}"
        by_kind.setdefault(_kind(kind), []).append(pattern)
    return [("|".join(patterns), kind) for kind, patterns in sorted(by_kind.items())]
