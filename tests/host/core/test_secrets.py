"""A password in fstab shows up nowhere: not in facts, findings, plans, the ledger, the log or --debug."""

from __future__ import annotations

from pathlib import Path

from host.hosts import Host
from host.tools import Disk

SECRET = "hunter2"
ENTRIES = f"""\
//nas/share /srv/share cifs user=ann,password={SECRET},nofail 0 0
//ann:{SECRET}@nas/other /srv/other cifs nofail,pass={SECRET} 0 x
//nas/third\t{{target}}\tcifs user=ann%{SECRET} 0 0
"""


def everything(host: Host, answers: list[str]) -> str:
    files = [path for path in host.state.rglob("*") if path.is_file()]
    return "\n".join([*answers, *(path.read_text(errors="replace") for path in files)])


def test_a_password_is_told_nobody(host: Host, disk: Disk) -> None:
    other = str(Path(host.target).with_name("other"))
    host.fstab.write_text(host.fstab.read_text() + ENTRIES.format(target=other))
    before = host.fstab.read_text()
    answers = []

    def go(verb: str, *arguments: str) -> None:
        for shape in ((), ("--json",)):
            answer = host.on_disk(verb, *arguments, "-vv", "--debug", *shape)
            answers.extend([answer.out, answer.err])

    for verb in ("facts", "fstab check", "fstab show", "list"):
        go(verb)
    go("mount", disk.path, other, "--yes")  # refused: fstab mounts another there
    go("mount", disk.path, host.target, "--dry-run", "--format", "sh")
    go("mount", disk.path, host.target, "--yes")
    go("umount", host.target, "--yes")
    go("fstab restore", str(host.fstab.parent / host.backups()[0]), "--yes")
    answers.append(host.run("history", "show", "last", "--json").out)
    text = everything(host, answers)
    assert "password=***" in text
    assert SECRET not in text, [line for line in text.splitlines() if SECRET in line]
    assert before in host.fstab.read_text()


def test_facts_with_a_masked_password_decide_as_the_host_does(host: Host, disk: Disk) -> None:
    host.fstab.write_text(host.fstab.read_text() + ENTRIES.format(target="/srv/x"))
    facts = host.folder / "facts.json"
    facts.write_text(host.on_disk("facts", host.target).well().out)
    script = host.run("disk", "mount", disk.path, host.target, "--facts", str(facts), "--format", "sh").well().out
    plain = host.on_disk("mount", disk.path, host.target, "--format", "sh").well().out

    def checks(text: str) -> list[str]:
        return [line for line in text.splitlines() if "sha256sum" in line]

    assert checks(script) == checks(plain) != []
