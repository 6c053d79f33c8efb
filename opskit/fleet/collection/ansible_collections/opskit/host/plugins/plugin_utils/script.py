"""What is run on the host: one POSIX sh script that finds opskit, starts it, and marks what belongs to its answer.

Nothing here talks to a host, and nothing here needs Ansible.
"""

from __future__ import annotations

import shlex
from typing import NamedTuple, Optional

# The release of opskit that this collection was made with: the host's must be that or newer.
NEEDED = "0.2.0"
# sudo's secure_path has no /usr/local, where pip and pipx of root put programs.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

# fits: whether a program is an opskit of that release or newer; on PyPI that name is another program's.
# go: run the command with it, and end. Its stdout and stderr are pipes also where ssh has a terminal, and what marks
# the answer begins a line of its own: a banner, a lecture of sudo or a profile that prints may stand around it.
# old: what there is, where it does not fit.
HEAD = """\
PATH={path}
export PATH
{environment}\
fits() {{
  v=$("$@" --needs {needed} --version </dev/null 2>/dev/null) || return 1
  case $v in "opskit "*) return 0 ;; esac
  return 1
}}
go() {{
  printf "\\n{mark} tool %s\\n{mark} path %s\\n{mark} version %s\\n" "$how" "$t" "$v"
  {{ "$@" {words} </dev/null; s=$?; printf "\\n{mark} end %s\\n" "$s"; }} 2>&1 | cat
  exit 0
}}
old() {{ printf "\\n{mark} old %s\\n" "$t: $("$t" --version </dev/null 2>&1 | head -n 1)"; }}
"""
INSTALLED = """\
how=installed
t=$(command -v opskit) && { fits "$t" && go "$t"; old; }
"""
AT_PATH = """\
how=path
t={path}
[ -x "$t" ] && {{ fits "$t" && go "$t"; old; }}
"""
TAIL = """\
printf "\\n{mark} missing\\n"
"""


class Heard(NamedTuple):
    """What came back.

    begun: whether the script began at all
    how, path, version: the opskit that was started; "" for none
    old: the opskit that is there and does not fit: its path and what it says of its version
    output: what opskit wrote, to stdout and stderr
    status: its exit status; None where its end was not heard of
    """

    begun: bool = False
    how: str = ""
    path: str = ""
    version: str = ""
    old: str = ""
    output: str = ""
    status: Optional[int] = None


def make_script(mark: str, words: list[str], *, tool: str = "auto", path: str = "", environment: str = "") -> str:
    """The script that runs opskit with these words.

    mark: what begins the lines that are its own; nobody else can know it
    tool: auto, installed or path
    path: where opskit is on the host, for path
    environment: what is set for it, as sh reads it: `LANG=C X='a b'`
    """
    exported = f"export {environment}\n" if environment.strip() else ""
    quoted = " ".join(shlex.quote(word) for word in words)
    head = HEAD.format(path=PATH, environment=exported, needed=NEEDED, mark=mark, words=quoted)
    find = AT_PATH.format(path=shlex.quote(path)) if tool == "path" else INSTALLED
    return head + find + TAIL.format(mark=mark)


def read_output(mark: str, output: str) -> Heard:
    """What the script said. output: all that came on stdout, whatever else wrote there too."""
    said: dict[str, str] = {}
    answer: list[str] = []
    status: Optional[int] = None
    for line in output.replace("\r\n", "\n").split("\n"):
        if line.startswith(f"{mark} "):
            key, _, value = line[len(mark) + 1 :].partition(" ")
            if key == "end":
                status = int(value)
            else:
                said[key] = value
        elif "tool" in said and status is None:
            answer.append(line)
    return Heard(
        begun=bool(said),
        how=said.get("tool", ""),
        path=said.get("path", ""),
        version=said.get("version", ""),
        old=said.get("old", ""),
        output="\n".join(answer).strip("\n"),
        status=status,
    )
