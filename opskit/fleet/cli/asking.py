"""Hosts are asked: shown while it goes, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Optional

from opskit import __version__
from opskit.core.errors import ExitCode, Failed, Interrupted, OpskitError
from opskit.core.units import now, time_text
from opskit.fleet.drive.ansible import Driven, drive, looking
from opskit.fleet.drive.store import RunFolder
from opskit.fleet.model import KIND, FleetPlan, FleetRun, HostPlan, HostState, Tell, plan_of, sealed, settle
from opskit.fleet.playbook import Asked
from opskit.session import Session

if TYPE_CHECKING:
    from opskit.fleet.results import FleetAnswer


@contextmanager
def telling(session: Session, run: FleetRun) -> Iterator[Tell]:
    """What is told the states while hosts are asked: draws how far they are; with -v programs are shown instead."""
    from opskit.core.log import log_to_stderr  # noqa: PLC0415 - a usage error does without
    from opskit.fleet.show import progress  # noqa: PLC0415

    log_to_stderr(session.verbose)
    with progress(session.screen, run, len(run.hosts), drawn=not session.verbose) as tell:
        yield tell


def asked(session: Session, run: FleetRun, *, check: bool) -> dict[str, HostState]:
    """Ask the hosts what changes nothing; nothing of it is kept.

    check: show what would be done. Raises Interrupted, and Failed where ansible-playbook broke off.
    """
    with looking(run) as folder, telling(session, run) as tell:
        driven = drive(folder, run, Asked(folder.stop_path, check=check), tell)
    broken = broken_off(driven)
    if broken:
        broken.state = "Nothing was changed."
        raise broken
    return settle(run, driven.events)


def broken_off(driven: Driven) -> Optional[OpskitError]:
    """Why not all hosts have been asked; None where they have."""
    if driven.signal:
        return Interrupted(driven.signal, state="")
    if driven.trouble:
        return Failed("ansible-playbook", f"it broke off ({driven.trouble})")
    return None


def planned(
    run: FleetRun, states: Mapping[str, HostState], left_out: Mapping[str, HostPlan] = MappingProxyType({})
) -> FleetPlan:
    """The plan file of a dry run on these hosts. left_out: hosts that were not asked."""
    hosts = {**{name: plan_of(state) for name, state in states.items()}, **left_out}
    made = time_text(now())
    plan = FleetPlan(
        KIND, made, __version__, run.argv, run.inventory, run.limit, hosts, ansible=run.ansible, tool=run.tool
    )
    return sealed(plan)


def left_out_code(folder: RunFolder) -> int:
    """What the hosts of the plan that are not asked count as: 0 for none, or where the plan cannot be read any more."""
    plan = folder.plan()
    return plan.exit_code if plan else ExitCode.DONE


def run_answer(run: FleetRun, states: Mapping[str, HostState], *, live: bool = False) -> FleetAnswer:
    """What --json answers of a run: without the whole answers of the hosts; a run of no host was none."""
    return {
        "run": run.id if states else None,
        "kind": run.kind,
        "of": run.of,
        "argv": list(run.argv),
        "live": live,
        "hosts": {name: replace(state, answer=None) for name, state in states.items()},
        "left_out": run.left_out,
    }
