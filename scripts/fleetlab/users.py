"""Who can log in to a host of the lab, and with which keys: all made anew for each lab, in its folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

# name → uid, the line of sudoers
USERS = {
    "ops": (3001, "ops ALL=(ALL:ALL) NOPASSWD: ALL"),
    "asked": (3002, "asked ALL=(ALL:ALL) ALL"),  # by sudo, for PASSWORD
    "guest": (3003, ""),
}
# Of hosts that only this machine reaches, and only with a key; the other is crypt(3) of it.
PASSWORD = "fleet-lab"
HASH = "$6$fleetlab$6ksJZiYq7kn/1dlN62ki/.jo.bRcrBniBBZgbHl0AklO54/1lV0wsXRhBFEP7rBTHLxFkIHGf68Ebt8DgWJhq0"
SSHD_CONFIG = """\
HostKey /etc/ssh/fleet_lab_host_key
AuthorizedKeysFile /etc/ssh/fleet_lab_authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
PermitUserRC no
PrintMotd no
PidFile none
LogLevel ERROR
Subsystem sftp /usr/lib/openssh/sftp-server
"""


def make_key(path: Path, comment: str) -> str:
    """A key pair at this path. Returns the public half."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return path.with_name(f"{path.name}.pub").read_text().strip()


def write_accounts(etc: Path) -> None:
    """The accounts of this machine and those of the lab, in the host's /etc."""
    lines: dict[str, list[str]] = {
        # Not /root: what its owner has there, in .bashrc and .ssh, is not the hosts'.
        "passwd": ["root:x:0:0:root:/home/root:/bin/sh", "sshd:x:3000:65534::/run/sshd:/usr/sbin/nologin"],
        "group": [],
        # "!" would be an account that is locked: sshd lets nobody in to one, by whatever way.
        "shadow": ["root:*:1::::::", "sshd:*:1::::::"],
    }
    for name, (number, _) in USERS.items():
        lines["passwd"].append(f"{name}:x:{number}:{number}::/home/{name}:/bin/sh")
        lines["group"].append(f"{name}:x:{number}:")
        lines["shadow"].append(f"{name}:{HASH}:1::::::")
    for file, more in lines.items():
        ours = {line.split(":")[0] for line in more}
        kept = [line for line in Path("/etc", file).read_text().splitlines() if line.split(":")[0] not in ours]
        path = etc / file
        path.touch(mode=0o640 if file == "shadow" else 0o644)
        path.write_text("\n".join([*kept, *more]) + "\n")
    (etc / "sudoers.d").mkdir(exist_ok=True)
    rules = etc / "sudoers.d" / "fleet-lab"
    rules.write_text("\n".join(rule for _, rule in USERS.values() if rule) + "\n")
    rules.chmod(0o440)
