"""What happens at the same time: udev's events while disks are put into service, and another opskit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tiers import more
from vm.conftest import TEST_SECONDS
from vm.guest import FSTAB, TARGET, Batch, Ended, batches, failed_units, ledger, mounted, read, wait_for_devices
from vmlab.machine import Machine

MIB = 1 << 20
BUSY = 7
MOUNTS = "/proc/self/mounts"

# Events of the disk and its partitions without pause: the next ones are asked for as soon as udev is done with these.
STORM = """
n=0
while udevadm trigger --action=change --sysname-match='vdb*' && udevadm settle; do
  n=$((n + 1))
  echo $n > /run/storm
done
"""


def units(vm: Machine) -> list[str]:
    """What systemd knows of mount points, fstab's and its own."""
    argv = ("systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=mount,automount,swap")
    return sorted(line.split()[0] for line in vm.run(*argv).stdout.splitlines())


@pytest.mark.timeout(2 * TEST_SECONDS)
@pytest.mark.parametrize("times", [3, more(50)])
def test_mount_and_undo_while_udev_is_kept_busy(smp_vm: Machine, times: int) -> None:
    """The first filesystem is made, the next one mounted as it is, the third one wiped and made anew; and so on."""
    vm = smp_vm
    fstab, known = read(vm, FSTAB), units(vm)
    vm.run("systemd-run", "-q", "--unit=storm", "sh", "-c", STORM)
    rounds: list[Any] = []
    for number in range(times):
        wipe = ("--wipe", "/dev/vdb") if number % 3 == 2 else ()
        rounds.append([("disk", "mount", "/dev/vdb", TARGET, "--yes", "--json", *wipe)])
        rounds.append([("undo", "last", "--yes", "--json")])
    ran = batches(vm, rounds, watched=(FSTAB, MOUNTS), timeout=TEST_SECONDS)
    storms = int(read(vm, "/run/storm"))
    assert vm.run("systemctl", "is-active", "storm").stdout == "active\n"
    vm.run("systemctl", "stop", "storm")
    for number, (there, gone) in enumerate(zip(ran[::2], ran[1::2])):
        for batch in (there, gone):
            assert batch.ended[0].status == 0, (number, batch.ended)
        assert f" {TARGET} " in there.watched[MOUNTS], number
        assert TARGET in there.watched[FSTAB], number
        assert f" {TARGET} " not in gone.watched[MOUNTS], number
        assert gone.watched[FSTAB] == fstab, number
    made = [there.ended[0].json["result"]["formats"] for there in ran[::2]]
    assert made == [number == 0 or number % 3 == 2 for number in range(times)]
    assert storms > 2 * times
    vm.run("udevadm", "settle")
    assert units(vm) == known
    assert vm.run("ls", TARGET, check=False).returncode == 2
    assert failed_units(vm) == ""
    assert [entry["outcome"] for entry in ledger(vm) if entry["entry"] == "end"] == ["done"] * 2 * times


def outcomes(batch: Batch) -> list[str]:
    """How two commands ended: changed, nothing to do, busy, or the finding that refused."""

    def outcome(ended: Ended) -> str:
        if ended.status == 0:
            return "changed" if ended.json["result"]["changed"] else "nothing to do"
        return "busy" if ended.status == BUSY else f"{ended.status} {ended.ids}"

    return sorted(map(outcome, batch.ended))


def whole(entries: list[dict[str, Any]]) -> set[str]:
    """The runs in the ledger, none of which begins before the one before it has ended."""
    runs: list[str] = []
    for entry in entries:
        if entry["entry"] == "begin":
            runs.append(entry["run"])
        assert runs[-1] == entry["run"], f"{entry} in the middle of {runs[-1]}"
    for run in runs:
        kinds = [entry["entry"] for entry in entries if entry["run"] == run]
        assert (kinds[0], kinds[-1]) == ("begin", "end"), (run, kinds)
        assert Counter(kinds)["step"] == Counter(kinds)["stepped"], (run, kinds)
    assert len(set(runs)) == len(runs)
    return set(runs)


Command = tuple[str, ...]


def waits(number: int) -> bool:
    """Whether the two of this round wait for each other."""
    return number % 2 == 1


ONE_DISK: list[Command] = [("disk", "mount", "/dev/vdb", TARGET, "--yes", "--json")] * 2
TWO_DISKS: list[Command] = [
    ("disk", "mount", f"/dev/vd{n}", f"/srv/{n}", "--fstab", "/root/fstab", "--yes", "--json") for n in "bc"
]
RESTORE: list[list[Command]] = [
    [("disk", "fstab", "restore", f"/root/{name}", "--fstab", "/root/fstab", "--yes", "--json")] * 2 for name in "ba"
]
WAIT = ("--lock-timeout", "2m")
# Rounds of eight, each pair without waiting and then waiting: on one disk, on two, and on an fstab, there and back.
PAIRS = (ONE_DISK, ONE_DISK, TWO_DISKS, TWO_DISKS, *(RESTORE * 2))


@pytest.mark.timeout(2 * TEST_SECONDS)
# In --full on one disk, with udev and systemd, which tests/host/disk/test_race.py has not.
@pytest.mark.parametrize("times", [2, more(50)])
def test_two_opskit_at_once(smp_vm: Machine, times: int) -> None:
    """One works; the other exits 7, or waits when it is told to."""
    vm = smp_vm
    vm.add("vdc", 64 * MIB)
    vm.attach("vdc")
    wait_for_devices(vm, "/dev/vdc")
    vm.run("sh", "-euc", "for f in a b fstab; do cp /etc/fstab /root/$f; done; echo '# b' >> /root/b")
    fstab = read(vm, FSTAB)
    back: dict[int, list[list[Command]]] = {
        id(ONE_DISK): [[("undo", "last", "--yes", "--json")]],
        id(TWO_DISKS): [[("disk", "umount", *command[3:])] for command in TWO_DISKS],
    }
    order = [PAIRS[number % len(PAIRS)] for number in range(times)]
    rounds: list[list[Command]] = []
    for number, pair in enumerate(order):
        rounds += [[(*command, *WAIT) for command in pair] if waits(number) else pair, *back.get(id(pair), [])]
    ran = batches(vm, rounds, watched=(FSTAB,), timeout=TEST_SECONDS)

    changed = {e.json["result"]["run"] for b in ran for e in b.ended if e.status == 0 and e.json["result"]["changed"]}
    pairs = [batch for batch in ran if len(batch.ended) == 2]
    ends = [outcomes(batch) for batch in pairs]
    assert len(ends) == times
    for number, (pair, batch, end) in enumerate(zip(order, pairs, ends)):
        if waits(number):
            assert end == ["changed", "changed" if pair is TWO_DISKS else "nothing to do"], (number, batch)
        elif pair in RESTORE:  # so short that one may be done before the other has looked
            assert end in (["busy", "changed"], ["changed", "nothing to do"]), (number, batch)
        else:
            assert end == ["busy", "changed"], (number, batch)
        assert batch.watched[FSTAB].count(TARGET) == (pair is ONE_DISK), (number, batch)
    assert read(vm, FSTAB) == fstab
    assert mounted(vm) is None
    # Every change is in the ledger, and nothing else.
    assert whole(ledger(vm)) == changed
