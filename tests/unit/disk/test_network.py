"""What `opskit disk mount` and `umount` decide of shares, of facts that no test machine has."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest

from opskit.core.errors import CannotUndo, Failed, UsageFault
from opskit.core.jsonable import from_json, to_json
from opskit.core.plan import Plan, Refusal
from opskit.core.units import GIB
from opskit.disk.fstab.check import check
from opskit.disk.fstab.steps import RemoveFstabEntry
from opskit.disk.fstab.text import Line, entries, text_hash
from opskit.disk.model import FileFact, HostFacts, Mount, PathFact, UsingProcess, is_share
from opskit.disk.mount.umount_plan import UmountRequest
from opskit.disk.network.causes import share_cause
from opskit.disk.network.model import CredentialsFact, ServerFact, ShareFacts
from opskit.disk.network.plan import decide_share
from opskit.disk.network.request import ShareRequest, credentials_path, entry_options
from opskit.disk.network.see import credentials
from opskit.disk.network.share import Share, name_reasons, parse
from opskit.disk.network.steps import MountShare, UnmountShare, WriteCredentials
from opskit.disk.network.umount_plan import decide_umount_share, share_in_service
from opskit.disk.show import list_json

RUN = "20261129T020000Z-abc123"
TARGET, SOURCE, SMB = "/mnt/nas", "nas:/srv/data", "//nas/data"
SECRET = "hunter2"
FOUR = ServerFact("answers", "10.0.0.9", 2049, versions=(3, 4), version=4, export="there")
THREE = replace(FOUR, versions=(3,), version=3)
CIFS = ServerFact("answers", "10.0.0.9", 445)
ENTRY = f"{SOURCE} {TARGET} nfs4 defaults,_netdev,nofail 0 0"
MOUNT = Mount("0:51", TARGET, SOURCE, "nfs4", "rw,relatime,vers=4.2")


def host(fstab: str = "", *mounts: Mount, **more: Any) -> HostFacts:
    file = FileFact("/etc/fstab", "/etc/fstab", exists=True, text=fstab, directory_free=GIB)
    tools = {"mount.nfs": "1", "mount.cifs": "1"}
    here = any(mount.target == TARGET for mount in mounts)
    path = PathFact(TARGET, "directory" if here else "absent", TARGET, mounted=here)
    given = {"paths": (path,), "tools": tools, "mounts": mounts, "systemd": True, **more}
    return HostFacts(1, "", "h", True, (), file, replace(file, path="/etc/crypttab"), **given)


def decide(request: str = SOURCE, server: Optional[ServerFact] = FOUR, now: Optional[HostFacts] = None,
           file: Optional[CredentialsFact] = None, kernel: tuple[int, int] = (5, 14), **words: Any) -> Any:  # fmt: skip
    share = parse(request)
    assert share
    facts = ShareFacts(now or host(), server, file, kernel)
    return decide_share(facts, ShareRequest(share, TARGET, **words), RUN)


def plan(*args: Any, **more: Any) -> Plan:
    decision = decide(*args, **more)
    assert isinstance(decision, Plan), decision
    return decision


def refusal(*args: Any, **more: Any) -> dict[str, str]:
    """The title of each reason by its id."""
    decision = decide(*args, **more)
    assert isinstance(decision, Refusal), decision
    assert all(reason.remedy or reason.id == "bad-user" for reason in decision.reasons)
    return {reason.id: f"{reason.title}; {reason.remedy}" for reason in decision.reasons}


def line_of(decision: Plan) -> str:
    (step,) = [step for step in decision.steps if step.kind == "disk.add-fstab-entry"]
    return str(step.line)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("nas:/srv/data", Share("nfs", "nas", "/srv/data")),
        ("nas:/", Share("nfs", "nas", "/")),
        ("nas.example.org.:/srv//data/", Share("nfs", "nas.example.org.", "/srv/data")),
        ("10.0.0.9:/a b", Share("nfs", "10.0.0.9", "/a b")),
        ("[::1]:/x", Share("nfs", "::1", "/x")),
        ("[fe80::1%eth0]:/x", Share("nfs", "fe80::1%eth0", "/x")),
        ("my_nas:/x", Share("nfs", "my_nas", "/x")),
        ("//nas/data", Share("cifs", "nas", "data")),
        ("//nas/data/in/", Share("cifs", "nas", "data/in")),
        ("//nas/a,b", Share("cifs", "nas", "a,b")),
        ("-oro:/x", None),
        ("nas-:/x", None),
        ("a..b:/x", None),
        ("na s:/x", None),
        ("nas,ro:/x", None),
        ("nas:/x\ny", None),
        ("nas:/x\x1b", None),
        ("nas:/a/../b", None),
        ("[::1:/x", None),
        ("::1:/x", None),
        ("[nas]:/x", None),
        ("[::1%a b]:/x", None),
        ("nfs://nas/x", None),
        ("smb://nas/x", None),
        ("user@nas:/x", None),
        ("//nas", None),
        ("//nas/", None),
        ("//nas//", None),
        ("///data", None),
        ("//-o/data", None),
        ("//nas/da\tta", None),
        ("\\\\nas\\data", None),
        ("a" * 254 + ":/x", None),
        ("nas:/" + "x" * 1100, None),
    ],
)  # fmt: skip
def test_what_is_the_name_of_a_share(text: str, share: Optional[Share]) -> None:
    assert is_share(text)
    assert parse(text) == share
    assert bool(list(name_reasons(text))) == (share is None)
    if share:
        assert parse(share.source) == share


@pytest.mark.parametrize("text", ["/dev/vdb", "/dev/disk/by-path/pci-0000:00:05.0", "UUID=a-b", "LABEL=a:/b", "vdb"])
def test_what_is_a_device(text: str) -> None:
    assert not is_share(text)
    assert parse(text) is None


@pytest.mark.parametrize(("text", "remedy"), [("nfs://nas/x", "nas:/x"), ("smb://nas/x", "//nas/x"),
                                              ("\\\\nas\\x", "//nas/x")])  # fmt: skip
def test_a_name_of_another_form_is_written_right(text: str, remedy: str) -> None:
    (reason,) = name_reasons(text)
    assert remedy in reason.remedy


def test_an_export_with_a_space_is_escaped_in_fstab_and_known_again() -> None:
    line = line_of(plan("nas:/srv/a b"))
    assert line == f"nas:/srv/a\\040b {TARGET} nfs4 defaults,_netdev,nofail 0 0"
    (entry,) = entries(line)
    share = parse("NAS:/srv/a b/")
    assert share
    assert share.is_source(entry.source)
    assert not share.is_source("nas:/srv/A b")


def test_the_plan_of_a_new_share() -> None:
    decision = plan()
    assert [change.action for change in decision.changes] == [
        "make-mount-point", "mount-share", "backup-fstab", "add-fstab-entry",
    ]  # fmt: skip
    assert line_of(decision) == ENTRY
    script = decision.as_shell()
    assert f"mount -t nfs4 {SOURCE} {TARGET}" in script
    assert script.index("mount -t") < script.index(">>" if ">>" in script else "fstab.new")
    assert decision.result["fstype"] == "nfs4"


@pytest.mark.parametrize(
    ("server", "options", "line"),
    [
        (FOUR, {}, "nfs4 defaults,_netdev,nofail"),
        (THREE, {}, "nfs vers=3,_netdev,nofail"),
        (THREE, {"mount_options": "vers=3,ro"}, "nfs vers=3,ro,_netdev,nofail"),
        (FOUR, {"mount_options": "vers=4.2"}, "nfs vers=4.2,_netdev,nofail"),
        (FOUR, {"mount_options": "noatime,nofail,_netdev"}, "nfs4 noatime,nofail,_netdev"),
        (FOUR, {"fstype": "nfs"}, "nfs defaults,_netdev,nofail"),
        (None, {}, "nfs defaults,_netdev,nofail"),
    ],
)
def test_the_type_and_the_version_are_those_of_the_server(server: Any, options: Any, line: str) -> None:
    assert line_of(plan(server=server, **options)) == f"{SOURCE} {TARGET} {line} 0 0"


def test_facts_that_were_saved_say_that_no_server_was_asked() -> None:
    assert [note.id for note in plan(server=None).notes] == ["server-not-asked"]


def test_read_only_is_not_written_to() -> None:
    def mount(**more: Any) -> Any:
        return next(step for step in plan(**more).steps if isinstance(step, MountShare))

    assert mount().write
    assert not mount(mount_options="ro,noatime").write


@pytest.mark.parametrize(
    ("server", "ident", "words"),
    [
        (ServerFact("unresolved", why="Name or service not known"), "server-unresolved", "getent ahosts nas"),
        (ServerFact("refused", "10.0.0.9", 2049), "server-refuses", "nas (10.0.0.9) refuses connections to port 2049"),
        (ServerFact("silent", "10.0.0.9", 2049, seconds=5), "server-silent", "within 5 s"),
        (ServerFact("unreachable", "10.0.0.9", 2049, "No route to host"), "server-unreachable", "No route to host"),
        (replace(FOUR, export="absent"), "no-such-export", "does not export it, or not to this host"),
        (replace(FOUR, export="absent", exports={"/a": "*", "/b": "*"}), "no-such-export", "it exports /a, /b"),
        (replace(FOUR, export="absent", exports={}), "no-such-export", "it exports nothing"),
        (replace(FOUR, export="absent", exports={"/srv/data": "10.9.0.0/16"}), "access-denied", "10.9.0.0/16"),
        (replace(THREE, export="denied"), "access-denied", "denies this host"),
        (replace(FOUR, export="kerberos"), "access-denied", "sec=krb5"),
        (replace(FOUR, export="no-directory"), "no-such-export", "not a directory"),
        (replace(THREE, rpcbind="port 111 (rpcbind): Connection refused"), "no-rpcbind", "port 111"),
        (replace(FOUR, versions=()), "nfs-version", "neither NFS 3 nor NFS 4"),
    ],
)
def test_each_answer_of_the_server_has_its_own_cause(server: ServerFact, ident: str, words: str) -> None:
    reasons = refusal(server=server)
    assert list(reasons) == [ident]
    assert words in reasons[ident]


def test_a_version_that_the_server_has_not() -> None:
    assert "has no NFS 3, but 4" in refusal(server=replace(FOUR, versions=(4,)), mount_options="vers=3")["nfs-version"]
    assert "has no NFS 4, but 3" in refusal(server=THREE, fstype="nfs4")["nfs-version"]


@pytest.mark.parametrize(
    ("request_", "wanted", "ident"),
    [
        (SOURCE, {"others": ("--label",)}, "not-for-shares"),
        (SOURCE, {"fstype": "ext4"}, "wrong-fstype"),
        (SOURCE, {"fstype": "cifs"}, "wrong-fstype"),
        (SMB, {"fstype": "nfs4", "user": "ann"}, "wrong-fstype"),
        (SOURCE, {"user": "ann"}, "not-for-nfs"),
        (SOURCE, {"mount_options": "vers=2"}, "nfs-version"),
        (SOURCE, {"mount_options": "vers=3", "fstype": "nfs4"}, "nfs-version"),
        (SOURCE, {"mount_options": "ro,,noatime"}, "bad-mount-options"),
        (SMB, {}, "no-user"),
        (SMB, {"domain": "corp"}, "no-user"),
        (SMB, {"user": "ann", "mount_options": "guest"}, "no-user"),
        (SMB, {"user": "ann\n"}, "bad-user"),
        (SMB, {"mount_options": f"username=ann,password={SECRET}"}, "password-in-options"),
        (SMB, {"mount_options": f"user=ann%{SECRET}"}, "password-in-options"),
        (SMB, {"mount_options": f"pass={SECRET}"}, "password-in-options"),
    ],
)
def test_what_cannot_be_asked_for(request_: str, wanted: Any, ident: str) -> None:
    reasons = refusal(request_, **wanted)
    assert next(iter(reasons)) == ident
    assert SECRET not in str(reasons)


def test_the_client_that_is_missing_is_named() -> None:
    bare = host(tools={}, package_manager="dnf")
    assert "dnf install nfs-utils" in refusal(now=bare)["missing-tool"]
    assert "dnf install cifs-utils" in refusal(SMB, CIFS, now=bare, mount_options="guest")["missing-tool"]
    debian = host(tools={}, package_manager="apt-get")
    assert "apt-get install nfs-common" in refusal(now=debian)["missing-tool"]


def test_a_second_run_changes_nothing() -> None:
    decision = plan(server=None, now=host(ENTRY, MOUNT))
    assert (decision.steps, decision.notes) == ((), ())
    assert decision.result["fstype"] == "nfs4"
    assert decision.result["fstab_line"] == ENTRY
    written = f"{SMB} {TARGET} cifs credentials={credentials_path(parse(SMB))},_netdev,nofail 0 0"
    mounted = Mount("0:52", TARGET, SMB, "cifs", "rw,relatime,username=ann")
    assert plan(SMB, None, now=host(written, mounted), user="ann").steps == ()
    # The entry goes back into service by the command that made it.
    file = CredentialsFact(credentials_path(parse(SMB)), exists=True, safe=True, user="ann")
    again = plan(SMB, CIFS, now=host(written), file=file, user="ann")
    assert [change.action for change in again.changes] == ["make-mount-point", "mount-share"]


def test_a_mount_without_an_entry_gets_one_as_it_is_mounted() -> None:
    three = replace(MOUNT, fstype="nfs", options="rw,vers=3")
    decision = plan(server=None, now=host("", three))
    assert [change.action for change in decision.changes] == ["backup-fstab", "add-fstab-entry"]
    assert line_of(decision) == f"{SOURCE} {TARGET} nfs defaults,_netdev,nofail 0 0"


def test_an_entry_that_is_there_is_used() -> None:
    line = f"NAS:/srv/data/ {TARGET}/ nfs rw,hard,vers=4.1,_netdev,nofail 0 0"
    decision = plan(now=host(line))
    assert [change.action for change in decision.changes] == ["make-mount-point", "mount-share"]
    assert f"mount -t nfs -o rw,hard,vers=4.1 {SOURCE} {TARGET}" in decision.as_shell()
    cifs = plan(SMB, CIFS, now=host(f"{SMB} {TARGET} cifs credentials=/root/c,nofail 0 0"))
    assert f"mount -t cifs -o credentials=/root/c {SMB} {TARGET}" in cifs.as_shell()


@pytest.mark.parametrize(
    ("line", "requests", "ident", "words"),
    [
        (f"other:/x {TARGET} nfs nofail 0 0", {}, "mount-point-in-fstab", "already mounts other:/x"),
        (f"{SOURCE} {TARGET} ext4 nofail 0 0", {}, "wrong-fstype", f"{SOURCE} {TARGET} nfs nofail"),
        (f"{SOURCE} {TARGET} nfs nofail 0 0", {"fstype": "nfs4"}, "wrong-fstype", f"{SOURCE} {TARGET} nfs4 nofail"),
        (ENTRY, {"mount_options": "ro"}, "other-options", f"{SOURCE} {TARGET} nfs4 ro,_netdev,nofail 0 0"),
        (f"{SOURCE} {TARGET} nfs nofail 0 x", {}, "entry-ignored", "fix that line"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_with_the_line_to_write(
    line: str, requests: Any, ident: str, words: str
) -> None:
    reasons = refusal(now=host(line), **requests)
    assert list(reasons) == [ident]
    assert words in reasons[ident]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ("defaults,_netdev", ["missing-nofail"]),
        ("defaults,nofail", []),
        ("noauto,nofail", ["noauto-entry"]),
        ("x-systemd.automount", []),
        ("bg", []),
    ],
)
def test_what_an_entry_of_somebody_else_means_at_boot(options: str, ids: list[str]) -> None:
    assert [note.id for note in plan(now=host(f"{SOURCE} {TARGET} nfs4 {options} 0 0")).notes] == ids


def test_an_automount_point_of_the_entry_is_left_to_systemd() -> None:
    line = f"{SOURCE} {TARGET} nfs4 noauto,x-systemd.automount 0 0"
    waiting = Mount("0:60", TARGET, "systemd-1", "autofs", "rw")
    decision = plan(now=host(line, waiting))
    assert (decision.steps, [note.id for note in decision.notes]) == ((), ["automount"])
    assert "automount" in refusal(now=host("", waiting))


def test_what_is_mounted_there_already() -> None:
    assert "mount-point-in-use" in refusal(now=host("", replace(MOUNT, source="other:/x")))
    assert (
        "vers=4" in refusal(server=None, now=host("", replace(MOUNT, fstype="nfs")), fstype="nfs4")["mounted-otherwise"]
    )
    assert "not with ro" in refusal(server=None, now=host("", MOUNT), mount_options="ro")["mounted-otherwise"]


def test_the_password_is_in_nothing_that_is_shown_or_kept() -> None:
    options = {"user": "ann", "domain": "corp", "password": SECRET, "password_file": "/root/pw"}
    decision = plan(SMB, CIFS, **options)
    step = decision.steps[0]
    assert isinstance(step, WriteCredentials)
    everything = [to_json(step), decision.as_json(), decision.as_shell(), decision.fingerprint, repr(decision)]
    assert SECRET not in str(everything)
    assert SECRET not in repr(ShareRequest(Share("cifs", "nas", "data"), **options))
    assert from_json(WriteCredentials, to_json(step)) == step
    assert decision.changes[0].action == "write-credentials"
    assert line_of(decision) == f"{SMB} {TARGET} cifs credentials=/etc/smbcredentials/nas-data.cred,_netdev,nofail 0 0"
    line = "printf '%s\\n' username=ann domain=corp \"password=$(cat -- /root/pw)\" > /etc/smbcredentials/nas-data.cred"
    assert line in decision.as_shell()
    assert "IFS= read -r password" in plan(SMB, CIFS, user="ann").as_shell()


def test_a_kernel_that_would_begin_with_smb_1_is_told_another() -> None:
    old = plan(SMB, CIFS, kernel=(3, 10), mount_options="guest")
    assert line_of(old) == f"{SMB} {TARGET} cifs guest,vers=3.0,_netdev,nofail 0 0"
    assert "vers" not in line_of(plan(SMB, CIFS, kernel=(4, 18), mount_options="guest"))
    assert "vers=3.0" not in line_of(plan(SMB, CIFS, kernel=(3, 10), mount_options="guest,vers=2.1"))


def test_two_shares_never_have_one_credentials_file() -> None:
    names = {
        credentials_path(Share("cifs", "nas", path)) for path in ("a/b", "a_b", "a b", "a,b", "x" * 300, "x" * 301)
    }
    assert len(names) == 6
    assert all(os.path.basename(name).isprintable() and len(os.path.basename(name)) < 130 for name in names)


@pytest.mark.parametrize(
    ("file", "ok"),
    [
        (CredentialsFact("/c", exists=True, safe=True, user="ann"), True),
        (CredentialsFact("/c", exists=True, safe=True, user="bob"), False),
        (CredentialsFact("/c", exists=True, safe=True, user="ann", domain="corp"), False),
        (CredentialsFact("/c", exists=True, safe=False), False),
        (CredentialsFact("/c", weak="/etc is writable"), False),
    ],
)
def test_a_credentials_file_that_is_there(file: CredentialsFact, ok: bool) -> None:
    if not ok:
        assert "credentials-exist" in refusal(SMB, CIFS, file=file, user="ann")
        return
    decision = plan(SMB, CIFS, file=file, user="ann")
    assert [note.id for note in decision.notes] == ["credentials-used"]
    assert "write-credentials" not in [change.action for change in decision.changes]


class TestCredentials:
    """The step that writes them, on files of the test."""

    def step(self, tmp_path: Path, **more: str) -> WriteCredentials:
        path = str(tmp_path / "smb" / "nas-data.cred")
        return WriteCredentials(path, **{"user": "ann", "domain": "corp", **more}).with_password(f" {SECRET}%,")

    def test_written_read_and_taken_back(self, tmp_path: Path) -> None:
        step, runner = self.step(tmp_path), None
        record = step.remember(runner)  # type: ignore[arg-type]
        record = {**record, **step.apply(runner, record)}  # type: ignore[arg-type]
        path = Path(step.path)
        assert path.read_text() == f"username=ann\ndomain=corp\npassword= {SECRET}%,\n"
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert SECRET not in str(record)
        assert credentials.names_in(step.path) == ("ann", "corp")
        with pytest.raises(Failed, match="somebody has made it since"):
            step.remember(runner)  # type: ignore[arg-type]
        step.undo(runner, record)  # type: ignore[arg-type]
        step.undo(runner, record)  # type: ignore[arg-type]
        assert not path.parent.exists()

    def test_a_run_that_was_killed_leaves_no_password_behind(self, tmp_path: Path) -> None:
        """Written, and the ledger does not have that; or half written, under a name of its own."""
        step = self.step(tmp_path)
        record = step.remember(None)  # type: ignore[arg-type]
        step.apply(None, record)  # type: ignore[arg-type]
        draft = Path(step.path).with_name(".nas-data.cred.opskit-abcdefgh")
        draft.write_text(SECRET)
        step.undo(None, record)  # type: ignore[arg-type]
        assert not Path(step.path).parent.exists()
        draft.parent.mkdir()
        draft.write_text(SECRET)
        assert step.left(None, record)  # type: ignore[arg-type]
        step.undo(None, record)  # type: ignore[arg-type]
        assert not draft.exists()

    def test_a_file_of_somebody_else_is_kept(self, tmp_path: Path) -> None:
        step = self.step(tmp_path)
        record = step.remember(None)  # type: ignore[arg-type]
        Path(step.path).parent.mkdir()
        Path(step.path).write_text("username=bob\npassword=x\n")
        with pytest.raises(CannotUndo, match="another file by now"):
            step.undo(None, record)  # type: ignore[arg-type]
        assert Path(step.path).exists()

    def test_what_is_known_of_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "c"
        assert credentials.read_credentials(str(file)) == CredentialsFact(str(file), weak=WEAK)
        file.write_text(f"  user=ann\npassword={SECRET}\n")
        file.chmod(0o644)
        assert credentials.read_credentials(str(file)) == CredentialsFact(str(file), exists=True, weak=WEAK)
        file.chmod(0o600)
        known = credentials.read_credentials(str(file))
        if os.geteuid() == 0:
            assert (known.safe, known.user, known.domain) == (True, "ann", "")
        assert SECRET not in str(known)

    @pytest.mark.parametrize(
        ("data", "mode", "words"),
        [
            (b"pw\n", 0o644, "chmod 600"),
            (b"", 0o600, "is empty"),
            (b"\n", 0o600, "is empty"),
            (b"a\nb\n", 0o600, "more than one line"),
            (b"a\0b", 0o600, "more than one line"),
            (b"x" * 513, 0o600, "more than one line"),
        ],
    )
    def test_a_password_file_that_holds_none(self, tmp_path: Path, data: bytes, mode: int, words: str) -> None:
        file = tmp_path / "pw"
        file.write_bytes(data)
        file.chmod(mode)
        with pytest.raises(UsageFault) as caught:
            credentials.read_password(str(file))
        assert words in f"{caught.value.why} {caught.value.todo}"
        file.write_bytes(b" p%w,\xff\n")
        file.chmod(0o400)
        assert os.fsencode(credentials.read_password(str(file))) == b" p%w,\xff"

    def test_nobody_to_ask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        with pytest.raises(UsageFault, match="asked for on a terminal"):
            credentials.ask_password("")


WEAK = ""


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "the user or the password is wrong"),
        (errno.ENOENT, "has no share data"),
        (errno.EHOSTDOWN, "version of SMB"),
        (errno.ENOKEY, "Kerberos"),
        (errno.EINVAL, "one of the options"),
        (errno.EIO, ""),
    ],
)
def test_why_an_smb_share_was_not_mounted(number: int, words: str) -> None:
    share = Share("cifs", "nas", "data/in")
    cause = share_cause(share, f"mount error({number}): what C calls it\nRefer to …", known=True, credentials="/c")
    assert (words in cause.why) if cause else not words
    unknown = share_cause(share, "", known=False, credentials="")
    assert unknown
    assert "no cifs" in unknown.why


def test_root_squash_is_told_as_a_warning() -> None:
    step = MountShare(SOURCE, TARGET, "nfs4", "")
    (warning,) = step.warnings({"unwritable": "Permission denied"})
    assert (warning.id, warning.severity) == ("not-writable", "warning")
    assert not list(step.warnings({"unwritable": ""}))
    assert not list(step.warnings({}))


def umount(what: str, now: HostFacts, **more: Any) -> Any:
    service = share_in_service(now, what)
    return service and decide_umount_share(now, UmountRequest(what, **more), service, RUN)


@pytest.mark.parametrize("what", [TARGET, SOURCE])
def test_a_share_is_taken_out_of_service(what: str) -> None:
    decision = umount(what, host(ENTRY, MOUNT))
    assert [change.action for change in decision.changes] == ["umount", "backup-fstab", "remove-fstab-entry"]
    assert decision.steps[0] == UnmountShare(SOURCE, TARGET, "nfs4", "")
    only = umount(what, host(ENTRY))
    assert [change.action for change in only.changes] == ["backup-fstab", "remove-fstab-entry"]
    kept = umount(what, host(ENTRY, MOUNT), use_fstab=False)
    assert [change.action for change in kept.changes] == ["umount"]


def test_a_share_whose_credentials_are_gone_is_not_mounted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The undo of the run that wrote them removed them: the server would refuse, and the entry with it."""
    file = tmp_path / "nas-data.cred"
    step = UnmountShare(SMB, str(tmp_path / "nas"), "cifs", f"credentials={file},_netdev")
    runner: Any = None
    with pytest.raises(CannotUndo, match="with user and password, is not there any more") as kept:
        step.left(runner, {})
    assert kept.value.missing == str(file)
    file.touch()
    monkeypatch.setattr(UnmountShare, "_server_gives_it", lambda _step: None)
    change = step.left(runner, {})
    assert change
    assert change.action == "mount-share"


def test_the_entry_of_another_share_is_kept() -> None:
    other = f"other:/x {TARGET} nfs nofail 0 0\n{ENTRY}\n"
    (removed,) = [s for s in umount(TARGET, host(other, MOUNT)).steps if s.kind == "disk.remove-fstab-entry"]
    assert [line.number for line in removed.lines] == [2]


def test_the_credentials_file_is_kept_and_named() -> None:
    line = f"{SMB} {TARGET} cifs credentials=/etc/smbcredentials/nas-data.cred,nofail 0 0"
    mount = replace(MOUNT, source=SMB, fstype="cifs")
    decision = umount(TARGET, host(line, mount))
    assert [note.id for note in decision.notes] == ["credentials-kept"]
    assert decision.steps[0].options == "credentials=/etc/smbcredentials/nas-data.cred"


@pytest.mark.parametrize("what", ["/data", "/dev/vdb", "other:/x"])
def test_what_is_no_share_goes_the_way_of_a_disk(what: str) -> None:
    disk = Mount("252:17", "/data", "/dev/vdb1", "ext4", "rw")
    assert share_in_service(host(ENTRY, MOUNT, disk), what) is None
    over = Mount("252:17", TARGET, "/dev/vdb1", "ext4", "rw")
    assert share_in_service(host("", MOUNT, over), TARGET) is None


def test_what_keeps_a_share_in_service() -> None:
    def ids(now: HostFacts) -> list[str]:
        decision = umount(TARGET, now)
        assert isinstance(decision, Refusal)
        return [reason.id for reason in decision.reasons]

    users = (UsingProcess(7, "tail -f x", "ann", "open file"),)
    assert ids(host("", MOUNT, users=users)) == ["busy"]
    assert ids(host("", MOUNT, replace(MOUNT, target=f"{TARGET}/in"))) == ["mounted-below"]
    assert ids(host("", replace(MOUNT, source="other:/x"), MOUNT)) == ["mounted-over"]
    silent = (PathFact(TARGET, "unknown", TARGET, mounted=True, unanswered="did not answer within 4 s"),)
    assert ids(host("", MOUNT, paths=silent)) == ["silent-mount"]
    assert ids(host("", Mount("0:9", TARGET, "systemd-1", "autofs", "rw"), MOUNT)) == ["automount"]


def test_the_list_shows_the_shares_and_their_entries() -> None:
    other = replace(MOUNT, target="/other", fstype="nfs")
    shares = list_json(host(f"# a comment\n{ENTRY}\n", MOUNT, other))["shares"]
    assert shares == [
        {"source": SOURCE, "type": "nfs4", "mount_point": TARGET, "line": 2},
        {"source": SOURCE, "type": "nfs", "mount_point": "/other", "line": 0},
    ]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (f"user=ann,password={SECRET},nofail", ["password-in-options"]),
        ("user=ann,password=***,nofail", ["password-in-options"]),
        ("credentials=/root/c,nofail", []),
        ("guest,nofail", []),
    ],
)
def test_fstab_check_finds_a_password(options: str, ids: list[str]) -> None:
    now = host(f"{SMB} {TARGET} cifs {options} 0 0\n", replace(MOUNT, source=SMB, fstype="cifs"))
    findings = check(now)
    assert [finding.id for finding in findings] == ids
    assert SECRET not in str(findings)


def test_an_entry_of_a_share_is_put_back_whatever_devices_there_are(tmp_path: Path) -> None:
    fstab = tmp_path / "fstab"
    fstab.write_text("# nothing\n")
    for line in (ENTRY, f"{SMB} {TARGET} cifs guest,nofail 0 0"):
        before = text_hash(f"# nothing\n{line}\n")
        step = RemoveFstabEntry(str(fstab), (Line(2, f"{line}\n"),), before)
        assert step.left(None, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bare", "options"),
    [("", "defaults,_netdev,nofail"), ("ro", "ro,_netdev,nofail"), ("ro,nofail", "ro,_netdev,nofail"),
     ("_netdev,ro", "_netdev,ro,nofail")],
)  # fmt: skip
def test_the_options_of_the_entry(bare: str, options: str) -> None:
    assert entry_options(bare) == options
