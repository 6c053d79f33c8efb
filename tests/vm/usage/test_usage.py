"""What fills a booted host: du against GNU du, df against GNU df, and why a filesystem is full."""

from __future__ import annotations

from vm.guest import TARGET, answer, mount, opskit
from vmlab.machine import Machine

HOG = "opskit-hog.service"
MIB = 1 << 20


def test_du_and_df_are_gnus_on_a_booted_host(vm: Machine) -> None:
    expected = sorted(vm.run("du", "-B1", "-x", "--max-depth=3", "/").stdout.splitlines())
    output = opskit(vm, "du", "-x", "--depth", "3", "--bytes", "/").stdout.splitlines()
    # What writes meanwhile: the journal and what reads of it; their directories are those above.
    moving = {line.split("\t")[1] for line in set(expected) ^ set(output)}
    assert moving <= {"/", "/var", "/var/log", "/var/log/journal", "/run", "/tmp"}
    assert len(output) > 100
    fields = "source,fstype,size,target"
    gnu = [line.split() for line in vm.run("df", "-B1", f"--output={fields}").stdout.splitlines()[1:]]
    mine = answer(vm, "df")["result"]["filesystems"]
    assert [
        [instance["source"], instance["fstype"], str(instance["size_bytes"]), instance["mount_point"]]
        for instance in mine
    ] == gnu


def test_a_deleted_file_of_a_service_is_named_with_its_unit_and_restarting_frees_it(vm: Machine) -> None:
    mount(vm)
    hold = f"exec 3>{TARGET}/log; head -c {32 * MIB} /dev/zero >&3; rm {TARGET}/log; echo > /run/ready; exec sleep 600"
    vm.run("mkfifo", "/run/ready")
    vm.run("systemd-run", f"--unit={HOG}", "sh", "-c", hold)
    vm.run("cat", "/run/ready")
    (deleted,) = answer(vm, "df", "--deleted", TARGET)["result"]["deleted"]
    assert deleted["bytes"] >= 32 * MIB
    assert HOG in str(deleted)
    why = answer(vm, "df", "--why", TARGET)["result"]
    assert next(part["bytes"] for part in why["parts"] if part["id"] == "deleted") >= 32 * MIB
    assert f"systemctl restart {HOG}" in opskit(vm, "df", "--deleted", TARGET).stdout
    vm.run("systemctl", "stop", HOG)
    assert answer(vm, "df", "--deleted", TARGET)["result"]["deleted"] == []


def test_why_the_system_disk_is_as_full_as_it_is(vm: Machine) -> None:
    # What is hidden under a mount point is what du does not find.
    vm.run("sh", "-c", f"mkdir -p {TARGET} && head -c {64 * MIB} /dev/urandom > {TARGET}/hidden && sync")
    vm.run("mount", "-t", "tmpfs", "none", TARGET)
    result = answer(vm, "df", "--why", "/")["result"]
    parts = {part["id"]: part["bytes"] for part in result["parts"]}
    used = result["filesystem"]["used_bytes"]
    assert sum(parts.values()) == used
    assert abs(parts["unexplained"]) <= used / 100
    assert 64 * MIB <= parts["hidden"] <= 65 * MIB
    assert TARGET in {place["mount_point"] for place in result["hidden"]}
    assert result["missing"] == []
