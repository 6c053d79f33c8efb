"""What `opskit disk list` says beside its table."""

from __future__ import annotations

import pytest

from opskit.disk.model import FileFact, HostFacts
from opskit.disk.show import draw_list, list_json
from opskit.ui.screen import Screen

LINE = "UUID=22222222-0000-4000-8000-000000000002 /data ext4 defaults,nofail 0 2"


def facts(text: str, *, root: bool = True) -> HostFacts:
    return HostFacts(
        schema=1,
        taken="2026-11-21T09:00:00Z",
        host="test",
        root=root,
        devices=(),
        fstab=FileFact("/etc/fstab", "/etc/fstab", exists=True, text=text),
        crypttab=FileFact("/etc/crypttab", "/etc/crypttab", exists=False),
    )


def test_list_names_the_filesystem_that_fstab_misses(capsys: pytest.CaptureFixture[str]) -> None:
    seen = facts(f"# data\n{LINE}\n")
    row = {"source": LINE.split(maxsplit=1)[0], "mount_point": "/data", "line": 2}
    assert list_json(seen)["missing"] == [row]
    draw_list(Screen("opskit disk list"), seen)
    said = capsys.readouterr().err
    assert "missing: UUID=22222222-0000-4000-8000-000000000002 for /data (/etc/fstab line 2)" in said
    assert "not certain" not in said


def test_without_root_it_is_less_sure(capsys: pytest.CaptureFixture[str]) -> None:
    draw_list(Screen("opskit disk list"), facts(LINE, root=False))
    assert "not certain" in capsys.readouterr().err


def test_nothing_missing(capsys: pytest.CaptureFixture[str]) -> None:
    seen = facts(f"#{LINE}\n")
    assert list_json(seen)["missing"] == []
    draw_list(Screen("opskit disk list"), seen)
    assert "missing" not in capsys.readouterr().err
