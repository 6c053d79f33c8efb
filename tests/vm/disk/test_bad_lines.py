"""What `disk fstab check` says of a line whose disk is missing, and what the next boot makes of it.

The lines that stop it are there one at a time: where the person at the prompt of emergency mode types, a script keeps
what the host's state is, writes the next fstab and leaves the prompt, whereupon systemd starts its default target
again. Those that let the boot go on are all there in the last fstab, with which it gets to multi-user.target.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tiers import Agree, more
from vm.guest import FSTAB, answer, failed_units, read, settled
from vmlab.machine import Machine


class Bad(NamedTuple):
    """A line of fstab: DISK is a disk that is missing, /here a mount point of its own.

    device: what systemd waits for in vain, "" for nothing. stops: what the boot must come to.
    """

    line: str
    device: str
    stops: bool


BY_UUID = "/dev/disk/by-uuid/DISK"
STOP = True
BADS = (
    Bad("UUID=DISK /here ext4 defaults 0 2", BY_UUID, STOP),
    Bad("UUID=DISK /here ext4 defaults, nofail 0 2", BY_UUID, STOP),
    Bad("UUID=DISK /here ext4 defaults,nofail\r", BY_UUID, STOP),
    Bad("UUID=DISK /here", BY_UUID, STOP),
    Bad("UUID=DISK /here ext4 defaults #,nofail", BY_UUID, STOP),
    Bad("UUID=DISK /here my data ext4 nofail 0 0", BY_UUID, STOP),
    Bad("UUID=DISK /here ext4 nofial 0 0", BY_UUID, STOP),
    Bad("UUID=DISK /here xfs nofail,fail 0 0", BY_UUID, STOP),
    Bad("LABEL=DISK /here ext4 noauto,auto 0 0", "/dev/disk/by-label/DISK", STOP),
    Bad('UUID="DISK" /here ext4 x-systemd.device-timeout=2s 0 0', BY_UUID, STOP),
    Bad("/dev/DISK /here ext4 x-systemd.required-by=local-fs.target 0 0", "/dev/DISK", STOP),
    Bad("UUID=DISK /here ext4 defaults,nofail 0 2", BY_UUID, not STOP),
    Bad("UUID=DISK /here ext4 defaults,nofail 0 2\r", BY_UUID, not STOP),
    Bad("UUID=DISK /here ext4 noauto 0 2", "", not STOP),
    Bad("UUID=DISK /here ext4 _netdev 0 2", BY_UUID, not STOP),
    Bad("UUID=DISK /here ext4 x-systemd.automount 0 2", "", not STOP),
    Bad("UUID=DISK /here ext4 x-systemd.wanted-by=multi-user.target 0 2", BY_UUID, not STOP),
    Bad("UUID=DISK none ext4 defaults 0 2", "", not STOP),
    Bad("UUID=DISK none swap defaults 0 0", BY_UUID, not STOP),
    Bad("UUID=DISK", "", not STOP),
)
ALL_STOPPING = tuple(number for number, bad in enumerate(BADS) if bad.stops)
GOING_ON = tuple(number for number, bad in enumerate(BADS) if not bad.stops)
# In --full: a line with a field too many, a misspelt option, a label, an option that only systemd reads. What systemd's
# generator makes of a line is asked for hundreds of lines in tests/host/disk/test_fstab_as_read.py.
SOME_STOPPING = (1, 6, 8, 10)
# How long systemd waits for a disk that never comes. Other disks of the guest get their time: they do come.
SECONDS = 2
WAIT = f"""
for device in $(systemd-escape --path --suffix=device "$@"); do
  mkdir -p "/etc/systemd/system/$device.d"
  printf '[Unit]\\nJobRunningTimeoutSec={SECONDS}\\n' > "/etc/systemd/system/$device.d/95-test.conf"
done
"""
ROUNDS = "/root/rounds"
# What a person does at the prompt. systemd-sulogin-shell reads units and fstab anew afterwards, as after Ctrl-D.
PERSON = f"""#!/bin/sh
cd {ROUNDS}
read -r round < round
systemctl show -P ActiveState local-fs.target multi-user.target > stopped-$round
round=$((round + 1))
echo $round > round
cp fstab-$round {FSTAB}
sync
"""
REBOOT = "exec systemctl --force reboot\n"


def lines() -> list[str]:
    """The lines, each with a disk and a mount point of its own."""
    return [_own(bad.line, number) for number, bad in enumerate(BADS)]


def _own(text: str, number: int) -> str:
    return text.replace("DISK", f"0bad0000-0000-4000-8000-{number:012}").replace("/here", f"/here{number}")


def foretold(vm: Machine, fstab: str) -> list[bool]:
    """Whether `fstab check` says of each line, when they are all there, that the boot stops."""
    vm.run("tee", FSTAB, stdin=fstab + "".join(f"{line}\n" for line in lines()))
    findings = answer(vm, "disk", "fstab", "check")["findings"]
    vm.run("tee", FSTAB, stdin=fstab)
    first = fstab.count("\n") + 1
    stops = set()
    for finding in findings:
        place = re.match(f"{FSTAB}:([0-9]+): ", finding["evidence"])
        if place and re.search("the (next )?boot stops", finding["title"]):
            stops.add(int(place[1]) - first)
    return [number in stops for number in range(len(BADS))]


def boot_with_each(vm: Machine, fstabs: list[str], *, reboot: bool) -> list[list[str]]:
    """Boots with one fstab after the other, until one does not stop; what the state was at each prompt.

    fstabs: their texts; the last one is to get there.
    reboot: from the prompt the machine is booted again; else systemd goes on from there.
    """
    vm.run("mkdir", ROUNDS)
    vm.run("tee", f"{ROUNDS}/round", stdin="0\n")
    for place, text in enumerate(fstabs):
        vm.run("tee", f"{ROUNDS}/fstab-{place}", stdin=text)
    vm.run("sh", "-euc", "cat > /usr/sbin/sulogin", stdin=PERSON + (REBOOT if reboot else ""))
    vm.run("cp", f"{ROUNDS}/fstab-0", FSTAB)
    vm.reboot()
    rounds = int(read(vm, f"{ROUNDS}/round"))
    return [read(vm, f"{ROUNDS}/stopped-{place}").split() for place in range(rounds)]


@pytest.mark.parametrize(
    ("stopping", "reboot"),
    [(SOME_STOPPING, False), more(ALL_STOPPING, False), more(ALL_STOPPING, True)],
    ids=["from the prompt", "from the prompt, all", "a boot for each"],
)
def test_the_boot_is_as_fstab_check_said(vm: Machine, agree: Agree, stopping: tuple[int, ...], reboot: bool) -> None:
    fstab = read(vm, FSTAB)
    devices = [_own(bad.device, number) for number, bad in enumerate(BADS) if bad.device]
    vm.run("sh", "-euc", WAIT, "sh", *devices)
    claims = foretold(vm, fstab)
    each_line = lines()
    with_all = fstab + "".join(f"{each_line[number]}\n" for number in GOING_ON)
    stopped = boot_with_each(vm, [*(f"{fstab}{each_line[number]}\n" for number in stopping), with_all], reboot=reboot)
    assert len(stopped) == len(stopping), (stopped, each_line[stopping[len(stopped)]])
    assert stopped == [["inactive", "inactive"]] * len(stopping)
    # With the lines that let the boot go on nothing has failed, and nothing is mounted.
    vm.run("cmp", f"{ROUNDS}/fstab-{len(stopping)}", FSTAB)
    assert settled(vm) == "running"
    assert failed_units(vm) == ""
    assert " - ext4 /dev/vda " in read(vm, "/proc/self/mountinfo")
    assert vm.run("findmnt", "--types", "ext4,xfs", "--noheadings", "-o", "TARGET").stdout.split() == ["/"]
    booted = (*stopping, *GOING_ON)
    true = [number for number in booted if claims[number] == BADS[number].stops]
    assert len(true) == len(booted), [each_line[number] for number in booted if number not in true]
    assert [claims[number] for number in ALL_STOPPING] == [True] * len(ALL_STOPPING)
    agree("what fstab check said about the boot came true", len(true), len(booted))
