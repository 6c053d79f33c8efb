"""What is wrong with a line, by release: each a finding with its evidence, what to do, and an edit. No I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple, Optional

from opskit.core.finding import Finding
from opskit.memcached.line import suboptions
from opskit.memcached.line.edit import APPEND, Edit, Option, Problem, number_of, words
from opskit.memcached.line.effect import Effect, Setting, effect, late_end
from opskit.memcached.line.getopt import AMBIGUOUS, EXTRA_VALUE, NO_VALUE, Given, Parsed
from opskit.memcached.line.lint_host import host_problems, user_problems
from opskit.memcached.line.lint_listen import listen_problems
from opskit.memcached.line.lint_values import value_problems
from opskit.memcached.line.release import UDP_OFF, Release, release_text
from opskit.memcached.line.table import FLAGS
from opskit.memcached.model import Host

TCP_PORT = 11211
# What a shell would have taken away before memcached saw it.
REDIRECTION = r"[0-9]*(>>?|<|>&)|[|&;]|2>&1"


class Judged(NamedTuple):
    """A line with what comes of it: the effect, and every problem."""

    parsed: Parsed
    release: Release
    effect: Effect
    problems: tuple[Problem, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings alone."""
        return tuple(problem.finding for problem in self.problems)


def judge(parsed: Parsed, release: Release, host: Optional[Host] = None) -> Judged:
    """Everything that is wrong with the line, in this release, and (with facts of one) on this host."""
    # Without a host: a name may well be there, a number is none anywhere.
    setting = Setting(user_known=not (parsed.last("u") or "").isdigit())
    if host is not None:
        features = host.program.features if host.program else setting.features
        files = (host.hard_files, host.most_files)
        setting = Setting(host.root, host.user_known, *files, features, host.raises, host.lowest_port)
    found = effect(parsed, release, setting)
    problems = [*word_problems(parsed, release), *value_problems(parsed, found, release)]
    problems += _together(parsed, found, release)
    problems += listen_problems(parsed, found, release)
    if host is not None:
        problems += host_problems(parsed, found, release, host)
    else:
        problems += user_problems(parsed, found, Host(user_known=setting.user_known))
    problems += _else(parsed, found, release, problems)
    return Judged(parsed, release, found, tuple(problems))


def word_problems(parsed: Parsed, release: Release) -> Iterator[Problem]:
    """Words that are no options, and options that the release does not have."""
    for number, given in enumerate(parsed.options):
        if given.wrong:
            yield Problem(_wrong_option(given, release), _instead(given, number, release))
        elif given.letter == "o":
            yield from _suboption_problems(given, number, release)
        if given.long and given.letter == "M" and (1, 5, 0) <= release < (1, 6, 0) and not given.wrong:
            title = "--disable-evictions takes the next word for its value in 1.5: a mistake in its table of options"
            yield Problem(Finding("takes-a-value", "warning", title, given.text, "-M"), (Edit(number, (("M", None),)),))
    if parsed.stray:
        stray = [parsed.words[number] for number in parsed.stray]
        if any(re.match(REDIRECTION, word) for word in stray):
            title = "no shell reads this line: memcached passes over a redirection and over the file behind it"
            remedy = "take it out; the journal has what memcached says: journalctl -u memcached"
            yield Problem(Finding("redirection", "warning", title, " ".join(stray), remedy))
        else:
            title = "memcached passes over words that are no options"
            yield Problem(Finding("stray-words", "warning", title, shlex.join(stray), "take them out"))


def _wrong_option(given: Given, release: Release) -> Finding:
    status = "exit status 1"
    if given.wrong == NO_VALUE:
        return Finding("missing-value", "error", f"{given.text} has no value", status, "give it one, or take it out")
    if given.wrong == EXTRA_VALUE:
        return Finding("extra-value", "error", f"{given.text}: this option has no value", status, "take the value out")
    if given.wrong == AMBIGUOUS:
        title = f"{given.text} can be more than one option"
        return Finding("ambiguous-option", "error", title, status, "one of " + ", ".join(given.candidates))
    flag = given.flag
    name = release_text(release)
    if flag is not None and flag.since > release:
        title = f"{given.text} came with {release_text(flag.since)}"
        return Finding("not-in-release", "error", title, f"{name}: {status}", "take it out")
    if given.text.startswith("--") and release < (1, 5, 0):
        title = f"{given.text}: long options came with 1.5.0"
        return Finding("not-in-release", "error", title, f"{name}: {status}", "write its short form")
    remedy = "opskit memcached flags lists the options"
    return Finding("unknown-option", "error", f"{given.text} is no option of memcached", f"{name}: {status}", remedy)


def _instead(given: Given, number: int, release: Release) -> tuple[Edit, ...]:
    """The short form of a long option that an old release does not know."""
    if not given.text.startswith("--") or release >= (1, 5, 0):
        return (Edit(number),)
    name, sign, value = given.text[2:].partition("=")
    for flag in FLAGS.values():
        if flag.long == name and flag.since <= release and bool(flag.value) == bool(sign):
            return (Edit(number, ((flag.letter, value if sign else None),)),)
    return (Edit(number),)


def _suboption_problems(given: Given, number: int, release: Release) -> Iterator[Problem]:
    pairs = suboptions.split(given.value or "")
    faults = [suboptions.fault(name, value, release) for name, value in pairs]
    good = [name if value is None else f"{name}={value}" for (name, value), wrong in zip(pairs, faults) if not wrong]
    option: tuple[Option, ...] = (("o", ",".join(good)),) if good else ()
    for (name, _), wrong in zip(pairs, faults):
        if wrong is None:
            continue
        row = suboptions.SUBOPTIONS.get(name)
        severity = "warning" if wrong.id == "not-a-number" else "error"
        title, evidence = f"-o {wrong.text}: {wrong.why}", "exit status 1" if severity == "error" else wrong.why
        if wrong.id == "not-in-release":
            known = f"it came with {release_text(row.since)}" if row and row.since > release else "there is no such one"
            title = f"-o {name}: {known}" if not row or row.since > release else f"-o {name}: it is gone by now"
            title = title if name else f"-o {given.value}: a comma with nothing before it"
            evidence = f"{release_text(release)}: exit status 1"
        remedy = f"-o {','.join(good)}" if good else "take it out"
        yield Problem(Finding(wrong.id, severity, title, evidence, remedy), (Edit(number, option),))


def _together(parsed: Parsed, found: Effect, release: Release) -> Iterator[Problem]:
    """Options that do not go with each other."""
    values = found.values
    moved = "U" in values and "p" not in values and found.port == found.udp != TCP_PORT
    if moved and (found.udp or release < UDP_OFF):
        title = f"-U {values['U']} without -p moves TCP too" if found.udp else "-U 0 without -p turns TCP off as well"
        evidence = f"TCP {found.port}, UDP {found.udp}" if found.udp else "it runs and listens nowhere"
        edits = (Edit(APPEND, (("p", "11211"),)),)
        yield Problem(Finding("udp-moves-tcp", "error", title, evidence, "name both: -p 11211"), edits)
    if "P" in values and not found.daemon:
        title = "-P is only meant for a daemon: without -d the file stays behind when memcached ends"
        remedy = "-d as well, or leave -P out (systemd knows the pid itself)"
        yield Problem(Finding("pid-file-without-daemon", "info", title, f"-P {values['P']}", remedy))
    auth = "S" if found.sasl else "Y" if found.auth_file else ""
    if auth and found.udp and (release >= UDP_OFF or auth == "Y"):
        number = number_of(parsed, "U")
        edit = Edit(number, (("U", "0"),))
        title = f"-{auth} does not go with UDP"
        yield Problem(Finding("udp-with-auth", "error", title, "exit status 64", "-U 0"), (edit,))
    wanted = {"S": "ascii", "Y": "binary"}.get(auth)
    if auth and values.get("B") == wanted:
        title = f"-{auth} does not go with -B {wanted}"
        edit = Edit(number_of(parsed, "B"))
        yield Problem(Finding("protocol-with-auth", "error", title, "exit status 64", "leave -B out"), (edit,))
    if found.tls and "ssl_chain_cert" not in values.get("o", ""):
        title = "-Z without a certificate"
        remedy = "-o ssl_chain_cert=FILE,ssl_key=FILE"
        yield Problem(Finding("tls-without-certificate", "error", title, "exit status 64", remedy))
    if found.runs:
        yield from _clients(parsed, found)


def _clients(parsed: Parsed, found: Effect) -> Iterator[Problem]:
    """-c counts listeners and what the threads have open too."""
    low, high = found.clients()
    if "c" in found.values and low * 5 < found.connections * 3:
        title = f"-c {found.connections} serves {low} to {high} clients, not {found.connections}"
        evidence = f"listeners, and 4 to 5 open files for each of {found.threads} threads, are counted too"
        more = found.connections + found.connections - low
        edit = Edit(number_of(parsed, "c"), (("c", str(more)),))
        yield Problem(Finding("few-clients", "warning", title, evidence, f"-c {more} for that many"), (edit,))


def _else(parsed: Parsed, found: Effect, release: Release, problems: list[Problem]) -> Iterator[Problem]:
    """What nobody has told yet: that it does not start, or listens nowhere."""
    told = any(problem.finding.severity in {"error", "critical"} for problem in problems)
    if found.status is not None and not told:
        title = f"memcached {release_text(release)} does not start: {found.why}"
        end = late_end(found.status, found) if found.late else f"exit status {found.status}, at once"
        remedy = "-c 1024" if "connections" in found.why else "opskit memcached flags tells what each option takes"
        yield Problem(Finding("does-not-start", "error", title, end, remedy))
    if found.runs and not found.socket and not found.listeners and not told:
        nothing = found.port or found.udp  # then -l names nothing
        option, seen = ("l", "127.0.0.1") if nothing else ("p", "11211"), "-l ''" if nothing else "port 0"
        edits = (Edit(number_of(parsed, option[0]), (option,)),)
        title = "it runs and listens nowhere: no TCP, no UDP and no UNIX socket"
        yield Problem(Finding("listens-nowhere", "error", title, seen, " ".join(words([option]))), edits)
