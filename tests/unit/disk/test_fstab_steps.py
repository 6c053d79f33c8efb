"""The steps on fstab, on a real file: carried out, checked, taken back; twice, and with edits of others between."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CannotUndo, Failed
from opskit.core.jsonable import from_json, to_json
from opskit.core.plan import Change, Plan, Refusal
from opskit.disk.fstab.plan import add_entry_steps, decide_backup, decide_restore, fstab_reasons, remove_entry_steps
from opskit.disk.fstab.steps import RestoreFstab
from opskit.disk.fstab.text import decode, encode, entries
from opskit.disk.model import FileFact, HostFacts, Mount
from opskit.disk.see.files import list_backups, read_file_fact
from opskit.disk.steps import KINDS

LINE = r"UUID=0a1b /my\040data ext4 defaults,nofail 0 2"
RUN = "20261120T190500Z-ab12cd"
TEXTS = [
    b"",
    b"UUID=1 / xfs defaults 0 0\n",
    b"UUID=1 / xfs defaults 0 0",
    b"# c\r\n\r\n\tUUID=1\t/ xfs defaults 0 0\r\n# \xff\xfe\nwhat is this\n",
]


class FakeRunner:
    """Notes what it is asked to run. statuses: how a program ends that does not end with 0."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.statuses: dict[str, int] = {}

    def run(self, command: Command) -> Result:
        self.ran.append(command.as_shell())
        return Result(command, self.statuses.get(command.argv[0], 0), "", "", 0.0)


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture(params=TEXTS, ids=["empty", "plain", "no last newline", "odd"])
def fstab(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "fs tab"
    path.write_bytes(request.param)
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "fstab"
    path.write_bytes(b"UUID=1 / xfs defaults 0 0\nUUID=2 /data ext4 nofail 0 2\n# end\n")
    return path


def facts(path: Path, **values: Any) -> HostFacts:
    absent = FileFact("/etc/crypttab", "/etc/crypttab", exists=False)
    host_facts = HostFacts(1, "", "test", root=True, devices=(), fstab=read_file_fact(str(path)), crypttab=absent)
    return replace(host_facts, **values)


def carry_out(step: Any, runner: FakeRunner) -> dict[str, Any]:
    """As core/execute.py does, with the ledger's JSON between."""
    step = from_json(KINDS[step.kind], to_json(step))
    record = step.remember(runner)
    record = {**record, **step.apply(runner, record)}
    step.verify(runner, record)
    return record


def test_an_entry_added_and_taken_back_is_the_same_to_the_byte(fstab: Path, runner: FakeRunner) -> None:
    before = fstab.read_bytes()
    backup, add = add_entry_steps(facts(fstab), LINE, RUN)
    records = [carry_out(step, runner) for step in (backup, add)]
    text = fstab.read_bytes().decode("utf-8", "surrogateescape")
    assert entries(text)[-1].target == "/my data"
    assert encode(text).startswith(before)
    assert Path(backup.backup).read_bytes() == before
    for _ in range(2):  # the second time there is nothing left to take back
        add.undo(runner, records[1])
        backup.undo(runner, records[0])
        assert fstab.read_bytes() == before
        assert list(fstab.parent.iterdir()) == [fstab]


def test_entries_removed_and_put_back_are_the_same_to_the_byte(fstab: Path, runner: FakeRunner) -> None:
    before = fstab.read_bytes()
    chosen = entries(decode(before))
    if not chosen:
        return
    _, remove = remove_entry_steps(facts(fstab), chosen, RUN)
    record = carry_out(remove, runner)
    assert entries(decode(fstab.read_bytes())) == ()
    for _ in range(2):
        remove.undo(runner, record)
        assert fstab.read_bytes() == before


def test_undo_of_steps_that_never_began(fstab: Path, runner: FakeRunner) -> None:
    before = fstab.read_bytes()
    remove = remove_entry_steps(facts(fstab), entries(decode(before)), RUN)[1]
    steps = [*add_entry_steps(facts(fstab), LINE, RUN), remove]
    for step in reversed(steps):
        step.undo(runner, {})
    assert fstab.read_bytes() == before
    assert list(fstab.parent.iterdir()) == [fstab]


def test_undo_leaves_a_line_that_was_there_before(tmp_path: Path, runner: FakeRunner) -> None:
    path = tmp_path / "fstab"
    path.write_text(LINE + "\n")
    add_entry_steps(facts(path), LINE, RUN)[1].undo(runner, {})
    assert path.read_text() == LINE + "\n"


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_is_written_over_a_change_of_somebody_else(plain: Path, runner: FakeRunner, number: int) -> None:
    seen = facts(plain)
    step = (add_entry_steps(seen, LINE, RUN)[1], remove_entry_steps(seen, entries(seen.fstab.text)[1:], RUN)[1])[number]
    plain.write_text("UUID=3 /other xfs nofail 0 0\n")
    with pytest.raises(Failed, match="changed since the plan"):
        carry_out(step, runner)
    assert plain.read_text() == "UUID=3 /other xfs nofail 0 0\n"


def test_undo_takes_out_only_our_line(plain: Path, runner: FakeRunner) -> None:
    before = plain.read_text()
    add = add_entry_steps(facts(plain), LINE, RUN)[1]
    record = carry_out(add, runner)
    plain.write_text("# first\n" + plain.read_text() + "# last")
    add.undo(runner, record)
    assert plain.read_text() == "# first\n" + before + "# last"


def test_undo_appends_what_was_removed_if_somebody_edited(plain: Path, runner: FakeRunner) -> None:
    seen = facts(plain)
    remove = remove_entry_steps(seen, entries(seen.fstab.text)[1:], RUN)[1]
    record = carry_out(remove, runner)
    plain.write_text(plain.read_text() + "# last")
    for _ in range(2):
        remove.undo(runner, record)
        assert plain.read_text() == "UUID=1 / xfs defaults 0 0\n# end\n# last\nUUID=2 /data ext4 nofail 0 2\n"


def removed(path: Path, runner: FakeRunner, text: str) -> tuple[Any, dict[str, Any]]:
    """The step that has taken every entry but the first out of this text, and its record."""
    path.write_text(text)
    seen = facts(path)
    step = remove_entry_steps(seen, entries(seen.fstab.text)[1:], RUN)[1]
    return step, carry_out(step, runner)


def test_an_entry_whose_disk_is_gone_is_not_put_back(plain: Path, runner: FakeRunner) -> None:
    """The next boot would wait for it, or end in emergency mode."""
    step, record = removed(plain, runner, "UUID=1 / xfs defaults 0 0\nUUID=2 /data ext4 defaults 0 2\n")
    runner.statuses["findfs"] = 2
    with pytest.raises(CannotUndo, match="UUID=2 is on no device") as caught:
        step.undo(runner, record)
    assert caught.value.keeps_earlier
    assert plain.read_text() == "UUID=1 / xfs defaults 0 0\n"
    assert [line.split(" || ")[0] for line in runner.ran] == ["findfs UUID=2"]


def test_an_entry_whose_mount_point_is_anothers_by_now_is_not_put_back(plain: Path, runner: FakeRunner) -> None:
    step, record = removed(plain, runner, "UUID=1 / xfs defaults 0 0\nUUID=2 /data ext4 defaults 0 2\n")
    text = plain.read_text() + "UUID=3 /data/ xfs nofail 0 0\n"
    plain.write_text(text)
    with pytest.raises(CannotUndo, match="mounts UUID=3 on /data now"):
        step.undo(runner, record)
    assert plain.read_text() == text


def test_swap_that_is_on_no_device_is_not_put_back(plain: Path, runner: FakeRunner) -> None:
    """systemd would wait a minute and a half for it at each boot. Swap that is only off is put back."""
    text = "UUID=1 / xfs defaults 0 0\nUUID=2 none swap defaults 0 0\n"
    step, record = removed(plain, runner, text)
    without = plain.read_text()
    runner.statuses["findfs"] = 2
    with pytest.raises(CannotUndo, match="UUID=2 is on no device of this host") as kept:
        step.undo(runner, record)
    assert (kept.value.missing, plain.read_text()) == ("UUID=2", without)
    runner.statuses["findfs"] = 0
    step.undo(runner, record)
    assert plain.read_text() == text


@pytest.mark.parametrize(
    "line", ["{} none swap defaults 0 0", "//server/share /mnt/share cifs _netdev,credentials={} 0 0"]
)
def test_an_entry_whose_file_is_gone_is_not_put_back(
    plain: Path, runner: FakeRunner, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "file"
    text = f"UUID=1 / xfs defaults 0 0\n{line.format(file)}\n"
    step, record = removed(plain, runner, text)
    without = plain.read_text()
    with pytest.raises(CannotUndo, match="is not there any more, so its entry is not put back") as kept:
        step.undo(runner, record)
    assert (kept.value.missing, plain.read_text()) == (str(file), without)
    file.touch()
    step.undo(runner, record)
    assert plain.read_text() == text


@pytest.mark.parametrize(
    "edited", ["UUID=0a1b /my\\040data ext4 noatime,nofail 0 2", "UUID=0a1b /other ext4 nofail 0 2"]
)
def test_an_entry_that_was_edited_since_stays(plain: Path, runner: FakeRunner, edited: str) -> None:
    add = add_entry_steps(facts(plain), LINE, RUN)[1]
    record = carry_out(add, runner)
    text = plain.read_text().replace(LINE, edited)
    plain.write_text(text)
    with pytest.raises(CannotUndo, match="the entry of UUID=0a1b is kept: it was edited since"):
        add.undo(runner, record)
    assert plain.read_text() == text


def test_an_entry_that_somebody_took_out_since_is_no_reason_to_stop(plain: Path, runner: FakeRunner) -> None:
    before = plain.read_text()
    add = add_entry_steps(facts(plain), LINE, RUN)[1]
    record = carry_out(add, runner)
    plain.write_text(before + "# mine\n")
    add.undo(runner, record)
    assert plain.read_text() == before + "# mine\n"


def test_the_backup_stays_when_fstab_is_another(plain: Path, runner: FakeRunner) -> None:
    backup = add_entry_steps(facts(plain), LINE, RUN)[0]
    carry_out(backup, runner)
    plain.write_text("changed\n")
    with pytest.raises(CannotUndo, match="the backup is kept") as caught:
        backup.undo(runner, {})
    assert not caught.value.keeps_earlier, "nothing that was done before stands on a backup"
    assert Path(backup.backup).exists()


def test_a_backup_is_never_written_over(plain: Path, runner: FakeRunner) -> None:
    backup = add_entry_steps(facts(plain), LINE, RUN)[0]
    Path(backup.backup).write_text("precious")
    with pytest.raises(Failed, match="already taken"):
        backup.apply(runner, {})
    assert Path(backup.backup).read_text() == "precious"


def test_verify_sees_that_nothing_was_done(plain: Path, runner: FakeRunner) -> None:
    seen = facts(plain)
    for step in (*add_entry_steps(seen, LINE, RUN), remove_entry_steps(seen, entries(seen.fstab.text), RUN)[1]):
        with pytest.raises(Failed):
            step.verify(runner, {})


def test_verify_sees_another_change(plain: Path, runner: FakeRunner) -> None:
    add = add_entry_steps(facts(plain), LINE, RUN)[1]
    carry_out(add, runner)
    plain.write_text("# more\n" + plain.read_text())
    with pytest.raises(Failed):
        add.verify(runner, {})


def test_mode_and_attributes_are_kept(plain: Path, runner: FakeRunner) -> None:
    plain.chmod(0o640)
    try:
        os.setxattr(plain, "user.note", b"kept")
    except OSError:
        pytest.skip("this filesystem has no extended attributes")
    for step in (steps := add_entry_steps(facts(plain), LINE, RUN)):
        carry_out(step, runner)
    for path in (plain, Path(steps[0].backup)):
        assert path.stat().st_mode & 0o7777 == 0o640
        assert os.getxattr(path, "user.note") == b"kept"
    steps[1].undo(runner, {})
    assert plain.stat().st_mode & 0o7777 == 0o640
    assert os.getxattr(plain, "user.note") == b"kept"


def test_a_symlink_stays_one(plain: Path, tmp_path: Path, runner: FakeRunner) -> None:
    link = tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(plain)
    steps = add_entry_steps(facts(link), LINE, RUN)
    for step in steps:
        carry_out(step, runner)
    assert link.is_symlink()
    assert LINE in plain.read_text()
    assert steps[0].backup == f"{plain}.opskit-{RUN}"


@pytest.mark.parametrize("systemd", [True, False])
def test_systemd_reads_its_own_fstab_again(plain: Path, runner: FakeRunner, systemd: bool) -> None:
    seen = facts(plain, systemd=systemd)
    seen = replace(seen, fstab=replace(seen.fstab, path="/etc/fstab"))
    add = add_entry_steps(seen, LINE, RUN)[1]
    carry_out(add, runner)
    assert runner.ran == ["systemctl daemon-reload"] * systemd
    add.undo(runner, {})
    assert runner.ran == ["systemctl daemon-reload"] * 2 * systemd
    assert (add.change.commands[-1] == "systemctl daemon-reload") is systemd


def test_systemd_does_not_read_another_fstab(plain: Path, runner: FakeRunner) -> None:
    carry_out(add_entry_steps(facts(plain, systemd=True), LINE, RUN)[1], runner)
    assert runner.ran == []


RESTORECON = {"restorecon": "1"}


def on_fstab(seen: HostFacts, what: str) -> tuple[Any, Any]:
    """The steps that add to fstab, remove from it, or restore another."""
    saved = FileFact("/saved", "/saved", exists=True, text="UUID=9 / ext4 defaults 0 1\n")
    restore = decide_restore(seen, saved, RUN)
    assert isinstance(restore, Plan)
    steps = {
        "add": add_entry_steps(seen, LINE, RUN),
        "remove": remove_entry_steps(seen, entries(seen.fstab.text)[1:], RUN),
        "restore": restore.steps,
    }[what]
    backup, step = steps
    return backup, step


@pytest.mark.parametrize(
    ("path", "real", "tools", "relabel"),
    [
        ("/etc/fstab", "/etc/fstab", RESTORECON, True),
        ("/link", "/etc/fstab", RESTORECON, True),
        ("/etc/fstab", "/etc/fstab", {}, False),
        # By these paths the policy would take etc_t from it.
        ("/mnt/sysimage/etc/fstab", "/mnt/sysimage/etc/fstab", RESTORECON, False),
        ("/etc/fstab", "/srv/fstab", RESTORECON, False),
    ],
)
@pytest.mark.parametrize("what", ["add", "remove", "restore"])
def test_only_the_fstab_of_the_host_itself_is_labelled_by_its_path(
    plain: Path, path: str, real: str, tools: dict[str, str], relabel: bool, what: str
) -> None:
    seen = facts(plain, tools=tools)
    seen = replace(seen, fstab=replace(seen.fstab, path=path, real=real))
    _, step = on_fstab(seen, what)
    assert step.relabel is relabel
    assert (step.change.commands[-1] == f"restorecon {real} || true") is relabel


@pytest.mark.parametrize("relabel", [True, False])
@pytest.mark.parametrize("what", ["add", "remove", "restore"])
def test_fstab_gets_its_context_whenever_it_is_written_and_before_systemd_reads_it(
    plain: Path, runner: FakeRunner, what: str, relabel: bool
) -> None:
    seen = facts(plain, systemd=True)
    seen = replace(seen, fstab=replace(seen.fstab, path="/etc/fstab"))
    backup, step = on_fstab(seen, what)
    step = replace(step, relabel=relabel)
    if what == "restore":
        saved = plain.parent / "saved"
        saved.write_text("UUID=9 / ext4 defaults 0 1\n")
        step = replace(step, backup=str(saved))
    after = [*[f"restorecon {plain} || true"] * relabel, "systemctl daemon-reload"]
    carry_out(backup, runner)
    assert runner.ran == []
    carry_out(step, runner)
    assert runner.ran == after
    assert list(step.change.commands[-len(after) :]) == after
    runner.ran.clear()
    step.undo(runner, {})
    assert [line for line in runner.ran if not line.startswith("findfs")] == after
    undone = step.undo_change({})
    assert isinstance(undone, Change)
    assert list(undone.commands[-len(after) :]) == after
    assert ("restorecon" in str((step.change.commands, undone.commands))) is relabel


def test_an_fstab_that_the_undo_removes_gets_no_context(tmp_path: Path, runner: FakeRunner) -> None:
    saved = tmp_path / "saved"
    saved.write_bytes(b"UUID=9 /nine ext4 nofail 0 2\n")
    path = tmp_path / "fstab"
    plan = decide_restore(facts(path), read_file_fact(str(saved)), RUN)
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert isinstance(step, RestoreFstab)
    step = replace(step, relabel=True)
    carry_out(step, runner)
    assert runner.ran == [f"restorecon {path} || true"]
    assert step.change.commands[-1] == runner.ran[0]
    step.undo(runner, {})
    undone = step.undo_change({})
    assert isinstance(undone, Change)
    assert (len(runner.ran), undone.commands) == (1, (f"rm -- {path}",))


# Backup and restore


def restore_plan(path: Path, backup: Path) -> Plan:
    decision = decide_restore(facts(path), read_file_fact(str(backup)), RUN)
    assert isinstance(decision, Plan)
    return decision


def test_restore_and_take_it_back(fstab: Path, runner: FakeRunner) -> None:
    before = fstab.read_bytes()
    saved = fstab.parent / "saved"
    saved.write_bytes(b"UUID=9 / xfs defaults 0 0\nUUID=9 /nine ext4 nofail 0 2")
    plan = restore_plan(fstab, saved)
    assert "+UUID=9 /nine ext4 nofail 0 2" in [note.title for note in plan.notes]
    for step in plan.steps:
        carry_out(step, runner)
    assert fstab.read_bytes() == saved.read_bytes()
    assert restore_plan(fstab, saved).steps == ()
    for _ in range(2):
        for step in reversed(plan.steps):
            step.undo(runner, {})
        assert fstab.read_bytes() == before
        assert sorted(fstab.parent.iterdir()) == sorted([fstab, saved])


ROOT, BOOT, DATA = "UUID=1 / xfs defaults 0 0\n", "UUID=2 /boot ext4 defaults 0 2\n", "UUID=3 /data ext4 nofail 0 2\n"


@pytest.mark.parametrize(
    ("now", "text", "reasons", "words"),
    [
        (DATA, "", ["not-an-fstab"], "has no entries"),
        (DATA, "# only a comment\n", ["not-an-fstab"], "has no entries"),
        (ROOT, ROOT + "what is this\nroot:x:0:0\n", ["not-an-fstab"], "line 3"),
        (ROOT, "UUID=1 / xfs defaults x 0\n", ["not-an-fstab"], "line 1"),
        (ROOT + DATA, DATA, ["loses-system-entry"], "no entry for /,"),
        (ROOT + BOOT, ROOT, ["loses-system-entry"], "no entry for /boot,"),
        (ROOT + BOOT, "", ["not-an-fstab", "loses-system-entry", "loses-system-entry"], "has no entries"),
        (ROOT + BOOT + DATA, "UUID=7 // xfs defaults 0 0\nUUID=8 /boot/ xfs defaults 0 0\n", [], ""),
        ("", "# only a comment\n", [], ""),
    ],
)
def test_a_restore_that_would_keep_the_host_from_booting(
    plain: Path, now: str, text: str, reasons: list[str], words: str
) -> None:
    plain.write_text(now)
    saved = plain.parent / "saved"
    saved.write_text(text)
    decision = decide_restore(facts(plain), read_file_fact(str(saved)), RUN)
    assert isinstance(decision, Refusal) is bool(reasons)
    if isinstance(decision, Refusal):
        assert [reason.id for reason in decision.reasons] == reasons
        assert decision.exit_code == 5
        assert words in decision.reasons[0].title


def test_restore_of_an_absent_fstab(tmp_path: Path, runner: FakeRunner) -> None:
    saved = tmp_path / "saved"
    saved.write_bytes(b"UUID=9 /nine ext4 nofail 0 2\n")
    saved.chmod(0o604)
    path = tmp_path / "fstab"
    plan = restore_plan(path, saved)
    for step in plan.steps:
        carry_out(step, runner)
    assert path.read_bytes() == saved.read_bytes()
    assert path.stat().st_mode & 0o7777 == 0o604
    for step in reversed(plan.steps):
        step.undo(runner, {})
    assert not path.exists()


def test_a_restored_fstab_that_was_edited_stays(plain: Path, runner: FakeRunner) -> None:
    saved = plain.parent / "saved"
    saved.write_text("x / z\n")
    plan = restore_plan(plain, saved)
    for step in plan.steps:
        carry_out(step, runner)
    plain.write_text("edited\n")
    with pytest.raises(CannotUndo, match="changed since"):
        plan.steps[-1].undo(runner, {})
    assert plain.read_text() == "edited\n"


def test_restore_refuses_a_backup_that_changed(plain: Path, runner: FakeRunner) -> None:
    saved = plain.parent / "saved"
    saved.write_text("x / z\n")
    restore = restore_plan(plain, saved).steps[-1]
    saved.write_text("other\n")
    before = plain.read_text()
    with pytest.raises(Failed, match="changed since"):
        carry_out(restore, runner)
    assert plain.read_text() == before


def test_a_second_backup_of_the_same_is_none(plain: Path, runner: FakeRunner) -> None:
    first = decide_backup(facts(plain), (), RUN)
    assert isinstance(first, Plan)
    carry_out(first.steps[0], runner)
    backups = [read_file_fact(path) for path in list_backups(str(plain))]
    assert [b.path for b in backups] == [f"{plain}.opskit-{RUN}"]
    again = decide_backup(facts(plain), backups, "other")
    assert isinstance(again, Plan)
    assert again.steps == ()
    plain.write_text("changed\n")
    third = decide_backup(facts(plain), backups, "other")
    assert isinstance(third, Plan)
    assert len(third.steps) == 1


# What cannot be written


@pytest.mark.parametrize(
    ("values", "name", "remedy"),
    [
        ({"exists": False}, "fstab-absent", "touch /srv/fstab"),
        ({"problem": "it is a directory"}, "fstab-unreadable", "ls -l"),
        ({"immutable": True}, "fstab-immutable", "chattr -i -a /srv /srv/fstab"),
        ({"read_only": True}, "fstab-read-only", "mount -o remount,rw /srv"),
        ({"directory_free": 0}, "fstab-no-space", "df -h /srv"),
        ({"directory_free": 4096}, "fstab-no-space", "df -h /srv"),
    ],
)
def test_reasons_not_to_write(plain: Path, values: dict[str, Any], name: str, remedy: str) -> None:
    good = FileFact("/etc/fstab", "/srv/fstab", exists=True, text="a b c\n", directory_free=1 << 30)
    mounts = tuple(Mount("", target, "", "", "") for target in ("/", "/srv"))
    seen = facts(plain, fstab=good, mounts=mounts)
    assert list(fstab_reasons(seen)) == []
    (reason,) = fstab_reasons(replace(seen, fstab=replace(good, **values)))
    assert reason.id == name
    assert remedy in reason.remedy
    refused = decide_backup(replace(seen, fstab=replace(good, **values)), (), RUN)
    assert isinstance(refused, Refusal)
    assert refused.exit_code == 5


@pytest.mark.parametrize(
    ("values", "name"), [({"exists": False}, "backup-absent"), ({"problem": "x"}, "backup-unreadable")]
)
def test_a_backup_that_is_none(plain: Path, values: dict[str, Any], name: str) -> None:
    backup = replace(FileFact("/b", "/b", exists=True), **values)
    decision = decide_restore(facts(plain), backup, RUN)
    assert isinstance(decision, Refusal)
    assert decision.reasons[0].id == name


# Facts


def test_a_file_as_it_is(plain: Path) -> None:
    plain.write_bytes(b"a b \xff\r\n")
    fact = read_file_fact(str(plain))
    assert (fact.exists, fact.problem, fact.text) == (True, "", "a b \udcff\r\n")
    assert (fact.immutable, fact.read_only) == (False, False)
    assert fact.directory_free > 0


def test_what_is_no_text_file(tmp_path: Path) -> None:
    assert "a directory" in read_file_fact(str(tmp_path)).problem
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert "a FIFO" in read_file_fact(str(fifo)).problem
    nul = tmp_path / "nul"
    nul.write_bytes(b"a\0b")
    assert "NUL" in read_file_fact(str(nul)).problem
    assert read_file_fact(str(tmp_path / "absent")).exists is False
    dangling = tmp_path / "dangling"
    dangling.symlink_to("nowhere")
    assert read_file_fact(str(dangling)).exists is False
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    assert read_file_fact(str(loop)).problem
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    assert "larger" in read_file_fact(str(large)).problem
