"""A look opens nothing that an automount guards: its filesystem is mounted when somebody uses it, not by opskit."""

from __future__ import annotations

from vm.guest import FSTAB, batches, mount, read, uuid
from vmlab.machine import Machine

GUARDED = "/guarded"


def test_no_look_and_no_dry_run_triggers_it(vm: Machine) -> None:
    mount(vm)
    vm.run("umount", "/dev/vdb1")
    vm.run("mkdir", "-p", GUARDED)
    line = f"UUID={uuid(vm, '/dev/vdb1')} {GUARDED} ext4 noauto,x-systemd.automount 0 0"
    vm.run("sh", "-c", f"echo '{line}' >> {FSTAB}; systemctl daemon-reload; systemctl start guarded.automount")

    def triggered(text: str) -> bool:
        return " - ext4 " in "".join(row for row in text.splitlines(keepends=True) if f" {GUARDED} " in row)

    looks = (
        "list",
        "show /dev/vdb",
        f"facts {GUARDED}",
        "fstab check",
        "fstab show",
        "fstab backup -n",
        f"mount /dev/vdb {GUARDED} -n",
        f"umount {GUARDED} -n",
        f"grow {GUARDED} -n",
    )
    mounts = "/proc/self/mountinfo"
    for look, batch in zip(looks, batches(vm, [[("disk", *look.split())] for look in looks], watched=(mounts,))):
        assert not triggered(batch.watched[mounts]), look
    assert not triggered(read(vm, mounts))
    vm.run("ls", GUARDED)  # the test would see it
    assert triggered(read(vm, mounts))
