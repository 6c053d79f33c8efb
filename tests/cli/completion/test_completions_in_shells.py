"""The completion scripts in the shells they are for, and the manual page in the programs that show it.

The scripts read /sys/class/block and /proc/self/mounts; here copies of them read made-up ones.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkout import ROOT
from opskit.areas import ENTRIES
from opskit.core.ledger import Ledger

COMPLETIONS = ROOT / "completions"
FILES = {"bash": "opskit.bash", "zsh": "_opskit", "fish": "opskit.fish"}
MOUNTS = r"""/dev/vda1 / ext4 rw 0 0
proc /proc proc rw 0 0
/dev/vdb1 /data xfs rw 0 0
/dev/vdc1 /srv/my\040disk ext4 rw 0 0
"""
DEVICES = {"vda": 20, "vda1": 19, "vdb": 30, "cciss!c0d0": 10, "loop7": 0, "ram0": 16}
SHOWN = {"/dev/vda", "/dev/vda1", "/dev/vdb", "/dev/cciss/c0d0"}
# Systemd 219 has a mark before a failed unit, whatever it was asked for.
SYSTEMCTL = """#!/bin/sh
echo 'crond.service   loaded active running Command Scheduler'
printf '\\342\\227\\217 getty@tty1.service loaded failed failed Getty on tty1\\n'
echo 'data.mount loaded active mounted /data'
"""
RUN = "20260102T030405Z-abc123"


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")


def said(*argv: str, **environment: str) -> str:
    """What a program says on stdout. Both streams must make sense: nothing on stderr, exit 0."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
        cwd="/", env={**os.environ, **environment},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with made-up devices, mounts and a ledger, and the scripts that read them."""
    for name, size in DEVICES.items():
        (tmp_path / "block" / name).mkdir(parents=True)
        (tmp_path / "block" / name / "size").write_text(f"{size}\n")
    (tmp_path / "mounts").write_text(MOUNTS)
    Ledger(str(tmp_path / "state")).append("begin", RUN, title="t", command=[], user="root", pid=1)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    for name in FILES.values():
        text = (COMPLETIONS / name).read_text(encoding="utf-8")
        assert "/sys/class/block" in text
        assert "/proc/self/mounts" in text
        text = text.replace("/sys/class/block", str(tmp_path / "block"))
        (tmp_path / name).write_text(text.replace("/proc/self/mounts", str(tmp_path / "mounts")), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("shell", FILES)
def test_the_shell_can_read_the_script(shell: str) -> None:
    need(shell)
    assert said(shell, "-n", str(COMPLETIONS / FILES[shell])) == ""


def environment(place: Path) -> dict[str, str]:
    """What the made-up host is known by."""
    return {"OPSKIT_STATE_DIR": str(place / "state"), "PATH": f"{place}/bin:{os.environ['PATH']}"}


def bash(place: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words, as they are typed (`=` splits a word, as bash does)."""
    need("bash")
    split = [part for word in words for part in re.split("(=)", word) if part or not word]
    script = (
        f"set -u; source {shlex.quote(str(place / 'opskit.bash'))}; COMP_WORDS=(opskit {shlex.join(split)}); "
        f'COMP_CWORD={len(split)}; _opskit; [ ${{#COMPREPLY[@]}} = 0 ] || printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    return set(said("bash", "--norc", "-c", script, **environment(place)).splitlines())


def fish(place: Path, *words: str) -> set[str]:
    """What fish offers for the last of the words."""
    need("fish")
    line = " ".join(["opskit", *words])
    script = f"source {shlex.quote(str(place / 'opskit.fish'))}; complete -C {shlex.quote(line)}"
    home = str(place)
    text = said("fish", "--no-config", "-c", script, **environment(place), HOME=home)
    return {offer.partition("\t")[0] for offer in text.splitlines()}


OFFERS = [
    (("",), set(ENTRIES)),
    (("di",), {"disk"}),
    (("disk", "f"), {"facts", "fstab"}),
    (("disk", "mo"), {"mount"}),
    (("disk", "fstab", ""), {"check", "show", "backup", "restore"}),
    (("disk", "mount", "/dev/"), SHOWN),
    (("disk", "mount", "--yes", "--fstype", "xfs", "/dev/vda"), {"/dev/vda", "/dev/vda1"}),
    (("disk", "mount", "--wipe", "/dev/vdb"), {"/dev/vdb"}),
    (("disk", "mount", "--fstype", ""), {"ext4", "ext3", "xfs", "nfs", "nfs4", "cifs"}),
    (("disk", "mount", "/dev/vdb", "--color", "a"), {"auto", "always"}),
    (("disk", "mount", "--dry"), {"--dry-run"}),
    (("disk", "umount", "/d"), {"/data"} | SHOWN),
    (("disk", "umount", "/srv"), {r"/srv/my\ disk"}),
    (("disk", "grow", "/dat"), {"/data"}),
    (("journal", "errors", "--unit", ""), {"crond.service", "getty@tty1.service", "data.mount"}),
    (("journal", "errors", "-u", "c"), {"crond.service"}),
    (("journal", "errors", "-p", "e"), {"emerg", "err"}),
    (("undo", ""), {"last", RUN}),
    (("history", "show", "2026"), {RUN}),
    (("completion", "--quiet", ""), {"bash", "zsh", "fish", "man", *(f"man-{word}" for word in ENTRIES)}),
    (("disk", "mount", "--label", ""), set()),
    (("memcached", ""), {"flags", "explain", "lint", "start", "stop", "status"}),
    (("memcached", "start", "--protocol", ""), {"auto", "ascii", "binary"}),
]


@pytest.mark.parametrize(("words", "wanted"), OFFERS, ids=lambda value: " ".join(value) if type(value) is tuple else "")
def test_bash_completes(place: Path, words: tuple[str, ...], wanted: set[str]) -> None:
    assert bash(place, *words) == wanted


@pytest.mark.parametrize(("words", "wanted"), OFFERS, ids=lambda value: " ".join(value) if type(value) is tuple else "")
def test_fish_completes(place: Path, words: tuple[str, ...], wanted: set[str]) -> None:
    # fish quotes a space when it puts the word into the line, not when it lists it.
    assert fish(place, *words) == {word.replace("\\ ", " ") for word in wanted}


def test_bash_completes_a_value_behind_its_sign(place: Path) -> None:
    assert bash(place, "disk", "mount", "--fstype=e") == {"ext4", "ext3"}
    assert bash(place, "disk", "mount", "--fstype=") == {"ext4", "ext3", "xfs", "nfs", "nfs4", "cifs"}
    assert bash(place, "disk", "mount", "--fstype=xfs", "/dev/vdb") == {"/dev/vdb"}


def test_bash_completes_files_and_directories(place: Path) -> None:
    (place / "host.json").touch()
    (place / "hosts").mkdir()
    here = str(place)
    assert bash(place, "disk", "mount", "--facts", f"{here}/ho") == {f"{here}/host.json", f"{here}/hosts"}
    assert bash(place, "disk", "mount", "/dev/vdb", f"{here}/ho") == {f"{here}/hosts"}


def zsh(place: Path, line: str, wanted: str) -> str:
    """What a zsh on a terminal makes of this line and a TAB, up to the wanted text. Fails after two minutes."""
    need("zsh")
    setup = f"PS1=READY; fpath=({shlex.quote(str(place))} $fpath); autoload -Uz compinit; compinit -u -D"
    (place / "setup").write_text(setup + "; bindkey '^I' complete-word\n", encoding="utf-8")
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**os.environ, "TERM": "dumb", "OPSKIT_STATE_DIR": str(place / "state"), "HOME": str(place)}
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
    try:
        os.write(terminal, f"source {shlex.quote(str(place / 'setup'))}\n".encode())
        read_until(terminal, "READY")
        os.write(terminal, (line + "\t").encode())
        return read_until(terminal, wanted)
    finally:
        os.close(terminal)  # zsh ends when its terminal does
        os.waitpid(pid, 0)


def read_until(terminal: int, wanted: str) -> str:
    text = ""
    end = time.monotonic() + 300
    while wanted not in text:
        ready = select.select([terminal], [], [], max(0, end - time.monotonic()))[0]
        assert ready, f"no {wanted!r} in {text!r}"
        text += os.read(terminal, 4096).decode(errors="replace").replace("\r", "")
    return text


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("opskit dis", "opskit disk "),
        ("opskit disk mou", "opskit disk mount "),
        ("opskit disk fstab che", "opskit disk fstab check "),
        ("opskit disk mount /dev/vdb", "opskit disk mount /dev/vdb "),
        ("opskit disk mount --fstype x", "opskit disk mount --fstype xfs "),
        ("opskit disk mount --dry", "opskit disk mount --dry-run "),
        ("opskit disk umount /dat", "opskit disk umount /data "),
        ("opskit disk umount /srv/m", "opskit disk umount /srv/my\\ disk "),
        ("opskit undo 2026", f"opskit undo {RUN} "),
    ],
)
def test_zsh_completes(place: Path, line: str, wanted: str) -> None:
    assert wanted in zsh(place, line, wanted)


def test_the_manual_pages_render_and_name_every_option_of_the_help() -> None:
    need("mandoc")
    pages = sorted(map(str, COMPLETIONS.glob("man/*.1")))
    # Pages that are not installed here are named in SEE ALSO.
    assert said("mandoc", "-T", "lint", "-W", "style", *pages) == ""
    for command in ("", "disk mount", "disk umount", "disk grow", "disk fstab restore", "undo", "history"):
        page = COMPLETIONS / "man" / "-".join(("opskit", *command.split()[:1]))
        text = re.sub(".\b", "", said("mandoc", "-T", "utf8", f"{page}.1"))
        shown = said(sys.executable, "-m", "opskit", *command.split(), "--help")
        options = set(re.findall(r"^  (?:(-\w), )?(--[\w-]+)", shown, re.MULTILINE))
        assert ("-h", "--help") in options
        for name in {name for pair in options for name in pair if name}:
            assert re.search(rf"(?<![\w-]){name}\b", text), f"{command} {name}"


def test_a_user_installs_completion_for_himself_and_takes_it_back(tmp_path: Path) -> None:
    """A shell that is started then has it, without a line in its configuration."""
    # In a user namespace of its own it is another user, who may read this Python wherever that is.
    nobody = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    opskit = [*nobody, sys.executable, "-m", "opskit"]
    home = tmp_path / "home"
    # fish looks for the completions of commands that it finds.
    own = {"PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin", "OPSKIT_CONFIG": os.devnull}
    home.mkdir()
    own |= {"HOME": str(home), "OPSKIT_STATE_DIR": str(home / "state")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, env=own, cwd="/", capture_output=True, text=True, check=False, timeout=300)

    if run(*nobody, "true").returncode:
        pytest.skip("no user namespaces here")
    done = run(*opskit, "completion", "--install", "--yes", "fish")
    assert (done.returncode, "fish" in done.stdout) == (0, True), done.stderr
    assert run(*opskit, "completion", "--install", "fish").stdout.startswith("nothing to do")
    written = home / ".config/fish/completions/opskit.fish"
    assert written.read_text() == run(*opskit, "completion", "fish").stdout
    if shutil.which("fish"):
        assert "disk" in run(*nobody, "fish", "--command", "complete --do-complete 'opskit di'").stdout
    assert run(*opskit, "undo", "last", "--yes").returncode == 0
    assert not written.exists()
