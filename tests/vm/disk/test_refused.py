"""What is in use stays as it is: the system's disks and every kind of holder, with every flag there is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from mount_flags import MOUNT_FLAGS
from vm.conftest import Count
from vm.guest import FSTAB, LEDGER, TARGET, Ended, answer, each, mounted, read, wait_for_devices
from vmlab.machine import Machine

MIB = 1 << 20
REFUSED = 5
BUSY = 7

FLAGS = (
    *MOUNT_FLAGS,
    ("--lock-timeout", "1s"),
    ("--fstab", "/root/fstab"),
    ("--state-dir", "/root/state"),
)
ALL_FLAGS = ("--whole-disk", "--no-fstab", "--no-discard", "--fstype", "ext4", "--reserved", "0", "--label", "x")


def mount(device: str, *more: str) -> tuple[str, ...]:
    return ("disk", "mount", device, TARGET, "--yes", "--json", *more)


def shell(vm: Machine, script: str) -> str:
    """Prepare the guest."""
    return vm.run("sh", "-euc", script).stdout


def attach(vm: Machine, *names: str) -> None:
    """Blank disks of 64 MiB more."""
    for name in names:
        vm.add(name, 64 * MIB)
        vm.attach(name)
    wait_for_devices(vm, *(f"/dev/{name}" for name in names))


def images(vm: Machine, *names: str) -> dict[str, str]:
    """The hash of each disk's bytes, with all that the guest has written."""
    vm.run("sync")
    return {name: hashlib.sha256(Path(vm.disks[name].path).read_bytes()).hexdigest() for name in names}


def test_the_system_disks_are_refused_with_every_flag(vm: Machine, count: Count) -> None:
    """The disk of /; and another with /boot on a partition, and a partition that nobody uses beside it."""
    attach(vm, "vdc")
    shell(
        vm,
        """
        printf 'label: gpt\\nsize=30MiB\\n;\\n' | sfdisk -q /dev/vdc
        udevadm settle
        mkfs.ext4 -q /dev/vdc1
        mkfs.ext4 -q /dev/vdc2
        mount -o ro /dev/vdc1 /boot
        cp /etc/fstab /root/fstab
        """,
    )
    before = images(vm, "vdc"), read(vm, FSTAB)
    wanted = [(device, f) for device in ("/dev/vda", "/dev/vdc", "/dev/vdc1", "/dev/vdc2") for f in ((), ALL_FLAGS)]
    commands = [mount(device, *f, *wipe) for device, f in wanted for wipe in ((), ("--wipe", device))]
    # Without --wipe: tests/host/disk/test_refused.py.
    commands += [mount("/dev/vda", *f, "--wipe", "/dev/vda") for f in FLAGS]
    commands += [
        ("disk", "umount", what, "--yes", "--json", *more)
        for what in ("/", "/dev/vda", "/boot", "/dev/vdc1")
        for more in ((), ("--no-fstab",))
    ]
    for command, ended in zip(commands, each(vm, commands), strict=True):
        assert (ended.status, ended.ids) == (REFUSED, ["system-disk"]), (command, ended)
        count("refusals")
    assert (images(vm, "vdc"), read(vm, FSTAB)) == before
    assert mounted(vm, "/")["source"] == "/dev/vda"
    assert mounted(vm, "/boot")["source"] == "/dev/vdc1"
    assert vm.run("ls", LEDGER, "/root/state", check=False).stdout == ""


class Holder(NamedTuple):
    """A disk (NAME in the scripts) somebody has got, and how he gets it. words: what the refusal names.

    let_go: he does not use it any more, but it is still his: id and words of the refusal then.
    """

    id: str
    words: tuple[str, ...]
    take: str
    let_go: str = ""
    then: str = ""
    then_words: tuple[str, ...] = ()


HOLDERS = {
    "swap": Holder("system-disk", ("swap",), "mkswap -q /dev/NAME; swapon /dev/NAME", "swapoff /dev/NAME", "has-data"),
    "LVM": Holder(
        "held",
        ("/dev/mapper/vg-data", "LVM volume vg-data", "an LVM physical volume"),
        "pvcreate -q /dev/NAME; vgcreate -q vg /dev/NAME; lvcreate -q -n data -L 16M vg",
        "vgchange -q -an vg",
        "member",
        ("an LVM physical volume",),
    ),
    "RAID": Holder(
        "held",
        ("/dev/md0", "RAID array (raid1)"),
        """
        mdadm -q --create /dev/md0 --level=1 --raid-devices=2 --force --run /dev/NAME missing
        # udev looks at the array once more when it is clean, and it is busy for as long
        tries=0
        until udevadm settle && mdadm -q --readonly /dev/md0; do
          tries=$((tries + 1))
          [ $tries -lt 100 ]
        done
        """,
        "mdadm -q --stop /dev/md0",
        "member",
        ("a member of a RAID array",),
    ),
    "LUKS": Holder(
        "held",
        ("/dev/mapper/secret", "encrypted volume secret", "a LUKS encrypted volume"),
        """
        echo secret > /run/key
        cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/NAME /run/key
        cryptsetup open --key-file /run/key /dev/NAME secret
        """,
        "cryptsetup close secret",
        "member",
        ("a LUKS encrypted volume",),
    ),
    "device mapper": Holder(
        "held",
        ("/dev/mapper/linear", "device mapper volume linear"),
        "echo somebody > /dev/NAME; dmsetup create linear --table '0 2048 linear /dev/NAME 0'",
        "dmsetup remove linear",
        "unknown-data",
    ),
    "another namespace": Holder(
        "mounted",
        ("/srv/elsewhere in the mount namespace of pid PID",),
        """
        mkfs.ext4 -q /dev/NAME
        mkdir /srv/elsewhere
        systemd-run -q --service-type=notify -p NotifyAccess=all -p PrivateMounts=yes --unit=elsewhere \\
          sh -c 'mount -o ro /dev/NAME /srv/elsewhere; systemd-notify --ready; exec sleep infinity'
        """,
    ),
    "home": Holder(
        "mounted",
        ("/dev/NAME1 is mounted on /home",),
        """
        echo 'label: dos\n;' | sfdisk -q /dev/NAME
        udevadm settle
        mkfs.ext4 -q /dev/NAME1
        mount -o ro /dev/NAME1 /home
        """,
    ),
    "loop over the disk": Holder(
        "held",
        ("/dev/loop1 (a loop device over it)",),
        "echo somebody > /dev/NAME; losetup -r /dev/loop1 /dev/NAME",
        "losetup -d /dev/loop1",
        "unknown-data",
    ),
    "loop over a file": Holder(
        "mounted",
        ("/dev/NAME is mounted on /srv/images", "/dev/loop2 (a loop device over a file on it: /srv/images/image)"),
        """
        mkfs.ext4 -q /dev/NAME
        mkdir /srv/images
        mount /dev/NAME /srv/images
        truncate -s 1M /srv/images/image
        mount -o remount,ro /srv/images
        losetup -r /dev/loop2 /srv/images/image
        """,
        "umount --lazy /srv/images",
        "held",
        ("/dev/loop2 (a loop device over a file on it",),
    ),
}


def test_every_holder_is_refused_and_named(vm: Machine, count: Count) -> None:
    """While he uses the disk, and after he has let go of it with all that is his still there; nothing is written."""
    names = {kind: f"vd{letter}" for kind, letter in zip(HOLDERS, "cdefghijklm")}
    attach(vm, *names.values())
    for kind, holder in HOLDERS.items():
        shell(vm, holder.take.replace("NAME", names[kind]))
    elsewhere = shell(vm, "systemctl show -P MainPID elsewhere").strip()
    shell(vm, "udevadm settle")
    before = images(vm, *names.values()), read(vm, FSTAB)

    def refused(kind: str, expected: str, words: tuple[str, ...], ended: Ended) -> None:
        assert ended.status == REFUSED, (kind, ended)
        assert ended.json["error"]["state"] == "Nothing was changed."
        assert ended.ids[0] == expected, (kind, ended.ids)
        for word in words:
            assert word.replace("NAME", names[kind]).replace("PID", elsewhere) in ended.text, (kind, ended.text)
        count("refusals")

    devices = {kind: f"/dev/{name}" for kind, name in names.items()}
    plain = each(vm, [mount(device) for device in devices.values()])
    wiping = each(vm, [mount(device, "--wipe", device, *ALL_FLAGS) for device in devices.values()])
    for number, (kind, holder) in enumerate(HOLDERS.items()):
        for ended in (plain[number], wiping[number]):
            refused(kind, holder.id, holder.words, ended)
    assert (images(vm, *names.values()), read(vm, FSTAB)) == before

    # What each service with a mount namespace of its own got of these mounts is nothing to tell a person.
    assert plain[list(HOLDERS).index("home")].ids == ["mounted"]
    (ended,) = each(vm, [("disk", "umount", "/srv/images", "--yes", "--json")])
    assert (ended.status, ended.ids) == (BUSY, ["busy"]), ended
    assert "/dev/loop2 (a loop device over /srv/images/image)" in ended.text
    count("refusals")

    left = {kind: holder for kind, holder in HOLDERS.items() if holder.let_go}
    for kind, holder in left.items():
        shell(vm, holder.let_go.replace("NAME", names[kind]))
    shell(vm, "udevadm settle")
    before = images(vm, *names.values()), read(vm, FSTAB)
    plain = each(vm, [mount(devices[kind]) for kind in left])
    for ended, (kind, holder) in zip(plain, left.items(), strict=True):
        refused(kind, holder.then, holder.then_words, ended)
    # What a single wipe could not make good again is not wiped by opskit at all.
    kept = [kind for kind, holder in left.items() if holder.then in {"member", "held"}]
    wiping = each(vm, [mount(devices[kind], "--wipe", devices[kind]) for kind in kept])
    for ended, kind in zip(wiping, kept, strict=True):
        refused(kind, left[kind].then, left[kind].then_words, ended)
    assert (images(vm, *names.values()), read(vm, FSTAB)) == before
    assert vm.run("ls", LEDGER, check=False).stdout == ""


# It comes back by itself, whoever ends its processes.
SERVICE = """
systemd-run -q --service-type=notify -p NotifyAccess=all -p Restart=always -p RestartSec=100ms --unit=holder \\
  sh -c 'cd /data; systemd-notify --ready; exec sleep infinity'
"""


def test_a_service_that_is_busy_is_stopped_by_the_line_that_is_shown(vm: Machine, count: Count) -> None:
    shell(vm, f"opskit disk mount /dev/vdb {TARGET} --yes; {SERVICE}")
    for how in ("--dry-run", "--yes"):
        refused = answer(vm, "disk", "umount", TARGET, how)
        assert (refused["status"], [finding["id"] for finding in refused["findings"]]) == (BUSY, ["busy"]), refused
        finding = refused["findings"][0]
        assert finding["remedy"] == "systemctl stop holder.service; then try again"
        count("refusals")
    shell(vm, finding["remedy"].partition(";")[0])
    assert answer(vm, "disk", "umount", TARGET, "--yes")["status"] == 0
    assert mounted(vm) is None
