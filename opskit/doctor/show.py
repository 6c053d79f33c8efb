"""What the doctor draws: the verdict, the host in a few lines, what is missing, then what is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from opskit.core.build import SHOWN
from opskit.core.finding import Finding
from opskit.core.runner import ENVIRONMENT
from opskit.core.text import counted, shown
from opskit.core.units import size_text
from opskit.doctor.model import Examination, Tool
from opskit.ui.errors import draw_findings
from opskit.ui.screen import Column, Screen, draw_table

# The headings have a column of their own.
HEADING = 8


def draw(screen: Screen, seen: Examination, findings: Sequence[Finding]) -> None:
    """All of it."""
    verdict = f"{counted(len(findings), 'finding')}" if findings else "in order"
    screen.line(screen.styled(f"opskit doctor: {verdict}", "yellow" if findings else "green", sys.stdout))
    draw_findings(screen, findings)
    for heading, text in _lines(seen):
        screen.line(screen.sentence(shown(f"{heading:<{HEADING}}{text}"), sys.stdout, " " * HEADING))
    if seen.settings:
        screen.line("")
        rows = [[each.name, each.value, each.origin] for each in seen.settings]
        draw_table(screen, [Column("SETTING", whole=True), Column("VALUE"), Column("FROM")], rows)
    lacking = [tool for tool in seen.tools if not tool.path]
    for titles, rows in (
        (("MISSING", "FOR", "INSTALL"), [[tool.name, _purpose(tool), tool.install] for tool in lacking]),
        (
            ("PROGRAM", "RELEASE", "FOR"),
            [[tool.name, tool.release, _purpose(tool) + _place(tool)] for tool in seen.tools if tool.path],
        ),
    ):
        if rows:
            screen.line("")
            draw_table(screen, [Column(title, whole=title != "FOR") for title in titles], rows)


def _place(tool: Tool) -> str:
    """Where a program is that opskit does not take from where it takes all others."""
    return "" if os.path.dirname(tool.path) in ENVIRONMENT["PATH"].split(":") else f" ({tool.path})"


def _purpose(tool: Tool) -> str:
    """`disk mount: for --fstype xfs`."""
    return ", ".join(tool.commands) + (f": {tool.only}" if tool.only else "")


def _lines(seen: Examination) -> list[tuple[str, str]]:
    own, host, user, state = seen.opskit, seen.host, seen.user, seen.state
    commit = f" {own.commit[:SHOWN]}" if own.commit else ""
    libraries = ", ".join(f"{name} {release or 'missing'}" for name, release in own.libraries.items())
    booted = "runs this host" if host.booted else "does not run this host"
    systemd = f"systemd {host.systemd} {booted}" if host.systemd else "no systemd"
    place = f"in a container ({host.container})" if host.container else "no container"
    selinux = f"SELinux {host.selinux}" if host.selinux else "no SELinux"
    lacks = f", without {', '.join(user.lacks)}" if user.lacks else ""
    kept = f"{counted(state.runs, 'run')}, {size_text(state.free)} free" if state.exists else "not there yet"
    files = [f"{file.path} ({_file(file.exists, file.problem)})" for file in seen.config_files]
    return [
        ("opskit", f"{own.version} ({own.kind}{commit}) in {own.path}"),
        ("python", f"{own.python}, {own.python_path}"),
        ("", libraries),
        ("host", f"{host.os}, kernel {host.kernel}, {host.architecture}, {host.c_library}"),
        ("", f"{systemd}, {place}, {selinux}, {host.package_manager or 'another package manager'}"),
        ("user", f"{user.name} ({user.number}){lacks}"),
        ("state", f"{state.path}: {kept}"),
        *(("" if number else "config", text) for number, text in enumerate(files)),
    ]


def _file(exists: bool, problem: str) -> str:
    if problem:
        return "passed over"
    return "in force" if exists else "not there"
