"""supervisord and its programs: by its configuration, and by its XML-RPC through the socket that this names.

Not by supervisorctl: its answer is a table, its exit status is always 0 before 4.0, and it runs code that its
configuration names. What is asked may not answer: that is done in a child.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Optional, Union

from opskit.core import procfs
from opskit.core.child import ask
from opskit.core.trust import weak_spot
from opskit.service import xmlrpc
from opskit.service.model import Process, Program, Supervisor
from opskit.service.scripts import is_program
from opskit.service.see.files import matches_in, place_in, read_end, read_in
from opskit.service.see.processes import PROC, user_of
from opskit.service.supervisor import (
    Sections,
    configured_programs,
    expanded,
    merged,
    named_programs,
    program_of,
    sections_in,
    setting,
)

# What is imported below where there is a supervisord to ask.
MODULES = ("base64", "http.client", "socket")
SECONDS = 10.0
# Of the socket: it is a supervisord of this host, or of a container of it.
SOCKET_SECONDS = 4.0
LINES = 10
CONTROL = "supervisorctl"
NOBODY = (65534, 65534)
# Where our own runner finds it.
PATHS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin")
# Of supervisord's own log: how its programs ended.
LOG_LINES = 200
MOST_BYTES = 4 * 1024 * 1024
CONFIGS = ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")
_OPTION = re.compile(r"(?:-c|--conf\w*=?)(.*)", re.DOTALL)


class Daemon(NamedTuple):
    """A supervisord. user: whose it is; only what that may read is read of its files, on the host."""

    pid: int
    words: tuple[str, ...]
    folder: str
    user: tuple[int, int]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    """XML-RPC has numbers of 32 bits; as a time or a pid a larger one is none."""
    return isinstance(value, int) and abs(value) < 1 << 31


# What is taken of its answer on a program.
FIELDS = {
    **dict.fromkeys(("group", "name", "statename", "spawnerr", "stderr_logfile", "stdout_logfile"), _is_text),
    **dict.fromkeys(("pid", "exitstatus", "start"), _is_number),
}


class Answers(NamedTuple):
    """What supervisord says. early: whether it is older than 4.0."""

    programs: list[dict[str, Any]]
    early: bool


def see_supervisor(
    name: str, processes: Sequence[Process], root: str = "/"
) -> Optional[tuple[Supervisor, tuple[str, ...]]]:
    """The supervisord that knows a program or group of the name, with the last lines of that; None without one.

    processes: all of the host, or of the container
    root: "/", or /proc/PID/root
    """
    daemons = [_daemon(each) for each in processes if not each.zombie and is_program(each, ("supervisord",))]
    # The last question is of one that does not run.
    answers = ask([partial(_look, root, name, daemon) for daemon in (*daemons, None)], SECONDS)
    used = {answer.value["files"][0] for answer in answers[:-1] if answer.value}
    silent = next((daemon.pid for daemon, answer in zip(daemons, answers) if not answer.came), 0)
    for daemon, answer in zip([*daemons, None], answers):
        found = answer.value or {}
        if found.get("programs") and (daemon or found["files"][0] not in used):
            pid, control = daemon.pid if daemon else silent, found["control"]
            why = found["why"] if daemon or not silent else "nothing came from it in time"
            owned = [*found["files"], *([control] if "/" in control else [])] if root == "/" else []
            weak = next((spot for path in owned if (spot := weak_spot(path))), "")
            programs = tuple(Program(**_tuples(each)) for each in found["programs"])
            if why or not pid:
                programs = _marked(programs, processes)
            user = procfs.user_name(daemon.user[0]) if daemon and daemon.user[0] and weak else ""
            supervisor = Supervisor(found["files"][0], programs, pid, why, weak, control, user)
            return supervisor, tuple(found["log"])
    return None


def _marked(programs: Sequence[Program], processes: Sequence[Process]) -> tuple[Program, ...]:
    """The programs, with the processes that have their names in their environment (supervisor/process.py)."""
    pids: dict[tuple[str, str], list[int]] = {}
    for each in processes:
        names = procfs.environment(PROC, each.pid)
        if "SUPERVISOR_PROCESS_NAME" in names:
            key = (names.get("SUPERVISOR_GROUP_NAME", ""), names["SUPERVISOR_PROCESS_NAME"])
            pids.setdefault(key, []).append(each.pid)
    return tuple(replace(each, marked=tuple(pids.get((each.group, each.name), ()))) for each in programs)


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _daemon(process: Process) -> Daemon:
    # Whose it is that is not known is nobody's: what all may read is read of its files.
    user = user_of(process.pid) or NOBODY
    return Daemon(process.pid, process.words, procfs.link(PROC, str(process.pid), "cwd"), user)


def _look(root: str, name: str, daemon: Optional[Daemon]) -> dict[str, Any]:
    """What is known of the name, as JSON holds it; {} without a configuration. In the child."""
    if daemon and root == "/" and os.geteuid() == 0 and daemon.user[0] > 0:
        # Where opskit's Python is in a place of root's alone, that user can import nothing.
        for module in MODULES:
            importlib.import_module(module)
        os.setgroups([])
        os.setresgid(daemon.user[1], daemon.user[1], daemon.user[1])
        os.setresuid(daemon.user[0], daemon.user[0], daemon.user[0])
    environment = procfs.environment(PROC, daemon.pid) if daemon else {}
    for path in _configs(daemon):
        files = dict(_read(root, path, environment))
        if files:
            break
    else:
        return {}
    sections = merged(files.values())
    here = os.path.dirname(path)
    log = expanded(setting(sections, "supervisord", "logfile"), here, environment)
    own = read_end(root, [log], LOG_LINES) if log.startswith("/") else []
    why, programs = "", []
    if daemon:
        answers = _ask(root, sections, here, environment)
        if isinstance(answers, str):
            why = answers
        else:
            named = named_programs(name, answers.programs)
            programs = [program_of(each, sections, own, early=answers.early) for each in named]
    if why or not daemon:
        programs = configured_programs(name, sections, own)
    logs = [path for program in programs for path in program.logs]
    return {
        "files": list(files),
        "why": why,
        "control": _control(root, daemon),
        "programs": [vars(program) for program in programs],
        "log": read_end(root, logs, LINES),
    }


def _control(root: str, daemon: Optional[Daemon]) -> str:
    """The supervisorctl that is beside supervisord: one that pip has installed is in no PATH of ours."""
    program = next((word for word in (daemon.words if daemon else ()) if os.path.basename(word) == "supervisord"), "")
    beside = os.path.join(os.path.dirname(program), CONTROL)
    if program.startswith("/") and os.path.dirname(program) not in PATHS and _is_file(root, beside):
        return beside
    return CONTROL


def _is_file(root: str, path: str) -> bool:
    """Whether there is such a file."""
    try:
        read_in(root, path)
    except OSError:
        return False
    return True


def _configs(daemon: Optional[Daemon]) -> Iterator[str]:
    """Where its configuration can be, as supervisord looks for it (supervisor/options.py)."""
    if daemon is None:
        yield from CONFIGS
        return
    words = list(daemon.words)
    for word, following in zip(words, [*words[1:], ""]):
        if match := _OPTION.fullmatch(word):
            yield os.path.normpath(os.path.join(daemon.folder, match[1] or following))
            return
    program = next((word for word in words if os.path.basename(word) == "supervisord"), "")
    beside = os.path.dirname(os.path.dirname(os.path.join(daemon.folder, program)))
    for folder in (f"{beside}/etc", beside, daemon.folder, f"{daemon.folder}/etc"):
        yield os.path.normpath(f"{folder}/supervisord.conf")
    yield from CONFIGS


def _read(root: str, path: str, environment: dict[str, str]) -> Iterator[tuple[str, Sections]]:
    """The configuration file, and those that it includes."""
    try:
        main = sections_in(path, read_in(root, path)[0])
    except OSError:
        return
    yield path, main
    here = os.path.dirname(path)
    patterns = expanded(setting(main, "include", "files"), here, environment).split()
    for each in (
        path for pattern in patterns for path in matches_in(root, os.path.normpath(os.path.join(here, pattern)))
    ):
        with contextlib.suppress(OSError):
            yield each, sections_in(each, read_in(root, each)[0])


def _ask(root: str, sections: Sections, here: str, environment: dict[str, str]) -> Union[str, Answers]:
    """What supervisord says of all its programs, and of itself; or why it does not."""

    def value(section: str, key: str) -> str:
        return expanded(setting(sections, section, key), here, environment)

    path, port = value("unix_http_server", "file"), value("inet_http_server", "port")
    server = "unix_http_server" if path else "inet_http_server"
    user, password = (value("supervisorctl", key) or value(server, key) for key in ("username", "password"))
    from base64 import b64encode  # noqa: PLC0415 - where there is a supervisord

    token = "" if not user else b64encode(f"{user}:{password}".encode()).decode()
    if not path and (root != "/" or not port):
        return "it has no socket: [unix_http_server] is not in its configuration"

    def told(method: str) -> bytes:
        return _post(_connected(root, os.path.join(here, path)) if path else _to_port(port), token, method)

    try:
        programs = _answers(told("getAllProcessInfo"))
        return programs if isinstance(programs, str) else Answers(programs, is_early(told("getSupervisorVersion")))
    except OSError as error:
        return _why(path or port, error)


def is_early(body: bytes) -> bool:
    """Whether an answer to getSupervisorVersion is of a release before 4.0."""
    return bool(re.search(rb">\s*[0-3]\.\d", body))


def _why(place: str, error: OSError) -> str:
    texts = {
        errno.ENOENT: f"its socket {place} is gone: something has removed it",
        errno.ECONNREFUSED: f"nobody listens on {place}: it is left of an earlier run",
        errno.EACCES: f"this user may not ask it through {place}: sudo",
    }
    return texts.get(error.errno or 0, f"{place}: {error.strerror or error}")


def _connected(root: str, path: str) -> Any:
    import socket  # noqa: PLC0415

    made = socket.socket(socket.AF_UNIX)
    made.settimeout(SOCKET_SECONDS)
    with place_in(root, path) as place:
        made.connect(f"/proc/self/fd/{place}")
    return made


def _to_port(port: str) -> Any:
    number = port.rpartition(":")[2]
    if not number.isdigit():
        raise OSError(errno.EINVAL, "it is no port")
    import socket  # noqa: PLC0415

    made = socket.socket()  # create_connection() would import idna
    made.settimeout(SOCKET_SECONDS)
    made.connect(("127.0.0.1", int(number)))
    return made


def _post(connection: Any, token: str, method: str) -> bytes:
    """The answer to a method without parameters. Raises OSError."""
    from http.client import HTTPException, HTTPResponse  # noqa: PLC0415 - where there is a supervisord

    body = xmlrpc.call(f"supervisor.{method}")
    lines = ["POST /RPC2 HTTP/1.0", "Host: localhost", "Content-Type: text/xml", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Basic {token}"] if token else []
    with connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        response = HTTPResponse(connection)
        try:
            response.begin()
            text = response.read(MOST_BYTES)
        except HTTPException as error:
            raise OSError(errno.EPROTO, f"it answers no HTTP ({error!r})") from error
    if response.status == 401:
        raise OSError(errno.EPERM, "it wants a user and password that its configuration does not have in plain text")
    if response.status != 200:
        raise OSError(errno.EPROTO, f"it answers {response.status}")
    return text


def _answers(body: bytes) -> Union[str, list[dict[str, Any]]]:
    try:
        answers = xmlrpc.answer(body)
    except xmlrpc.Told as fault:
        return f"it answers {fault}"
    except ValueError as error:
        return f"its answer cannot be read ({error})"
    if not isinstance(answers, list):
        return "its answer cannot be read: it is no list"
    known = [{key: each[key] for key, fits in FIELDS.items() if key in each and fits(each[key])}
             for each in answers if isinstance(each, dict)]  # fmt: skip
    return [each for each in known if {"group", "name"} <= each.keys()]
