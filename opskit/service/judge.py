"""The state of a service, whatever it is, by all that is known of it. Pure."""

from __future__ import annotations

from dataclasses import replace
from shlex import quote
from typing import Optional

from opskit.service.celery import judge_celery
from opskit.service.containers import container_claim, container_state, judge_container
from opskit.service.model import (
    CONTAINER,
    PROCESS,
    RUNNING,
    SILENT,
    STOPPED,
    UNKNOWN,
    Claim,
    Container,
    ServiceFacts,
    Verdict,
)
from opskit.service.scripts import alive_text, is_program, judge_script, roots_of, workers_below
from opskit.service.supervisor import judge_program
from opskit.service.units import judge_unit


def judge(facts: ServiceFacts) -> Optional[Verdict]:
    """The verdict; None where there is no such service."""
    if facts.container:
        verdict = judge_container(facts, facts.container) if facts.itself else _inside(facts, facts.container)
    else:
        verdict = _service(facts)
    return judge_celery(facts, verdict, facts.celery) if verdict and facts.celery else verdict


def absence(facts: ServiceFacts) -> tuple[str, str]:
    """That nothing has the name of the service, and what to do."""
    container = facts.container
    if path := facts.not_executable:
        inside = f"{container.engine} exec {container.name} " if container else ""
        return f"{path} is there, and may not be executed", f"{inside}chmod +x {quote(path)}"
    if container:
        why = f"container {container.name} has no init script, program of supervisord or process of this name"
        return why, f"{container.engine} top {container.name}"
    why = "there is no such service: no unit, init script, program, container or process has this name"
    return why, "systemctl list-units --type=service --all; ls /etc/init.d"


def _service(facts: ServiceFacts) -> Optional[Verdict]:
    if facts.unit:
        verdict = judge_unit(facts, facts.unit)
        # systemd knows of a service of an init script only that it was started.
        if facts.script and verdict.state in {RUNNING, STOPPED, UNKNOWN} and not verdict.main:
            by_script = judge_script(facts, facts.script)
            return replace(by_script, kind=verdict.kind, claims=(*verdict.claims, *by_script.claims))
        return verdict
    if facts.script:
        return judge_script(facts, facts.script)
    if facts.supervisor:
        return judge_program(facts, facts.supervisor)
    return _processes(facts)


def _processes(facts: ServiceFacts) -> Optional[Verdict]:
    """The verdict on what is known by the name of its processes only."""
    named = [each for each in facts.processes if is_program(each, (facts.name,))]
    living = [each for each in named if not each.zombie]
    zombies = tuple(each for each in named if each.zombie)
    main = roots_of(living)
    if not living:
        why = f"all that has its name has ended: {', '.join(each.text for each in zombies)}"
        return Verdict(facts.name, PROCESS, STOPPED, why, zombies=zombies) if zombies else None
    stopped = all(each.state in {"T", "t"} for each in living)
    why = alive_text(main)
    workers = workers_below(facts.processes, main)
    return Verdict(
        facts.name,
        PROCESS,
        SILENT if stopped else RUNNING,
        f"{why}, stopped by a signal" if stopped else why,
        main=tuple(main),
        workers=workers,
        zombies=zombies,
        since=min(each.started for each in main),
        memory=sum(each.rss for each in (*main, *workers)),
        claims=tuple(Claim(f"/proc/{each.pid}", f"state {each.state}, {each.name}") for each in named),
    )


def _inside(facts: ServiceFacts, container: Container) -> Optional[Verdict]:
    """The verdict on a service in a container: what the container is comes first."""
    after = facts.after or container
    if after.status != "running":
        state, why = container_state(after)
        return Verdict(facts.name, CONTAINER, state, why, claims=(container_claim(after),))
    if after.same_run != container.same_run:
        why = f"container {container.name} ended, or began anew, while it was looked at"
        return Verdict(facts.name, CONTAINER, UNKNOWN, why, claims=(container_claim(container), container_claim(after)))
    verdict = _service(facts)
    return replace(verdict, claims=(container_claim(after), *verdict.claims)) if verdict else None
