"""journald.conf with its drop-ins, and the limits that follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.core.finding import Finding
from opskit.core.plan import Plan, Refusal
from opskit.core.unit_files import conf_files
from opskit.core.units import GIB, KIB, MIB, MONTH, SECOND, parse_span
from opskit.journal.files.model import ACTIVE, Header, JournalDirectory, JournalFile, ParsedName
from opskit.journal.releases import Version
from opskit.journal.retain.bounds import bad_settings, bounds_of, parse_iec
from opskit.journal.retain.conf import Setting, parse_settings, stray_settings, winner
from opskit.journal.retain.model import DROPIN, RetainFacts, RetainRequest
from opskit.journal.retain.plan import decide_retain, dropin_text, iec_text
from opskit.journal.retain.see import read_settings

DAY = 86400 * SECOND


def write(root: Path, name: str, *lines: str) -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def test_settings_are_found_with_their_lines() -> None:
    text = "# SystemMaxUse=1G\nA=b\n[Journal]\n SystemMaxUse = 2G \n;x=1\nMaxFileSec=1\\\nday\nz\n"
    text += "[Other]\nSystemMaxUse=9G\n"
    settings = parse_settings(text, "/f")
    assert settings == [Setting("SystemMaxUse", "2G", "/f", 4), Setting("MaxFileSec", "1 day", "/f", 6)]


def test_a_byte_order_mark_hides_no_section() -> None:
    """systemd 252 takes it off (conf-parser.c): `systemd-analyze verify` has nothing against a unit with one."""
    text = "\ufeff[Journal]\r\nSystemMaxUse=2G\r\n"
    assert parse_settings(text, "/f") == [Setting("SystemMaxUse", "2G", "/f", 2)]
    assert stray_settings(text, "/f") == []


def test_settings_that_journald_passes_over() -> None:
    text = "SystemMaxUse=1G\n[Journal]\nsystemmaxuse=2G\nMaxUse=1\nStorage=auto\n"
    text += "[journal]\nStorage=none\n[X-Own]\nLineMax=1\n"
    strays = [(setting.line, setting.name, why) for setting, why in stray_settings(text, "/f")]
    assert strays == [
        (1, "SystemMaxUse", "it is in no section, and journald reads [Journal] only"),
        (3, "systemmaxuse", "journald knows it as SystemMaxUse"),
        (7, "Storage", "it is in section [journal], and journald reads [Journal] only"),
    ]


def test_drop_ins_come_after_the_file_in_the_order_of_their_names(tmp_path: Path) -> None:
    main = write(tmp_path, "etc/systemd/journald.conf", "[Journal]", "SystemMaxUse=1G")
    write(tmp_path, "usr/lib/systemd/journald.conf", "[Journal]", "SystemMaxUse=7G")
    vendor = write(tmp_path, "usr/lib/systemd/journald.conf.d/50-a.conf", "[Journal]", "SystemMaxUse=2G")
    write(tmp_path, "usr/lib/systemd/journald.conf.d/20-b.conf", "[Journal]", "SystemMaxUse=3G")
    own = write(tmp_path, "etc/systemd/journald.conf.d/20-b.conf", "[Journal]", "SystemMaxUse=4G")
    write(tmp_path, "usr/lib/systemd/journald.conf.d/99-z.conf", "[Journal]", "SystemMaxUse=5G")
    masked = tmp_path / "etc/systemd/journald.conf.d/99-z.conf"
    masked.symlink_to("/dev/null")
    write(tmp_path, "etc/systemd/journald.conf.d/x.txt", "[Journal]", "SystemMaxUse=6G")
    last = write(tmp_path, "etc/systemd/journald.conf.d/60-c.conf", "[Journal]", "MaxFileSec=1h")
    assert conf_files("journald.conf", str(tmp_path)) == [main, own, vendor, last]
    setting = winner(read_settings(str(tmp_path)), "SystemMaxUse")
    assert setting is not None
    assert (setting.value, setting.where) == ("2G", f"{vendor}:2")
    assert read_settings(str(tmp_path), "ns") == ()


def test_the_built_in_limits() -> None:
    # From a real journald 252: "Fixed min_use=16M max_use=4G max_size=128M keep_free=4G n_max_files=100" on 252 GB.
    large = bounds_of([], 252 * GIB, runtime=False)
    assert [bound.value for bound in large.all()[:4]] == [4 * GIB, 4 * GIB, 128 * MIB, 100]
    small = bounds_of([], 100 * MIB, runtime=True)
    assert small.max_use.name == "RuntimeMaxUse"
    assert [bound.value for bound in small.all()[:3]] == [10 * MIB, 5 * MIB, 1280 * KIB]
    assert (small.retention.value, small.max_file_time.value) == (0, MONTH)
    assert "built in" in small.max_use.source


def test_what_is_set_counts_and_is_named() -> None:
    settings = [
        Setting("SystemMaxUse", "bad", "/a", 2), Setting("SystemMaxUse", "10M", "/b", 3),
        Setting("SystemMaxFileSize", "8M", "/b", 4),
        Setting("MaxRetentionSec", "1week", "/c", 5), Setting("SystemMaxUse", "", "/d", 6),
    ]  # fmt: skip
    bounds = bounds_of(settings, 252 * GIB, runtime=False)
    assert bounds.max_use.value == 16 * MIB  # two files must fit
    assert "/b:3" in bounds.max_use.source
    assert (bounds.retention.value, bounds.retention.source) == (7 * DAY, "/c:5")
    assert [setting.path for setting in bad_settings(settings)] == ["/a", "/d"]


def test_the_least_that_journald_takes() -> None:
    settings = [Setting("SystemMaxUse", "4K", "/a", 2), Setting("SystemMaxFileSize", "0", "/a", 3)]
    assert bounds_of(settings, GIB, runtime=False).max_use.value == MIB
    assert bounds_of([Setting("SystemMaxUse", "0", "/a", 2)], GIB, runtime=False).max_use.value == 0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("500M", 500 * MIB), ("1.5G", GIB * 3 // 2), ("1024", 1024), ("", None), ("x", None), ("5 M", 5 * MIB),
     ("1G 5M", GIB + 5 * MIB)],
)  # fmt: skip
def test_sizes_in_the_configuration(text: str, wanted: int | None) -> None:
    assert parse_iec(text) == wanted


def test_sizes_are_written_exactly() -> None:
    for size in (500 * MIB, GIB, GIB * 3 // 2, 1536 * KIB, 1_500_001):
        assert parse_iec(iec_text(size)) == size


def facts(text: str | None = None, settings: tuple[Setting, ...] = ()) -> RetainFacts:
    path = f"/etc/systemd/journald.conf.d/{DROPIN}"
    return RetainFacts(path, text, settings, None, 252 * GIB, persistent=True, journald=True)


def request(span: str = "30d", size: int | None = None) -> RetainRequest:
    return RetainRequest(parse_span("SPAN", span) if span else None, size, span, "", "", Version(252), 10**15)


def test_a_limit_is_that_of_one_namespace() -> None:
    for namespaces, notes in (((), []), (("app", "x"), ["other-namespaces"])):
        plan = decide_retain(replace(facts(), namespaces=namespaces), request())
        assert isinstance(plan, Plan)
        assert [note.id for note in plan.notes] == notes
    assert plan.notes[0].title == "the limit is not that of the journals of the namespaces app, x"
    plan = decide_retain(replace(facts(), namespaces=("app",)), replace(request(), namespace="app"))
    assert isinstance(plan, Plan)
    assert plan.notes == ()


def test_a_span_brings_a_shorter_time_for_one_file() -> None:
    plan = decide_retain(facts(), request())
    assert isinstance(plan, Plan)
    assert plan.result["settings"] == {"MaxRetentionSec": "30d", "MaxFileSec": "90h"}
    assert "MaxRetentionSec=30d\nMaxFileSec=90h\n" in plan.steps[0].text  # type: ignore[attr-defined]
    have = (Setting("MaxFileSec", "1h", "/etc/systemd/journald.conf", 3),)
    plan = decide_retain(facts(settings=have), request())
    assert isinstance(plan, Plan)
    assert plan.result["settings"] == {"MaxRetentionSec": "30d"}


def test_a_size_alone() -> None:
    plan = decide_retain(facts(), request("", 500 * MIB))
    assert isinstance(plan, Plan)
    assert plan.result["settings"] == {"SystemMaxUse": "500M"}


def test_the_same_again_is_nothing_to_do() -> None:
    text = dropin_text({"SystemMaxUse": "500M"})
    ours = (Setting("SystemMaxUse", "500M", facts().path, 3),)
    plan = decide_retain(facts(text, ours), request("", 500 * MIB))
    assert isinstance(plan, Plan)
    assert plan.steps == ()


def test_what_the_restart_deletes() -> None:
    """What journald writes to began too long ago: it is archived with the first message, and is too old then."""
    now = request().now
    written = Header(state="online", seqnum_id="ab" * 16, head_seqnum=7, entries=9, head=now - 20 * DAY, tail=now - DAY)
    files = (
        JournalFile("system.journal", ParsedName(ACTIVE), 8 * MIB, 8 * MIB, inode=1, header=written),
        JournalFile(
            "user-1000.journal", ParsedName(ACTIVE), MIB, MIB, inode=2, header=written._replace(head=now - DAY)
        ),
    )
    directory = JournalDirectory("/j", files=files)
    seen = replace(facts(), directory=directory)
    for span, gone in (("10d", ["/j/system.journal"]), ("30d", [])):
        plan = decide_retain(seen, request(span))
        assert isinstance(plan, Plan)
        assert [row["path"] for row in plan.result["deletes"]] == gone
    note = notes(seen, request("10d"))["restart-deletes"]
    assert ": also system.journal, with all entries until " in note.title
    assert note.remedy == "first opskit journal vacuum 10d --rotate --keep-copy DIR"
    # The limit is there already: nothing is restarted.
    have = dropin_text({"MaxRetentionSec": "10d", "MaxFileSec": "30h"})
    plan = decide_retain(replace(seen, text=have), request("10d"))
    assert isinstance(plan, Plan)
    assert (plan.steps, plan.notes, plan.result["deletes"], plan.result["restarts"]) == ((), (), [], False)


def test_a_file_larger_than_the_limit_is_told_of() -> None:
    """Seen with 252: at 24M of SystemMaxUse=20M it stays with the restart, and goes as soon as it has to grow."""
    written = Header(state="online", seqnum_id="ab" * 16, head_seqnum=7, entries=9, head=10**15 - DAY, tail=10**15)
    files = (JournalFile("system.journal", ParsedName(ACTIVE), 24 * MIB, 24 * MIB, inode=1, header=written),)
    seen = replace(facts(), directory=JournalDirectory("/j", files=files))
    note = notes(seen, request("", 20 * MIB))["over-limit"]
    assert note.title.startswith("system.journal takes 24M, more than the limit by itself")
    assert note.remedy == "first opskit journal vacuum --size 20M --rotate --keep-copy DIR"
    assert notes(seen, request("", 24 * MIB)) == {}


def test_a_drop_in_that_wins_is_named() -> None:
    later = Setting("MaxRetentionSec", "2d", "/etc/systemd/journald.conf.d/95-x.conf", 4)
    refused = decide_retain(facts(settings=(later,)), request())
    assert isinstance(refused, Refusal)
    assert refused.reasons[0].id == "drop-in-wins"
    assert "/etc/systemd/journald.conf.d/95-x.conf:4" in refused.reasons[0].title
    assert isinstance(decide_retain(facts(settings=(later,)), request("2 days")), Plan)
    earlier = Setting("MaxRetentionSec", "2d", "/etc/systemd/journald.conf.d/20-x.conf", 4)
    plan = decide_retain(facts(settings=(earlier,)), request())
    assert isinstance(plan, Plan)
    assert any(note.id == "setting-beaten" for note in plan.notes)


def test_files_that_may_be_larger_than_half_of_the_size_win_and_are_named() -> None:
    large = Setting("SystemMaxFileSize", "128M", "/etc/systemd/journald.conf", 4)
    refused = decide_retain(facts(settings=(large,)), request("", 100 * MIB))
    assert isinstance(refused, Refusal)
    assert [reason.id for reason in refused.reasons] == ["file-size-wins"]
    assert "/etc/systemd/journald.conf:4" in refused.reasons[0].title
    assert isinstance(decide_retain(facts(settings=(large,)), request("", 256 * MIB)), Plan)
    assert isinstance(decide_retain(facts(), request("", MIB)), Plan)


def test_219_gets_a_span_that_it_knows() -> None:
    plan = decide_retain(facts(), replace(request("1month"), version=Version(219)))
    assert isinstance(plan, Plan)
    assert plan.result["settings"]["MaxRetentionSec"] == "2629800s"


@pytest.mark.parametrize(("span", "size"), [("0", None), ("infinity", None), ("", 0), ("10min", None), ("", 4096)])
def test_limits_that_are_none(span: str, size: int | None) -> None:
    refused = decide_retain(facts(), request(span, size))
    assert isinstance(refused, Refusal)
    assert refused.exit_code == 2


def notes(seen: RetainFacts, wanted: RetainRequest) -> dict[str, Finding]:
    plan = decide_retain(seen, wanted)
    assert isinstance(plan, Plan)
    return {note.id: note for note in plan.notes}


def test_a_limit_that_goes_is_named() -> None:
    text = dropin_text({"SystemMaxUse": "500M", "MaxRetentionSec": "30d", "MaxFileSec": "90h"})
    assert notes(facts(text), request("10d"))["limit-dropped"].remedy.endswith("--size 500M too")
    assert "MaxRetentionSec=30d" in notes(facts(text), request("", 500 * MIB))["limit-dropped"].title
    assert "limit-dropped" not in notes(facts(text), request("10d", 400 * MIB))


def test_where_the_journal_is_kept() -> None:
    for storage, persistent, ident in (("none", True, "storage-none"), ("volatile", False, "volatile")):
        setting = Setting("Storage", storage, "/etc/systemd/journald.conf", 3)
        kept = replace(facts(settings=(setting,)), storage=storage, persistent=persistent)
        finding = notes(kept, request())[ident]
        assert f"/etc/systemd/journald.conf:3 sets Storage={storage}" in finding.title
        assert "mkdir" not in finding.remedy
    volatile = replace(facts(), persistent=False)
    here = "mkdir -p /var/log/journal; systemctl restart systemd-journald"
    assert notes(volatile, request())["volatile"].remedy == here
    # And never a line that changes this host.
    elsewhere = replace(request(), root="/mnt/a b")
    assert notes(volatile, elsewhere)["volatile"].remedy == "mkdir -p '/mnt/a b/var/log/journal'"
    assert not {"storage-none", "volatile"} & set(notes(facts(), request()))
