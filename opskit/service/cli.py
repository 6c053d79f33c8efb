"""The commands of `opskit service`: is it really running, and start it again once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from opskit.act import Chore, act, tell
from opskit.commands import new_app
from opskit.core.errors import ExitCode, Failed, UsageFault
from opskit.core.runner import Runner
from opskit.core.units import seconds_text
from opskit.options import changes, reads, span_of
from opskit.service.celery import is_app
from opskit.service.ensure import decide_ensure
from opskit.service.findings import find
from opskit.service.judge import absence, judge
from opskit.service.model import RUNNING, Around, Container, ServiceFacts
from opskit.service.see.containers import check_container_name, find_container
from opskit.service.see.facts import check_service_name, see_inside, see_service
from opskit.service.see.unit import see_policy
from opskit.service.show import draw_status, draw_why, service_json
from opskit.service.steps import StartService, WritePolicy
from opskit.session import Session
from opskit.ui.errors import draw_error

app = new_app(
    "Example: opskit service status nginx\n\nWhether a service really runs: what systemd, an init script or a "
    "container engine says is held against /proc."
)


InContainer = Annotated[
    str, typer.Option("--container", metavar="CONTAINER", help="Look in this container of podman or docker; as root.")
]


@reads(app, "status", example="opskit service status celeryd --container ecs_develop")
def status(
    session: Session,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="A unit, init script, program, container or process.")
    ],
    container: InContainer = "",
    celery: Annotated[
        str, typer.Option("--celery", metavar="APP", help="Ask the workers of this Celery app as well: inspect ping.")
    ] = "",
) -> None:
    """Say whether each service runs, with the evidence: what its manager says is held against /proc.

    NAME is looked for as a service of systemd, an init script, a program or group of supervisord (NAME, GROUP:NAME), a
    container and the name of a process, in this order.
    An init script says "running" of a zombie, of a pid that another program has by now, or always: its pid files and
    its program are looked up in /proc, in a container too, and its exit status counts only when the container ran
    before and after. Nothing is started, signalled or removed; `status` of the init script is run.
    With --celery the workers that run are asked for a ping (celery -A APP inspect ping): as their own user, in their
    own place and with their own environment. That imports the app and takes the broker.
    Exits 0 when all run, 4 when one does not, 1 when there is no such service, 6 without podman and docker.
    """
    for name in names:
        check_service_name(name)
    if celery and not is_app(celery):
        raise UsageFault("--celery", f"{celery!r} is no app of Celery", todo="a module, or MODULE:APP")
    judged, missing = [], []
    for seen in _look(session, list(dict.fromkeys(names)), container):
        facts = _asked(session, seen, celery) if celery else seen
        verdict = judge(facts)
        if verdict:
            judged.append((facts, verdict))
        else:
            missing.append(_absent(facts))
    findings = [finding for facts, verdict in judged for finding in find(facts, verdict)]
    result = {"services": [service_json(facts, verdict) for facts, verdict in judged]}
    error = missing[0] if missing else None
    session.screen.answer(result, lambda: draw_status(session.screen, judged, findings), findings=findings, error=error)
    if missing and not session.screen.json:
        for each in missing:
            draw_error(session.screen, each)
    if missing:
        raise typer.Exit(ExitCode.FAILED)
    if any(verdict.state != RUNNING for _, verdict in judged):
        raise typer.Exit(ExitCode.FINDINGS)


@reads(app, "why", example="opskit service why celeryd --container ecs_develop")
def why(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A unit, init script, program, container or process.")],
    container: InContainer = "",
) -> None:
    """Say what broke a service, and what would keep it running.

    Looked at: how its process ended, systemd's result, what it logged last, whether a file that this names is missing,
    a port is taken (by whom) or a disk is full, units that it requires, conditions, SELinux, and whom the kernel killed
    for memory: of the host, of the unit, of the container. Nothing is started or changed.
    Exits 0 when it runs, 4 when it does not, 1 when there is no such service, 6 without podman and docker.
    """
    from opskit.service.causes import causes  # noqa: PLC0415 - of this command alone
    from opskit.service.keeping import advice  # noqa: PLC0415
    from opskit.service.see.around import see_around  # noqa: PLC0415

    check_service_name(name)
    (facts,) = _look(session, [name], container)
    verdict = judge(facts)
    if verdict is None:
        raise _absent(facts)
    runs = verdict.state == RUNNING
    around = Around() if runs else see_around(session.runner, facts)
    known = [finding for finding in find(facts, verdict) if not finding.id.startswith("not-")]
    findings = [*causes(facts, verdict, around), *known, *([] if runs else advice(facts, verdict))]
    result = {"service": {**service_json(facts, verdict), "log": list(around.lines or facts.log)}}
    code = ExitCode.DONE if runs else ExitCode.FINDINGS
    draw = partial(draw_why, session.screen, facts, verdict, around, findings)
    session.screen.answer(result, draw, findings=findings, exit_code=code)
    if code:
        raise typer.Exit(code)


@changes(app, "ensure", facts=False, example="opskit service ensure celeryd --container ecs_develop --dry-run")
def ensure(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A unit, init script, program or container.")],
    container: InContainer = "",
    lives: Annotated[
        float,
        typer.Option(
            "--for",
            metavar="SPAN",
            parser=span_of("--for", least=0.1, most=3600),
            show_default="10s",
            help="How long it has to live for the start to count.",
        ),
    ] = 10.0,
    restart_policy: Annotated[
        bool, typer.Option("--restart-policy", help="Have systemd start the unit again when it fails: a drop-in.")
    ] = False,
) -> None:
    """Start a service that is dead, once, and see that it lives; nothing for one that runs.

    What it is and whether it is dead is found out as by `status`; it is started by its unit, its init script,
    supervisord or its container engine, and watched: it must not end, nor be started again by itself. Else it is
    stopped, and it is said why (exit 8). Refused when it lives and does not answer, when it is being started already,
    and when what is known of it contradicts itself. There is no second try, and nothing stays behind that would make
    one: that is Restart= of systemd, and --restart-policy writes it: Restart=on-failure, five starts in five minutes at
    most. An undo stops what was started, and nothing that somebody else has started since, and removes the drop-in.
    """
    check_service_name(name)
    if container:
        check_container_name("--container", container)
        session.need_root()

    def see(runner: Runner) -> ServiceFacts:
        facts = see_inside(runner, name, _container(runner, container)) if container else see_service(runner, name)
        return see_policy(facts) if restart_policy else facts

    chore = Chore(see, lambda facts, _run: decide_ensure(facts, lives, policy=restart_policy), root=True, by_run=False)
    outcome = act(session, chore)
    kinds = {step.kind for step in outcome.plan.steps}
    done = f"{name} was dead, was started, and has lived for {seconds_text(lives)}"
    done = done if StartService.kind in kinds else f"{name} runs"
    policy = "systemd starts it again when it fails"
    tell(session, outcome, f"{done}; {policy}" if WritePolicy.kind in kinds else done, f"{name} runs")


def _asked(session: Session, facts: ServiceFacts, app: str) -> ServiceFacts:
    """The facts with what its workers answer, where it runs."""
    from opskit.service.see.celery import ask_celery  # noqa: PLC0415 - of this option alone

    verdict = judge(facts)
    if not verdict or verdict.state != RUNNING:
        return facts
    return replace(facts, celery=ask_celery(session.runner, app, verdict, facts.container))


def _container(runner: Runner, name: str) -> Container:
    """The container. Raises Failed where there is none."""
    container = find_container(runner, name)
    if container is None:
        raise Failed(name, "there is no such container", todo="podman ps -a; docker ps -a")
    return container


def _look(session: Session, names: list[str], container: str) -> list[ServiceFacts]:
    if not container:
        return [see_service(session.runner, name) for name in names]
    check_container_name("--container", container)
    session.need_root()
    seen = _container(session.runner, container)
    return [see_inside(session.runner, name, seen) for name in names]


def _absent(facts: ServiceFacts) -> Failed:
    why, todo = absence(facts)
    return Failed(facts.name, why, todo=todo)
