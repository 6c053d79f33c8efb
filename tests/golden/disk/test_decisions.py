"""Decisions: facts and a request in, a plan or a refusal out. Each JSON file under the folders of KINDS is one case.

    what     one line: what the case proves
    host     a file of hosts/: complete facts, as `opskit disk facts` saves them
    change   what is different on this host (see changed())
    request  what was asked for: the fields of MountRequest, UmountRequest or GrowRequest
    expect   either  refusal: the ids of all reasons, in order; exit: the exit code; says: words in their titles;
                     remedies: those of all reasons
             or      plan: a row for each change: action, target, before, after, and (or left out) its commands;
                     notes: their ids; says: words in their titles; result: some of what --json answers;
                     hold: the disk locked meanwhile; script: lines that the script of --format sh must have
             or      verdict and why (for verdict/)

The expectations were thought out and written by hand. When one fails, it is the code that is wrong until shown
otherwise: there is no command that accepts what the code says.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from opskit.areas import load_step
from opskit.core.jsonable import from_json, to_json
from opskit.core.ledger import StepRecord
from opskit.core.plan import Decision, Plan, Refusal
from opskit.disk.grow.plan import decide_grow
from opskit.disk.grow.request import GrowRequest
from opskit.disk.model import BlockDevice, HostFacts, PathFact
from opskit.disk.mount.plan import decide_mount
from opskit.disk.mount.request import MountRequest, NewIds
from opskit.disk.mount.umount_plan import UmountRequest, decide_umount
from opskit.disk.see.mounts import system_reasons
from opskit.disk.verdict import verdict

HERE = Path(__file__).parent
KINDS = ("mount", "umount", "grow", "verdict")
CASES = sorted(path for kind in KINDS for path in (HERE / kind).glob("*.json"))
HOSTS = sorted((HERE / "hosts").glob("*.json"))
# What is chosen at random on a real run.
RUN = "20261120T190500Z-abc123"
IDS = NewIds(
    run=RUN,
    filesystem="11111111-1111-4111-8111-111111111111",
    partition="22222222-2222-4222-8222-222222222222",
    table="33333333-3333-4333-8333-333333333333",
)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def changed(host: Any, change: Any) -> HostFacts:
    """The facts of a host with what a case changes.

    devices: {name: {field: value}}   remove: [name]   add: [device]   tools: {name: version or null}
    fstab, crypttab: {field: value}   paths: {path: {field: value} or null}   made, users: the whole list
    package_manager: the host's   growths: the whole list   may_resize: whether root may
    groups: {name of a volume group: {field: value}}   physical: {kernel name: …}   volumes: {path: …}
    system_fstab: {field: value}: /etc/fstab, which is not the one that is worked on then
    mount: [mount, with the kernel name of its device]: put into devices, mounts and paths, as the kernel would
    kernel: {root: its root=, swaps: [major:minor]}: who belongs to the system is found anew
    """
    unknown = set(change) - {
        "devices", "remove", "add", "tools", "fstab", "crypttab", "paths", "made", "users", "mount", "mounts",
        "kernel", "systemd", "system_fstab", "package_manager", "growths", "groups", "physical", "volumes",
        "may_resize",
    }  # fmt: skip
    assert not unknown, f"a case has a change that nobody reads: {unknown}"
    data = copy.deepcopy(host)
    data["devices"] = [d for d in data["devices"] if d["name"] not in change.get("remove", ())]
    data["devices"] += change.get("add", ())
    devices = {d["name"]: d for d in data["devices"]}
    for name, fields in change.get("devices", {}).items():
        devices[name].update(fields)
    for key in ("fstab", "crypttab"):
        data[key].update(change.get(key, {}))
    if "system_fstab" in change:
        data["system_fstab"] = {"path": "/etc/fstab", "real": "/etc/fstab", "exists": True, **change["system_fstab"]}
    data["mounts"] += change.get("mounts", ())
    paths = {p["path"]: p for p in data["paths"]}
    for path, fields in change.get("paths", {}).items():
        paths[path] = {**_absent(path), **paths.get(path, {}), **fields} if fields is not None else _absent(path)
    for mount in change.get("mount", ()):
        _mount(data, devices, paths, dict(mount))
    data["paths"] = list(paths.values())
    data["tools"] = {k: v for k, v in {**data["tools"], **change.get("tools", {})}.items() if v is not None}
    _change_groups(data["volume_groups"], change)
    for key in ("made", "users", "systemd", "package_manager", "growths", "may_resize"):
        data[key] = change.get(key, data[key])
    facts = from_json(HostFacts, data)
    return _seen_anew(facts, change["kernel"]) if "kernel" in change else facts


def _change_groups(groups: Any, change: Any) -> None:
    named = {group["name"]: group for group in groups}
    physical = {each["device"]: each for group in groups for each in group["physical"]}
    volumes = {each["path"]: each for group in groups for each in group["volumes"]}
    for key, known in (("groups", named), ("physical", physical), ("volumes", volumes)):
        for name, fields in change.get(key, {}).items():
            known[name].update(fields)


def _absent(path: str) -> Any:
    return to_json(PathFact(path, "absent", path))


def _mount(data: Any, devices: Any, paths: Any, mount: Any) -> None:
    device = devices[mount.pop("of")]
    mount = {"options": "rw,relatime", **mount, "device": device["number"], "source": device["path"]}
    device["mounts"] = [*device.get("mounts", ()), mount]
    if not mount.get("namespace"):
        data["mounts"].append(mount)
        target = mount["target"]
        paths[target] = {**_absent(target), **paths.get(target, {}), "kind": "directory", "mounted": True}


def _seen_anew(facts: HostFacts, kernel: Any) -> HostFacts:
    reasons = system_reasons(facts.devices, facts.mounts, frozenset(kernel.get("swaps", ())), kernel.get("root", ""))
    data = to_json(facts)
    for device in data["devices"]:
        device["system"] = list(reasons.get(device["name"], ()))
    return from_json(HostFacts, data)


def decide(kind: str, facts: HostFacts, request: Any) -> Decision:
    if kind == "mount":
        return decide_mount(facts, MountRequest(**request), IDS)
    if kind == "umount":
        return decide_umount(facts, UmountRequest(**request), RUN)
    return decide_grow(facts, GrowRequest(**request))


def rows(plan: Plan, wanted: Any) -> list[Any]:
    """The changes as the case writes them: with their commands where it has them."""
    table = [[c.action, c.target, c.before, c.after, list(c.commands)] for c in plan.changes]
    return [row[: len(wanted[i])] if i < len(wanted) else row for i, row in enumerate(table)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_decision(path: Path) -> None:
    case = read(path)
    assert set(case) <= {"what", "host", "change", "request", "expect"}
    facts = changed(read(HERE / "hosts" / case["host"]), case.get("change", {}))
    expect = case["expect"]
    if path.parent.name == "verdict":
        device = facts.device(case["request"]["device"])
        assert isinstance(device, BlockDevice)
        assert verdict(facts, device) == (expect["verdict"], expect["why"])
        return
    decision = decide(path.parent.name, facts, case["request"])
    if "refusal" in expect:
        check_refusal(decision, expect)
    else:
        check_plan(decision, expect)


def check_refusal(decision: Decision, expect: Any) -> None:
    assert set(expect) <= {"refusal", "exit", "says", "remedies"}
    assert isinstance(decision, Refusal), decision
    assert [reason.id for reason in decision.reasons] == expect["refusal"]
    assert decision.exit_code == expect["exit"]
    check_words([reason.title for reason in decision.reasons], expect)
    if "remedies" in expect:
        assert [reason.remedy for reason in decision.reasons] == expect["remedies"]
    for reason in decision.reasons:
        assert reason.title
        # What is mounted elsewhere is the one thing that opskit knows no way out of.
        assert reason.remedy or "namespace" in reason.title


def check_words(titles: Sequence[str], expect: Any) -> None:
    for words in expect.get("says", ()):
        assert words in "\n".join(titles)


def check_plan(decision: Decision, expect: Any) -> None:
    assert set(expect) <= {"plan", "notes", "says", "result", "hold", "script"}
    assert isinstance(decision, Plan), [reason.title for reason in decision.reasons]
    assert rows(decision, expect["plan"]) == expect["plan"]
    assert [note.id for note in decision.notes] == expect.get("notes", [])
    check_words([note.title for note in decision.notes], expect)
    for key, value in expect.get("result", {}).items():
        assert decision.result[key] == value, key
    if "hold" in expect:
        assert decision.hold == expect["hold"]
    for step in decision.steps:  # the ledger must give each one back, for an undo long after
        data = json.loads(json.dumps(to_json(step)))
        assert load_step(StepRecord(1, step.kind, data, {}, {}, "done")) == step
    script = decision.as_shell().splitlines()
    for line in expect.get("script", ()):
        assert line in script
    uses = [i for i, line in enumerate(script) if '"$part"' in line and "[ -b" not in line]
    for first in uses[:1]:
        assert '[ -b "$part" ]' in script[:first], "the script uses $part before it has looked for it"


def test_there_are_enough_cases_and_each_says_something_of_its_own() -> None:
    assert len(CASES) >= 150
    whats = [(path.parent.name, read(path)["what"]) for path in CASES]
    assert len(set(whats)) == len(whats)


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_a_host_is_what_facts_saves(path: Path) -> None:
    """Complete, and nothing is lost on the way through the types."""
    assert to_json(from_json(HostFacts, read(path))) == read(path)


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_a_host_hangs_together(path: Path) -> None:
    """Mounts belong to their devices, and who belongs to the system is what system_reasons says of it."""
    facts = from_json(HostFacts, read(path))
    for device in facts.devices:
        mine = [m for m in facts.mounts if m.device == device.number]
        assert mine == [m for m in device.mounts if m.namespace == 0]
        assert device.disk == "" or facts.device(device.disk) is not None
        assert all(facts.device(name) for name in (*device.holders, *device.slaves))
    swaps = frozenset(d.number for d in facts.devices if d.swap)
    reasons = system_reasons(facts.devices, facts.mounts, swaps, "")
    assert {d.name: d.system for d in facts.devices if d.system} == reasons
