"""opskit as an ordinary user: what can be shown is shown, and what needs root says so before any work."""

from __future__ import annotations

import shlex

from vm.conftest import Count
from vm.guest import FSTAB, LEDGER, TARGET, answer, mount, opskit, read
from vmlab.machine import Machine

USER = "ops"
# Where sudo of EL does not look (secure_path): the line to type has all of it.
PROGRAM = "/usr/local/bin/opskit"
LOOKS = (
    ("disk", "list"),
    ("disk", "show", "/dev/vdb"),
    ("disk", "facts"),
    ("disk", "fstab", "show"),
    ("disk", "fstab", "check"),
)
# Things that are not there: whoever looked before asking for root would say so instead.
NEED_ROOT = (
    ("disk", "mount", "/dev/none", "/none", "--yes"),
    ("disk", "mount", "/dev/none", "/none", "--dry-run"),
    ("disk", "umount", "/none", "--yes"),
    ("disk", "grow", "/none", "--yes"),
    ("disk", "fstab", "backup", "--yes"),
    ("disk", "fstab", "restore", "/none", "--yes"),
    ("undo", "none", "--yes"),
)
MISSING = 6


def test_what_needs_root_says_so_and_what_can_be_shown_is_shown(vm: Machine, count: Count) -> None:
    # Who cannot read a blank disk does not call it ready.
    rows = {row["path"]: row for row in answer(vm, "disk", "list", user=USER)["result"]["devices"]}
    assert rows["/dev/vdb"]["verdict"] != "ready"
    fstab = read(vm, FSTAB)
    for words in NEED_ROOT:
        _needs_root(vm, words)
        count("refusals")
    refused = opskit(vm, *NEED_ROOT[0], check=False, user=USER)
    assert (refused.returncode, refused.stdout) == (MISSING, "")
    assert f"sudo {PROGRAM} {shlex.join(NEED_ROOT[0])}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert read(vm, FSTAB) == fstab
    assert vm.run("test", "-e", LEDGER, check=False).returncode == 1

    mount(vm)
    for words in LOOKS:
        outcome = opskit(vm, *words, user=USER)
        assert "/dev/vdb1" in outcome.stdout or words[-1] == "check"
        assert "Traceback" not in outcome.stderr
        if words[1] in {"list", "facts"} or words[-1] == "check":
            assert "that needs root" in outcome.stdout + outcome.stderr, words
    listed = answer(vm, "disk", "list", user=USER)["result"]
    rows = {row["path"]: row for row in listed["devices"]}
    assert rows["/dev/vda"]["verdict"] == "system"
    assert (rows["/dev/vdb1"]["signature"], rows["/dev/vdb1"]["mount_points"]) == ("ext4", [TARGET])
    assert rows["/dev/vdb"]["verdict"] == "in use"
    assert listed["missing"] == []
    assert any("needs root" in text for text in listed["unseen"])
    entries = answer(vm, "disk", "fstab", "show", user=USER)["result"]["entries"]
    assert [(entry["mount_point"], entry["mounted"]) for entry in entries] == [("/", True), (TARGET, True)]
    check = answer(vm, "disk", "fstab", "check", user=USER)
    assert (check["status"], check["findings"]) == (0, [])
    # The ledger is root's: it can hold what programs said.
    for words in (("history",), ("history", "show", "last")):
        _needs_root(vm, words)


def _needs_root(vm: Machine, words: tuple[str, ...]) -> None:
    refused = answer(vm, *words, user=USER)
    assert (refused["status"], refused["error"]["id"]) == (MISSING, "missing"), refused
    assert refused["error"]["todo"] == f"sudo {PROGRAM} {shlex.join((*words, '--json'))}"
