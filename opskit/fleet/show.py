"""What a person sees of a fleet: a plan, how far a run is, how it ended, a check, the answers of many hosts.

On a terminal hosts that fared alike are told once. Elsewhere a host, or a finding of one, has a line of its own.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TextIO

from opskit.core.finding import SEVERITIES, follow_up
from opskit.core.text import counted, shown
from opskit.fleet.groups import (
    GOOD,
    KEPT,
    OPEN,
    SHORT,
    Answered,
    ChangeText,
    FindingText,
    Group,
    answer_groups,
    check_verdict,
    clipped,
    findings_of,
    found_groups,
    go_on,
    plan_groups,
    plan_verdict,
    reason,
    run_groups,
    state_word,
    verdict,
    way_words,
    worst,
)
from opskit.fleet.model import OVER, FleetPlan, FleetRun, HostState, Tell, exit_code
from opskit.fleet.value import value_lines
from opskit.ui.errors import SEVERITY_STYLE
from opskit.ui.live import passing_lines
from opskit.ui.plan import becomes_lines
from opskit.ui.screen import Column, Screen, bar, draw_table, fitted, width_of

# So many lines of a terminal the names of a group of hosts may take; -v names all.
NAMES = 3
# So many changes of a group, where neither -v nor --diff asks for all; so many lines of an answer: --json has all.
CHANGES, LINES = 50, 500
# What stands below the line of a group.
INDENT = "  "
BAR = 20


def draw_plan(
    screen: Screen, plan: FleetPlan, stream: TextIO, *, file: str = "", diff: bool = False, verbose: int = 0
) -> None:
    """What would happen on the hosts of a plan.

    file: where the plan is, for the line that carries it out; "" leaves that out
    diff: each change with its before and after, also where the stream is no terminal
    verbose: from 1 on a line for each host, too, and with diff the commands
    """
    head = plan_verdict(plan)
    if not stream.isatty() and not diff:
        screen.note(head)
        _plan_table(screen, plan, stream)
    else:
        print(screen.styled(screen.sentence(f"Plan for {head}", stream), "bold", stream), file=stream)
        print(screen.sentence(f"{INDENT}{_typed(plan.argv)}", stream), file=stream)
        way = way_words(plan)
        if way:
            print(screen.sentence(f"{INDENT}reached by: {shown(shlex.join(way))}", stream), file=stream)
        first = next(iter(plan.changing), "")
        groups = plan_groups(plan)
        for group in groups:
            _draw_group(screen, group, stream, area=_area(plan.argv), diff=diff, verbose=verbose, first=first)
        if verbose:
            print(file=stream)
            _plan_table(screen, plan, stream)
        count, lasting = _sum(groups)
        print(f"{count}{screen.styled(lasting, 'red', stream)}", file=stream)
    if file and plan.changing:
        screen.note(f"To carry it out:\n{INDENT}opskit fleet apply {shown(shlex.quote(file))}")


def _sum(groups: Sequence[Group]) -> tuple[str, str]:
    """How many changes on how many hosts, and how many of them cannot be taken back; "" for none."""
    changing = [group for group in groups if group.state == "changes"]
    changes = sum(len(group.changes) * len(group.hosts) for group in changing)
    hosts = sum(len(group.hosts) for group in changing)
    lasting = sum(change.lasting for group in changing for _host in group.hosts for change in group.changes)
    count = f"{counted(changes, 'change')} on {counted(hosts, 'host')}"
    return count, f", {lasting:,} cannot be taken back" if lasting else ""


def _plan_table(screen: Screen, plan: FleetPlan, stream: TextIO) -> None:
    columns = [
        Column("HOST", whole=True), Column("PLAN", style=_style), Column("CHANGES", right=True), Column("WHY"),
    ]  # fmt: skip
    rows = [(name, host.outcome, str(len(host.changes) or ""), reason(host.why)) for name, host in plan.hosts.items()]
    draw_table(screen, columns, rows, stream, less=("CHANGES",))


def draw_run(
    screen: Screen, run: FleetRun, states: Mapping[str, HostState], *, live: bool = False, verbose: int = 0
) -> None:
    """What became of each host of a run, and what to do next.

    live: it is under way
    verbose: from 1 on a line for each host, too
    """
    stream = sys.stdout
    head = f"{'under way: ' if live else ''}{verdict(run, states)}"
    if not stream.isatty():
        screen.note(head)
        _run_table(screen, run, states)
        for line in [] if live else _next_lines(run, states, run_groups(run, states)):
            screen.note(line)
        return
    style = "yellow" if live else "red" if exit_code(states) else "green"
    screen.line(screen.styled(screen.sentence(head, stream), style, stream))
    what = f"{run.kind} of run {run.of}" if run.of else _typed(run.argv)
    screen.line(screen.sentence(f"{INDENT}{shown(what)}{f', as run {run.id}' if run.kind in KEPT else ''}", stream))
    groups = run_groups(run, states, live=live)
    for group in groups:
        _draw_group(screen, group, stream, area=_area(run.argv), verbose=verbose)
    if verbose:
        screen.line("")
        _run_table(screen, run, states)
    for line in [] if live else _next_lines(run, states, groups):
        screen.done(line)


def _next_lines(run: FleetRun, states: Mapping[str, HostState], groups: Sequence[Group]) -> Iterator[str]:
    """What can be done about the whole run."""
    line, hosts = go_on(run, groups)
    if line:
        yield f"go on with {counted(hosts, 'host')}: {line}"
    if run.kind == "apply" and any(state.state == "done" for state in states.values()):
        yield f"take it back: {follow_up('fleet', 'undo', run.id)}"


def _run_table(screen: Screen, run: FleetRun, states: Mapping[str, HostState]) -> None:
    columns = [
        Column("HOST", whole=True), Column("STATE", style=_style), Column("EXIT", right=True),
        Column("RUN THERE", whole=True), Column("WHY"),
    ]  # fmt: skip
    rows = [
        (
            name,
            SHORT[state_word(run, state)],
            "" if state.exit_code is None else str(state.exit_code),
            state.run,
            reason(state.why) or "; ".join(each.title for each in findings_of(state.new)),
        )
        for name, state in states.items()
    ]
    rows += [(name, SHORT["left_out"], "", "", reason(why)) for name, why in run.left_out.items()]
    draw_table(screen, columns, rows, less=("EXIT", "RUN THERE"))


def _style(word: str) -> str:
    """The colour of a state, by its short words or its name."""
    states = {word, *(state for state, short in SHORT.items() if short == word)}
    return "green" if states & GOOD else "" if states & OPEN else "red"


def _draw_group(
    screen: Screen, group: Group, stream: TextIO, *, area: str, diff: bool = False, verbose: int = 0, first: str = ""
) -> None:
    """A line that says how it stands, the hosts, and what belongs to it.

    area: whose findings they are, where that is not known of one
    first: the host that is begun with
    """
    print(file=stream)
    head = f"{counted(len(group.hosts), 'host')}: "
    text = screen.sentence(head + _stands(screen, group, area), stream, INDENT)
    print(screen.styled(head, _style(group.state) or "bold", stream) + text[len(head) :], file=stream)
    _draw_hosts(screen, group.hosts, stream, verbose=verbose, first=first)
    told = ""
    for finding in sorted(group.findings, key=lambda finding: -SEVERITIES.index(finding.severity)):
        if finding.title == group.why and not told:
            told = finding.title  # in the line above
            continue
        _draw_finding(screen, finding, stream, area)
    if group.left:
        print(screen.sentence(f"{INDENT}state: {shown(group.left)}", stream), file=stream)
    for line in group.todo:
        print(f"{INDENT}to do there: {shown(line)}", file=stream)
    for line in group.then:
        print(f"{INDENT}to do: {shown(line)}", file=stream)
    shown_changes = group.changes if diff or verbose else group.changes[:CHANGES]
    for number, change in enumerate(shown_changes, 1):
        _draw_change(screen, number, change, stream, diff=diff or group.differs, commands=diff and verbose > 0)
    if len(group.changes) > len(shown_changes):
        print(f"{INDENT}and {len(group.changes) - CHANGES:,} more: -v", file=stream)


def _stands(screen: Screen, group: Group, area: str) -> str:
    """How it stands with the hosts of a group."""
    if group.state == "changes":
        count = counted(len(group.changes), "change")
        lasting = sum(change.lasting for change in group.changes)
        same = f"the same {count}" if len(group.hosts) > 1 and not group.differs else count
        each = " each, alike but for numbers" if group.differs else ""
        return f"{same}{each}{f', {lasting} cannot be taken back' if lasting else ''}"
    if not group.why:
        return group.words
    why = shown(group.why.replace("\n", "; "))
    for finding in group.findings:
        if finding.title == group.why:
            why = f"{screen.told(finding.id, why, finding.area or area)} [{shown(finding.id)}]"
            break
    return f"{group.words}: {why}"


def _draw_hosts(
    screen: Screen, hosts: Sequence[str], stream: TextIO, *, verbose: int = 0, first: str = "", indent: str = INDENT
) -> None:  # fmt: skip
    """The names; on a terminal so many lines of them."""
    names = [f"{shown(name)}{' (first)' if name == first and len(hosts) > 1 else ''}" for name in hosts]
    if not stream.isatty():
        print(f"{indent}{', '.join(names)}", file=stream)
        return
    columns = shutil.get_terminal_size().columns
    lines: list[list[str]] = [[]]
    for name in names:
        if lines[-1] and width_of(f"{indent}{', '.join([*lines[-1], name])},") > columns:
            lines.append([])
        lines[-1].append(name)
    kept = lines if verbose or len(lines) <= NAMES else lines[: NAMES - 1]
    left = len(names) - sum(map(len, kept))
    for number, line in enumerate(kept, 1):
        more = "," if left or number < len(kept) else ""
        print(f"{indent}{', '.join(line)}{more}", file=stream)
    if left:
        print(screen.styled(f"{indent}and {left:,} more: -v", "dim", stream), file=stream)


def _draw_change(
    screen: Screen, number: int, change: ChangeText, stream: TextIO, *, diff: bool, commands: bool
) -> None:
    lasting = screen.styled("  cannot be taken back", "yellow", stream) if change.lasting else ""
    head = screen.styled(f"{number:>3}. {shown(change.action)}  {shown(change.target) or '-'}", "cyan", stream)
    print(f"{head}{lasting}", file=stream)
    if diff:
        print(*becomes_lines(screen, change.before or "-", change.after or "-", stream), sep="\n", file=stream)
    for command in change.commands if commands else ():
        for line in command.split("\n"):
            print("       " + screen.styled(f"$ {shown(line)}", "dim", stream), file=stream)


def _draw_finding(screen: Screen, finding: FindingText, stream: TextIO, area: str) -> None:
    """A finding below a group."""
    title = screen.told(finding.id, shown(finding.title), finding.area or area)
    text = screen.sentence(f"{INDENT}{finding.severity}: {title} [{shown(finding.id)}]", stream)
    severity = screen.styled(finding.severity, SEVERITY_STYLE[finding.severity], stream)
    print(INDENT + severity + text[len(INDENT) + len(finding.severity) :], file=stream)
    if finding.remedy:
        print(f"{INDENT}{INDENT}to do there: {shown(finding.remedy)}", file=stream)


def draw_check(screen: Screen, run: FleetRun, states: Mapping[str, HostState], *, verbose: int = 0) -> None:
    """The findings of all hosts, each once, the most important first; then the hosts that did not answer.

    verbose: from 1 on all names
    """
    stream = sys.stdout
    head = check_verdict(states)
    if not stream.isatty():
        screen.note(head)
        _check_table(screen, states)
        return
    severities = {worst(state) for state in states.values()}
    silent = {name: state for name, state in states.items() if state.state not in OVER}
    style = "red" if silent or severities & {"error", "critical"} else "yellow" if "warning" in severities else "green"
    screen.line(screen.styled(screen.sentence(head, stream), style, stream))
    for found in found_groups(states):
        finding = found.finding
        screen.line("")
        title = screen.told(finding.id, shown(finding.title), finding.area or "check")
        text = screen.sentence(f"{finding.severity}: {title} [{shown(finding.id)}]", stream)
        severity = screen.styled(finding.severity, SEVERITY_STYLE[finding.severity], stream)
        screen.line(severity + text[len(finding.severity) :])
        _draw_hosts(screen, _counted_hosts(found.hosts), stream, verbose=verbose)
        for number, line in enumerate(finding.evidence.split("\n") if finding.evidence else ()):
            screen.line(screen.sentence(f"{'    ' if number else '  seen: '}{shown(line)}", stream))
        if finding.remedy:
            screen.line(f"{INDENT}to do there: {shown(finding.remedy)}")
    for group in run_groups(run, silent):
        _draw_group(screen, group, stream, area=_area(run.argv), verbose=verbose)


def _counted_hosts(hosts: Sequence[str]) -> list[str]:
    """The names, with how many there are before them where that is not seen at once."""
    return [f"{counted(len(hosts), 'host')}: {hosts[0]}", *hosts[1:]] if len(hosts) > 1 else list(hosts)


def _check_table(screen: Screen, states: Mapping[str, HostState]) -> None:
    columns = [Column("HOST", whole=True), *map(Column, ("SEVERITY", "FINDING", "TITLE", "TO DO"))]
    rows: list[tuple[str, ...]] = []
    for name, state in states.items():
        if state.state in OVER:
            rows += [
                (name, each.severity, each.id, each.title, each.remedy)
                for each in findings_of(state.findings)
            ]  # fmt: skip
        else:
            rows.append((name, "error", state.state, reason(state.why), clipped(state.todo)))
    if rows:
        draw_table(screen, columns, rows)


def draw_answers(screen: Screen, run: FleetRun, states: Mapping[str, HostState], *, verbose: int = 0) -> None:
    """What the hosts answered: equal answers once; elsewhere than on a terminal each line behind its host.

    verbose: from 1 on all names
    """
    stream = sys.stdout
    silent = {name: state for name, state in states.items() if state.state not in OVER}
    if not stream.isatty():
        for group in answer_groups(states):
            for name in group.hosts:
                for line in _answer_lines(group):
                    screen.line(f"{shown(name)}: {line}")
        for name, state in silent.items():
            screen.note(f"{shown(name)}: {SHORT[state.state]}: {shown(reason(state.why))}")
        return
    head = screen.sentence(verdict(run, states), stream)
    screen.line(screen.styled(head, "red" if silent else "green", stream))
    for answered in answer_groups(states):
        lines = list(_answer_lines(answered, shutil.get_terminal_size().columns - len(INDENT)))
        screen.line("")
        _draw_hosts(screen, _counted_hosts(answered.hosts), stream, verbose=verbose, indent="")
        for line in lines[:LINES]:
            screen.line(f"{INDENT}{line}")
        if len(lines) > LINES:
            screen.line(f"{INDENT}and {counted(len(lines) - LINES, 'more line')}: --json")
    for failed in run_groups(run, silent):
        _draw_group(screen, failed, stream, area=_area(run.argv), verbose=verbose)


def _answer_lines(group: Answered, columns: int = 0) -> Iterator[str]:
    """The lines of an answer: its findings, then its result. columns: the room there is; 0 for any."""
    for finding in group.findings:
        yield f"{finding.severity}: {shown(finding.title)} [{shown(finding.id)}]"
        if finding.remedy:
            yield f"  to do: {shown(finding.remedy)}"
    yield from value_lines(group.result, columns)


STOPPING = "stopping: the hosts at work finish first; Ctrl-C again does not wait for them"


@contextmanager
def progress(screen: Screen, run: FleetRun, total: int = 0, *, drawn: bool = True) -> Iterator[Tell]:
    """What is told how far the hosts are, as often as that changes; on a terminal only, and gone afterwards.

    Where nothing is drawn, a line says once that the run is to stop.

    total: how many hosts there are, where the run does not name them
    drawn: else something else is shown meanwhile
    """
    with passing_lines(screen) if drawn else nullcontext() as draw:
        said = False

        def tell(states: Mapping[str, HostState], stopping: bool) -> None:
            nonlocal said
            if draw is not None:
                columns = shutil.get_terminal_size().columns - 1
                draw(progress_lines(run, states, total, columns, stopping=stopping))
            elif stopping and not said:
                said = True
                screen.note(STOPPING)

        yield tell


def progress_lines(
    run: FleetRun, states: Mapping[str, HostState], total: int, columns: int, *, stopping: bool = False
) -> list[str]:
    """How many hosts are done, which are at work, and the last that failed."""
    total = max(total, len(states), 1)
    over = sum(state.state not in {"waiting", "begun"} for state in states.values())
    wrong = [(name, state) for name, state in states.items() if state.failed]
    working = [shown(name) for name, state in states.items() if state.state == "begun"]
    head = f"{run.kind} {bar(over / total, BAR)} {over:,} of {counted(total, 'host')}"
    head += f", {len(wrong):,} failed" if wrong else ""
    lines = [head]
    if stopping:
        lines.append(f"{INDENT}{STOPPING}")
    if working:
        lines.append(f"{INDENT}at work: {', '.join(working)}")
    for name, state in wrong[-NAMES:]:
        why = shown((reason(state.why) or "new findings").replace("\n", "; "))
        lines.append(f"{INDENT}{shown(name)}: {SHORT[state.state]}: {why}")
    return [fitted(line, columns) for line in lines]


def _area(argv: Sequence[str]) -> str:
    """The area of a command, for the meaning of its findings."""
    return argv[0] if argv else ""


def _typed(argv: Sequence[str]) -> str:
    """The command as it would be typed on a host."""
    return shown(shlex.join(["opskit", *argv]))
