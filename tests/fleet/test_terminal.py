"""opskit fleet on a terminal: passwords and keys of hosts, and Ctrl-C at every time."""

from __future__ import annotations

import json
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet import hosts
from fleet.conftest import NewLab
from fleet.control import Control
from fleetlab.lab import Lab
from fleetlab.users import PASSWORD
from host.hosts import Terminal
from host.tools import until

CTRL_C = "\x03"
SSHD = "/etc/ssh/fleet_lab_config"
MOUNT = ("disk", "mount", "/dev/vdb", "/data", "--fstype", "ext4")


@pytest.fixture(scope="module")
def lab(new_lab: NewLab) -> Lab:
    return new_lab(4)


@pytest.fixture(scope="module")
def control(lab: Lab) -> Control:
    return Control(lab)


@pytest.fixture
def begun() -> Iterator[list[Terminal]]:
    """The terminals of a test; what is left on one is ended."""
    terminals: list[Terminal] = []
    yield terminals
    for each in terminals:
        each.close()


def echoes(terminal: Terminal) -> bool:
    """Whether what is typed there is seen."""
    return bool(termios.tcgetattr(terminal.master)[3] & termios.ECHO)


def test_passwords_are_asked_for_by_ansible(lab: Lab, control: Control, begun: list[Terminal]) -> None:
    """Of the login and of sudo; host01 lets nobody in without one."""
    hosts.shell(lab, "host01", f"sed -i 's/^AuthenticationMethods.*/AuthenticationMethods password/' {SSHD}")
    way = ("-i", control.inventory(), "-u", "asked", "-b", "-K")
    asked = control.terminal("run", *way, "-k", "-l", "host01", "--", "disk", "list")
    begun.append(asked)
    asked.read_until("SSH password:")
    assert not echoes(asked)
    asked.type(f"{PASSWORD}\n")
    asked.read_until("BECOME password")
    asked.type("\n")  # the same
    done = asked.end()
    assert (done.code, "1 of 1 host answered" in done.out, PASSWORD in done.out) == (0, True, False), done
    wrong = control.terminal("run", *way, "-l", "host02", "--", "disk", "list")
    begun.append(wrong)
    wrong.read_until("BECOME password")
    wrong.type("another\n")
    refused = wrong.end()
    assert (refused.code, "Incorrect sudo password" in refused.out) == (1, True), refused
    left = control.terminal("run", *way[:-1], "-l", "host02", "--", "disk", "list")
    begun.append(left)
    told = left.end()
    assert (told.code, "to do: -K (--ask-become-pass)" in told.out) == (1, True), told
    left = control.terminal("run", *way, "-l", "host02", "--", "disk", "list")
    begun.append(left)
    left.read_until("BECOME password")
    left.type(CTRL_C)
    ended = left.end()
    assert (ended.code, "Nothing was changed." in ended.out, echoes(left)) == (130, True, True), ended


def test_a_vault_has_the_password_of_sudo(control: Control, begun: list[Terminal]) -> None:
    """In the variables of an inventory, with its password in a file, typed, or not at hand."""
    file = control.folder / "vault-password"
    file.write_text("of the vault\n")
    file.chmod(0o600)
    argv = ("encrypt_string", "--vault-password-file", str(file), "--name", "ansible_become_password", PASSWORD)
    program = Path(sys.executable).with_name("ansible-vault")
    made = subprocess.run([program, *argv], env=control.environment, capture_output=True, text=True, check=True)
    inventory = control.folder / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(Path(control.inventory()).read_text())
    (inventory / "group_vars" / "lab.yml").write_text(made.stdout)
    words = ("-i", str(inventory), "-l", "host02", "-u", "asked", "-b")
    asked = control.run("run", *words, "--vault-password-file", str(file), "--json", "--", "disk", "list").well()
    assert PASSWORD not in asked.out
    typed = control.terminal("run", *words, "--ask-vault-pass", "--", "disk", "list")
    begun.append(typed)
    typed.read_until("Vault password:")
    typed.type("of the vault\n")
    assert typed.end().code == 0
    without = control.run("run", *words, "--", "disk", "list")
    assert (without.code, "no vault secrets found" in without.err) == (1, True), without


def test_the_key_of_a_host_that_is_not_known_is_asked_of_nobody(
    lab: Lab, control: Control, begun: list[Terminal]
) -> None:
    """Ansible's workers have no terminal (since 2.19): it is said, and nothing is taken for known."""
    known = control.folder / "known"
    strict = Path(control.inventory()).read_text()
    asking = strict.replace("-o StrictHostKeyChecking=yes ", "").replace(str(lab.folder / "known_hosts"), str(known))
    assert asking != strict
    inventory = control.folder / "asking.yml"
    inventory.write_text(asking)
    new = control.terminal("run", "-i", str(inventory), "-l", "host02,host03", "--", "disk", "list")
    begun.append(new)
    told = new.end()
    assert (told.code, known.exists()) == (10, False), told
    assert "2 hosts: unreachable: Host key verification failed." in hosts.plain(told.out)
    assert "to do: log in there once by ssh" in told.out
    keys = [line.split(" ", 1) for line in (lab.folder / "known_hosts").read_text().splitlines()]
    known.write_text("".join(f"{name} {keys[0][1]}\n" for name, _key in keys))
    other = control.run("run", "-i", str(inventory), "-l", "host03,host04", "--", "disk", "list")
    assert (other.code, "has another key than the one that is known" in other.err) == (10, True), other


def test_ctrl_c_while_hosts_are_only_asked_ends_it(lab: Lab, control: Control, begun: list[Terminal]) -> None:
    hosts.put_program(lab, "host02", "opskit", hosts.WAITS)
    for words in (("plan", "--", *MOUNT), ("check",)):
        way = ("-i", control.inventory(), "-l", "host02,host03")
        asking = control.terminal(words[0], *way, *words[1:])
        begun.append(asking)
        middle = hosts.files_of(lab, "host02") / "run/in-the-middle"
        until(lambda asking=asking, middle=middle: middle.exists() or asking.process.poll() is not None, 300)
        asking.type(CTRL_C)
        ended = asking.end()
        assert (ended.code, "Nothing was changed." in ended.out, echoes(asking)) == (130, True, True), ended
        middle.unlink()
    hosts.put_back(lab, "host02")


def test_ctrl_c_in_the_middle_of_an_apply(lab: Lab, control: Control, begun: list[Terminal]) -> None:
    """The first lets the host at work finish and begins no other; the second does not wait for it, and resume does."""
    plan = control.folder / "plan.json"
    names = ("host02", "host03", "host04")
    plan.write_text(control.run("plan", "-i", control.inventory(), "-l", ",".join(names), "--", *MOUNT).well().out)
    hosts.put_program(lab, "host02", "mkfs.ext4", hosts.HOLDS)
    hosts.put_program(lab, "host03", "mkfs.ext4", hosts.HOLDS)
    applying = control.terminal("apply", str(plan), "--serial", "1", "--yes")
    begun.append(applying)
    wait_for_middle(lab, "host02", applying)
    applying.type(CTRL_C)
    applying.read_until("Ctrl-C again")
    lab.run("host02", "touch", "/run/go")
    ended = applying.end()
    assert (ended.code, "2 hosts not begun" in hosts.plain(ended.out)) == (130, True), ended
    assert states(control) == {"host02": "done", "host03": "waiting", "host04": "waiting"}
    again = control.terminal("resume", "last", "--yes")
    begun.append(again)
    wait_for_middle(lab, "host03", again)
    again.type(CTRL_C)
    again.read_until("Ctrl-C again")
    again.type(CTRL_C)
    ended = again.end()
    assert (ended.code, echoes(again)) == (130, True), ended
    assert states(control) == {"host02": "done", "host03": "unknown", "host04": "waiting"}
    lab.run("host03", "touch", "/run/go")
    assert control.run("resume", "last", "--yes").code == 0
    for name in names:
        hosts.assert_once(lab, name, "/data")


def wait_for_middle(lab: Lab, name: str, terminal: Terminal) -> None:
    """Until the host makes its filesystem."""
    middle = hosts.files_of(lab, name) / "run/in-the-middle"
    until(lambda: middle.exists() or terminal.process.poll() is not None, 300)
    assert terminal.process.poll() is None, terminal.end()


def states(control: Control) -> dict[str, str]:
    """Where each host of the last run is."""
    answer = json.loads(control.run("status", "last", "--json").out)
    return {name: host["state"] for name, host in answer["result"]["hosts"].items()}
