"""The registries of findings hold what the code can make, and nothing else; the page and the command show them."""

from __future__ import annotations

import json

import pytest

import findings as script
from opskit import cli
from opskit.areas import load_findings
from opskit.journal.errors.kernel import KINDS as KERNEL_KINDS
from opskit.usage.du.delete.plan import REASONS as DELETE_REASONS
from unit.findings.made import ROOT, made

LOCKS = ("held", "waiting-at-a-prompt", "stopped", "stale", "reused", "zombie", "malformed", "outside", "not-readable")
# What the syntax tree alone does not tell: by file and expression of the id.
DECLARED: dict[str, set[tuple[str, str]]] = {
    "memcached/line/lint.py: extended.wrong": {
        ("not-in-release", "error"),
        ("out-of-range", "error"),
        ("missing-value", "error"),
        ("not-a-number", "warning"),
    },
    # What stands in the way of a path that may be meant as a file, with another remedy.
    "disk/swap/plan.py: each.id": {(name, "error") for name in ("no-such-device", "not-a-block-device")},
    # An error of lint as a reason for a refusal; what is GUARDED there is critical.
    "memcached/instance/plan.py: finding.id": {
        (name, "critical")
        for name in ("memory-over-host", "memory-over-cgroup", "pid-file-foreign", "pid-file-unwritable")
    },
    "journal/errors/findings.py: incident.kind": {(name, kind.severity) for name, kind in KERNEL_KINDS.items()},
    "yum/findings.py: finding_id(verdict)": {
        (f"lock-{state}", severity) for state in LOCKS for severity in ("info", "warning", "error")
    },
    "usage/du/delete/plan.py: kind": {(name, "critical") for name in DELETE_REASONS},
    "yum/wait/cli.py: finding_id(verdict)": {(f"lock-{state}", "error") for state in LOCKS},
}


def test_every_finding_is_in_the_registry_of_its_area() -> None:
    findings, unresolved, used = made(DECLARED)
    assert unresolved == []
    assert used == set(DECLARED), "a declaration that nothing needs"
    registry = {(area, kind.id): set(kind.severities) for area, kind in load_findings()}
    missing = [
        f"{finding.place}: {finding.id} ({finding.severity}) is not in the registry of {finding.area}"
        for finding in findings
        if finding.severity not in registry.get((finding.area, finding.id), set())
    ]
    assert missing == []


def test_every_entry_of_a_registry_is_made_somewhere() -> None:
    findings, _, _ = made(DECLARED)
    possible = {(finding.area, finding.id, finding.severity) for finding in findings}
    entries = {(area, kind.id, severity) for area, kind in load_findings() for severity in kind.severities}
    assert sorted(entries - possible) == []


def test_an_id_stands_once_in_its_area_and_has_a_meaning() -> None:
    kinds = load_findings()
    assert len({(area, kind.id) for area, kind in kinds}) == len(kinds) > 200
    assert [kind.id for _, kind in kinds if not kind.meaning or kind.meaning.endswith(".")] == []


def test_the_page_is_current() -> None:
    page = ROOT / ".github" / "FINDINGS.md"
    assert page.read_text(encoding="utf-8") == script.page(), "stale: python scripts/findings.py"


def test_one_finding_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["findings", "nearly-full", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["result"]["findings"]
    assert entry["area"] == "usage"
    assert entry["severities"] == ["warning", "error"]


def test_an_id_of_several_areas(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["findings", "not-answering"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["memcached", "service", "usage"]


def test_an_unknown_id_names_its_neighbour(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["findings", "nearly-ful"]) == 2
    assert "did you mean 'nearly-full'?" in capsys.readouterr().err
