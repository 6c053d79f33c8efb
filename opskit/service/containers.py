"""The state of a container, by the inspect of its engine. Pure."""

from __future__ import annotations

from opskit.core.exit_status import signal_name
from opskit.service.model import (
    CONTAINER,
    FAILED,
    RUNNING,
    SILENT,
    STARTING,
    STOPPED,
    UNKNOWN,
    Claim,
    Container,
    ServiceFacts,
    Verdict,
)

# What engines tell by an exit status above 128: the signal (as shells do). 125 to 127 are the engine's own.
_STATES = {
    "paused": SILENT,
    "restarting": STARTING,
    "created": STOPPED,
    "configured": STOPPED,
    "initialized": STARTING,
    "removing": STOPPED,
    "stopping": STOPPED,
}
_ENDED = {"exited", "stopped", "dead"}


def exit_text(container: Container) -> str:
    """How the first process of a container that has ended did."""
    code = container.exit_code
    text = f"exit status {code}"
    if 128 < code <= 128 + 64:
        text += f" ({signal_name(code - 128)}, or the program's own)"
    if container.oom_killed:
        text += ", after memory ran out in it"
    return f"{text}: {container.error}" if container.error else text


def container_state(container: Container) -> tuple[str, str]:
    """The state, and why."""
    name, status = container.name, container.status
    if status == "running":
        if container.health == "unhealthy":
            return SILENT, f"container {name} runs, and its health check fails"
        if container.health == "starting":
            return STARTING, f"container {name} runs, and its health check has not succeeded yet"
        return RUNNING, f"container {name} runs"
    if status in _ENDED:
        # 143 and 137 are what a stop comes to.
        failed = container.exit_code not in {0, 137, 143} or container.oom_killed or status == "dead"
        return FAILED if failed else STOPPED, f"container {name} has ended: {exit_text(container)}"
    paused = f": {container.engine} unpause {name}" if status == "paused" else ""
    return _STATES.get(status, UNKNOWN), f"container {name} is {status}{paused}"


def container_claim(container: Container) -> Claim:
    """What the engine says of it."""
    says = f"{container.status}, pid {container.pid}, exit status {container.exit_code}"
    says += f", health {container.health}" if container.health else ""
    return Claim(f"{container.engine} container inspect {container.name}", says)


def judge_container(facts: ServiceFacts, container: Container) -> Verdict:
    """The verdict on a container itself."""
    state, why = container_state(container)
    living = tuple(each for each in facts.processes if not each.zombie)
    main = tuple(each for each in living if each.pid == container.pid)
    if state == RUNNING and facts.processes and not main:
        state, why = UNKNOWN, f"{container.engine} names first process {container.pid}, and /proc does not show it"
    return Verdict(
        facts.name,
        CONTAINER,
        state,
        why,
        main=main,
        workers=tuple(each for each in living if each not in main),
        since=main[0].started if main else 0.0,
        restarts=container.restarts,
        memory=sum(each.rss for each in living) or None,
        ended=exit_text(container) if container.status in _ENDED else "",
        claims=(container_claim(container),),
    )
