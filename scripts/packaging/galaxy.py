"""The collection opskit.host as ansible-galaxy installs it: opskit-host-VERSION.tar.gz."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pure
from common import ROOT, PackagingError

PLACE = ROOT / "opskit/fleet/collection/ansible_collections/opskit/host"
# What ansible-galaxy makes of galaxy.yml; what that does not name is empty.
EMPTY: dict[str, Any] = {
    "license_file": None, "dependencies": {}, "repository": None, "documentation": None, "homepage": None,
    "issues": None,
}  # fmt: skip


def collection(work: Path) -> Path:
    """The tarball; the same files give the same bytes."""
    information = read_galaxy(PLACE / "galaxy.yml")
    if information["version"] != pure.version():
        raise PackagingError(f"galaxy.yml is of {information['version']}, and opskit is {pure.version()}")
    contents = {"LICENSE": (ROOT / "LICENSE").read_bytes()}
    for path in sorted(PLACE.rglob("*")):
        name = path.relative_to(PLACE).as_posix()
        if path.is_file() and name != "galaxy.yml" and path.suffix != ".pyc":
            contents[name] = path.read_bytes()
    folders = sorted({str(parent) for name in contents for parent in Path(name).parents} - {"."})
    listed = _json({"files": [*_entries([".", *folders], contents)], "format": 1})
    files = {"name": "FILES.json", "ftype": "file", **_sum(listed), "format": 1}
    manifest = _json({"collection_info": {**information, **EMPTY}, "file_manifest_file": files, "format": 1})
    members = {"MANIFEST.json": manifest, "FILES.json": listed, **dict.fromkeys(folders), **contents}
    built = work / f"opskit-host-{pure.version()}.tar.gz"
    with (
        open(built, "wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=pure.epoch()) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, content in members.items():
            _add(tar, name, content)
    return built


def read_galaxy(path: Path) -> dict[str, Any]:
    """What is in galaxy.yml, which has words and lists of words alone: no library reads YAML here."""
    found: dict[str, Any] = {}
    key = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("  - "):
            found[key] = [*(found[key] or []), line[4:]]
        elif ": " in line or line.endswith(":"):
            key, _, value = line.partition(":")
            found[key] = value.strip()
    return found


def _entries(folders: list[str], contents: dict[str, bytes]) -> Iterator[dict[str, Any]]:
    """The entries of FILES.json."""
    for name in folders:
        yield {"name": name, "ftype": "dir", "chksum_type": None, "chksum_sha256": None, "format": 1}
    for name, content in contents.items():
        yield {"name": name, "ftype": "file", **_sum(content), "format": 1}


def _sum(content: bytes) -> dict[str, str]:
    return {"chksum_type": "sha256", "chksum_sha256": hashlib.sha256(content).hexdigest()}


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _add(tar: tarfile.TarFile, name: str, content: Optional[bytes]) -> None:
    """Add a file, or a folder where there is no content."""
    entry = tarfile.TarInfo(name)
    entry.mtime, entry.mode = pure.epoch(), 0o644
    if content is None:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    entry.size = len(content or b"")
    tar.addfile(entry, io.BytesIO(content or b""))
