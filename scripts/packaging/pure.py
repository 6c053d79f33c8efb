"""What is the same for every machine: the wheel, the sdist, the zipapp."""

from __future__ import annotations

import functools
import os
import re
import shutil
import stat
import sys
import time
import zipfile
from pathlib import Path

import sources
from common import EPOCH, HERE, ROOT, PackagingError, run

BACKEND = """
import sys
sys.path[:0] = [{builder!r}]
from hatchling import build
build.build_{form}({dist!r})
"""


def version() -> str:
    """The version of opskit: it stands in opskit/__init__.py and nowhere else."""
    found = re.search(r'^__version__ = "(.+)"$', (ROOT / "opskit/__init__.py").read_text(), re.MULTILINE)
    if not found:
        raise PackagingError("opskit/__init__.py has no __version__")
    return found[1]


@functools.cache  # thousands of files are given it, and there is one date in all of a build
def epoch() -> int:
    """The date of everything that is built: $SOURCE_DATE_EPOCH, else that of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdigit():
        return int(given)
    return int(run("git", "log", "-1", "--format=%ct", cwd=ROOT) if (ROOT / ".git").exists() else EPOCH)


def build(form: str, work: Path) -> Path:
    """A wheel or an sdist, by the hatchling of sources.txt."""
    builder, out = work / "builder", work / form
    if not builder.exists():
        sources.install("builder", builder)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    code = BACKEND.format(builder=str(builder), form=form, dist=str(out))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch())}
    run(sys.executable, "-I", "-c", code, env=environment, cwd=ROOT)
    (built,) = out.iterdir()
    return built


def commit() -> str:
    """The commit that this is built of; "" for a release, which is tagged, and outside of a checkout.

    Raises where git does not tell: the build would pass for a release.
    """
    if not (ROOT / ".git").exists():
        return ""
    tags = run("git", "tag", "--points-at", "HEAD", cwd=ROOT).split()
    return "" if f"v{version()}" in tags else run("git", "rev-parse", "HEAD", cwd=ROOT).strip()


def packages(kind: str, build_name: str, work: Path, *options: str) -> Path:
    """A folder with opskit as its wheel has it, and what it imports; licences beside it.

    kind: of sources.txt
    build_name: what `opskit --version` says of it
    """
    folder, licences = work / f"{kind}-packages", work / f"{kind}-licences"
    for directory in (folder, licences):
        shutil.rmtree(directory, ignore_errors=True)
    sources.install(kind, folder, *options)
    # Programs, and what some have for editors and other tools.
    for path in [folder / "bin", folder / "share", *folder.rglob(".*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for information in sorted(folder.glob("*.dist-info")):
        found = [path for path in information.rglob("*") if re.match("(LICEN[CS]E|COPYING|AUTHORS|NOTICE)", path.name)]
        name = information.name.split("-")[0]
        for path in found:
            if path.is_file():
                (licences / name).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, licences / name / path.name)
        # What `opskit doctor` reads: the release. The rest is of the wheel that pip unpacked.
        for path in information.iterdir():
            if path.name != "METADATA":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    with zipfile.ZipFile(build("wheel", work)) as wheel:
        wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith("opskit/")])
    shutil.copyfile(ROOT / "LICENSE", licences / "LICENSE")
    (folder / "opskit/BUILD").write_text("\n".join(filter(None, [build_name, commit()])) + "\n")  # opskit/core/build.py
    trim(folder)
    return folder


# Of rich and typer what needs pygments or markdown-it-py, which are not there (sources.txt); of psutil and pymemcache
# what is of other systems, and their tests.
LEFT_OUT = (
    *(f"rich/{name}.py" for name in ("__main__", "markdown", "syntax", "traceback")),
    *("typer/rich_utils.py", "pymemcache/test"),
    *(f"psutil/_ps{name}.py" for name in ("aix", "bsd", "osx", "sunos", "windows")),
)


def trim(folder: Path) -> None:
    """Leave out of the libraries what nothing of opskit can come to: tests/package imports all that it names."""
    for path in (folder / name for name in LEFT_OUT):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def zipapp(work: Path) -> Path:
    """opskit-VERSION.pyz: one file that any Python from 3.9 on runs."""
    options = ("--python-version=3.9", "--implementation=cp", "--abi=abi3", "--abi=none")
    options += ("--platform=manylinux_2_12_x86_64", "--platform=any")
    folder = packages("zipapp", "zipapp", work, *options)
    for path in [*folder.rglob("*.so"), *folder.rglob("*.pyi"), *folder.rglob("py.typed")]:
        path.unlink()
    shutil.copyfile(HERE / "psutil_linux_pure.py", folder / "psutil/_psutil_linux.py")
    shutil.copyfile(HERE / "zipapp_main.py", folder / "__main__.py")
    shutil.copytree(work / "zipapp-licences", folder / "licences")
    built = work / f"opskit-{version()}.pyz"
    with open(built, "wb") as file:
        file.write(b"#!/usr/bin/python3 -I\n")  # neither PATH nor PYTHONPATH has a say in what root runs
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    date = time.gmtime(max(epoch(), 315532800))[:6]  # a zip knows no year before 1980
                    entry = zipfile.ZipInfo(str(path.relative_to(folder)), date)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = (stat.S_IFREG | 0o644) << 16
                    archive.writestr(entry, path.read_bytes(), compresslevel=9)
    built.chmod(0o755)
    return built
