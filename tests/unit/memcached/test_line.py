"""memcached: reading words as getopt does, numbers as C does, and where a line comes from. No memcached is started."""

from __future__ import annotations

import ctypes
import os
import shlex
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given, strategies

from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed, UsageFault
from opskit.core.finding import Finding
from opskit.memcached.line import sources
from opskit.memcached.line.edit import corrected, split_program
from opskit.memcached.line.effect import effect_of, end_text
from opskit.memcached.line.explain import explained, result_of
from opskit.memcached.line.lint import judge
from opskit.memcached.line.listen import Listener, is_loopback
from opskit.memcached.line.numbers import atof, atoi, item_size, meant_bytes, strtol8
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import Release, at, parse_release, read_release
from opskit.memcached.line.see import from_unit, read_sysconfig
from opskit.memcached.line.storage import pages_short
from opskit.memcached.line.table import FLAGS
from opskit.memcached.model import Host, HostProcess, PidFile, Program, StartLimits, StatsAnswer, TakenPort
from opskit.memcached.see.host import see_host, see_program
from opskit.memcached.see.proc import read_address
from opskit.memcached.status import findings
from opskit.memcached.status.model import Instance, InstanceFigures, UnitState, figures, slab_classes
from opskit.memcached.status.see import see_units
from opskit.memcached.status.show import SLAB_COLUMNS, slab_cells

EL7: Release = (1, 4, 15)
NEW: Release = (1, 6, 18)
LINE_1 = ["-p", "12000", "-u", "memcached", "-m", "64", "-c", "1024", "-d"]
LINE_2 = ["-p", "11211", "-u", "memcached", "-m", "64", "-c", "1024", "-l", "127.0.0.1,::1"]
EL_HOST = Host(
    memory=4 << 30, hard_files=4096, users=("memcached",), program=Program("/usr/bin/memcached", NEW, ("sasl",))
)


def options(words: str, release: Release = NEW) -> list[tuple[str, Optional[str]]]:
    return [(option.letter, option.value) for option in parse(words.split(), release).options]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("-m64", [("m", "64")]),
        ("-dvm64", [("d", None), ("v", None), ("m", "64")]),
        ("-m -p", [("m", "-p")]),
        ("--memory-limit=64", [("m", "64")]),
        ("--memory-limit 64", [("m", "64")]),
        ("--memory-l=64", [("m", "64")]),
        ("--verbose --verbose=3", [("v", None), ("v", "3")]),
        ("x -d y", [("d", None)]),
        ("-- -d", []),
        ("-", []),
    ],
)
def test_words_are_read_as_getopt_does(words: str, wanted: list[tuple[str, Optional[str]]]) -> None:
    assert options(words) == wanted


def test_what_cannot_be_read() -> None:
    wrong = {
        words: [option.wrong for option in parse(words.split(), NEW).options]
        for words in ("--mem 1", "-x", "-p", "--d=1")
    }
    assert wrong == {"--mem 1": ["ambiguous"], "-x": ["unknown"], "-p": ["no-value"], "--d=1": ["ambiguous"]}
    assert [option.wrong for option in parse(["--daemon=1"], NEW).options] == ["extra-value"]
    # getopt without the long ones takes the second dash for a letter.
    assert [option.wrong for option in parse(["--port=1"], EL7).options] == ["unknown"]


@given(strategies.lists(strategies.text(max_size=6), max_size=6), strategies.sampled_from([EL7, (1, 5, 22), NEW]))
def test_any_words_can_be_judged(words: list[str], release: Release) -> None:
    judgement = judge(parse(words, release), EL_HOST)
    parse(corrected(judgement.line, judgement.results), release)


@pytest.mark.parametrize(
    ("text", "number"),
    [("2g", 2), ("abc", 0), ("", 0), (" 7", 7), ("-5", -5), ("+3", 3), ("99999999999", 1215752191), ("9" * 30, -1)],
)
def test_atoi(text: str, number: int) -> None:
    assert atoi(text) == number


NUMBERS = strategies.from_regex(r"[ \t]?[+-]?[0-9]{0,25}[.]?[0-9]{0,3}[kmg8x]?", fullmatch=True)


@given(NUMBERS)
def test_numbers_are_read_as_the_c_library_does(text: str) -> None:
    libc = ctypes.CDLL(None)
    libc.atof.restype, libc.strtol.restype = ctypes.c_double, ctypes.c_long
    assert atoi(text) == libc.atoi(text.encode())
    assert atof(text) == libc.atof(text.encode())
    assert strtol8(text) == libc.strtol(text.encode(), None, 8)


def test_each_value_is_read_once() -> None:
    line = parse(shlex.split("-m 2g -f 1.5x -a 755 -I 2m -l 127.0.0.1:1,[::1 -o hashpower=20,a,,slab_automove"), NEW)
    numbers = {option.letter: option.number for option in line.options if option.number}
    assert {letter: (number.value, number.exact) for letter, number in numbers.items()} == {
        "m": (2, False), "f": (1.5, False), "a": (0o755, True), "I": (2 << 20, True),
    }  # fmt: skip
    assert [(address.address, address.port, bool(address.wrong)) for address in line.all("l")[0].addresses] == [
        ("127.0.0.1", 1, False), ("::1", None, True),
    ]  # fmt: skip
    assert [(suboption.name, suboption.number, suboption.wrong) for suboption in line.all("o")[0].extended] == [
        ("hashpower", 20, ""), ("a", 0, "not-in-release"), ("", 0, "not-in-release"), ("slab_automove", 0, ""),
    ]  # fmt: skip


def test_blanks_before_a_number_are_passed_over_by_newer_releases() -> None:
    for release, exact in ((NEW, False), ((1, 6, 45), True)):
        number = parse(["-m", " 64"], release).options[0].number
        assert number is not None
        assert (number.value, number.exact) == (64, exact)


def test_the_user_that_counts_is_put_right() -> None:
    """Of two -u the last one counts, so that is the one to correct."""
    judgement = judge(parse(["-l", "127.0.0.1", "-u", "m", "-u", "root"], NEW), EL_HOST)
    assert corrected(judgement.line, judgement.results) == ["-l", "127.0.0.1", "-u", "m", "-u", "memcached"]


def test_sizes() -> None:
    assert [item_size(text) for text in ("1m", "512K", "1024", "2g")] == [1 << 20, 512 << 10, 1024, 2]
    assert [meant_bytes(text) for text in ("2g", "1.5 GiB", "64", "x")] == [2 << 30, 3 << 29, None, None]


def test_releases() -> None:
    assert parse_release("1.5") == (1, 5, 22)
    assert parse_release("1.4.15") == EL7
    assert read_release("memcached 1.6.18\nusage") == NEW
    assert at(FLAGS["U"].default, (1, 5, 5)) != at(FLAGS["U"].default, (1, 5, 6))
    for text in ("1.4.13", "2.0", "x", "1.6.1.1"):
        with pytest.raises(UsageFault):
            parse_release(text)
    with pytest.raises(ValueError, match="nonsense"):
        read_release("nonsense")


def ids(words: list[str], release: Release = NEW, host: Optional[Host] = None) -> list[str]:
    return [finding.id for finding in judge(parse(words, release), host).findings]


def test_the_lines_of_the_issue() -> None:
    for release in (EL7, (1, 5, 22), NEW, (1, 6, 45)):
        assert ids(LINE_1, release, EL_HOST) == ["exposed"], release
        assert ids([*LINE_1, "-l", "127.0.0.1"], release, EL_HOST) == []
    assert ids(LINE_2, NEW, EL_HOST) == []
    judgement = judge(parse(LINE_2, EL7))
    assert (judgement.effect.status, judgement.findings[0].remedy) == (71, "-l 127.0.0.1 -l ::1")


@pytest.mark.parametrize(
    ("words", "change", "wanted"),
    [
        ("-u memcached", {"user_known": False}, ["user-unknown"]),
        ("", {}, ["user-missing"]),
        ("-u 0", {"user_known": False}, ["user-zero"]),
        ("-u 11211", {"user_known": False}, ["user-is-a-number"]),
        ("-u root", {}, ["user-root"]),
        ("", {"root": False}, []),
        ("-u m -m 4000", {}, ["memory-over-host"]),
        ("-u m -m 1000", {"cgroup_memory": 1 << 30}, ["memory-over-cgroup"]),
        ("-u m -c 5000", {}, []),
        ("-c 5000", {"root": False}, ["connections-over-limit"]),
        ("-u m -c 2000000", {}, ["connections-over-limit"]),
        ("-u m -c 5000", {"raises": False}, ["connections-over-limit"]),
        ("-u m -k", {"locked": 8 << 20}, ["lock-limit"]),  # ulimit -l 8192: it died in each of five releases
        ("-u m -k -m 32", {"locked": 1 << 30}, []),
        ("-u m -k", {}, []),
        ("-u m -p 80", {"lowest_port": 1024}, ["port-privileged"]),
        ("-u m -p 1024 -U 53", {"lowest_port": 1024}, ["port-privileged"]),
        ("-u root -p 80", {"lowest_port": 1024}, ["user-root"]),
        ("-p 80", {"root": False, "lowest_port": 1024}, ["port-privileged"]),
        ("-u m -s /run/m -p 80", {"lowest_port": 1024}, ["ignored-by-socket"]),
        ("-u m -S", {"program": Program("memcached", NEW)}, ["not-built"]),
        ("-u m -d", {"unit_type": "simple"}, ["daemon-under-unit"]),
        ("-u m -d", {"unit_type": "forking"}, []),
        ("-u m", {"unit_type": "forking"}, ["no-daemon-under-unit"]),
        ("-u m", {"taken": (TakenPort(Listener("tcp", "*", 11211), HostProcess(7, "nginx")),)}, ["port-taken"]),
        ("-u m", {"taken": (TakenPort(Listener("tcp", "10.0.0.1", 11211)),)}, []),
        ("-u m", {"taken": (TakenPort(Listener("udp", "*", 11211)),)}, []),
        ("-u m -d -P /r/p", {"pid_file": PidFile("/r/p", directory=False)}, ["pid-file-unwritable"]),
        ("-u m -d -P /r/p", {"pid_file": PidFile("/r/p", writable=False)}, ["pid-file-unwritable"]),
        ("-u m -d -P /r/p", {"pid_file": PidFile("/r/p", True, 9, HostProcess(9, "sshd"))}, ["pid-file-foreign"]),
        ("-u m -d -P /r/p", {"pid_file": PidFile("/r/p", True, 9)}, ["pid-file-stale"]),
        ("-u m -d -P /r/p", {"pid_file": PidFile("/r/p", True)}, ["pid-file-foreign"]),
        ("-u m -P /r/p", {"pid_file": PidFile("/r/p", writable=False)}, ["pid-file-without-daemon"]),
    ],
)
def test_what_the_host_says(words: str, change: dict[str, Any], wanted: list[str]) -> None:
    host = EL_HOST._replace(**change)
    lines = [] if "-s" in words.split() else ["-l", "127.0.0.1"]
    assert ids([*lines, *words.split()], NEW, host) == wanted


@pytest.mark.parametrize(
    ("words", "change", "id_", "status"),
    [
        ("-l 10.9.8.7", {"not_here": ("10.9.8.7",)}, "address-missing", 71),
        ("-s /nowhere/m", {"socket_fault": "/nowhere: No such file or directory"}, "socket-unwritable", 71),
        ("-l ::1 -e /m", {"memory_file_fault": "it is no regular file"}, "memory-file-unusable", -6),
        ("-l ::1 -Y /nowhere", {"secret_fault": "No such file or directory"}, "secret-unreadable", 1),
        (
            "-l ::1 -Z -o ssl_chain_cert=/c,ssl_key=/k",
            {"certificate_fault": "/c and /k do not fit"},
            "certificate-unusable",
            64,
        ),
    ],
)
def test_what_the_host_does_not_have_is_an_error(words: str, change: dict[str, Any], id_: str, status: int) -> None:
    """Beside what the real one does (tests/host/memcached/test_agrees.py): that lint says so, and with which status."""
    host = EL_HOST._replace(program=Program("memcached", NEW, ("tls",)), **change)
    judgement = judge(parse(f"-u m {words}".split(), NEW), host)
    (finding,) = (finding for finding in judgement.findings if finding.id != "exposed")
    assert (finding.id, finding.severity, finding.evidence) == (id_, "error", end_text(status))
    assert judgement.effect.exit_status == status


@pytest.mark.parametrize(("tail", "cut"), [("x" * 102, ""), ("x" * 103, "x"), ("é" * 51, ""), ("é" * 52, "é")])
def test_a_socket_is_bound_with_107_bytes_of_its_path_and_no_more(tail: str, cut: str) -> None:
    """Seen on 1.6.18: at 108 it listened on the first 107, start found no socket there, and status none to ask."""
    path = f"/run/{tail}"
    judgement = judge(parse(["-u", "m", "-s", path], NEW), EL_HOST)
    assert judgement.effect.socket == path.removesuffix(cut)
    assert [finding.id for finding in judgement.findings] == (["reinterpreted"] if cut else [])


def test_what_is_in_the_place_of_a_socket(tmp_path: Path) -> None:
    """memcached removes a socket there and nothing else (lstat(2)), and in a sticky directory only its own."""
    tmp_path.chmod(0o777)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "directory").mkdir()
    os.mknod(tmp_path / "socket", stat.S_IFSOCK | 0o600)

    def faults(user: str) -> list[str]:
        lines = {each.name: parse(["-u", user, "-s", str(each)], NEW) for each in tmp_path.iterdir()}
        effects = {name: effect_of(line)._replace(socket=str(tmp_path / name)) for name, line in lines.items()}
        return sorted(
            name for name, each in effects.items() if see_host(each, limits=StartLimits(root=True)).socket_fault
        )

    assert faults("bin") == ["directory", "file", "link"]
    tmp_path.chmod(0o1777)
    assert faults("bin") == ["directory", "file", "link", "socket"]
    assert faults("root") == ["directory", "file", "link"]


def test_whoever_listens_on_a_socket_would_lose_it() -> None:
    """Seen on 1.6.18: the second one with a socket unlinks that of the first, which runs on and is reached no more."""
    with tempfile.TemporaryDirectory(prefix="o") as place, socket.socket(socket.AF_UNIX) as server:
        effect = effect_of(parse(["-u", "root", "-s", f"{place}/s"], NEW))
        server.bind(effect.socket)
        assert not see_host(effect).socket_taken
        server.listen(0)
        host = see_host(effect)
        assert host.socket_taken
        assert host.socket_holder is not None
        assert host.socket_holder.pid == os.getpid()
    (finding,) = judge(parse(["-u", "m", "-s", "/run/s"], NEW), EL_HOST._replace(socket_taken=True)).findings
    assert (finding.id, finding.severity) == ("socket-taken", "error")


def test_the_file_of_the_items_is_opened_by_the_user_and_has_all_of_its_room(tmp_path: Path) -> None:
    """Seen on 1.6.18: abort(3) in the background where it cannot be opened, SIGBUS on a tmpfs with too little room."""
    tmp_path.chmod(0o755)
    (tmp_path / "file").touch(0o600)
    limits = StartLimits(root=True)

    def seen(name: str, user: str) -> Host:
        return see_host(effect_of(parse(["-u", user, "-e", str(tmp_path / name)], NEW)), limits=limits)

    assert [bool(seen(name, "bin").memory_file_fault) for name in ("new", "file", ".", "no/file")] == [True] * 4
    assert [bool(seen(name, "root").memory_file_fault) for name in ("new", "file", ".", "no/file")] == [
        False,
        False,
        True,
        True,
    ]
    assert (seen("new", "root").memory_file_room or 0) > 0
    room = {name: EL_HOST._replace(memory_file_room=(64 << 20) + more) for name, more in (("less", -1), ("enough", 0))}
    words = ["-l", "127.0.0.1", "-u", "m", "-e", "/m"]
    assert {name: ids(words, NEW, host) for name, host in room.items()} == {
        "less": ["memory-file-unusable"],
        "enough": [],
    }


@pytest.mark.parametrize(
    ("words", "least"),
    [
        ("", 39),
        ("-f 1.05", 63),
        ("-f 2 -n 1", 14),
        ("-o no_modern", 42),
        ("-o slab_sizes=100-200-300", 4),
        ("-f 1e9", 1),
    ],
)
def test_so_many_mebibytes_are_taken_before_any_item(words: str, least: int) -> None:
    """-L and -e take a page of each class at once; the real one names the number, and ends in the background."""
    for m, wanted in ((max(2, least) - 1, least), (max(2, least), 0)):
        line = parse(f"-u m -d -P /r/p -l ::1 -L -m {m} {words}".split(), NEW)
        assert pages_short(line, 1 << 20, m << 20) == (wanted if m < least else 0)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("-I 4", "-I 4m"),
        ("-I 0", "-I 1m"),
        ("-I 1023", "-I 1m"),
        ("-m 8192 -I 1023", "-I 1023m"),
        ("-I 2000m", "-I 1024m at most"),
    ],
)
def test_an_item_size_that_is_too_small_is_not_told_of_the_most(words: str, remedy: str) -> None:
    """Whoever typed 4, or 1023, was sent to 1024m."""
    (finding,) = (
        each
        for each in judge(parse(f"-u m -l 127.0.0.1 {words}".split(), NEW), EL_HOST).findings
        if each.id == "out-of-range"
    )
    assert finding.remedy == remedy


@pytest.mark.parametrize("only", [0, 1])
def test_a_listener_on_every_ipv6_address_takes_ipv4_as_well(only: int) -> None:
    """Unless it has IPV6_V6ONLY: seen on 1.6.18, which ended with 71 on 127.0.0.1 beside such a one."""
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        server.bind(("::", 0))
        server.listen()
        port = server.getsockname()[1]
        line = parse(["-u", "root", "-l", "127.0.0.1", "-p", str(port)], NEW)
        assert [each.id for each in judge(line, see_host(effect_of(line))).findings].count("port-taken") == 1 - only


def test_less_memory_to_lock_than_is_asked_for_is_an_error() -> None:
    """What it does hangs on how much it has when it asks: with 8 MiB each of five releases died, or locked nothing."""
    judgement = judge(parse(["-u", "m", "-l", "::1", "-k"], NEW), EL_HOST._replace(locked=8 << 20))
    (finding,) = judgement.findings
    assert (finding.id, finding.severity) == ("lock-limit", "error")
    assert finding.evidence == "it does not start (can't create thread), or runs with nothing locked"


@pytest.mark.parametrize(
    ("line", "before", "from_", "statuses"),
    [
        ("-o slab_chunk_max=1048576", (1, 6, 23), (1, 6, 24), (None, 1)),
        ("-o slab_chunk_max=256k", (1, 6, 23), (1, 6, 24), (-8, 1)),
        ("-L", (1, 5, 8), (1, 5, 9), (1, None)),
        ("-p 65536", (1, 6, 15), (1, 6, 16), (None, 64)),
    ],
)
def test_from_which_release_on(
    line: str, before: Release, from_: Release, statuses: tuple[Optional[int], Optional[int]]
) -> None:
    """The release that brought it: those that were measured are further apart."""
    words = f"-u m -l 127.0.0.1 {line}".split()
    assert tuple(effect_of(parse(words, release)).status for release in (before, from_)) == statuses


@pytest.mark.parametrize(
    ("words", "least"),
    [
        ("-l 127.0.0.1", 43),
        ("-l 127.0.0.1 -l 127.0.0.2", 44),
        ("-s /run/m", 43),
        ("-l 127.0.0.1 -p 11211 -U 11211", 51),
        ("", 44),
    ],
)
def test_the_fewest_connections_that_it_starts_with(words: str, least: int) -> None:
    """Measured on 1.6.18, but for the last, which listens on a socket of each family."""
    for connections, status in ((least - 1, 1), (least, None)):
        line = parse(f"-u m -t 8 -c {connections} {words}".split(), NEW)
        assert effect_of(line).status == status


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("-u m -l 127.0.0.1 -m 4000", ["-u", "m", "-l", "127.0.0.1", "-m", "3686"]),
        ("-u m -l 127.0.0.1 -c 5000", ["-u", "m", "-l", "127.0.0.1", "-c", "4096"]),
        ("-u m -l 127.0.0.1 -c 2000000", ["-u", "m", "-l", "127.0.0.1", "-c", "1048576"]),
    ],
)
def test_what_the_host_can_bear(words: str, wanted: list[str]) -> None:
    host = EL_HOST._replace(raises="2000000" in words)
    judgement = judge(parse(words.split(), NEW), host)
    assert corrected(judgement.line, judgement.results) == wanted


def test_clients_that_are_really_served() -> None:
    # Measured: -c 60 -t 4 on one listener served 36 (1.6.18) and 32 (1.6.45); -t 8 -c 100 60 and 52; UDP 4 less.
    for words, wanted in (("-c 60", (32, 36)), ("-c 100 -t 8", (52, 60)), ("-c 60 -p 1 -U 2", (28, 32))):
        assert effect_of(parse(f"-u m -l 127.0.0.1 {words}".split(), NEW)).clients() == wanted


def test_addresses() -> None:
    assert [is_loopback(address) for address in ("127.3.2.1", "::1", "localhost", "::ffff:127.0.0.1")] == [True] * 4
    assert [is_loopback(address) for address in ("0.0.0.0", "::", "*", "10.0.0.1", "cache.example.com")] == [False] * 5
    assert read_address("0100007F") == "127.0.0.1"
    assert read_address("00000000") == "*"
    assert read_address("00000000000000000000000001000000") == "::1"


def test_a_line_in_quotes_is_taken_apart() -> None:
    assert split_program(["/usr/bin/memcached", "-d"]) == ("/usr/bin/memcached", ["-d"])
    assert split_program(["memcached -p 1 >> log 2>&1"]) == ("memcached", ["-p", "1", ">>", "log", "2>&1"])
    assert split_program(["-p", "1"]) == ("", ["-p", "1"])


SYSCONFIG = '# comment\nPORT="11212"\nUSER=memcached\nMAXCONN="2048"\nOPTIONS="-l 127.0.0.1 >> /var/log/m 2>&1"\n'


def test_a_sysconfig_file() -> None:
    source = sources.from_sysconfig(SYSCONFIG, "file")
    assert list(source.words[:8]) == ["-p", "11212", "-u", "memcached", "-m", "64", "-c", "2048"]
    assert ids(list(source.words), EL7) == ["redirection"]
    daemon = sources.from_sysconfig(
        SYSCONFIG.replace("-l 127", "-d -l 127").replace('"11212"', '"11212" # port'), "file"
    )
    judged = judge(parse(daemon.words, NEW), EL_HOST._replace(unit_type=daemon.limits.unit_type))
    assert [finding.id for finding in judged.findings] == ["redirection", "not-a-number", "daemon-under-unit"]
    assert corrected(judged.line, judged.results)[:2] == ["-p", "11212"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("PORT=1\nUSER = m \n", {"PORT": "1", "USER": "m"}),
        ('PORT="1" # the port\nUSER=m', {"PORT": "1# the port", "USER": "m"}),
        ("PORT=1 # the port\n", {"PORT": "1 # the port"}),
        ('OPTIONS="-l 127.0.0.1" -U 0\n', {"OPTIONS": "-l 127.0.0.1-U 0"}),
        ("OPTIONS=-o 'a b'\n", {"OPTIONS": "-o 'a b'"}),
        ("OPTIONS='-o \"a b\"'\n", {"OPTIONS": '-o "a b"'}),
        ('OPTIONS="-o \\"a\\" \\d"\n', {"OPTIONS": '-o "a" \\d'}),
        ('OPTIONS="-l\n127.0.0.1"\nPORT=1', {"OPTIONS": "-l\n127.0.0.1", "PORT": "1"}),
        ("OPTIONS=-l \\\n127.0.0.1\n", {"OPTIONS": "-l 127.0.0.1"}),
        ("  # PORT=1\n;PORT=2\n\nno name\n=3\nPORT=\n", {"PORT": ""}),
        ("PORT=1\r\nUSER=m\r\n", {"PORT": "1", "USER": "m"}),
        ('OPTIONS="-l 127.0.0.1\nPORT=1\n', {"OPTIONS": "-l 127.0.0.1\nPORT=1\n"}),
        ("PORT", {}),
        ("", {}),
    ],
)
def test_an_environment_file_is_read_as_systemd_does(text: str, wanted: dict[str, str]) -> None:
    """What is behind a closing quote counts too: there are no comments at the end of a line."""
    assert sources.parse_environment(text) == wanted


@given(strategies.text(alphabet="AB=\"'\\ #;\n\r\tx", max_size=40))
def test_any_text_is_an_environment_file(text: str) -> None:
    assert "" not in sources.parse_environment(text)


UNIT = """[Unit]
ExecStart=/not/this
[Service]
Type=simple
EnvironmentFile=-/nonexistent/opskit
Environment="OPTIONS=-l 127.0.0.1" PORT=11211
ExecStart=/usr/bin/memcached -p ${PORT} \\
  -u nobody $OPTIONS -D $$
"""


def test_a_comment_in_a_unit_takes_no_line_with_it(tmp_path: Path) -> None:
    text = "[Service]\n# -d \\\nExecStart=/usr/bin/memcached -p 1 \\\n# -p 3 \\\n -u m\n"
    (tmp_path / "memcached.service").write_text(text)
    assert from_unit("memcached", [str(tmp_path)]).words == ("-p", "1", "-u", "m")


def test_a_unit_with_drop_ins(tmp_path: Path) -> None:
    (tmp_path / "memcached.service").write_text(UNIT)
    source = from_unit("memcached", [str(tmp_path)])
    assert source.words == ("-p", "11211", "-u", "nobody", "-l", "127.0.0.1", "-D", "$")
    assert (source.program, source.limits.unit_type) == ("/usr/bin/memcached", "simple")
    drop = tmp_path / "memcached.service.d"
    drop.mkdir()
    (drop / "x.conf").write_text("[Service]\nType=forking\nExecStart=\nExecStart=/opt/memcached -d\n")
    source = from_unit("memcached.service", [str(tmp_path)])
    assert (source.words, source.program, source.limits.unit_type) == (("-d",), "/opt/memcached", "forking")
    with pytest.raises(UsageFault):
        from_unit("other", [str(tmp_path)])


@pytest.mark.parametrize("path", ["/usr/bin/true", "/nonexistent/memcached", "/usr/sbin/shutdown"])
def test_only_memcached_is_run_to_tell_its_release(path: str) -> None:
    """A line names a program: what is another one, as `shutdown -h`, is not run to look at it."""
    calls: list[str] = []

    class Says:
        def run(self, command: Command) -> Result:
            calls.append(command.argv[0])
            return Result(command, 0, "memcached 1.6.18\n", "", 0.0)

    assert see_program(Says(), path).release == NEW
    assert os.path.basename(calls[0]) == "memcached"
    assert path not in calls


def test_a_unit_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "night.service").write_text("[Service]\nExecStart=/usr/sbin/shutdown now\n")
    with pytest.raises(UsageFault, match="not memcached"):
        from_unit("night", [str(tmp_path)])


def test_the_limits_of_a_unit() -> None:
    unit = sources.Unit()
    text = "LimitNOFILE=1024:2048\nMemoryMax=1G\nCapabilityBoundingSet=CAP_SETGID CAP_SETUID\n"
    unit.take(f"[Service]\n{text}")
    assert unit.limits == StartLimits(True, False, 2048, 1 << 30, unit_type="simple")
    host = EL_HOST._replace(raises=unit.limits.raises, hard_files=2048)
    assert ids(["-u", "m", "-l", "127.0.0.1", "-c", "3000"], NEW, host) == ["connections-over-limit"]
    unit.take("[Service]\nCapabilityBoundingSet=CAP_SYS_RESOURCE\n")
    assert unit.limits.raises
    unit.take("[Service]\nMemoryMax=10%\n")
    assert (unit.limits.memory, unit.limits.memory_percent) == (0, 10)
    unit.take("[Service]\nUser=cache\n")
    assert (unit.limits.root, unit.limits.raises) == (False, False)


def test_a_template_and_debians_wrapper(tmp_path: Path) -> None:
    (tmp_path / "memcached@.service").write_text("[Service]\nExecStart=/usr/bin/memcached -p %i\n")
    assert from_unit("memcached@11300", [str(tmp_path)]).words == ("-p", "11300")
    text = "# comment\n-d\nlogfile /x\n-m 64 # MB\n-l 127.0.0.1\n"
    assert sources.debian_words(text) == ["-m", "64", "-l", "127.0.0.1"]


def instance(stats: dict[str, str], **more: Any) -> Instance:
    given = {"listeners": (Listener("tcp", "127.0.0.1", 11211),), "answer": StatsAnswer("1.6.18", stats), **more}
    values = {"pid": 7, "user": "m", "unit": "", "line": ("memcached",), "socket": "", "rss": 1, "began": 0.0, **given}
    return Instance(**values)


@pytest.mark.parametrize(
    ("stats", "more", "wanted"),
    [
        ({"evictions": "0", "curr_connections": "1", "max_connections": "1024"}, {}, []),
        ({"evictions": "3", "limit_maxbytes": "1024"}, {}, ["evictions"]),
        ({"rejected_connections": "2"}, {}, ["rejected-connections"]),
        ({"listen_disabled_num": "2"}, {}, ["rejected-connections"]),
        ({"curr_connections": "820", "max_connections": "1024"}, {}, ["connections-near-limit"]),
        ({"cmd_get": "2000", "get_hits": "100"}, {}, ["low-hit-ratio"]),
        ({"cmd_get": "900", "get_hits": "0"}, {}, []),
        ({}, {"listeners": (Listener("tcp", "*", 1), Listener("udp", "*", 1))}, ["exposed"]),
        ({}, {"answer": None, "why": "no answer in time"}, ["not-answering"]),
    ],
)
def test_findings_of_figures(stats: dict[str, str], more: dict[str, Any], wanted: list[str]) -> None:
    assert [finding.id for finding in findings.find([instance(stats, **more)], [])] == wanted


SMALL = {"items:1:number": "9", "items:1:age": "60", "1:chunk_size": "96", "1:total_pages": "8"}
SMALL |= {"1:total_chunks": "87376", "1:used_chunks": "9", "1:mem_requested": "600", "active_slabs": "2"}
SMALL |= {"1:free_chunks": "70000"}
LARGE = {"items:5:number": "1", "items:5:evicted": "40", "items:5:evicted_time": "20", "5:chunk_size": "240"}
LARGE |= {"5:total_pages": "1", "5:free_chunks": "0", "items:5:outofmemory": "2", "items:5:expired_unfetched": "3"}


def slabs(*classes: dict[str, str], version: str = "1.6.18", settings: Optional[dict[str, str]] = None) -> Instance:
    """An instance with -m 64 and these classes."""
    every = {name: text for each in classes for name, text in each.items()}
    items = {name: text for name, text in every.items() if name.startswith("items:")}
    rest = {name: text for name, text in every.items() if name not in items}
    stats = {"limit_maxbytes": str(64 << 20), "bytes": "600", "curr_items": "10", "uptime": "7200"}
    return instance({}, answer=StatsAnswer(version, stats, settings or {}, items, rest))


def test_the_classes_of_an_instance() -> None:
    small, large = slab_classes(slabs(SMALL, LARGE).answer)
    assert (small.number, small.item_size, small.pages, small.memory) == (1, 96, 8, 96 * 87376)
    assert (small.free, small.waste, small.items, small.age) == (96 * 70000, 9 * 96 - 600, 9, 60)
    assert (large.evicted, large.evicted_age, large.failed, large.expired_unused) == (40, 20, 2, 3)
    assert large.waste is None  # some releases do not tell
    assert figures(slabs(SMALL, LARGE)).failed == 2
    assert slab_classes(None) == ()
    odd = {"items:x:number": "1", "items:1:number": "\udcff", "1:chunk_size": "-1", ":": "1", "1:2:3": "4"}
    assert slab_classes(slabs(odd).answer) == ()


def test_what_is_shown_of_a_class() -> None:
    """All that people look for, in JSON and in the table of --slabs."""
    small, large = slab_classes(slabs(SMALL, LARGE).answer)
    assert [findings.slab_json(each) for each in (small, large)] == [
        {
            "class": 1, "item_size_bytes": 96, "pages": 8, "memory_bytes": 96 * 87376, "free_bytes": 96 * 70000,
            "waste_bytes": 9 * 96 - 600, "items": 9, "age_seconds": 60, "evicted": 0, "evicted_age_seconds": 0,
            "evicted_unused": 0, "expired_unused": 0, "failed": 0,
        },
        {
            "class": 5, "item_size_bytes": 240, "pages": 1, "memory_bytes": 0, "free_bytes": 0, "waste_bytes": None,
            "items": 1, "age_seconds": 0, "evicted": 40, "evicted_age_seconds": 20,
            "evicted_unused": 0, "expired_unused": 3, "failed": 2,
        },
    ]  # fmt: skip
    titles = " ".join(column.title.replace(" ", "_") for column in SLAB_COLUMNS)
    assert titles == "ADDRESS CLASS ITEM ITEMS PAGES MEMORY FREE WASTE AGE EVICTED AT_AGE UNUSED FAILED"
    cells = ["127.0.0.1:11211", "5", "240B", "1", "1", "0", "0", "", "0", "40", "20s", "3", "2"]
    assert slab_cells(slabs(LARGE), large) == cells
    stats = {"uptime": "7200", "evictions": "41", "store_no_memory": "2", "store_too_large": "1"}
    stats |= {"rejected_connections": "3", "expired_unfetched": "4", "evicted_unfetched": "5"}
    told = findings.instance_json(instance(stats))
    wanted = {"evictions": 41, "evictions_an_hour": 20.5, "failed_stores": 2, "too_large_stores": 1}
    wanted |= {"rejected": 3, "expired_unused": 4, "evicted_unused": 5}
    assert {name: told[name] for name in wanted} == wanted


def test_stores_that_fail() -> None:
    """memcached counts them, and no client may have said so."""
    (finding,) = findings.find([instance({"store_no_memory": "72", "evictions": "0"})], [])
    assert (finding.id, finding.severity) == ("stores-fail", "error")
    assert finding.title.startswith("127.0.0.1:11211: 72 stores failed")
    off = slabs({"items:5:outofmemory": "2", "5:chunk_size": "240"}, version="1.4.15", settings={"evictions": "off"})
    (finding,) = findings.find([off], [])
    assert "-M" in finding.evidence
    assert "classes: 5 (240B)" in finding.evidence
    (finding,) = findings.find([instance({"store_too_large": "1"})], [])
    assert (finding.id, finding.severity) == ("items-too-large", "warning")


def test_a_class_that_starves() -> None:
    """Items of one size go while a tenth of the memory is free for others."""
    assert "class-starves" in [finding.id for finding in findings.find([slabs(SMALL, LARGE)], [])]
    for small, large in (
        ({**SMALL, "1:free_chunks": "60000"}, LARGE),  # less is free elsewhere
        (SMALL, {**LARGE, "5:free_chunks": "4"}),  # there is room
        (SMALL, {"items:5:number": "1", "5:chunk_size": "240"}),  # nothing has gone
    ):
        assert "class-starves" not in [finding.id for finding in findings.find([slabs(small, large)], [])]


def test_evictions_have_their_rate_and_age() -> None:
    stats = {"limit_maxbytes": str(64 << 20), "uptime": "7200", "evictions": "41"}
    items = {"items:5:evicted": "40", "items:5:evicted_time": "20", "items:6:evicted": "1"}
    aged = instance(stats, answer=StatsAnswer("1.6.18", stats, {}, items))
    evidence = findings.find([instance(stats)], [])[0].evidence
    assert "20 an hour" in evidence
    assert "the last ones 0s after their last use" in findings.find([aged], [])[0].evidence
    # Of an instance that has just begun there is no rate.
    assert "an hour" not in findings.find([instance({**stats, "uptime": "60"})], [])[0].evidence


def test_rejected_connections_of_a_release_that_counts_all() -> None:
    for version, severity in (("1.5.22", "info"), ("1.6.18", "warning"), ("1.4.15", "warning")):
        row = instance({}, answer=StatsAnswer(version, {"rejected_connections": "9"}))
        assert [finding.severity for finding in findings.find([row], [])] == [severity]


@pytest.mark.parametrize("text", ["\N{SUPERSCRIPT TWO}", "9" * 5000, "9" * 300, "-1", "1.5", "", "\udcff"])
def test_figures_that_are_none(text: str) -> None:
    """Anybody can run something of that name, and it can say anything: the others are shown all the same."""
    row = instance(dict.fromkeys(("uptime", "bytes", "limit_maxbytes", "cmd_get", "curr_connections"), text))
    assert figures(row) == InstanceFigures()
    assert findings.find([row], []) == ()
    assert findings.instance_json(row)["used_bytes"] is None


def test_a_failed_unit_is_a_finding() -> None:
    units = [UnitState("memcached.service", "failed"), UnitState("memcached@1.service", "inactive")]
    assert [finding.id for finding in findings.find([], units)] == ["unit-failed"]
    (killed,) = findings.find([], [UnitState("memcached@1.service", "failed", "oom-kill")])
    assert killed.title == "memcached@1.service has failed: a process of it was killed for want of memory"
    assert killed.evidence == "oom-kill"
    assert killed.remedy.endswith("systemctl show -p MemoryMax memcached@1.service")


def test_the_bullet_before_a_failed_unit_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd 219 (EL7) has it with --plain, too."""

    class Systemd219:
        def run(self, command: Command) -> Result:
            rows = "\u25cf memcached.service loaded failed failed memcached daemon\n"
            shown = "Id=memcached.service\nDescription=memcached daemon\nResult=exit-code\nInactiveEnterTimestamp=\n"
            return Result(command, 0, rows if "list-units" in command.argv else shown, "", 0.0)

    for module in ("memcached.status.see", "core.systemd"):
        monkeypatch.setattr(f"opskit.{module}.is_booted", lambda: True)
    assert see_units(Systemd219()) == (UnitState("memcached.service", "failed", "exit-code"),)  # type: ignore[arg-type]
    (finding,) = findings.find([], see_units(Systemd219()))  # type: ignore[arg-type]
    assert (finding.id, finding.title.partition(" ")[0]) == ("unit-failed", "memcached.service")


def test_a_systemd_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails:
        def run(self, command: Command) -> Result:
            raise CommandFailed(Result(command, 1, "", "Failed to connect to bus\n", 0.0))

    monkeypatch.setattr("opskit.memcached.status.see.is_booted", lambda: True)
    (unit,) = see_units(Fails())
    assert "Failed to connect to bus" in unit.state
    assert findings.find([], [unit]) == ()


def test_graphs() -> None:
    assert findings.graph([0, 1, 2, 4], 4) == "▁▃▅█"
    assert findings.graph([0, 0], 4) == "▁▁"
    assert findings.graph([1, 2, 4], 2, plain=True) == "=#"
    assert findings.graph([], 4) == ""
    history = findings.WatchHistory({}, {}, {})
    for now, gets in ((10.0, "100"), (12.0, "150")):
        history.take([instance({"cmd_get": gets, "bytes": "5"})], now)
    assert history.gets[7] == [0.0, 25.0]


SHELLS = """# a comment
PORT=11211
USER=memcached # the user
OPTIONS="-l `hostname -i`"
MORE='-P $HOME/m.pid'
export CACHESIZE=64
HASH="a#b"
"""


def test_what_only_a_shell_would_read_in_a_settings_file(tmp_path: Path) -> None:
    """And no correction is given of a line that nobody meant."""
    findings = [(finding.title.partition(" in ")[0], finding.evidence) for finding in sources.shell_syntax(SHELLS, "f")]
    assert findings == [
        ("USER=", "USER=memcached # the user"),
        ("OPTIONS=", "OPTIONS=-l `hostname -i`"),
        ("MORE=", "MORE=-P $HOME/m.pid"),
        ("export", "export CACHESIZE=64"),
    ]
    assert sources.shell_syntax('PORT=11211\n# a `comment`\nOPTIONS="-l ::1"\n', "f") == ()
    path = tmp_path / "settings"
    path.write_text(SHELLS)
    (tmp_path / "memcached.service").write_text(
        f"[Service]\nEnvironmentFile={path}\nExecStart=/usr/bin/memcached {sources.EL_LINE}\n"
    )
    for source in (from_unit("memcached", [str(tmp_path)]), read_sysconfig(str(path))):
        assert len(source.syntax) == 4


@pytest.mark.parametrize(
    ("line", "better"),
    [
        ("-u m -l 127.0.0.1,::1,controller", None),  # as OpenStack has it: the name is for somebody
        ("-u m -l 127.0.0.1 -p 70000", None),  # not 11211
        ("-u m -l 127.0.0.1 -p 70000 -m 2g", None),  # it would not start
        ("-u m -p 12000", "memcached -u m -p 12000 -l 127.0.0.1"),
        ("-u m -p 12000 -l 10.0.0.5 -m 2g", "memcached -u m -p 12000 -l 10.0.0.5 -m 2048"),
        ("-u m -l 127.0.0.1,0.0.0.0", "memcached -u m -l 0.0.0.0"),
        ("-u m -l 0.0.0.0,127.0.0.1", "memcached -u m -l 0.0.0.0"),
        ("-u m -l 127.0.0.1 -c 42 -t 8", "memcached -u m -l 127.0.0.1 -c 1024 -t 8"),
        ("-u m -l 127.0.0.1 -t 300", "memcached -u m -l 127.0.0.1 -c 3771"),  # as many as so many threads take
    ],
)
def test_a_correction_does_not_narrow(line: str, better: Optional[str]) -> None:
    judgement = judge(parse(line.split(), NEW))
    assert result_of(sources.LineSource(tuple(line.split()), "line"), judgement)["corrected"] == better
    syntax = (Finding("shell-syntax", "error", "t"),)
    assert result_of(sources.LineSource(tuple(line.split()), "line", syntax=syntax), judgement)["corrected"] is None


@pytest.mark.parametrize(
    ("line", "does"),
    [
        (
            "-u m -p 12000 -l 127.0.0.1",
            {"-p": "listens on tcp 127.0.0.1:12000", "-u": "becomes m, where root starts it"},
        ),
        ("-u m -l 127.0.0.1 -p 65536", {"-p": "-p 65536 is not a port", "-u": None}),
        ("-u m -l 127.0.0.1 -p 0 -U 5", {"-p": "no TCP", "-U": "listens on udp 127.0.0.1:5"}),
        ("-u m -l 127.0.0.1 -p 1 -p 2", {"-p": "listens on tcp 127.0.0.1:2"}),
        ("-u m -l 127.0.0.1 -P /run/m.pid -t 2", {"-P": "nothing without -d", "-t": "2 threads"}),
    ],
)
def test_explain_says_what_an_option_does_in_this_line(line: str, does: dict[str, Optional[str]]) -> None:
    """Not what it does with other values."""
    rows = {row["text"].partition(" ")[0]: row["does"] for row in explained(judge(parse(line.split(), NEW)))}
    assert {name: rows[name] for name in does} == does
