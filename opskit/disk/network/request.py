"""What `opskit disk mount` was asked for of a share, and what of it cannot be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

from opskit.core.errors import ExitCode
from opskit.core.files import sha256
from opskit.core.plan import Reason
from opskit.core.record import dataclass
from opskit.core.text import masked
from opskit.disk.mount.request import fstab_options, option_form_reasons
from opskit.disk.network.share import NFS_TYPES, Share

# Where Microsoft's and the clouds' instructions have them, too; the directory is no package's.
CREDENTIALS = "/etc/smbcredentials"
# What says who mounts an SMB share without a user and a password (mount.cifs(8)).
_ANONYMOUS = frozenset({"guest", "sec=none", "sec=krb5", "sec=krb5i", "multiuser"})
_FILE = ("credentials=", "cred=")
_IN_CLEAR = re.compile(r"(?:user(?:name)?|pass(?:word)?2?|dom(?:ain)?|workgroup)(?:=|$)")
_LONGEST = 512


@dataclass(frozen=True)
class ShareRequest:
    """What was asked for. "" : not asked for, the default holds.

    password: in nothing that is shown or kept
    password_file: where it was read from, "" for a prompt
    others: options that were given and that are for disks alone
    entry_options: those of the entry that is there, by which it is mounted where no others are asked for
    """

    share: Share
    target: str = "/mnt"
    fstype: str = ""
    mount_options: str = ""
    use_fstab: bool = True
    user: str = ""
    domain: str = ""
    password: str = field(default="", repr=False)
    password_file: str = ""
    others: tuple[str, ...] = ()
    entry_options: str = ""

    @property
    def option_list(self) -> tuple[str, ...]:
        """The options that were asked for, or those of the entry, one by one."""
        options = self.mount_options or self.entry_options
        return tuple(options.split(",")) if options else ()

    @property
    def read_only(self) -> bool:
        """Whether it is to be mounted read-only."""
        return "ro" in self.option_list

    @property
    def version(self) -> int:
        """The version of NFS that was asked for, 0 for the newest that the server has (nfs(5): vers=, nfsvers=)."""
        named = [value for name, _, value in (o.partition("=") for o in self.option_list) if name in _VERSIONS]
        plain = [option[1:] for option in self.option_list if re.fullmatch(r"v[234](\.\d)?", option)]
        first = (named + plain)[-1:]
        if first and first[0][:1].isdigit():
            return int(first[0][0])
        return 4 if self.fstype == "nfs4" else 0

    @property
    def port(self) -> int:
        """The port of the server that was asked for, 0 for the usual one."""
        ports = [value for name, _, value in (o.partition("=") for o in self.option_list) if name == "port"]
        return int(ports[-1]) if ports and ports[-1].isdigit() else 0

    @property
    def kerberos(self) -> bool:
        """Whether it is to be mounted by Kerberos: what the server says to others tells nothing then."""
        return any(option.startswith("sec=krb5") for option in self.option_list)

    @property
    def credentials(self) -> str:
        """The path of the file with user and password, where one is needed."""
        return credentials_path(self.share) if self.user else ""


_VERSIONS = ("vers", "nfsvers")


def credentials_path(share: Share) -> str:
    """The file with user and password of a share; two that would have the same name have a hash in it."""
    name = f"{share.host}-{share.path}"
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    if plain != name or len(plain) > 100:
        plain = f"{plain[:100]}-{sha256(name.encode())[:8]}"
    return f"{CREDENTIALS}/{plain}.cred"


def share_reasons(request: ShareRequest) -> Iterator[Reason]:
    """What was asked for that cannot be."""
    usage, share = ExitCode.USAGE, request.share
    yield from option_form_reasons(request.mount_options)
    if request.others:
        title = f"{' and '.join(request.others)}: not for a share, where nothing is partitioned or formatted"
        yield Reason("not-for-shares", title, "leave it out", exit_code=usage)
    types = NFS_TYPES if share.kind == "nfs" else ("cifs",)
    if request.fstype and request.fstype not in types:
        title = f"--fstype {request.fstype}: {share.source} is a share of {share.kind}"
        yield Reason("wrong-fstype", title, f"leave it out, or --fstype {types[-1]}", exit_code=usage)
    if share.kind == "nfs" and request.version == 2:
        yield Reason("nfs-version", "NFS 2 is gone from current kernels", "vers=3, or none", exit_code=usage)
    elif request.fstype == "nfs4" and request.version == 3:
        yield Reason("nfs-version", "--fstype nfs4 and vers=3 exclude each other", "leave one out", exit_code=usage)
    who = [n for n, value in (("--user", request.user), ("--domain", request.domain)) if value]
    who += ["--password-file"] if request.password_file else []
    if share.kind == "nfs" and who:
        title = f"{' and '.join(who)}: NFS asks for no password; the server decides by the address of the host"
        yield Reason("not-for-nfs", title, "leave it out", exit_code=usage)
    elif share.kind == "cifs":
        yield from _who_reasons(request, who)


def _who_reasons(request: ShareRequest, who: list[str]) -> Iterator[Reason]:
    """Who mounts an SMB share: a user with a password, or what the options name; and never a password in clear."""
    usage = ExitCode.USAGE
    # Those of the entry that is there are judged with the entry: it names the file that an earlier run wrote.
    names = request.mount_options.split(",")
    clear = [option for option in names if _IN_CLEAR.match(option)]
    if clear:
        title = f"--mount-options has {masked(','.join(clear))}, and all users can read fstab and what is mounted"
        remedy = "--user NAME, and its password from a prompt or --password-file FILE"
        yield Reason("password-in-options", title, remedy, exit_code=usage)
        return
    anonymous = [option for option in names if option in _ANONYMOUS or option.startswith(_FILE)]
    if who and not request.user:
        yield Reason("no-user", f"{' and '.join(who)} without --user", "--user NAME", exit_code=usage)
    elif request.user and anonymous:
        title = f"--user {request.user} and {','.join(anonymous)} exclude each other"
        yield Reason("no-user", title, "leave one out", exit_code=usage)
    elif not request.user and not anonymous and not request.entry_options:
        title = f"nothing says who mounts {request.share.source}"
        remedy = "--user NAME; or --mount-options guest, sec=krb5, or credentials=FILE"
        yield Reason("no-user", title, remedy, exit_code=usage)
    for name, value in (("--user", request.user), ("--domain", request.domain)):
        if not value.isprintable() or value.strip() != value or len(value) > _LONGEST:
            yield Reason("bad-user", f"{name} {value!r} cannot stand in a credentials file", exit_code=usage)


def bare_options(request: ShareRequest, kernel: tuple[int, int], version: int) -> str:
    """The options to mount a share by, where none of them is fstab's own; "" for none.

    kernel: its release; before 4.13 its first choice is SMB 1, which servers refuse by now (mount.cifs(8), vers=)
    version: of NFS that the server has; 3 is named, so that no boot tries 4 first
    """
    options = list(request.mount_options.split(",")) if request.mount_options else []
    if request.user:
        options.append(f"credentials={request.credentials}")
    named = any(option.partition("=")[0] in _VERSIONS for option in options) or bool(request.version)
    if request.share.kind == "cifs" and not named and (0, 0) < kernel < (4, 13):
        options.append("vers=3.0")
    elif request.share.kind == "nfs" and version == 3 and not named:
        options.append("vers=3")
    return ",".join(options)


def entry_options(bare: str) -> str:
    """The options of the entry: `_netdev` and `nofail`, so that the boot neither waits for the server nor stops.

    No x-systemd.* option: with nofail nothing waits for the mount, and systemd gives it up after 90 s by itself. With
    x-systemd.automount every look at the mount point would wait for a dead server: that is for a person to choose.
    """
    options = fstab_options(bare).split(",")
    if "_netdev" not in options:
        options.insert(len(options) - 1 if options[-1] == "nofail" else len(options), "_netdev")
    return ",".join(options)
