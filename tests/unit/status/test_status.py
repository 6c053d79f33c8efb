"""What the looks come to: order, ignores, exit codes; the line for Nagios, the file for Prometheus, the screen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from opskit.areas import LOOKS, load_findings
from opskit.core.errors import UsageFault
from opskit.core.finding import Finding
from opskit.core.metrics import HELP
from opskit.core.report import Measure, Report, percent
from opskit.status.conclusion import conclude, exit_code, names
from opskit.status.model import Conclusion, Ignore, Looked
from opskit.status.nagios import lines, state
from opskit.status.prometheus import metrics
from opskit.status.settings import read_settings
from opskit.status.show import marked, status_lines
from opskit.ui.screen import Screen

TODAY = date(2026, 11, 29)
FULL = Finding("nearly-full", "warning", "/var: 90 % full", "9G of 10G used", "opskit df --why /var")
BROKEN = Finding("unit-failed", "error", "a.service has failed", "", "journalctl -u a.service")
INFO = Finding("exposed", "info", "only so", "", "")
KNOWN = {"disk": {name: percent(85, "", "") for name in ("full_percent", "inodes_percent")}, "yum": {}}


def looked(area: str, *findings: Finding, **more: Any) -> Looked:
    return Looked(area, area, f"opskit {area}", Report((f"{area} is there",), findings, **more))


def concluded(*looks: Looked, ignores: tuple[Ignore, ...] = ()) -> Conclusion:
    return conclude(looks, ignores, TODAY)


FAILED = Looked("yum", "packages", "opskit yum lock", failure="no answer within 15s")


def test_the_worst_comes_first_and_what_two_areas_tell_comes_once() -> None:
    conclusion = concluded(looked("disk", INFO, FULL), looked("journal", BROKEN), looked("memcached", BROKEN))
    assert [(each.area, each.finding) for each in conclusion.findings] == [
        ("journal", BROKEN), ("disk", FULL), ("disk", INFO),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("looks", "code", "nagios"),
    [
        ((looked("disk"),), 0, 0),
        ((looked("disk", INFO),), 0, 0),
        ((looked("disk", FULL),), 4, 1),
        ((looked("disk", BROKEN),), 4, 2),
        ((FAILED,), 1, 3),
        ((FAILED, looked("disk", FULL)), 1, 3),
        ((FAILED, looked("disk", BROKEN)), 1, 2),
    ],
)
def test_exit_codes(looks: tuple[Looked, ...], code: int, nagios: int) -> None:
    conclusion = concluded(*looks)
    assert (exit_code(conclusion), state(conclusion)) == (code, nagios)


def test_an_area_that_could_not_be_looked_at_is_a_finding_that_nobody_can_ignore() -> None:
    ignore = Ignore("area-not-looked-at", "it is slow", date(2030, 1, 1))
    (only,) = concluded(FAILED, ignores=(ignore,)).findings
    assert (only.finding.id, only.finding.severity) == ("area-not-looked-at", "error")
    assert only.finding.title == "packages: not looked at: no answer within 15s"
    assert only.finding.remedy == "opskit yum lock"


@pytest.mark.parametrize(
    ("target", "until", "left"),
    [
        ("/var", date(2026, 11, 29), 0),
        ("", date(2026, 11, 29), 0),
        ("/var", date(2026, 11, 28), 1),
        ("/", date(2027, 1, 1), 1),
        ("/va", date(2027, 1, 1), 1),
    ],
)
def test_ignored_until_a_day(target: str, until: date, left: int) -> None:
    conclusion = concluded(looked("disk", FULL), ignores=(Ignore("nearly-full", "by design", until, target),))
    assert (len(conclusion.findings), len(conclusion.ignored)) == (left, 1 - left)
    assert exit_code(conclusion) == (4 if left else 0)


@pytest.mark.parametrize(
    ("title", "target", "named"),
    [
        ("/: 90 % full", "/", True),
        ("/var/lib: 90 % full", "/var", False),
        ("/srv/var: 90 % full", "/var", False),
        ("127.0.0.1:11211 (pid 3): no answer", "127.0.0.1", False),
        ("127.0.0.1:11211 (pid 3): no answer", "127.0.0.1:11211", True),
        ("memcached@1.service has failed", "memcached", False),
        ("disk sda: 3 kernel error messages", "sda", True),
        ("/a+b: 90 % full", "/a+b", True),
    ],
)
def test_a_title_names_just_this_target(title: str, target: str, named: bool) -> None:
    assert names(title, target) is named


def test_settings() -> None:
    entry = {"id": "nearly-full", "target": "/srv", "reason": "by design", "until": date(2027, 3, 31)}
    settings = read_settings({"disk": {"full_percent": 90}, "ignore": [entry]}, KNOWN, UsageFault)
    assert settings.thresholds == {"disk": {"full_percent": 90}, "yum": {}}
    assert settings.ignores == (Ignore("nearly-full", "by design", date(2027, 3, 31), "/srv"),)
    for until in ("2027-03-31", datetime(2027, 3, 31, 1, 2)):  # noqa: DTZ001 - as TOML has it
        (ignore,) = read_settings({"ignore": [{**entry, "until": until}]}, KNOWN, UsageFault).ignores
        assert ignore.until == date(2027, 3, 31)


@pytest.mark.parametrize(
    ("checks", "what"),
    [
        ({"dsk": {}}, "check.dsk: no such area; did you mean disk"),
        ({"disk": {"ful_percent": 90}}, "check.disk.ful_percent: no such threshold; did you mean full_percent"),
        ({"yum": {"age": 9}}, "there is none"),
        ({"disk": {"full_percent": 0}}, "1 to 100"),
        ({"disk": {"full_percent": True}}, "1 to 100"),
        ({"disk": {"full_percent": "90"}}, "1 to 100"),
        ({"ignore": {}}, "list of tables"),
        ({"ignore": [{"id": "a", "until": TODAY}]}, "reason"),
        ({"ignore": [{"id": "a", "reason": "b"}]}, "a day is wanted"),
        ({"ignore": [{"id": "a", "reason": "b", "until": "soon"}]}, "a day is wanted"),
        ({"ignore": [{"id": "a", "reason": "b", "until": TODAY, "for": 3}]}, "no such key"),
        ({"ignore": [{"id": "a", "reason": "b", "until": TODAY, "target": 3}]}, "target"),
    ],
)
def test_settings_that_mean_nothing(checks: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageFault, match=what):
        read_settings(checks, KNOWN, UsageFault)


def test_nagios() -> None:
    """The first line is the plugin guidelines'; no other text has a bar, which would begin performance data."""
    odd = Finding("nearly-full", "warning", "/a|b\n: 90 % full")
    unseen = Looked("yum", "packages", "opskit yum lock", Report(unseen=("other's | locks",)))
    answer = list(lines(concluded(looked("disk", FULL, odd), unseen)))
    first = "OPSKIT WARNING - 2 findings | findings=2;;;0 critical=0;;;0 not_looked_at=0;;;0"
    assert answer[0] == first
    assert all("|" not in line and "\n" not in line for line in answer[1:])
    assert len(answer) == 4
    assert next(lines(concluded(looked("disk")))).startswith("OPSKIT OK - no findings | findings=0;;;0 ")
    assert next(lines(concluded(FAILED))).startswith("OPSKIT UNKNOWN - 1 finding | findings=1;;;0 ")


def test_prometheus_reads_it() -> None:
    point = 'a\\b"c\nd\udcff'
    measures = (
        Measure("opskit_deleted_open_bytes", 2**40, {"mountpoint": point}),
        Measure("opskit_deleted_open_bytes", 0, {"mountpoint": "/"}),
        Measure("opskit_package_lock_age_seconds", 1.5),
    )
    text = metrics(concluded(looked("disk", FULL, FULL, BROKEN, measures=measures), FAILED), 1795900000.25)
    assert text.endswith("\n")
    assert text.encode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert set(families) <= set(HELP)
    assert {family.type for family in families.values()} == {"gauge"}
    for name, family in families.items():
        assert text.count(f"# HELP {name} ") == text.count(f"# TYPE {name} ") == 1
        assert all(sample.timestamp is None for sample in family.samples)
    found = {tuple(sample.labels.values()): sample.value for sample in families["opskit_findings"].samples}
    assert found == {
        ("disk", "warning", "nearly-full"): 1,
        ("disk", "error", "unit-failed"): 1,
        ("yum", "error", "area-not-looked-at"): 1,
    }
    codes = {sample.labels["check"]: sample.value for sample in families["opskit_check_exit_code"].samples}
    assert codes == {"disk": 4, "yum": 1}
    deleted = {sample.labels["mountpoint"]: sample.value for sample in families["opskit_deleted_open_bytes"].samples}
    assert deleted["/"] == 0
    assert max(deleted.values()) == 2**40
    assert families["opskit_check_last_run_timestamp_seconds"].samples[0].value == 1795900000.25
    assert "9G of 10G" not in text  # evidence is in no label


def test_a_screen_of_80_by_24() -> None:
    """With more than it has room for: nothing is wider or longer, the worst is there, and what is left out is named."""
    many = [Finding("nearly-full", "warning", f"/{'long-name/' * 12}{n}: 90 % full", "", "df") for n in range(30)]
    looks = [Looked(each.area, each.name, each.command, Report(tuple("abcdef"))) for each in LOOKS]
    conclusion = concluded(*looks, looked("disk", *many, BROKEN))
    screen = status_lines(Screen("opskit status"), conclusion, "web1", rows=23, columns=80)
    assert len(screen) <= 23
    assert max(map(len, screen)) <= 80
    assert screen[0] == "web1: 1 error, 30 warnings"
    assert "error: a.service has failed [unit-failed]" in screen
    assert any(line.endswith("more: opskit check") for line in screen)
    assert all(any(line.startswith(each.name) for line in screen) for each in LOOKS)
    whole = status_lines(Screen("opskit status"), conclusion, "web1", rows=0, columns=0)
    assert len(whole) == 1 + 6 * len(LOOKS) + 1 + 2 * 31


def test_what_changed_is_marked() -> None:
    assert marked(["a", "b"], ["a"]) == ["  a", "* b"]


def test_in_order() -> None:
    screen = status_lines(Screen("opskit status"), concluded(looked("disk")), "web1", rows=23, columns=80)
    assert screen == ["web1: in order", "disk         disk is there"]


def test_the_areas_that_are_looked_at_have_their_findings_in_the_registry() -> None:
    ids = {kind.id for _, kind in load_findings()}
    assert {"area-not-looked-at", "run-waits", "deleted-open"} <= ids
    assert len({look.name for look in LOOKS}) == len(LOOKS)
