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

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="no /dev/fuse here")
# What is silent, and the commands that look there.
PLACES: dict[str, tuple[str, ...]] = {
    "/var/log/journal": (
        "journal usage",
        "journal verify",
        "journal vacuum 30d -n",
        "journal retain 30d -n",
        "journal errors",
    ),
    "/var/cache/dnf": ("df --why /var/log", "yum lock", "yum unlock -n", "yum wait --timeout 1s"),
    "/var/lib/rpm": ("yum lock",),
    "/mnt/silent": (
        "memcached lint --unit in-its-file",
        "memcached lint --unit itself",
        "memcached lint --unit by-a-drop-in",
        "memcached lint --unit by-its-folder",
        "journal retain 30d -n",  # by a drop-in of journald's
        "memcached lint -- -d -P /mnt/silent/pid",
        "memcached lint -- -s /mnt/silent/socket",
        "yum lock",  # by dnf.conf
        "disk fstab check",  # by crypttab
        "yum why",  # by a script of cron's, and a crontab
    ),
}
# They go on without it; that it is there is nothing to df.
GOES_ON = {"yum why", "df --why /var/log"}
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
mkdir -p {copy}/etc/systemd/system/by-a-drop-in.service.d {copy}/etc/systemd/journald.conf.d {copy}/etc/cron.d
for unit in by-a-drop-in by-its-folder; do
  printf '[Service]\\nExecStart=/usr/bin/memcached -m 64\\n' > {copy}/etc/systemd/system/$unit.service
done
ln -s /mnt/silent/conf {copy}/etc/systemd/system/by-a-drop-in.service.d/a.conf
ln -s /mnt/silent/folder {copy}/etc/systemd/system/by-its-folder.service.d
ln -s /mnt/silent/conf {copy}/etc/systemd/journald.conf.d/zz.conf
ln -s /mnt/silent/nightly {copy}/etc/nightly
printf '0 3 * * * root /etc/nightly\\n' > {copy}/etc/cron.d/nightly
ln -s /mnt/silent/crontab {copy}/etc/cron.d/linked
for folder in /etc /var/log /var/cache /var/lib/rpm /mnt; do mount --bind {copy}$folder $folder; done
"""


def opskit(host: Host, inside: Namespace, words: str) -> subprocess.Popen[bytes]:
    fstab = ("--fstab", str(host.fstab)) if words.startswith("disk") else ()
    environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(host.state)}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return host.start(*inside.prefix, *OPSKIT, *words.split(), *fstab, env=environment, cwd="/", **streams)


def silent_at(host: Host, inside: Namespace, place: str) -> None:
    server = host.start(*inside.prefix, sys.executable, str(HANG), place, "silent", stdout=subprocess.PIPE, cwd="/")
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"


def test_a_place_nobody_named_ends_a_command_with_its_name(host: Host) -> None:
    running = []
    for number, place in enumerate(PLACES):
        inside = host.namespace(SETUP.format(copy=host.folder / f"copy{number}"))
        silent_at(host, inside, place)
        running += [(place, words, opskit(host, inside, words)) for words in PLACES[place]]
    for place, words, process in running:
        answer = ended(process)
        named = f"{place} (fuse.silent, silent) did not answer" in answer.out + answer.err
        assert named or words.startswith("df"), (words, answer)
        assert (answer.code == 0) == (words in GOES_ON), (words, answer)


def test_what_a_run_changed_is_there_no_more_to_look_at(host: Host) -> None:
    root = host.folder / "root"
    (root / "etc/systemd").mkdir(parents=True)
    (root / "var/log/journal").mkdir(parents=True)
    words = ("journal", "retain", "30d", "--size", "500M", "--root", str(root), "--yes")
    if host.run(*words, "--dry-run").code:
        pytest.skip("no journal here")
    host.run(*words, OPSKIT_TEST_KILL="stepped:1")
    inside = host.namespace("true")
    silent_at(host, inside, str(root))
    running = {words: opskit(host, inside, words) for words in ("history", "undo last -n", "undo last --yes")}
    answers = {words: ended(process) for words, process in running.items()}
    assert answers["history"].code == 0
    for words in ("undo last -n", "undo last --yes"):
        assert f"{root} (fuse.silent, silent) did not answer" in answers[words].out + answers[words].err, answers[words]
        assert answers[words].code, answers[words]
