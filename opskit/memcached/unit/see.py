"""See: a unit, its settings files, and what the line meets there."""

from __future__ import annotations

from typing import Optional

from opskit.core.command import Runner
from opskit.core.errors import UsageFault
from opskit.core.systemd import is_active, is_booted
from opskit.core.textfile import read_text
from opskit.memcached.instance.request import StartRequest, build
from opskit.memcached.line.effect import effect_of
from opskit.memcached.line.parse import parse
from opskit.memcached.line.see import read_unit
from opskit.memcached.line.sources import SYSCONFIG, Unit
from opskit.memcached.see import proc
from opskit.memcached.see.host import USERS, see_host, see_program, usual_users
from opskit.memcached.see.proc import instances
from opskit.memcached.unit.model import DROP_IN, ActiveUnit, UnitFacts


def see_unit(runner: Runner, request: StartRequest) -> UnitFacts:
    """The unit, its files, and what the line meets here, without the unit's own instance."""
    program = see_program(runner)
    systemd = is_booted()
    try:
        unit: Optional[Unit] = read_unit(request.unit)
    except UsageFault:
        unit = None
    files = (SYSCONFIG, DROP_IN.format(unit=request.unit))
    texts = {path: text for path in files if (text := read_text(path)) is not None}
    words = build(request, program.release, root=True, users=usual_users() or USERS[:1])
    # Under the unit's own limits; what its Type= is by now does not matter: a drop-in sets that.
    limits = unit.limits._replace(unit_type="") if unit else None
    host = see_host(effect_of(parse(words, program.release)), program=program, limits=limits)
    taken = tuple(port for port in host.taken if not (port.holder and port.holder.unit == request.unit))
    host = host._replace(taken=taken)
    return UnitFacts(program, host, unit, texts, systemd, systemd and is_active(runner, request.unit))


def see_active(runner: Runner, unit: str) -> ActiveUnit:
    """Whether the unit runs, and memcached in it. Raises UsageFault where systemd does not run the host."""
    if not is_booted():
        raise UsageFault(f"--unit {unit}", "systemd does not run this host", todo="--port or --pidfile")
    return ActiveUnit(is_active(runner, unit), any(unit in proc.units_of(process.pid) for process in instances()))
