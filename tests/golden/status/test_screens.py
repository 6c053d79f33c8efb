"""The screen of `opskit status` on a host with something wrong in each area, as it is drawn: a file for each size."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

from opskit.core.finding import Finding
from opskit.core.report import Report
from opskit.status.conclusion import conclude
from opskit.status.model import Conclusion, Ignore, Looked
from opskit.status.show import status_lines
from opskit.ui.screen import Screen

FOLDER = Path(__file__).parent
UUID = "2b6c0c9e-8a4c-4f60-9c1b-6a5d51c5d5c1"


def bar(percent: int, sizes: str, point: str) -> str:
    full = round(percent / 5)
    return f"{'#' * full}{'.' * (20 - full)}  {percent:>3} %  {sizes}  {point}"


def wrong() -> Conclusion:
    disks = Report(
        ("/dev/vda  40G  system: /", "/dev/vdb  100G  in use: /dev/vdb1 is mounted on /data",
         "/dev/vdc  100G  ready: blank",
         *(f"/dev/vd{letter}  1.0T  has data: xfs" for letter in "defghijk")),
        (Finding("unknown-source", "warning", f"UUID={UUID} for /srv/old: there is no such device on this host",
                 "/etc/fstab:7", "attach it, or remove line 7"),),
    )  # fmt: skip
    filesystems = Report(
        (bar(97, "97G of 100G", "/data"), bar(91, "36G of 40G", "/"),
         bar(12, "3G of 25G", "/srv/backup/very/deeply/nested/place/of/the/archive/2026")),
        (Finding("nearly-full", "error", "/data: 97 % full", "97G of 100G", "opskit df --why /data"),
         Finding("nearly-full", "warning", "/: 91 % full", "36G of 40G", "opskit df --why /"),
         Finding("deleted-open", "warning", "/: deleted files that are still open take 12 %", "4.8G of 40G",
                 "opskit df --deleted /")),
        unseen=("deleted files of 2 processes",),
    )  # fmt: skip
    journal = Report(
        ("3.9G of 4.0G", "41 errors in the last hour: opskit journal errors --since 1h",
         "failed now: 数据库.service, backup.service"),
        (Finding("unit-failed", "error", "数据库.service has failed: exit-code", "", "journalctl -u 数据库.service"),
         Finding("unit-failed", "error", "backup.service has failed: timeout", "", "journalctl -u backup.service")),
    )  # fmt: skip
    memcached = Report(
        ("memcached.service (pid 812): 63M of 64M, 120384 items, 71 % hits",),
        (Finding("evictions", "warning", "memcached.service (pid 812): it evicts what is wanted", "1,204 of 90,000",
                 "more memory: -m 128"),),
    )  # fmt: skip
    runs = Report(
        ("2026-11-28T23:40:25Z  cut short: mount /dev/vdb on /data", "1 waits for an undo"),
        (Finding("run-waits", "error", "run 20261128T234025Z-bf138a was cut short: mount /dev/vdb on /data", "",
                 "opskit undo 20261128T234025Z-bf138a"),),
    )  # fmt: skip
    looks = (
        Looked("disk", "disks", "opskit disk list", disks),
        Looked("disk", "filesystems", "opskit df", filesystems),
        Looked("journal", "journal", "opskit journal errors", journal),
        Looked("memcached", "memcached", "opskit memcached status", memcached),
        Looked("yum", "packages", "opskit yum lock", failure="no answer within 10s"),
        Looked("history", "opskit", "opskit history", runs),
    )
    return conclude(looks, (Ignore("nearly-full", "it grows no more", date(2026, 12, 1), "/"),), date(2026, 11, 29))


def in_order() -> Conclusion:
    return conclude(
        (
            Looked("disk", "disks", "opskit disk list", Report(("/dev/vda  40G  system: /",))),
            Looked("disk", "filesystems", "opskit df", Report((bar(31, "12G of 40G", "/"),))),
            Looked("yum", "packages", "opskit yum lock", Report(("free: no package manager is locked",))),
        ),
        (),
        date(2026, 11, 29),
    )


SCREENS = {"wrong": wrong, "in-order": in_order}


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (0, 0)])
@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, columns: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 by 0 is a pipe. A screen is compared with its colours left out."""
    monkeypatch.setattr(sys, "argv", ["opskit", "status"])
    lines = status_lines(
        Screen("status", color="never"), SCREENS[name](), "web1", rows=max(0, rows - 1), columns=columns
    )
    drawn = "".join(f"{line}\n" for line in lines)
    file = FOLDER / f"{name}-{columns}x{rows}.txt"
    if not file.exists():
        file.write_text(drawn, encoding="utf-8")  # of a new one: to be read before it is committed
    assert drawn == file.read_text(encoding="utf-8")
