"""What `opskit service ensure` does: start what is dead, once; or why not. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from shlex import quote
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.service.findings import find
from opskit.service.judge import absence, judge
from opskit.service.model import RUNNING, SILENT, STARTING, UNKNOWN, ServiceFacts, Supervisor, Unit, Verdict
from opskit.service.policy import NEVER, drop_in_of, has_policy, policy_reasons, policy_text
from opskit.service.scripts import OTHER, is_left, pid_file_state
from opskit.service.steps import StartService, WritePolicy
from opskit.service.supervisor import brought_back, control_line, judge_program, who_restarts

MEND = "chown root and chmod go-w what is named, once you have looked into it"


def decide_ensure(facts: ServiceFacts, seconds: float, *, policy: bool = False) -> Decision:
    """Nothing for what runs; one start for what is dead; a refusal for all else.

    seconds: how long it has to live for the start to be one
    policy: whether systemd is to start it again when it fails, from now on
    """
    title = f"ensure that {facts.name} runs"
    verdict = judge(facts)
    if verdict is None:
        why, remedy = absence(facts)
        return Refusal(title, (Reason("no-such-service", f"{facts.name}: {why}", remedy, exit_code=ExitCode.FAILED),))
    result = {"name": facts.name, "state": verdict.state, "why": verdict.why}
    before = _policy_steps(facts) if policy else ()
    unfit = tuple(policy_reasons(facts)) if policy else ()
    if verdict.state == RUNNING and not unfit:
        return Plan(title, before, tuple(step.unit for step in before), result=result)
    reasons = (*unfit, *(_reasons(facts, verdict) if verdict.state != RUNNING else ()))
    if reasons:
        return Refusal(title, reasons)
    steps = start_steps(facts, verdict, seconds)
    if not steps:
        return Refusal(title, (_nobody_starts_it(facts),))
    basis = tuple(part for step in steps for part in (step.how, step.target, step.container))
    # The script of a dry run stops where it runs by then.
    active = "if systemctl is-active --quiet -- {}; then exit 1; fi"
    exited = "systemctl show --property=SubState -- {} | grep --quiet --line-regexp SubState=exited || exit 1"
    checks = tuple((exited if s.again else active).format(quote(s.target)) for s in steps if s.how == "unit")
    return Plan(title, (*before, *steps), basis, checks=checks, notes=tuple(_notes(facts, verdict)), result=result)


def _policy_steps(facts: ServiceFacts) -> tuple[WritePolicy, ...]:
    """The drop-in, where nothing starts it again yet."""
    if not facts.unit or has_policy(facts):
        return ()
    before = () if facts.drop_in is None else (facts.drop_in,)
    return (WritePolicy(drop_in_of(facts.unit.name), policy_text(facts.release), before, facts.unit.name),)


def start_steps(facts: ServiceFacts, verdict: Verdict, seconds: float) -> tuple[StartService, ...]:
    """The steps that start it: one, or one for each dead program of a group; none where nothing is known that does."""
    if facts.supervisor and not (facts.container and facts.container.status != "running"):
        return tuple(_program_steps(facts, facts.supervisor, seconds))
    step = start_step(facts, verdict, seconds)
    return (step,) if step else ()


def _program_steps(facts: ServiceFacts, supervisor: Supervisor, seconds: float) -> Iterator[StartService]:
    container = facts.container
    engine, inside = (container.engine, container.id) if container else ("", "")
    for program in supervisor.programs:
        verdict = judge_program(facts, replace(supervisor, programs=(program,)))
        if verdict.state != RUNNING:
            name = program.full
            config, control = supervisor.config, supervisor.control
            yield StartService(name, "program", name, engine, inside, verdict.state, seconds, config, control)


def start_step(facts: ServiceFacts, verdict: Verdict, seconds: float) -> Optional[StartService]:
    """The step that starts it: by its unit before its init script; None where nothing is known that does."""
    container = facts.container
    if container and (facts.itself or container.status != "running"):
        # A service in a container that is stopped comes with the container, if at all: that is another command.
        return _container_step(facts, seconds) if facts.itself else None
    engine, inside = (container.engine, container.id) if container else ("", "")
    if facts.unit:
        again = is_left(facts)
        return StartService(facts.name, "unit", facts.unit.name, engine, inside, verdict.state, seconds, again=again)
    if facts.script:
        return StartService(facts.name, "script", facts.script.path, engine, inside, verdict.state, seconds)
    return None


def _container_step(facts: ServiceFacts, seconds: float) -> Optional[StartService]:
    container = facts.container
    if container is None:
        return None
    state = container.status
    return StartService(facts.name, "container", container.name, container.engine, container.id, state, seconds)


def _reasons(facts: ServiceFacts, verdict: Verdict) -> Iterator[Reason]:
    name = verdict.name
    if verdict.state == STARTING:
        yield Reason("brought-back", f"{name} is being started already: {verdict.why}", _who(facts))
    elif verdict.state == SILENT:
        remedy = "see who stopped it, or what it waits for; a second one beside it helps nobody"
        yield Reason("still-lives", f"{name} lives and does not answer: {verdict.why}", remedy)
    elif verdict.state == UNKNOWN:
        yield Reason("not-known", f"whether {name} runs is not known: {verdict.why}", "start it by hand once you know")
    if facts.supervisor and verdict.state not in {STARTING, SILENT, UNKNOWN}:
        yield from _reasons_of_supervisor(facts, facts.supervisor, verdict)
    if facts.unit and facts.unit.load == "masked":
        yield Reason("masked", f"{facts.unit.name} is masked", f"systemctl unmask {facts.unit.name}")
    if facts.unit and verdict.state not in {STARTING, SILENT, UNKNOWN}:
        yield from _reasons_of_unit(facts, facts.unit)
    script = facts.script
    # One that others can change, that hangs or cannot be run is not run for a start either.
    if script and not facts.unit and script.status is None and verdict.state != UNKNOWN:
        yield Reason("not-known", f"{script.path} does not answer: {script.why}", f"{script.path} status, by hand")
    for file in script.pid_files if script and not facts.unit else ():
        if script and pid_file_state(file, facts.name, script.programs) == OTHER and file.process:
            title = f"{file.path} names {file.process.text}, which is older than the file: is it {name} after all?"
            yield Reason("pid-of-another", title, f"ps -fp {file.process.pid}; remove the file when it is not")


def _reasons_of_unit(facts: ServiceFacts, unit: Unit) -> Iterator[Reason]:
    """Why systemd is not told to start what it can start."""
    name = quote(unit.name)
    if unit.active == "active" and not is_left(facts):
        title = f"{unit.name} is active (exited), and nothing of it is to be seen: it may be one that leaves no process"
        yield Reason("not-known", title, f"where something of it is to run: systemctl restart -- {name}")
    if unit.once:
        title = f"{unit.name} is a oneshot unit: it ends when its work is done, and cannot be seen to run on"
        yield Reason("runs-once", title, f"systemctl start -- {name} does its work once")


def _reasons_of_supervisor(facts: ServiceFacts, supervisor: Supervisor, verdict: Verdict) -> Iterator[Reason]:
    """Why supervisord is not told to start it."""
    config = quote(supervisor.config)
    if not supervisor.pid:
        title = f"supervisord does not run, and {verdict.name} with it ({supervisor.config})"
        yield Reason("supervisord-dead", title, f"start that first: supervisord -c {config}, or its unit")
    if any(program.state == "STOPPING" for program in supervisor.programs):
        title = f"{verdict.name} is being stopped: {verdict.why}"
        yield Reason("still-lives", title, "wait for that: supervisord kills it after its stopwaitsecs")
    if supervisor.weak:
        title = f"others than root can change {supervisor.weak}, and supervisorctl runs code of its configuration"
        yield Reason(
            "config-weak", title, control_line(facts, supervisor, "start", verdict.name) if supervisor.user else MEND
        )


def _who(facts: ServiceFacts) -> str:
    """What brings it back, with the line to change."""
    if facts.supervisor:
        programs = facts.supervisor.programs
        program = next((each for each in programs if brought_back(each) or each.state == "STARTING"), programs[0])
        return f"{who_restarts(program)}; then supervisorctl update"
    if facts.container and facts.itself and facts.container.policy not in NEVER:
        container = facts.container
        return f"its restart policy is {container.policy}: {container.engine} update --restart=no {container.name}"
    if facts.unit and facts.unit.restart not in NEVER:
        return f"Restart={facts.unit.restart} brings it back: systemctl cat {facts.unit.name}; systemctl edit it"
    return "wait for it"


def _nobody_starts_it(facts: ServiceFacts) -> Reason:
    container = facts.container
    if container and container.status != "running":
        return Reason(
            "container-halted",
            f"container {container.name} is {container.status}, and {facts.name} with it",
            follow_up("service", "ensure", container.name),
        )
    return Reason(
        "nobody-starts-it", f"{facts.name} is no unit, init script or container: it is not known what starts it"
    )


def _notes(facts: ServiceFacts, verdict: Verdict) -> Iterator[Finding]:
    """What is not said by the plan itself."""
    yield from (finding for finding in find(facts, verdict) if finding.id in {"zombie", "script-lies", "restarts"})
