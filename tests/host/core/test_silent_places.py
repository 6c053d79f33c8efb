"""Where a command looks without being told to, on a server that is gone: the command ends, and names the place.

A FUSE mount that never replies stands in for the server, in a namespace of the test.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from host.core.test_silent_mount import ended
from host.hosts import Host, Namespace
from host.tools import ENVIRONMENT, OPSKIT
from host.usage.test_du_silent_mount import HANG

# What is silent, and the commands that look there.
PLACES: dict[str, tuple[str, ...]] = {
    "/var/log/journal": (
        "journal usage",
        "journal verify",
        "journal vacuum 30d -n",
        "journal retain 30d -n",
        "journal errors",
    ),
    "/var/cache/dnf": ("yum lock", "yum unlock -n", "yum wait --timeout 1s"),
    "/var/lib/rpm": ("yum lock",),
    "/mnt/silent": (
        "memcached lint --unit in-its-file",
        "memcached lint --unit itself",
        "memcached lint -- -d -P /mnt/silent/pid",
        "memcached lint -- -s /mnt/silent/socket",
        "yum lock",  # by dnf.conf
        "disk fstab check",  # by crypttab
    ),
}
# Copies of these folders are what the namespace shows; units that systemd does not know.
SETUP = """
for folder in /etc /var/log /var/cache /var/lib/rpm /mnt; do
  mkdir -p {copy}$folder
  mount -t tmpfs tmpfs {copy}$folder
done
cp -a /etc/. {copy}/etc
mkdir -p {copy}/etc/systemd/system {copy}/etc/dnf {copy}/var/log/journal {copy}/var/cache/dnf {copy}/mnt/silent
printf '[Service]\\nEnvironmentFile=/mnt/silent/env\\nExecStart=/usr/bin/memcached $X\\n' \
  > {copy}/etc/systemd/system/in-its-file.service
ln -s /mnt/silent/unit {copy}/etc/systemd/system/itself.service
printf '[main]\\ncachedir=/mnt/silent/cache\\n' > {copy}/etc/dnf/dnf.conf
ln -sf /mnt/silent/crypttab {copy}/etc/crypttab
for folder in /etc /var/log /var/cache /var/lib/rpm /mnt; do mount --bind {copy}$folder $folder; done
"""


def opskit(host: Host, inside: Namespace, words: str) -> subprocess.Popen[bytes]:
    fstab = ("--fstab", str(host.fstab)) if words.startswith("disk") else ()
    environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(host.state)}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return host.start(*inside.prefix, *OPSKIT, *words.split(), *fstab, env=environment, cwd="/", **streams)


@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="no /dev/fuse here")
def test_a_place_nobody_named_ends_a_command_with_its_name(host: Host) -> None:
    running = []
    for number, place in enumerate(PLACES):
        inside = host.namespace(SETUP.format(copy=host.folder / f"copy{number}"))
        server = host.start(*inside.prefix, sys.executable, str(HANG), place, "silent", stdout=subprocess.PIPE, cwd="/")
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        running += [(place, words, opskit(host, inside, words)) for words in PLACES[place]]
    for place, words, process in running:
        answer = ended(process)
        assert f"{place} (fuse.silent, silent) did not answer" in answer.out + answer.err, (words, answer)
        assert answer.code, (words, answer)
