"""Each threshold of `opskit check`: told from its number on and not before, read from a config file, and documented."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import findings as script
from opskit.areas import load_findings, load_thresholds
from opskit.core.errors import UsageFault
from opskit.core.finding import Finding
from opskit.core.ledger import Run
from opskit.core.report import SPAN, defaults
from opskit.core.units import seconds_text
from opskit.history.report import report_of as history_report
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.incidents import Incident
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.report import report_of as journal_report
from opskit.journal.files.model import ARCHIVED, JournalDirectory, JournalFile, ParsedName
from opskit.journal.retain.bounds import Bound, Bounds
from opskit.journal.thresholds import BY_FINDING
from opskit.journal.usage.findings import Usage
from opskit.memcached.model import StatsAnswer
from opskit.memcached.status.model import Instance
from opskit.memcached.status.report import report_of as memcached_report
from opskit.service.model import Process, Unit
from opskit.service.report import lasting
from opskit.service.report import report_of as service_report
from opskit.status.settings import read_settings
from opskit.usage.df.deleted import DeletedFile, DeletedFiles
from opskit.usage.df.model import Filesystem, FilesystemFigures
from opskit.usage.df.report import report_of as df_report
from opskit.usage.du.growth import growths
from opskit.usage.du.growth import report_of as growth_report
from opskit.usage.du.model import ScanRequest
from opskit.usage.du.saved import ScanHead
from opskit.yum.model import Facts, LockFile, LockPlace
from opskit.yum.report import report_of as yum_report
from opskit.yum.state import HELD, LockVerdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Limits = Mapping[str, int]
KNOWN = load_thresholds()
EVERY = [(area, name) for area in KNOWN for name in KNOWN[area]]
NOW = 1_764_072_000.0
DAY = 86400


def filesystem(used: int, inodes: int = 0) -> list[Filesystem]:
    figures = FilesystemFigures(1024, 100, 100 - used, 100 - used, 100, 100 - inodes)
    return [Filesystem("/dev/a", "ext4", "/", "8:1", readonly=False, remote=False, figures=figures, disk="8:1")]


def deleted(percent: int, limits: Limits) -> tuple[Finding, ...]:
    size = percent * 1024
    return df_report(filesystem(0), DeletedFiles((DeletedFile("8:1", 3, "/a", size, size, "/", ()),)), limits).findings


def grows(number: int, limits: Limits) -> tuple[Finding, ...]:
    """A tree that takes a byte more each second, of which so many are left."""
    taken = datetime.fromtimestamp(NOW, timezone.utc)
    heads = [
        ScanHead(taken - timedelta(days=days), ScanRequest((b"/v",), one_file_system=True), 9**9 - days * DAY)
        for days in (2, 0)
    ]
    return growth_report(growths(heads), {"/v": number}, NOW, limits).findings


def test_a_scan_of_other_disks_too_says_of_none_that_it_is_full_soon() -> None:
    taken = datetime.fromtimestamp(NOW, timezone.utc)
    requests = {
        "one disk": ScanRequest((b"/v",), one_file_system=True),
        "what is mounted below it": ScanRequest((b"/v",)),
        "two trees": ScanRequest((b"/v", b"/w"), one_file_system=True),
        "sizes that are no room": ScanRequest((b"/v",), one_file_system=True, apparent=True),
        "a link counted twice": ScanRequest((b"/v",), one_file_system=True, count_links=True),
        "what links lead to": ScanRequest((b"/v",), one_file_system=True, follow="all"),
    }
    told = {}
    for name, request in requests.items():
        heads = [ScanHead(taken - timedelta(days=days), request, 9**9 - days * DAY) for days in (2, 0)]
        told[name] = bool(growth_report(growths(heads), {"/v": 1, "/w": 1}, NOW).findings)
    assert told == {name: name == "one disk" for name in requests}


def errors(number: int, limits: Limits) -> tuple[Finding, ...]:
    class Counted(Tally):
        chosen = number  # type: ignore[assignment]

    return journal_report([], ErrorFacts(Counted(3)), came_back=0, thresholds=limits).findings


def usage(percent: int, limits: Limits) -> tuple[Finding, ...]:
    file = JournalFile("a", ParsedName(ARCHIVED), percent, percent)
    limit, none = Bound("SystemMaxUse", 100, "a:1"), Bound("", 0, "")
    one = Usage(JournalDirectory("/j", files=(file,)), Bounds(limit, none, none, none, none, none))
    return journal_report([one], ErrorFacts(Tally(3)), came_back=0, thresholds=limits).findings


def incidents(kind: str) -> Callable[[int, Limits], tuple[Finding, ...]]:
    def make(number: int, limits: Limits) -> tuple[Finding, ...]:
        tally = Tally(3)
        if number:
            tally.incidents._incidents[kind, b"x"] = Incident(kind, "x", "", number)
        return journal_report([], ErrorFacts(tally), came_back=0, thresholds=limits).findings

    return make


def memcached(**figures: str) -> Callable[[int, Limits], tuple[Finding, ...]]:
    """What is told of an instance with these figures, `#` for the number."""

    def make(number: int, limits: Limits) -> tuple[Finding, ...]:
        stats = {name: text.replace("#", str(number)) for name, text in figures.items()}
        slabs = {name.replace("_at_", ":"): stats.pop(name) for name in [*stats] if "_at_" in name}
        items = {f"items:{name[1:].replace('_of_', ':')}": stats.pop(name) for name in [*stats] if "_of_" in name}
        answer = StatsAnswer("1.6.38", stats, items=items, slabs=slabs)
        return memcached_report([Instance(1, "m", "", (), (), "/s", 0, 0.0, answer=answer)], (), limits).findings

    return make


def restarts(number: int, limits: Limits, age: int = 60) -> tuple[Finding, ...]:
    return service_report([Unit("a.service", "active", "running", restarts=number, since=NOW - age)], (), (), NOW,
                          thresholds=limits).findings  # fmt: skip


def zombies(number: int, limits: Limits, age: int = DAY) -> tuple[Finding, ...]:
    all_of_them = [Process(10 + each, 0, 1, 5, NOW - age, "z", "Z") for each in range(number)]
    there = lasting(all_of_them, {(each.pid, 5) for each in all_of_them}, NOW, limits["zombie_age"])
    return service_report((), (), there, NOW, thresholds=limits).findings


def locked(number: int, limits: Limits) -> tuple[Finding, ...]:
    lock = LockFile(LockPlace("/run/x", "yum", "pid"), "regular", modified=NOW - number)
    report = yum_report(Facts("", ()), (LockVerdict(lock, HELD),), NOW, limits)
    return tuple(finding for finding in report.findings if finding.severity != "info")


def waiting(number: int, limits: Limits) -> tuple[Finding, ...]:
    runs = [Run(str(each), "", "", "root", 1, "p", (), "", "unfinished") for each in range(number)]
    return history_report(runs, (), at_work=False, thresholds=limits).findings


def severe(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity == "error")


# What is told of a host on which that number is so.
MAKE: dict[tuple[str, str], Callable[[int, Limits], tuple[Finding, ...]]] = {
    ("disk", "full_percent"): lambda number, limits: df_report(filesystem(number), DeletedFiles(), limits).findings,
    ("disk", "full_error_percent"):
        lambda number, limits: severe(df_report(filesystem(number), DeletedFiles(), limits).findings),
    ("disk", "inodes_percent"):
        lambda number, limits: df_report(filesystem(0, number), DeletedFiles(), limits).findings,
    ("disk", "inodes_error_percent"):
        lambda number, limits: severe(df_report(filesystem(0, number), DeletedFiles(), limits).findings),
    ("disk", "deleted_percent"): deleted,
    ("disk", "full_within"): grows,
    ("journal", "limit_percent"): usage,
    ("journal", "errors_an_hour"): errors,
    **{("journal", name): incidents(kind) for kind, name in BY_FINDING.items()},
    ("memcached", "connections_percent"): memcached(curr_connections="#", max_connections="100"),
    ("memcached", "rejected"): memcached(rejected_connections="#"),
    ("memcached", "failed_stores"): memcached(store_no_memory="#"),
    ("memcached", "too_large"): memcached(store_too_large="#"),
    ("memcached", "evictions"): memcached(evictions="#"),
    ("memcached", "evictions_an_hour"): memcached(evictions="#", uptime="3600"),
    ("memcached", "free_elsewhere_percent"): memcached(
        limit_maxbytes="100", i1_of_evicted="1", **{"2_at_chunk_size": "1", "2_at_free_chunks": "#"}
    ),
    ("memcached", "hit_percent"): memcached(cmd_get="100000", get_hits="#000"),
    ("service", "restarts"): restarts,
    ("service", "restarts_within"): lambda number, limits: restarts(9, limits, age=number),
    ("service", "zombies"): zombies,
    ("service", "zombie_age"): lambda number, limits: zombies(1, limits, age=number),
    ("yum", "held_for"): locked,
    ("history", "waiting"): waiting,
}  # fmt: skip
# These tell what is below their number, and this one what is above it.
BELOW, ABOVE = {"hit_percent", "restarts_within", "full_within"}, {"limit_percent"}


@pytest.mark.parametrize(("area", "name"), EVERY)
def test_it_is_told_from_its_number_on_and_not_before(area: str, name: str) -> None:
    make, threshold = MAKE[area, name], KNOWN[area][name]

    def told(number: int, **limits: int) -> bool:
        found = make(number, {**defaults(KNOWN[area]), **limits})
        assert all(finding.severity != "critical" for finding in found), "what is critical is told always"
        return any(finding.id == threshold.finding for finding in found)

    # One that is 0 by default tells all there is: it is looked at with another number, too.
    for number in {threshold.default, threshold.default or 50, 60}:
        at = {name: number}
        if name in BELOW:
            assert (told(number - 1, **at), told(number, **at)) == (True, False)
        elif name in ABOVE:
            assert (told(number + 1, **at), told(number, **at)) == (True, False)
        elif number:
            assert (told(number, **at), told(number - 1, **at)) == (True, False)
    # Without a number of its own it is the default.
    other = threshold.default + (-1 if name in BELOW else 1)
    assert told(other)


def test_every_threshold_is_about_a_finding_of_the_registry_that_is_not_critical_alone() -> None:
    kinds = {kind.id: kind for _, kind in load_findings()}
    for area, name in EVERY:
        kind = kinds[KNOWN[area][name].finding]
        assert set(kind.severities) - {"critical"}, f"{area}.{name}"
        assert KNOWN[area][name].least <= KNOWN[area][name].default <= KNOWN[area][name].most


def fault(key: str, why: str) -> UsageFault:
    return UsageFault("config.toml", f"{key}: {why}")


@pytest.mark.parametrize(("area", "name"), EVERY)
def test_a_config_file_has_it_and_what_is_wrong_in_it_is_said(area: str, name: str) -> None:
    threshold = KNOWN[area][name]
    good: Any = seconds_text(threshold.default) if threshold.kind == SPAN else threshold.default
    assert read_settings({area: {name: good}}, KNOWN, fault).thresholds[area] == {name: threshold.default}
    bad: list[Any] = [True, [], -1, "x", "", 1.5, threshold.most + 1]
    bad += [60, "60", "1M"] if threshold.kind == SPAN else [str(threshold.default), threshold.least - 1]
    for value in bad:
        with pytest.raises(UsageFault, match=f"check.{area}.{name}: "):
            read_settings({area: {name: value}}, KNOWN, fault)
    with pytest.raises(UsageFault, match=f"check.{area}.{name}s: no such threshold; did you mean {name}"):
        read_settings({area: {f"{name}s": good}}, KNOWN, fault)


def test_the_readme_has_them_all_as_a_config_file_would() -> None:
    readme = Path(script.README).read_text(encoding="utf-8")
    assert readme == script.with_thresholds(readme), "run: python scripts/findings.py"
    block = readme.partition(script.BEGIN)[2].partition(script.END)[0]
    checks = tomllib.loads(block.replace("```toml\n", "").replace("```", ""))["check"]
    found = read_settings(checks, KNOWN, fault).thresholds
    assert found == {area: defaults(KNOWN[area]) for area in KNOWN}


def test_no_plan_asks_for_a_threshold() -> None:
    """They are about what is told: what decides on a plan, and what guards it, does not know them."""
    package = Path(script.ROOT) / "opskit"
    users = [path for path in package.rglob("*.py") if ".thresholds import" in path.read_text(encoding="utf-8")]
    names = {str(path.relative_to(package)) for path in users}
    told = ("findings.py", "report.py", "check.py", "see.py", "growth.py")
    plans = {name for name in names if not name.endswith(told) and "/show" not in name}
    assert (len(names) > 10, plans) == (True, set())
