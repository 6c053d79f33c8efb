"""What a package is made of: sources.txt, and how its files come here."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common import HERE, NotToBeHadError, PackagingError, run

SUITE = "trixie"
LIST = HERE / "sources.txt"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """One entry of sources.txt.

    kind: debian, compiler, builder, standalone or zipapp: see the file
    files: SHA-256 and name of each; pip's have no name, it looks for the sum alone
    """

    kind: str
    name: str
    version: str
    files: tuple[tuple[str, str], ...]


def sources(kind: str) -> dict[str, Source]:
    """The entries of a kind, by name."""
    found: list[tuple[list[str], list[tuple[str, str]]]] = []
    for line in LIST.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if line.startswith(" "):
            found[-1][1].append((words[0], words[1] if len(words) > 1 else ""))
        else:
            found.append((words, []))
    entries = [Source(head[0], head[1], head[2], tuple(files)) for head, files in found]
    return {entry.name: entry for entry in entries if entry.kind == kind}


def archives(suite: str = SUITE) -> list[str]:
    """Lines of a sources.list: the source packages of a suite from where this host has its own packages from."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    here = release.get("VERSION_CODENAME", "").strip('"')
    form = "$(REPO_URI) $(CODENAME) $(COMPONENT)"
    targets = run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines()
    lines = set()
    for target in targets:
        uri, codename, component = target.split()
        if component == "main" and codename in {here, f"{here}-security"}:
            lines.add(f"deb-src [signed-by={KEYRING}] {uri} {codename.replace(here, suite)} main")
    if not lines:
        raise PackagingError("apt knows no archive of Debian here: apt-get update, on Debian")
    return sorted(lines)


def apt(work: Path, lines: Sequence[str]) -> dict[str, str]:
    """An apt of our own below work: the environment that has apt-get use it. What the host has is left alone."""
    for name in ("lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True, exist_ok=True)
    (work / "sources.list").write_text("".join(f"{line}\n" for line in lines))
    settings = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",  # _apt cannot write into a folder of root's
    }
    (work / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
    environment = {**os.environ, "APT_CONFIG": str(work / "apt.conf")}
    run("apt-get", "-q", "update", env=environment)
    return environment


def unpacked(work: Path) -> dict[str, Path]:
    """The sources of Debian, checked and unpacked below work without patches: their folders by name."""
    wanted = sources("debian")
    loaded = work / "loaded"
    loaded.mkdir(parents=True, exist_ok=True)
    folders = {}
    for name, source in wanted.items():
        if not all((loaded / file).exists() for _, file in source.files):
            _load(work, source, loaded)
        for checksum, file in source.files:
            check(loaded / file, checksum)
        folders[name] = work / name
        shutil.rmtree(folders[name], ignore_errors=True)
        # apt has checked the signatures of what it brought, and we the sums.
        argv = ["dpkg-source", "--no-check", "--skip-patches", "-x", source.files[0][1], str(folders[name])]
        run(*argv, cwd=loaded)
    return folders


def _load(work: Path, source: Source, directory: Path) -> None:
    """From the first archive that has it: an archive may list what it no longer holds."""
    refused = ""
    for number, line in enumerate(archives()):
        place = work / f"apt-{number}"
        environment = {**os.environ, "APT_CONFIG": str(place / "apt.conf")} if place.exists() else apt(place, [line])
        try:
            argv = ("apt-get", "-q", "source", "--download-only", f"{source.name}={source.version}")
            run(*argv, env=environment, cwd=directory)
        except PackagingError as error:
            refused = str(error)
        else:
            return
    raise NotToBeHadError(f"{source.name} {source.version} is not to be had (scripts/package --outdated)\n{refused}")


def check(path: Path, checksum: str) -> None:
    """Raise unless the file has this SHA-256."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != checksum:
        raise PackagingError(f"{path}: SHA-256 is {found}, sources.txt has {checksum}")


def install(kind: str, directory: Path, *options: str) -> None:
    """What pip brings of a kind, into a directory, by the checksums of sources.txt."""
    lines = []
    for source in sources(kind).values():
        sums = " ".join(f"--hash=sha256:{checksum}" for checksum, _ in source.files)
        lines.append(f"{source.name}=={source.version} {sums}\n")
    directory.parent.mkdir(parents=True, exist_ok=True)
    wanted = directory.with_name(f"{directory.name}.txt")
    wanted.write_text("".join(lines))
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps", "--no-compile"]
    argv += ["--only-binary=:all:", "--require-hashes", "--target", str(directory), *options, "-r", str(wanted)]
    try:
        run(*argv)
    except PackagingError as error:
        raise NotToBeHadError(str(error)) from error
    wanted.unlink()


def newer(work: Path) -> list[str]:
    """Which sources Debian has in a newer version: one line each."""
    environment = apt(work / "apt", archives())
    found = []
    for name, source in sources("debian").items():
        said = run("apt-cache", "showsrc", name, env=environment)
        versions = {line.split()[1] for line in said.splitlines() if line.startswith("Version:")}
        for version in sorted(versions):
            argv = ["dpkg", "--compare-versions", version, "gt", source.version]
            if subprocess.run(argv, check=False).returncode == 0:
                found.append(f"{name}: {source.version} is used, Debian has {version}")
    return found
