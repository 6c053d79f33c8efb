"""Writing the scans that are kept: files that the user names, and the newest ones in the state directory."""

from __future__ import annotations

import os

from opskit.core.files import leftovers_in, write_atomic
from opskit.core.lock import make_state_dir
from opskit.usage.du.model import KEPT
from opskit.usage.du.ncdu import SUFFIX as NCDU
from opskit.usage.du.ncdu import export
from opskit.usage.du.saved import SavedScan, pack
from opskit.usage.du.see.kept import FOLDER, SUFFIX, kept_scans


def save(path: str, saved: SavedScan) -> int:
    """Write a scan to a file, which has the old content or the new one at any moment. The bytes. Raises OSError."""
    data = export(saved) if path.endswith(NCDU) else pack(saved)
    write_atomic(path, data)
    return len(data)


def keep(state_dir: str, run: str, saved: SavedScan) -> int:
    """Keep a scan under the name of a run, and the last KEPT like it. The bytes. Raises OSError, Failed."""
    for left in leftovers_in(open_folder(state_dir)):  # each scan has a name of its own, and none is written twice
        os.unlink(left)
    size = save(os.path.join(open_folder(state_dir), run + SUFFIX), saved)
    like = [name for name, other in kept_scans(state_dir) if other.request == saved.request]
    for name in like[:-KEPT]:
        os.unlink(os.path.join(state_dir, FOLDER, name + SUFFIX))
    return size


def open_folder(state_dir: str) -> str:
    """The folder of the kept scans, made if it is not there. Raises OSError, Failed when others can write there."""
    make_state_dir(state_dir)
    folder = os.path.join(state_dir, FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder
