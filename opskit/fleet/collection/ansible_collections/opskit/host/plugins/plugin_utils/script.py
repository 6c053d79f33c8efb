"""What is run on the host: one POSIX sh script that finds opskit, starts it, and marks what belongs to its answer.

Nothing here talks to a host, and nothing here needs Ansible.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import NamedTuple, Optional

# The release of opskit that this collection was made with: the host's must be that or newer.
NEEDED = "0.2.0"
# sudo's secure_path has no /usr/local, where pip and pipx of root put programs.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
# Where opskit is put that is sent: a folder for each build, by its sha256. Root's alone, mode 0700.
TOOLS = "/var/lib/opskit/tools"
# No more of an answer is taken: whoever asks many hosts has them all in memory. What is beyond is read and counted, for
# an opskit that nobody listens to any more would end in the middle.
LIMIT = 4 << 20

# fits: whether a program is an opskit of that release or newer; on PyPI that name is another program's.
# go: run the command with it, and end. Its stdout and stderr are pipes also where ssh has a terminal, and what marks
# the answer begins a line of its own: a banner, a lecture of sudo or a profile that prints may stand around it. Its
# status comes back on 3, and what it says goes to 4.
# old: what there is, where it does not fit.
HEAD = """\
PATH={path}
export PATH
{environment}{hangup}\
fits() {{
  v=$("$@" --needs {needed} --version </dev/null 2>&1) || return 1
  case $v in "opskit "*) return 0 ;; esac
  return 1
}}
go() {{
  printf "\\n{mark} tool %s\\n{mark} path %s\\n{mark} version %s\\n" "$how" "$t" "${{v#opskit }}"
  {{
    s=$({{
      {{ "$@" {words} </dev/null 3>&- 4>&-; echo $? >&3; }} 2>&1 |
      {{ head -c {limit}; c=$(wc -c); [ "$c" -eq 0 ] || printf "\\n{mark} over %s\\n" "$c"; }} >&4 3>&-
    }} 3>&1)
  }} 4>&1
  printf "\\n{mark} end %s\\n" "$s"
  {afterwards}\
exit 0
}}
old() {{ printf "\\n{mark} old %s\\n" "$t: $("$t" --version </dev/null 2>&1 | head -n 1)"; }}
"""
# Ansible has a terminal there, which hangs up with the connection: opskit would stop in the middle, and take back what
# it can. What has begun to change a host is carried through, and the host's ledger tells of it.
FINISH = """\
trap "" HUP
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
# own: whether a folder is root's alone, and in one that nobody else can write; a symlink is not.
# whole: whether what was put into a folder is there to the byte. Asked once after each boot: what can be lost, a crash
# loses. Each time where nothing tells of a boot.
# python: one that runs the zipapp.
# noexec: whether nothing can be started there that is a program itself.
# sent: run what was put by that sha256.
SENT = """\
how=sent
d={tools}
b=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
own() {{
  [ "$(stat -c %u:%a "$1" 2>/dev/null)" = 0:700 ] || return 1
  case $(stat -c %u:%A "${{1%/*}}") in 0:d????-??-?) return 0 ;; esac
  return 1
}}
whole() {{
  {{ [ "$(cat "$1/boot")" = "${{b:-?}}" ] || {{ (cd "$1" && sha256sum -c sums) && echo "$b" >"$1/boot"; }}; }} \
    >/dev/null 2>&1
}}
python() {{
  for p in python3.13 python3.12 python3.11 python3.10 python3.9; do
    p=$(command -v "$p") && return 0
  done
  p=$(command -v python3) && "$p" -I -c "import sys; sys.exit(not (3, 9) <= sys.version_info < (3, 14))" 2>/dev/null
}}
noexec() {{
  q=$d
  while [ ! -d "$q" ]; do q=${{q%/*}}; done
  findmnt -no OPTIONS -T "${{q:-/}}" 2>/dev/null | grep -w noexec
}}
sent() {{
  own "$d" && own "$d/$1" && whole "$d/$1" || return 1
  if [ -f "$d/$1/opskit.pyz" ]; then
    t=$d/$1/opskit.pyz
    python && fits "$p" -I "$t" && go "$p" -I "$t"
  else
    t=$d/$1/bin/opskit
    fits "$t" && go "$t"
  fi
  return 1
}}
"""
# used: whether something runs from a folder (RUNS), or a unit or cron names it.
# prune: of what was put earlier the newest stays, and what is in use. A folder has another name before the second look:
# what begins now does not find it.
# put: what was sent, into a folder of its own, whose name it gets when it is verified. What an earlier one that was
# cut off has left there goes. One that another control node has put there meanwhile stays: it may be at work by now.
PUT = """\
used() {{
  runs "$1" && return 0
  echo "$1/" | grep -qsrF -f - /etc/systemd/system /run/systemd/system /run/systemd/transient /etc/cron* /var/spool/cron
}}
prune() {{
  k=
  for o in $(ls -t "$d"); do
    case ${{#o}}:$o in 64:{sha256} | [!6]* | 6[!4]* | *[!0-9a-f:]*) continue ;; esac
    if [ -z "$k" ]; then
      k=$o
    elif ! used "$d/$o" && mv -T "$d/$o" "$d/new.$o"; then
      if used "$d/$o"; then mv -T "$d/new.$o" "$d/$o"; else rm -rf "$d/new.$o"; fi
    fi
  done
}}
put() {{
  umask 077
  mkdir -p "$d" || return 1
  own "$d" || {{ echo "$d is not a folder of root alone (mode 0700), in one that only root can write"; return 1; }}
  find "$d" -maxdepth 1 -name "new.*" -mmin +60 -exec rm -rf {{}} +
  n=$(mktemp -d "$d/new.XXXXXX") || return 1
  cp {source} "$n/opskit.pyz" || return 1
  [ "$(sha256sum <"$n/opskit.pyz")" = "{sha256}  -" ] || {{ echo "what came is not what was sent"; return 1; }}
  {unpack}\
  (cd "$n" && find . -type f ! -name sums -exec sha256sum {{}} + >sums) && echo "$b" >"$n/boot" || return 1
  mv -T "$n" "$d/{sha256}" 2>/dev/null && return 0
  if own "$d/{sha256}" && whole "$d/{sha256}"; then
    rm -rf "$n"
  else
    rm -rf "$d/{sha256}" && mv -T "$n" "$d/{sha256}"
  fi
}}
if e=$(put 2>&1 || {{ rm -rf "$n"; false; }}); then
  prune >/dev/null 2>&1
  sent {sha256}
  e="it does not run: $v"
  {excuse}\
fi
printf "\\n{mark} fault %s\\n" "$(echo "$e" | head -n 1)"
"""
UNPACK = """\
tar -xJf "$n/opskit.pyz" -C "$n" --strip-components=1 && rm "$n/opskit.pyz" || return 1
"""
# A zipapp is started there all the same: Python runs it.
EXCUSE = """\
[ -z "$(noexec)" ] || e="nothing starts from $d, which is mounted noexec: install opskit there (RPM, deb)"
"""
# What a host is, for whoever chooses a build.
TELL = """\
python || p=
x=$(command -v xz) && x=$(command -v tar)
g=$(getconf GNU_LIBC_VERSION 2>/dev/null)
printf "\\n{mark} uid %s\\n{mark} machine %s\\n{mark} glibc %s\\n" "$(id -u)" "$(uname -m)" "${{g#glibc }}"
printf "{mark} python %s\\n{mark} unpacks %s\\n{mark} noexec %s\\n" "$p" "$x" "$(noexec)"
"""
# runs: whether something runs from a folder: as its program, or as what Python was given.
RUNS = """\
runs() {
  ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF " -> $1/" && return 0
  echo "$1/" | grep -qsaF -f - /proc/[0-9]*/cmdline
}
"""
# What is at work stays: it may be in the middle of a change, for another control node.
REMOVE = """\
e=
for o in {tools}/*; do
  if runs "$o"; then e="something still runs from $o"; fi
done
[ -z "$e" ] && e=$(rm -rf {tools} 2>&1) && printf "\\n{mark} removed\\n" ||
  printf "\\n{mark} fault %s\\n" "$(echo "$e" | head -n 1)"
"""
TAIL = """\
printf "\\n{mark} missing\\n"
"""


class Host(NamedTuple):
    """What is known of a host that has no opskit.

    uid: who the task is there
    machine: as uname -m says it
    glibc: its release, "" for another libc
    python: one from 3.9 to 3.13, "" for none
    unpacks: whether there are tar and xz
    noexec: whether no program can be started from where one is put
    """

    uid: str = ""
    machine: str = ""
    glibc: str = ""
    python: str = ""
    unpacks: bool = False
    noexec: bool = False


class Heard(NamedTuple):
    """What came back.

    begun: whether the script began at all
    how, path, version: the opskit that was started; "" for none
    old: the opskit that is there and does not fit: its path and what it says of its version
    fault: why what was sent could not be put there, or does not run
    removed: whether what had been sent was removed
    host: where there is no opskit
    output: what opskit wrote, to stdout and stderr; over: how many bytes more than LIMIT it was
    status: its exit status; None where its end was not heard of
    """

    begun: bool = False
    how: str = ""
    path: str = ""
    version: str = ""
    old: str = ""
    fault: str = ""
    removed: bool = False
    host: Host = Host()
    output: str = ""
    over: int = 0
    status: Optional[int] = None


class Sending(NamedTuple):
    """A build on its way. source: where it lies on the host by now."""

    source: str
    sha256: str
    packed: bool


def make_script(
    mark: str,
    words: Iterable[str],
    *,
    tool: str = "auto",
    path: str = "",
    environment: str = "",
    builds: Iterable[str] = (),
    sending: Optional[Sending] = None,
    remove: bool = False,
    finish: bool = False,
) -> str:
    """The script that runs opskit with these words.

    mark: what begins the lines that are its own; nobody else can know it
    tool: auto, installed, send or path
    path: where opskit is on the host, for path
    environment: what is set for it, as sh reads it: `LANG=C X='a b'`
    builds: the sha256 of those that may have been sent before
    sending: what is put there first
    remove: whether what was sent is removed afterwards
    finish: whether it goes on when the connection is lost
    """
    exported = f"export {environment}\n" if environment.strip() else ""
    quoted = " ".join(shlex.quote(word) for word in words)
    removal = RUNS + REMOVE.format(tools=TOOLS, mark=mark) if remove else ""
    head = HEAD.format(
        path=PATH,
        environment=exported,
        hangup=FINISH if finish else "",
        needed=NEEDED,
        mark=mark,
        words=quoted,
        limit=LIMIT,
        afterwards=removal,
    )
    parts = [head]
    if tool == "path":
        parts.append(AT_PATH.format(path=shlex.quote(path)))
    elif tool in {"auto", "installed"} and not sending:
        parts.append(INSTALLED)
    if tool in {"auto", "send"}:
        parts.append(SENT.format(tools=TOOLS))
        if sending:
            unpack, excuse = (UNPACK, EXCUSE) if sending.packed else ("", "")
            source = shlex.quote(sending.source)
            parts.append(RUNS)
            put = PUT.format(source=source, sha256=sending.sha256, unpack=unpack, excuse=excuse, mark=mark)
            parts.append(put)
        else:
            parts += [f"sent {sha256}\n" for sha256 in builds]
            parts.append(TELL.format(mark=mark))
    return "".join([*parts, TAIL.format(mark=mark)])


def make_removal(mark: str, *, dry_run: bool) -> str:
    """The script that only removes what was sent, or tells whether something was."""
    removal = f'printf "\\n{mark} removed\\n"\n' if dry_run else RUNS + REMOVE.format(tools=TOOLS, mark=mark)
    return f'[ -e {TOOLS} ] || {{ printf "\\n{mark} absent\\n"; exit 0; }}\n{removal}'


def read_output(mark: str, output: str) -> Heard:
    """What the script said. output: all that came on stdout, whatever else wrote there too."""
    said: dict[str, str] = {}
    answer: list[str] = []
    status: Optional[int] = None
    for line in output.replace("\r\n", "\n").split("\n"):
        if line.startswith(f"{mark} "):
            key, _, value = line[len(mark) + 1 :].partition(" ")
            if key == "end":
                status = int(value) if value.isdigit() else None
            else:
                said[key] = value
        elif "tool" in said and status is None:
            answer.append(line)
    names = ("uid", "machine", "glibc", "python")
    return Heard(
        begun=bool(said),
        how=said.get("tool", ""),
        path=said.get("path", ""),
        version=said.get("version", ""),
        old=said.get("old", ""),
        fault=said.get("fault", ""),
        removed="removed" in said,
        host=Host(
            *(said.get(name, "") for name in names), unpacks=bool(said.get("unpacks")), noexec=bool(said.get("noexec"))
        ),
        output="\n".join(answer).strip("\n"),
        over=int(said["over"]) if said.get("over", "").isdigit() else 0,
        status=status,
    )
