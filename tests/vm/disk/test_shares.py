"""Shares of the network against real servers in the machine: the kernel's nfsd and Samba's smbd, by way of loopback."""

from __future__ import annotations

from typing import Any

from vm.conftest import Count
from vm.guest import FSTAB, LEDGER, answer, failed_units, opskit, read, settled
from vm.shares import NFS_3, SERVE, SMB, SMB_CONFIG, SMB_START
from vmlab.machine import Machine

TARGET = "/mnt/share"
DONE, REFUSED, BUSY, TAKEN_BACK = 0, 5, 7, 8
SECRET = "hunter2-Of-The-Share"
EXPORTS = """\
/srv/rw 127.0.0.1(rw,no_root_squash,fsid=1) ::1(rw,no_root_squash,fsid=1)
/srv/squash 127.0.0.1(rw,fsid=2)
/srv/other 10.9.9.9(rw,fsid=3)
"""
MOUNTD_4 = "rpc.mountd --no-nfs-version 3"
NFS_4 = "rpc.nfsd --no-nfs-version 3 2; echo Y > /proc/fs/nfsd/v4_end_grace"
STOP = "rpc.nfsd 0"
SMB_STOP = """
kill $(cat /run/samba/smbd.pid)
while ss -tan | grep -q '127.0.0.1:445 .*ESTAB\\|:445 .*LISTEN'; do sleep 0.1; done
"""


def mount(vm: Machine, share: str, *more: str) -> dict[str, Any]:
    return answer(vm, "disk", "mount", share, TARGET, "--yes", *more)


def ids(envelope: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in envelope["findings"]]


def refused(vm: Machine, count: Count, share: str, ident: str, words: str, *more: str) -> None:
    """A dry run and a real one are refused with this finding, and nothing is changed."""
    before = read(vm, FSTAB), read(vm, "/proc/self/mountinfo")
    for how in ("-n", "--yes"):
        outcome = answer(vm, "disk", "mount", share, TARGET, how, *more)
        assert (outcome["status"], ids(outcome)) == (REFUSED, [ident]), outcome
        finding = outcome["findings"][0]
        assert words in f"{finding['title']}; {finding['remedy']}"
        assert (read(vm, FSTAB), read(vm, "/proc/self/mountinfo")) == before
        assert vm.run("test", "-e", TARGET, check=False).returncode
        count("refusals")


def mounted(vm: Machine, target: str, columns: str = "SOURCE") -> str:
    """These columns of findmnt for a mount point; "" where nothing is mounted on it. It asks no server."""
    return vm.run("findmnt", "-rno", columns, "--mountpoint", target, check=False).stdout.strip()


def test_nfs(vm: Machine, count: Count) -> None:
    fstab = read(vm, FSTAB)
    vm.run("sh", "-euc", SERVE, stdin=EXPORTS)
    vm.run("sh", "-euc", f"{NFS_4}; {MOUNTD_4}")
    refused(vm, count, "localhost:/srv/other", "no-such-export", "does not export it, or not to this host")
    refused(vm, count, "localhost:/srv/rw", "nfs-version", "has no NFS 3, but 4", "--mount-options", "vers=3")

    line = f"localhost:/srv/rw {TARGET} nfs4 defaults,_netdev,nofail 0 0"
    reply = mount(vm, "localhost:/srv/rw")
    assert (reply["status"], ids(reply), reply["result"]["fstab_line"]) == (DONE, [], line), reply
    assert read(vm, FSTAB) == f"{fstab}{line}\n"
    assert mounted(vm, TARGET, "FSTYPE,SOURCE") == "nfs4 localhost:/srv/rw"
    assert vm.run("systemctl", "is-active", "mnt-share.mount").stdout == "active\n"
    unit = vm.run("systemctl", "show", "-P", "FragmentPath", "mnt-share.mount").stdout
    assert unit == "/run/systemd/generator/mnt-share.mount\n"
    assert vm.run("ls", "-A", "/srv/rw").stdout == ""
    again = mount(vm, "localhost:/srv/rw")
    assert (again["status"], again["result"]["changed"]) == (DONE, False)

    # The server goes: what looks there does not hang, and what would wait for it is refused.
    vm.run("sh", "-euc", STOP)
    shares = answer(vm, "disk", "list")["result"]["shares"]
    assert [[share["source"], share["type"], share["line"]] for share in shares] == [["localhost:/srv/rw", "nfs4", 2]]
    assert "did not answer" in opskit(vm, "disk", "umount", "localhost:/srv/rw", "-y", check=False).stderr
    vm.run("sh", "-euc", NFS_4)
    vm.run("ls", TARGET)

    # Out of service, and back by undo; then all of it.
    out = answer(vm, "disk", "umount", "localhost:/srv/rw", "--yes")
    assert (out["status"], mounted(vm, TARGET), read(vm, FSTAB)) == (DONE, "", fstab), out
    opskit(vm, "undo", out["result"]["run"], "--yes")
    assert (mounted(vm, TARGET), read(vm, FSTAB)) == ("localhost:/srv/rw", f"{fstab}{line}\n")
    opskit(vm, "undo", reply["result"]["run"], "--yes")
    assert (mounted(vm, TARGET), read(vm, FSTAB)) == ("", fstab)
    assert vm.run("test", "-e", TARGET, check=False).returncode

    reply = mount(vm, "127.0.0.1:/srv/squash", "--no-fstab")
    assert (reply["status"], ids(reply)) == (DONE, ["gone-after-reboot", "not-writable"]), reply
    assert "Permission denied" in reply["findings"][1]["title"]
    assert failed_units(vm) == ""


def test_nfs_3(vm: Machine, count: Count) -> None:
    """With its rpcbind and its mountd, which say more."""
    vm.run("sh", "-euc", SERVE, stdin=EXPORTS)
    vm.run("sh", "-euc", NFS_3)
    three = ("--mount-options", "vers=3,nolock")
    refused(vm, count, "127.0.0.1:/srv/none", "no-such-export", "/srv/squash")
    refused(vm, count, "127.0.0.1:/srv/other", "access-denied", "10.9.9.9", *three)
    answer = mount(vm, "[::1]:/srv/rw", *three)
    assert (answer["status"], mounted(vm, TARGET, "FSTYPE,SOURCE")) == (DONE, "nfs [::1]:/srv/rw"), answer
    vm.run("sh", "-euc", "umount $1; rmdir $1; sed -i '$d' $2; kill $(pidof rpcbind)", "sh", TARGET, FSTAB)
    refused(vm, count, "127.0.0.1:/srv/rw", "no-rpcbind", "port 111", *three)
    assert failed_units(vm) == ""


# A command on a terminal of its own, and what a person types there once he is asked for a password.
TYPED = """
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
shown = b""
while not shown.endswith(b"Password of ann for //localhost/archive: "):
    shown += os.read(terminal, 1)
os.write(terminal, sys.stdin.buffer.readline())
try:
    while more := os.read(terminal, 4096):
        shown += more
except OSError:  # its last descriptor is closed
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def given(vm: Machine, password: str) -> tuple[str, ...]:
    """The options that name ann and a file with this password."""
    vm.run("sh", "-euc", "umask 077; cat > /root/password", stdin=f"{password}\n")
    return ("--user", "ann", "--password-file", "/root/password")


def test_smb(vm: Machine, count: Count) -> None:
    """Each wrong thing has its cause, and all is taken back; then a share is mounted, read-only too, and goes again."""
    fstab = read(vm, FSTAB)
    vm.run("sh", "-euc", SMB, "sh", SECRET, stdin=SMB_CONFIG)
    refused(vm, count, "//localhost/data", "server-refuses", "no SMB server runs there", *given(vm, SECRET))
    vm.run("sh", "-euc", SMB_START)
    texts = []
    for share, password, words in (
        ("//localhost/data", f"{SECRET}-wrong", "the user or the password is wrong"),
        ("//localhost/none", SECRET, "has no share none"),
    ):
        who = given(vm, password)
        done = opskit(vm, "disk", "mount", share, TARGET, "--yes", *who, "-vv", "--debug", check=False)
        assert (done.returncode, words in done.stderr) == (TAKEN_BACK, True), done.stderr
        assert (read(vm, FSTAB), mounted(vm, TARGET)) == (fstab, "")
        assert vm.run("test", "-e", "/etc/smbcredentials", check=False).returncode
        assert vm.run("test", "-e", TARGET, check=False).returncode
        texts += [done.stdout, done.stderr]

    who = given(vm, SECRET)
    path = "/etc/smbcredentials/localhost-data.cred"
    line = f"//localhost/data {TARGET} cifs credentials={path},_netdev,nofail 0 0"
    reply = mount(vm, "//localhost/data", *who)
    assert (reply["status"], ids(reply), reply["result"]["fstab_line"]) == (DONE, [], line), reply
    assert read(vm, FSTAB) == f"{fstab}{line}\n"
    assert mounted(vm, TARGET, "FSTYPE,SOURCE") == "cifs //localhost/data"
    assert vm.run("stat", "-c", "%a %U", "/etc/smbcredentials", path).stdout == "700 root\n600 root\n"
    assert read(vm, path) == f"username=ann\npassword={SECRET}\n"
    assert vm.run("ls", "-A", "/srv/smb").stdout == ""
    texts.append(str(reply))
    again = mount(vm, "//localhost/data", *who)
    assert (again["status"], again["result"]["changed"]) == (DONE, False)

    # The entry alone mounts it, as a boot does; out of service, and back by undo.
    vm.run("sh", "-euc", "umount $1; mount $1; echo kept > $1/file", "sh", TARGET)
    out = answer(vm, "disk", "umount", TARGET, "--yes")
    assert (out["status"], ids(out), mounted(vm, TARGET), read(vm, FSTAB)) == (DONE, ["credentials-kept"], "", fstab)
    opskit(vm, "undo", out["result"]["run"], "--yes")
    assert (mounted(vm, TARGET), read(vm, FSTAB)) == ("//localhost/data", f"{fstab}{line}\n")
    assert read(vm, f"{TARGET}/file") == "kept\n"
    opskit(vm, "undo", reply["result"]["run"], "--yes")
    assert (mounted(vm, TARGET), read(vm, FSTAB)) == ("", fstab)
    assert vm.run("test", "-e", "/etc/smbcredentials", check=False).returncode
    assert vm.run("test", "-e", TARGET, check=False).returncode

    # A share that is read-only at its server is told of; with ro nothing is written to it.
    for options, expected in (((), ["not-writable"]), (("--mount-options", "ro"), [])):
        reply = mount(vm, "//localhost/archive", "--no-fstab", *who, *options)
        assert (reply["status"], ids(reply)) == (DONE, ["gone-after-reboot", *expected]), reply
        opskit(vm, "undo", reply["result"]["run"], "--yes")
    typed = ("opskit", "disk", "mount", "//localhost/archive", TARGET, "--user", "ann", "--yes")
    shown = vm.run("python3", "-c", TYPED, *typed, stdin=f"{SECRET}\n").stdout
    archive = "/etc/smbcredentials/localhost-archive.cred"
    assert (mounted(vm, TARGET), read(vm, archive)) == ("//localhost/archive", f"username=ann\npassword={SECRET}\n")
    opskit(vm, "undo", "last", "--yes")
    assert (mounted(vm, TARGET), read(vm, FSTAB)) == ("", fstab)
    texts += [shown, read(vm, LEDGER), vm.run("sh", "-c", "cat /var/lib/opskit/*.log*").stdout]
    assert "write-credentials" in "".join(texts)
    assert SECRET not in "".join(texts)
    assert failed_units(vm) == ""


def test_undo_where_the_server_is_gone(vm: Machine) -> None:
    """Neither end of a share waits for it: what cannot be taken back is kept and named, and goes once it answers."""
    fstab = read(vm, FSTAB)
    vm.run("sh", "-euc", SMB, "sh", SECRET, stdin=SMB_CONFIG)
    vm.run("sh", "-euc", SERVE, stdin=EXPORTS)
    vm.run("sh", "-euc", f"{NFS_4}; {MOUNTD_4}; {SMB_START}")
    for share, more, stop, start in (
        ("localhost:/srv/rw", (), STOP, NFS_4),
        ("//localhost/data", given(vm, SECRET), SMB_STOP, SMB_START),
    ):
        put = mount(vm, share, *more)
        assert put["status"] == DONE, put
        out = answer(vm, "disk", "umount", TARGET, "--yes")
        vm.run("sh", "-euc", stop)
        undone = opskit(vm, "undo", out["result"]["run"], "--yes", check=False)
        assert (undone.returncode, "refuses connections" in undone.stderr) == (1, True), undone.stderr
        assert mounted(vm, TARGET) == ""
        vm.run("sh", "-euc", start)
        opskit(vm, "undo", out["result"]["run"], "--yes")
        assert mounted(vm, TARGET) == share

        vm.run("sh", "-euc", stop)
        undone = opskit(vm, "undo", put["result"]["run"], "--yes", check=False)
        assert (undone.returncode, "did not answer" in undone.stderr) == (1, True), undone.stderr
        assert mounted(vm, TARGET) == share
        vm.run("sh", "-euc", start)
        opskit(vm, "undo", put["result"]["run"], "--yes")
        assert (mounted(vm, TARGET), read(vm, FSTAB)) == ("", fstab)


# systemd gives up a mount and an unmount after 90 s (in this guest after half an hour): here after 5. Nothing serves
# when the host has booted again.
GONE = """
rpc.nfsd 0
: > /etc/exports
systemctl disable --quiet nfs-server
mkdir /etc/systemd/system/mnt-share.mount.d
printf '[Mount]\\nTimeoutSec=5\\n' > /etc/systemd/system/mnt-share.mount.d/test.conf
systemctl daemon-reload
"""


def test_the_nfs_server_is_gone_at_shutdown_and_at_boot(vm: Machine) -> None:
    """The entry that opskit wrote holds up neither; what looks afterwards says so, and what would mount asks first."""
    vm.run("sh", "-euc", SERVE, stdin=EXPORTS)
    vm.run("sh", "-euc", f"{NFS_4}; {MOUNTD_4}")
    assert mount(vm, "localhost:/srv/rw")["status"] == DONE
    vm.run("sh", "-euc", "echo kept > $1/file; sync", "sh", TARGET)
    vm.run("sh", "-euc", GONE)
    vm.reboot()  # raises unless it goes down, and reaches multi-user.target
    assert settled(vm) == "degraded"
    assert failed_units(vm).split()[:1] == ["mnt-share.mount"]
    assert "localhost:/srv/rw" in read(vm, FSTAB)

    check = answer(vm, "disk", "fstab", "check")
    assert [(finding["id"], finding["title"]) for finding in check["findings"]] == [
        ("not-mounted", f"nothing is mounted on {TARGET}")
    ]
    assert answer(vm, "disk", "list")["result"]["shares"] == []
    refused = mount(vm, "localhost:/srv/rw")
    assert (refused["status"], ids(refused)) == (REFUSED, ["server-refuses"]), refused
    vm.run("sh", "-euc", SERVE, stdin=EXPORTS)
    vm.run("sh", "-euc", f"{NFS_4}; {MOUNTD_4}")
    assert mount(vm, "localhost:/srv/rw")["status"] == DONE
    assert read(vm, f"{TARGET}/file") == "kept\n"


def test_a_disk_that_the_nfs_server_of_the_host_holds(vm: Machine, count: Count) -> None:
    """No process has a file open there: the refusal names the server, and its remedies help."""
    data = "/data"
    opskit(vm, "disk", "mount", "/dev/vdb", data, "--yes")
    vm.run("sh", "-euc", SERVE, stdin=f"{data} 127.0.0.1(rw,no_root_squash,fsid=7)\n")
    vm.run("sh", "-euc", f"{NFS_4}; {MOUNTD_4}")
    vm.run("sh", "-euc", "mkdir $1; mount -t nfs4 127.0.0.1:/data $1; : > $1/file", "sh", TARGET)
    for more in ("--dry-run", "--yes"):
        outcome = answer(vm, "disk", "umount", data, more)
        assert (outcome["status"], ids(outcome)) == (BUSY, ["busy"]), outcome
        assert f"the NFS server of this host holds {data}" in outcome["findings"][0]["title"]
        count("refusals")
    assert mounted(vm, data) == "/dev/vdb1"
    assert vm.run("umount", data, check=False).returncode  # so it is
    vm.run("sh", "-euc", ": > /etc/exports; exportfs -ra; exportfs -f; umount -f $1", "sh", TARGET)
    outcome = answer(vm, "disk", "umount", data, "--yes")
    assert outcome["status"] == DONE, outcome
