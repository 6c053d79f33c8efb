"""Configuration and unit files as systemd reads them, the unit of a process, what systemctl prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.systemd import (
    Assignment,
    FailedUnit,
    control_group,
    failed_units,
    innermost_unit,
    is_booted,
    outermost_unit,
    parse_assignments,
    parse_list,
    parse_show,
    units_of,
)
from opskit.core.unit_files import unit_files


def values(text: str) -> list[tuple[str, str, str]]:
    return [assignment[:3] for assignment in parse_assignments(text)]


def test_an_assignment_has_its_place() -> None:
    text = "a=0\n[A]\n# x\n b = c d \n[B]\ne=\\\nf\n"
    assert parse_assignments(text, "/p") == [
        Assignment("", "a", "0", "/p", 1),
        Assignment("A", "b", "c d", "/p", 4),
        Assignment("B", "e", "f", "/p", 6),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # A comment that ends in a backslash does not take the next line with it.
        ("[S]\n# old: \\\nExecStart=/a\n", [("S", "ExecStart", "/a")]),
        ("[S]\nExecStart=/a \\\n; -x \\\n# -y\n  -b\nUser=u\n", [("S", "ExecStart", "/a    -b"), ("S", "User", "u")]),
        ("[S]\nExecStart=/a \\\n\nUser=u\n", [("S", "ExecStart", "/a"), ("S", "User", "u")]),
        ("[S]\na=b\\\\\nc=d\n", [("S", "a", "b\\\\"), ("S", "c", "d")]),
        ("[S]\r\na=b\\\r\nc\r\n", [("S", "a", "b c")]),
        ("[S]\na=b=c\nd\n=e\n[S]x\nf=\n", [("S", "a", "b=c"), ("S", "", "e"), ("S", "f", "")]),
        ("[S]\na=b\\", []),
    ],
)
def test_lines_are_joined_as_systemd_does(text: str, wanted: list[tuple[str, str, str]]) -> None:
    assert values(text) == wanted


def test_the_files_of_a_unit(tmp_path: Path) -> None:
    etc, usr = tmp_path / "etc", tmp_path / "usr"
    for path in (
        usr / "m@.service", usr / "m@.service.d/20.conf", usr / "m@.service.d/30.conf", etc / "m@a.service.d/20.conf",
        etc / "m@.service.d/10.conf", etc / "m@b.service.d/40.conf", usr / "n.service", etc / "n.service",
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (etc / "m@.service.d/30.conf").symlink_to("/dev/null")
    paths = (str(etc), str(usr))
    names = ["usr/m@.service", "etc/m@.service.d/10.conf", "etc/m@a.service.d/20.conf"]
    assert unit_files("m@a.service", paths) == [str(tmp_path / name) for name in names]
    assert unit_files("n.service", paths) == [str(etc / "n.service")]
    assert unit_files("o.service", paths) == []


def test_drop_ins_by_a_prefix_and_for_all_services(tmp_path: Path) -> None:
    """That by the name comes first, whatever directory it is in; 219 (EL7) knows no others."""
    etc, usr = tmp_path / "etc", tmp_path / "usr"
    for path in (
        usr / "my-m@.service", usr / "my-m@a-b.service.d/10.conf", etc / "service.d/10.conf", etc / "service.d/20.conf",
        usr / "my-.service.d/20.conf", etc / "my-@a-b.service.d/30.conf", etc / "my-m@a-.service.d/40.conf",
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    paths = (str(etc), str(usr))
    names = ["usr/my-m@a-b.service.d/10.conf", "usr/my-.service.d/20.conf", "etc/my-@a-b.service.d/30.conf"]
    assert unit_files("my-m@a-b.service", paths, 252)[1:] == [str(tmp_path / name) for name in names]
    assert unit_files("my-m@a-b.service", paths, 0)[1:] == [str(tmp_path / names[0])]


def test_whether_it_runs(tmp_path: Path) -> None:
    assert not is_booted(str(tmp_path))
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert is_booted(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "inner", "outer"),
    [
        ("0::/system.slice/crond.service\n", "crond.service", ("crond.service", False)),
        ("1:name=systemd:/system.slice/a.service\n0::/x.service\n", "a.service", ("a.service", False)),
        ("0::/system.slice/docker.service/x/b.service\n", "b.service", ("docker.service", False)),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/c.service/d.scope\n", "d.scope", ("c.service", True)),
        ("0::/user.slice/user-0.slice/user@0.service\n", "user@0.service", ("user@0.service", False)),
        ("0::/\n", "", ("", False)),
        ("", "", ("", False)),
    ],
)
def test_the_unit_of_a_process(text: str, inner: str, outer: tuple[str, bool]) -> None:
    group = control_group(text)
    assert (innermost_unit(group), outermost_unit(group)) == (inner, outer)
    assert units_of(group)[-1:] == ((inner,) if inner else ())


def test_the_lists_of_systemctl() -> None:
    stdout = "\u25cf a.service loaded failed failed The A\nb.mount  not-found failed failed b.mount\n\n"
    assert [row.name for row in parse_list(stdout)] == ["a.service", "b.mount"]
    assert parse_list(stdout)[1][1:] == ("not-found", "failed", "failed")
    shown = "Id=a.service\nDescription=The = A\n\nId=b.mount\n"
    assert parse_show(shown) == [{"Id": "a.service", "Description": "The = A"}, {"Id": "b.mount"}]
    assert (parse_list(""), parse_show("")) == ((), [])


def test_failed_units(monkeypatch: pytest.MonkeyPatch) -> None:
    class Systemctl:
        def run(self, command: object) -> object:
            listing = "list-units" in command.argv  # type: ignore[attr-defined]
            shown = "Id=a.service\nDescription=The A\nResult=exit-code\nInactiveEnterTimestamp=Sat 2026\n"
            return type("Result", (), {"stdout": "* a.service loaded failed failed The A\n" if listing else shown})

    monkeypatch.setattr("opskit.core.systemd.is_booted", lambda: True)
    assert failed_units(Systemctl()) == (FailedUnit("a.service", "The A", "exit-code", "Sat 2026"),)  # type: ignore[arg-type]
    monkeypatch.setattr("opskit.core.systemd.is_booted", lambda: False)
    assert failed_units(Systemctl()) == ()  # type: ignore[arg-type]
