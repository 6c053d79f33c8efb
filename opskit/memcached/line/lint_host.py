"""What is wrong with a line on the host that it is to run on. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.finding import Finding, follow_up
from opskit.core.units import MIB, size_text
from opskit.memcached.line.edit import Edit, LineFinding, OptionText
from opskit.memcached.line.effect import EX_OSERR, Effect, late_end, privileged
from opskit.memcached.line.listen import overlaps
from opskit.memcached.line.parse import APPEND, CommandLine
from opskit.memcached.line.release import PID_FILE_REMOVED, Release
from opskit.memcached.line.storage import SIGABRT
from opskit.memcached.model import Host, PidFile, TakenPort

# What it needs beside its items: threads, connections, the hash table. Of the limit, in percent.
# What is locked beside -m at the least: stacks, buffers, the hash table.
LOCKED_BESIDE = 64 * MIB
HEADROOM = 10
# Also as root: what is in a container and shares its network, or ends in this moment.
UNSEEN = "a process that cannot be seen (without root: one of another user)"
# A feature of a build, and the option of configure that brings it.
BUILDS = {"sasl": "--enable-sasl", "tls": "--enable-tls", "extstore": "--enable-extstore", "proxy": "--enable-proxy"}


def host_findings(line: CommandLine, effect: Effect, host: Host) -> Iterator[LineFinding]:
    """Users, memory, open files, ports, the pid file and the build."""
    yield from user_findings(line, effect, host)
    yield from _memory(line, effect, host)
    yield from _files(line, effect, host)
    evidence = late_end(EX_OSERR, effect)
    for listener in privileged(effect, host):
        title = f"{listener.text}: only root may listen below {host.lowest_port}, and memcached changes its user first"
        remedy = f"a port from {host.lowest_port} on; or sysctl net.ipv4.ip_unprivileged_port_start={listener.port}"
        yield LineFinding(Finding("port-privileged", "error", title, evidence, remedy))
    yield from _files_of(line, effect, host)
    for taken in conflicts(effect, host):
        holder = taken.holder.text if taken.holder else UNSEEN
        title = f"{taken.listener.text} is taken by {holder}"
        remedy = (
            follow_up("memcached", "stop", "--port", str(taken.listener.port))
            if _is_memcached(taken)
            else "another port"
        )
        yield LineFinding(Finding("port-taken", "error", title, evidence, remedy))
    if effect.pid_file and host.pid_file:
        yield from _pid_file(host.pid_file, line.release)
    yield from _build(line, host)
    if effect.daemon and host.unit_type in {"simple", "exec", "notify"}:
        title = f"-d under a unit of Type={host.unit_type}: systemd takes the exit of the first process for its end"
        edits = tuple(Edit(number) for number in line.positions("d"))
        yield LineFinding(Finding("daemon-under-unit", "error", title, f"Type={host.unit_type}", "leave -d out"), edits)
    elif effect.runs and not effect.daemon and host.unit_type == "forking":
        title = (
            "no -d under a unit of Type=forking: systemd waits for the first process to exit, and kills it in the end"
        )
        edits = (Edit(APPEND, (("d", None),)),)
        yield LineFinding(Finding("no-daemon-under-unit", "error", title, "Type=forking", "Type=simple, or -d"), edits)


def _files_of(line: CommandLine, effect: Effect, host: Host) -> Iterator[LineFinding]:
    """Addresses, sockets and files that are not as the line needs them."""
    for address in host.not_here:
        title = f"-l {address}: no interface of this host has that address"
        remedy = "ip address lists those that it has"
        yield LineFinding(Finding("address-missing", "error", title, late_end(EX_OSERR, effect), remedy))
    if host.socket_fault:
        title = f"-s {effect.socket}: {host.socket_fault}"
        remedy = "another path, in a directory of that user, such as /run/memcached"
        yield LineFinding(Finding("socket-unwritable", "error", title, late_end(EX_OSERR, effect), remedy))
    elif host.socket_taken:
        title = f"-s {effect.socket}: {host.socket_holder.text if host.socket_holder else UNSEEN} listens there"
        evidence = "memcached removes the socket that is there: no client would reach that process any more"
        yield LineFinding(Finding("socket-taken", "error", title, evidence, "another path"))
    if host.secret_fault:
        title = f"-Y {effect.auth_file}: {host.secret_fault}"
        remedy = "a file of lines USER:PASSWORD that its user, and nobody else, can read"
        yield LineFinding(Finding("secret-unreadable", "error", title, late_end(1, effect), remedy))
    if host.memory_file_fault:
        title, remedy = (
            f"-e {effect.memory_file}: {host.memory_file_fault}",
            "a file in a directory of its user, on a tmpfs",
        )
        yield LineFinding(Finding("memory-file-unusable", "error", title, late_end(SIGABRT, effect), remedy))
    elif host.memory_file_room is not None and host.memory_file_room < effect.max_bytes <= 2**62:
        fits = host.memory_file_room // MIB
        title = (
            f"-e {effect.memory_file}: only {size_text(host.memory_file_room)} are free there, and it needs all of -m"
        )
        evidence = "killed by SIGBUS, at once or when so much is in it"
        yield LineFinding(
            Finding("memory-file-unusable", "error", title, evidence, f"-m {fits} at most, or a larger tmpfs")
        )
    if host.certificate_fault:
        title = f"-Z: {host.certificate_fault}"
        finding = Finding(
            "certificate-unusable", "error", title, "exit status 64", "openssl x509 -in FILE -noout -text"
        )
        yield LineFinding(finding)
    if effect.locks and 0 < host.locked < effect.max_bytes + LOCKED_BESIDE:
        title = f"-k: only {size_text(host.locked)} may be locked, and it needs all of -m and more"
        evidence = "it does not start (can't create thread), or runs with nothing locked"
        finding = Finding("lock-limit", "error", title, evidence, "LimitMEMLOCK=infinity in the unit, or without -k")
        yield LineFinding(finding, (Edit(line.position("k")),))


def _is_memcached(taken: TakenPort) -> bool:
    return taken.holder is not None and taken.holder.name == "memcached"


def conflicts(effect: Effect, host: Host) -> list[TakenPort]:
    """The ports of the line that somebody listens on already."""
    return [taken for taken in host.taken if any(overlaps(listener, taken.listener) for listener in effect.listeners)]


def user_findings(line: CommandLine, effect: Effect, host: Host) -> Iterator[LineFinding]:
    """-u: missing, a number, unknown, root."""
    usual: tuple[OptionText, ...] = (("u", host.users[0] if host.users else "memcached"),)
    name = usual[0][1]
    port: tuple[OptionText, ...] = () if line.has("p") else (("p", "11211"),)  # a lone -U moves TCP too
    number = line.position("u")
    if not host.root or effect.prints:
        return
    if not effect.user:
        finding = Finding(
            "user-missing", "error", "memcached does not start as root without -u", "exit status 64", f"-u {name}"
        )
        yield LineFinding(finding, (Edit(number, usual),))
    elif effect.user == "0":
        title = "-u 0: no user is named 0; did you mean -U 0 (no UDP)?"
        finding = Finding("user-zero", "error", title, "exit status 67", f"-U 0 -u {name}")
        yield LineFinding(finding, (Edit(number, (("U", "0"), *port, *usual)),))
    elif effect.user.isdigit() and not host.user_known:
        title = f"-u {effect.user}: a number is not a user name; did you mean -U {effect.user}?"
        finding = Finding("user-is-a-number", "error", title, "exit status 67", f"-U {effect.user} -u {name}")
        yield LineFinding(finding, (Edit(number, (("U", effect.user), *port, *usual)),))
    elif not host.user_known:
        there = f" ({', '.join(host.users)} is there)" if host.users else ""
        title = f"-u {effect.user}: this host has no such user{there}"
        finding = Finding("user-unknown", "error", title, "exit status 67", f"-u {name}")
        yield LineFinding(finding, (Edit(number, usual),) if host.users else ())
    elif effect.user == "root":
        title = "it would run as root: whoever breaks into it becomes root"
        yield LineFinding(Finding("user-root", "warning", title, "-u root", f"-u {name}"), (Edit(number, usual),))


def _memory(line: CommandLine, effect: Effect, host: Host) -> Iterator[LineFinding]:
    """-m against RAM and the limit of the control group."""
    if effect.max_bytes > 2**62:
        return  # told: -m below 0
    for limit, id_, what in (
        (host.cgroup_memory, "memory-over-cgroup", "the control group's limit"),
        (host.memory, "memory-over-host", "the host's memory"),
    ):
        if limit and effect.max_bytes * 100 > limit * (100 - HEADROOM):
            fits = limit * (100 - HEADROOM) // 100 // MIB
            title = f"-m {effect.max_bytes // MIB} does not leave enough of {what} ({size_text(limit)})"
            evidence = f"{size_text(effect.max_bytes)} for items; connections and the hash table need more"
            edit = Edit(line.position("m"), (("m", str(fits)),))
            yield LineFinding(Finding(id_, "error", title, evidence, f"-m {fits} at most"), (edit,))
            return


def _files(line: CommandLine, effect: Effect, host: Host) -> Iterator[LineFinding]:
    number = line.position("c")
    if effect.connections > host.most_files:
        title = f"-c {effect.connections} is more than any process may have open (fs.nr_open {host.most_files})"
        finding = Finding("connections-over-limit", "error", title, "exit status 71", f"-c {host.most_files}")
        yield LineFinding(finding, (Edit(number, (("c", str(host.most_files)),)),))
    elif not (host.root and host.raises) and host.hard_files and effect.connections > host.hard_files:
        who = "the unit or the container takes CAP_SYS_RESOURCE away" if host.root else "only root raises it"
        title = f"-c {effect.connections} is over the hard limit on open files ({host.hard_files}), and {who}"
        remedy = f"LimitNOFILE={effect.connections} in the unit, or -c {host.hard_files}"
        finding = Finding("connections-over-limit", "error", title, "exit status 71", remedy)
        yield LineFinding(finding, (Edit(number, (("c", str(host.hard_files)),)),))


def _pid_file(file: PidFile, release: Release) -> Iterator[LineFinding]:
    if not file.directory:
        title = f"-P {file.path}: its directory does not exist, so no pid file will be written"
        yield LineFinding(
            Finding("pid-file-unwritable", "error", title, "memcached runs all the same", "make the directory")
        )
    elif not file.writable:
        title = f"-P {file.path}: memcached's user cannot write there, so no pid file will be written"
        remedy = "a directory of that user, such as /run/memcached"
        yield LineFinding(
            Finding("pid-file-unwritable", "error", title, "it is written after the change of user", remedy)
        )
    elif file.holder is not None:
        title = f"-P {file.path} names a running process, {file.holder.text}: the file would be overwritten"
        yield LineFinding(Finding("pid-file-foreign", "error", title, f"pid {file.pid}", "another file"))
    elif file.exists and not file.pid:
        title = f"-P {file.path} exists and is not a pid file: it would be overwritten"
        yield LineFinding(Finding("pid-file-foreign", "error", title, "no pid in it", "another file"))
    elif file.exists and release >= PID_FILE_REMOVED:
        title = f"-P {file.path} was left behind by a memcached that has ended (pid {file.pid})"
        yield LineFinding(Finding("pid-file-stale", "info", title, "no process has that pid: the file is overwritten"))


def _build(line: CommandLine, host: Host) -> Iterator[LineFinding]:
    """Options that the build does not have."""
    program = host.program
    if program is None:
        return
    wanted: list[tuple[tuple[Edit, ...], str, str]] = []
    for number, option in enumerate(line.options):
        flag = option.flag
        if flag is not None and flag.build and not option.wrong:
            wanted.append(((Edit(number),), f"-{option.letter}", flag.build))
        rows = [extended.row for extended in option.extended]
        wanted += [((), f"-o {row.name}", row.build) for row in rows if row and row.build]
    for edits, text, feature in wanted:
        if feature not in program.features:
            title = f"{text}: {program.path} is built without it"
            remedy = f"leave it out, or a build with {BUILDS[feature]}"
            yield LineFinding(Finding("not-built", "error", title, "memcached -h does not list it", remedy), edits)
