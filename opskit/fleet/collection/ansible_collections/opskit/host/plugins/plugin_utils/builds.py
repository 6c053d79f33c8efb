"""The builds of opskit in a folder of the control node, and which of them a host can run. Nothing of a host is here."""

from __future__ import annotations

import hashlib
import os
import re
from typing import NamedTuple, Optional

from ansible_collections.opskit.host.plugins.plugin_utils.script import NEEDED, Host

# What scripts/package of opskit makes, and writes into SHA256SUMS beside them.
NAME = re.compile(r"opskit-(?P<version>\d+(?:\.\d+)*)(?:\.pyz|-linux-(?P<machine>[a-z0-9_]+)\.tar\.xz)")
# What the standalone build is linked against.
GLIBC = (2, 17)


class Build(NamedTuple):
    """A build. machine: as uname -m says it; "" for the zipapp, which any machine with a Python from 3.9 on runs."""

    path: str
    version: tuple[int, ...]
    machine: str
    sha256: str


def numbers(version: str) -> tuple[int, ...]:
    """A release as it is compared."""
    return tuple(int(number) for number in re.findall("[0-9]+", version))


def find_builds(folder: str) -> list[Build]:
    """The newest build for each machine, of those in this folder that this collection can work with.

    Raises OSError where the folder cannot be read.
    """
    sums = _read_sums(os.path.join(folder, "SHA256SUMS"))
    newest: dict[str, Build] = {}
    for name in sorted(os.listdir(folder)):
        match = NAME.fullmatch(name)
        if match is None or numbers(match["version"]) < numbers(NEEDED):
            continue
        path, machine = os.path.join(folder, name), match["machine"] or ""
        build = Build(path, numbers(match["version"]), machine, sums.get(name, ""))
        if machine not in newest or newest[machine].version < build.version:
            newest[machine] = build
    return [build if build.sha256 else build._replace(sha256=_hash(build.path)) for build in newest.values()]


def choose(builds: list[Build], host: Host) -> tuple[Optional[Build], str]:
    """The build that this host can run, None for none; and why none."""
    standalone = next((build for build in builds if build.machine and build.machine == host.machine), None)
    zipapp = next((build for build in builds if not build.machine), None)
    if standalone and numbers(host.glibc) >= GLIBC and host.unpacks and not host.noexec:
        return standalone, ""
    if zipapp and host.python:
        return zipapp, ""
    whys = []
    if not standalone:
        whys.append(f"there is no standalone build for {host.machine or 'its machine'}")
    elif host.noexec:
        whys.append("the folder for it is mounted noexec, where the standalone build does not start")
    elif not host.unpacks:
        whys.append("it has no tar and xz for the standalone build")
    else:
        whys.append(f"the standalone build needs glibc 2.17, and it has {host.glibc or 'none'}")
    whys.append("it has no Python from 3.9 to 3.13 for the zipapp" if zipapp else "there is no zipapp")
    return None, "; ".join(whys)


def _read_sums(path: str) -> dict[str, str]:
    """The sums of a file as sha256sum writes it, by name; none where there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.split() for line in file]
    except FileNotFoundError:
        return {}
    return {words[1].lstrip("*"): words[0] for words in lines if len(words) == 2}


def _hash(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
