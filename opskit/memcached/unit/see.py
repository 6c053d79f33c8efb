"""See: a unit, its settings files, and what the line meets there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from opskit.core.command import Runner
from opskit.core.errors import UsageFault
from opskit.core.reach import check_answers
from opskit.core.systemd import is_active, is_booted, is_failed, main_pid, unit_file_state
from opskit.core.textfile import read_text
from opskit.core.unit_files import unit_files
from opskit.memcached.instance.request import USUAL_USERS, StartRequest, build
from opskit.memcached.line.effect import effect_of
from opskit.memcached.line.parse import parse
from opskit.memcached.line.sources import unit_of, unit_words
from opskit.memcached.model import Host
from opskit.memcached.see import proc
from opskit.memcached.see.host import see_host, see_program, usual_users
from opskit.memcached.unit.design import instance_template
from opskit.memcached.unit.model import SETTINGS_PLACES, TEMPLATE, UNIT, ActiveUnit, UnitFacts


def see_unit(runner: Runner, request: StartRequest) -> UnitFacts:
    """The unit, its files, and what the line meets here, without the unit's own instance."""
    name, systemd = request.unit, is_booted()
    files = _texts(unit_files(name))
    distribution: tuple[str, ...] = ()
    if not files and name.startswith("memcached@"):
        distribution = next(iter(_texts(unit_files(UNIT)[:1]).items()), ())
    words = unit_words(unit_of(name, list(files.values())), {})
    program = see_program(runner, words[0] if words else "memcached")
    facts = UnitFacts(
        program,
        Host(),
        files,
        systemd=systemd,
        active=systemd and is_active(runner, name),
        failed=systemd and is_failed(runner, name),
        enabled=unit_file_state(runner, name) if systemd else "",
        distribution=distribution,
        settings_place=next(filter(os.path.isdir, SETTINGS_PLACES), SETTINGS_PLACES[0]),
    )
    return _with_host(facts, request)


def _with_host(facts: UnitFacts, request: StartRequest) -> UnitFacts:
    """With its settings, and with what the line meets under the limits of the unit."""
    name, program = request.unit, facts.program
    template = {TEMPLATE: instance_template(facts)} if facts.distribution else {}
    unit = unit_of(name, list((facts.files or template).values()))
    line = build(request, program.release, root=True, users=usual_users() or USUAL_USERS[:1])
    # What its Type= is by now does not matter: a drop-in sets that.
    limits = unit.limits._replace(unit_type="") if unit.start else None
    host = see_host(effect_of(parse(line, program.release)), program=program, limits=limits)
    taken = tuple(port for port in host.taken if not (port.holder and port.holder.unit == name))
    listens = host.socket_taken and not (host.socket_holder and host.socket_holder.unit == name)
    texts = _texts([path.removeprefix("-") for path in unit.files])
    return replace(facts, host=host._replace(taken=taken, socket_taken=listens), texts=texts)


def _texts(paths: Sequence[str]) -> dict[str, str]:
    """The texts of the files that are there; a link to /dev/null (a masked unit) has none."""
    check_answers(paths)
    texts = {path: "" if os.path.realpath(path) == "/dev/null" else read_text(path) for path in paths}
    return {path: text for path, text in texts.items() if text is not None}


def see_active(runner: Runner, unit: str) -> ActiveUnit:
    """Whether the unit runs, and memcached as its main process. Raises UsageFault where systemd does not run here."""
    if not is_booted():
        raise UsageFault(f"--unit {unit}", "systemd does not run this host", todo="--port or --pidfile")
    process = proc.process(main_pid(runner, unit))
    memcached = process is not None and process.name == "memcached"
    return ActiveUnit(is_active(runner, unit), memcached, unit_file_state(runner, unit))
