"""What is wrong with what the doctor saw."""

from __future__ import annotations

from dataclasses import replace

from opskit.doctor.diagnosis import diagnose
from opskit.doctor.model import ConfigFile, Examination, Host, Installation, State, Tool, User

SOUND = Examination(
    opskit=Installation("1.2", "wheel", "", "/opt/opskit", "3.9.18", "/usr/bin/python3", {"rich": "13.8"}),
    host=Host("CentOS Stream 9", "5.14.0", "x86_64", "glibc 2.34", 252, True, "", "enforcing", "dnf"),
    user=User("root", 0, ()),
    state=State("/var/lib/opskit", True, 1 << 30, 3, "", ""),
    config_files=(ConfigFile("/etc/opskit/config.toml", True, ""), ConfigFile("/root/.config/x", False, "")),
    settings=(),
    unread=(),
    tools=(
        Tool("mount", "/usr/bin/mount", "2.37", ("disk mount",), "", ""),
        Tool("mkfs.xfs", "", "", ("disk mount",), "for --fstype xfs", "dnf install xfsprogs"),
    ),
)


def told(seen: Examination) -> list[tuple[str, str, str]]:
    return [(finding.id, finding.title, finding.remedy) for finding in diagnose(seen)]


def test_a_sound_host_has_no_findings_though_it_lacks_what_is_not_asked_for() -> None:
    assert told(SOUND) == []


def test_a_program_that_a_command_cannot_do_without() -> None:
    lost = replace(SOUND.tools[0], path="", install="dnf install util-linux")
    title = "mount is not on this host: opskit disk mount cannot do without"
    assert told(replace(SOUND, tools=(lost,))) == [("program-missing", title, "dnf install util-linux")]


def test_a_state_directory_where_no_run_can_begin() -> None:
    state = replace(SOUND.state, problem="/var/lib/opskit/lock: read-only", todo="name another")
    title = "no run that changes the host can begin: /var/lib/opskit/lock: read-only"
    assert told(replace(SOUND, state=state)) == [("state-unusable", title, "name another")]


def test_a_config_file_that_does_not_count() -> None:
    files = (ConfigFile("/etc/opskit/config.toml", True, "not TOML: line 3"),)
    seen = replace(SOUND, config_files=files, unread=("disk.mount.fs: no such option",))
    assert told(seen) == [
        ("config-passed-over", "/etc/opskit/config.toml: not TOML: line 3", "mend the file"),
        ("config-passed-over", "disk.mount.fs: no such option", "mend the file"),
    ]


def test_root_without_capabilities_and_an_ordinary_user() -> None:
    lacks = ("CAP_SYS_ADMIN", "CAP_SYSLOG")
    title = "root lacks CAP_SYS_ADMIN, CAP_SYSLOG here"
    remedy = "run it on the host itself"
    assert told(replace(SOUND, user=User("root", 0, lacks))) == [("capability-missing", title, remedy)]
    assert told(replace(SOUND, user=User("ann", 1000, lacks))) == []
