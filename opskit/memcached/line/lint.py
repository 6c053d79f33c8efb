"""What is wrong with a line, by release: each a finding with its evidence, what to do, and an edit. No I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple, Optional

from opskit.core.finding import Finding
from opskit.core.text import counted
from opskit.memcached.line.edit import Edit, LineFinding, OptionText, words_of
from opskit.memcached.line.effect import Effect, effect_of, end_text, late_end
from opskit.memcached.line.lint_host import host_findings, user_findings
from opskit.memcached.line.lint_listen import listen_findings
from opskit.memcached.line.lint_values import value_findings
from opskit.memcached.line.parse import (
    AMBIGUOUS,
    APPEND,
    EXTRA_VALUE,
    NO_VALUE,
    NOT_A_NUMBER,
    NOT_IN_RELEASE,
    CommandLine,
    ExtendedOption,
    LineOption,
)
from opskit.memcached.line.release import LONG_OPTIONS, UDP_OFF, Release, release_text
from opskit.memcached.line.table import FLAGS
from opskit.memcached.model import Host

TCP_PORT = 11211
# What a shell would have taken away before memcached saw it.
REDIRECTION = r"[0-9]*(>>?|<|>&)|[|&;]|2>&1"


class Judgement(NamedTuple):
    """A line with what comes of it: the effect, and every finding with what puts the line right."""

    line: CommandLine
    effect: Effect
    results: tuple[LineFinding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings alone."""
        return tuple(result.finding for result in self.results)


def judge(line: CommandLine, host: Optional[Host] = None) -> Judgement:
    """Everything that is wrong with the line, in its release, and (with facts of one) on this host."""
    # Without a host: a name may well be there, a number is none anywhere.
    assumed = host or Host(user_known=not line.text("u").isdigit())
    effect = effect_of(line, assumed)
    results = [*word_findings(line), *value_findings(line, effect), *_together(line, effect)]
    results += listen_findings(line, effect)
    results += user_findings(line, effect, assumed) if host is None else host_findings(line, effect, host)
    results += _else(line, effect, results)
    return Judgement(line, effect, tuple(results))


def word_findings(line: CommandLine) -> Iterator[LineFinding]:
    """Words that are no options, and options that the release does not have."""
    release = line.release
    for number, option in enumerate(line.options):
        if option.wrong:
            yield LineFinding(_wrong_option(option, release), _instead(option, number, release))
        elif option.letter == "o":
            yield from _extended_findings(option, number, release)
        if option.long and option.letter == "M" and LONG_OPTIONS <= release < (1, 6, 0) and not option.wrong:
            title = "--disable-evictions takes the next word for its value in 1.5: a mistake in its table of options"
            finding = Finding("takes-a-value", "warning", title, option.text, "-M")
            yield LineFinding(finding, (Edit(number, (("M", None),)),))
    stray = [line.words[number] for number in line.stray]
    if any(re.match(REDIRECTION, word) for word in stray):
        title = "no shell reads this line: memcached ignores a redirection and the file that follows it"
        remedy = "take it out; what memcached prints is in the journal: journalctl -u memcached"
        yield LineFinding(Finding("redirection", "warning", title, " ".join(stray), remedy))
    elif stray:
        title = "memcached ignores words that are not options"
        yield LineFinding(Finding("stray-words", "warning", title, shlex.join(stray), "take them out"))


def _wrong_option(option: LineOption, release: Release) -> Finding:
    """Why an option cannot be read; memcached ends with status 1 for each."""
    text, status, flag = option.text, "exit status 1", option.flag
    id_, evidence, remedy = "not-in-release", f"{release_text(release)}: {status}", "take it out"
    if option.wrong == NO_VALUE:
        id_, title, evidence, remedy = "missing-value", f"{text} has no value", status, "give it one, or take it out"
    elif option.wrong == EXTRA_VALUE:
        id_, title, evidence = "extra-value", f"{text}: this option has no value", status
        remedy = "take the value out"
    elif option.wrong == AMBIGUOUS:
        id_, title, evidence = "ambiguous-option", f"{text} is short for more than one option", status
        remedy = "one of " + ", ".join(option.candidates)
    elif flag is not None and flag.since > release:
        title = f"{text} came with {release_text(flag.since)}"
    elif text.startswith("--") and release < LONG_OPTIONS:
        title, remedy = f"{text}: long options came with 1.5.0", "write its short form"
    else:
        id_, title = "unknown-option", f"memcached has no option {text}"
        remedy = "opskit memcached flags lists the options"
    return Finding(id_, "error", title, evidence, remedy)


def _instead(option: LineOption, number: int, release: Release) -> tuple[Edit, ...]:
    """The short form of a long option that an old release does not know; any other is left out."""
    name, sign, value = option.text.removeprefix("--").partition("=")
    if option.text.startswith("--") and release < LONG_OPTIONS:
        for flag in FLAGS.values():
            if flag.long == name and flag.since <= release and bool(flag.value) == bool(sign):
                return (Edit(number, ((flag.letter, value if sign else None),)),)
    return (Edit(number),)


def _extended_findings(option: LineOption, number: int, release: Release) -> Iterator[LineFinding]:
    """What is wrong with the options behind -o: the good ones stay."""
    good = ",".join(extended.text for extended in option.extended if not extended.wrong)
    instead: tuple[OptionText, ...] = (("o", good),) if good else ()
    remedy = f"-o {good}" if good else "take it out"
    for extended in option.extended:
        if extended.wrong:
            title, evidence = f"-o {extended.text}: {extended.why}", "exit status 1" if extended.ends else extended.why
            if extended.wrong == NOT_IN_RELEASE:
                title, evidence = _not_in_release(option, extended, release)
            severity = "warning" if extended.wrong == NOT_A_NUMBER else "error"
            finding = Finding(extended.wrong, severity, title, evidence, remedy)
            yield LineFinding(finding, (Edit(number, instead),))


def _not_in_release(option: LineOption, extended: ExtendedOption, release: Release) -> tuple[str, str]:
    """Title and evidence for an option behind -o that the release does not know."""
    row = extended.row
    why = "there is no such option" if row is None else "later releases do not have it"
    if row is not None and row.since > release:
        why = f"it came with {release_text(row.since)}"
    title = f"-o {extended.name}: {why}" if extended.name else f"-o {option.value}: a comma with nothing before it"
    return title, f"{release_text(release)}: exit status 1"


def _together(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """Options that do not go with each other."""
    moved = line.has("U") and not line.has("p") and effect.port == effect.udp != TCP_PORT
    if moved and (effect.udp or line.release < UDP_OFF):
        title = f"-U {line.text('U')} without -p moves TCP too"
        title = title if effect.udp else "-U 0 without -p turns TCP off as well"
        evidence = f"TCP {effect.port}, UDP {effect.udp}" if effect.udp else "it runs and listens nowhere"
        finding = Finding("udp-moves-tcp", "error", title, evidence, "name both: -p 11211")
        yield LineFinding(finding, (Edit(APPEND, (("p", "11211"),)),))
    if line.has("P") and not effect.daemon:
        title = "-P is meant for a daemon: without -d the file is left behind when memcached ends"
        remedy = "add -d, or leave -P out (systemd knows the pid by itself)"
        yield LineFinding(Finding("pid-file-without-daemon", "info", title, f"-P {line.text('P')}", remedy))
    yield from _with_auth(line, effect)
    if effect.tls and "ssl_chain_cert" not in line.extended:
        remedy = "-o ssl_chain_cert=FILE,ssl_key=FILE"
        finding = Finding("tls-without-certificate", "error", "-Z without a certificate", "exit status 64", remedy)
        yield LineFinding(finding)
    if effect.fragile:
        title = f"-N {line.text('N')}: memcached ends (SIGSEGV) when anybody asks for `stats settings`"
        finding = Finding("ended-by-stats", "error", title, "a mistake in memcached up to 1.6.39", "leave -N out")
        yield LineFinding(finding, (Edit(line.position("N")),), line.position("N"))
    low, high = effect.clients()
    if effect.runs and line.has("c") and low * 5 < effect.connections * 3:
        title = f"-c {effect.connections} serves {low} to {high} clients, not {effect.connections}"
        evidence = f"listeners and 4 to 5 open files for each of {counted(effect.threads, 'thread')} count as well"
        more = str(max(effect.connections + effect.files[1], _enough(effect)))
        severity = "warning" if high else "error"
        finding = Finding("few-clients", severity, title, evidence, f"-c {more} for that many")
        yield LineFinding(finding, (Edit(line.position("c"), (("c", more),)),))


def _enough(effect: Effect) -> int:
    """So many connections that three fifths of them are for clients."""
    return effect.files[1] * 5 // 2 + 1


def _with_auth(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """What does not go with SASL, or with a file of passwords."""
    auth = "S" if effect.sasl else "Y" if effect.auth_file else ""
    if auth and effect.udp and (line.release >= UDP_OFF or auth == "Y"):
        finding = Finding("udp-with-auth", "error", f"-{auth} does not go with UDP", "exit status 64", "-U 0")
        yield LineFinding(finding, (Edit(line.position("U"), (("U", "0"),)),))
    refused = {"S": "ascii", "Y": "binary"}.get(auth)
    if line.has("B") and effect.protocol == refused:
        title = f"-{auth} does not go with -B {refused}"
        finding = Finding("protocol-with-auth", "error", title, "exit status 64", "leave -B out")
        yield LineFinding(finding, (Edit(line.position("B")),))


def _else(line: CommandLine, effect: Effect, results: list[LineFinding]) -> Iterator[LineFinding]:
    """What no other finding tells: that it does not start, or listens nowhere."""
    if any(result.finding.severity in {"error", "critical"} for result in results):
        return
    if effect.status is not None:
        title = f"memcached {release_text(line.release)} does not start: {effect.why}"
        end = late_end(effect.status, effect) if effect.late else f"{end_text(effect.status)}, at once"
        more = str(max(1024, _enough(effect)))
        edits = (Edit(line.position("c"), (("c", more),)),) if "connections" in effect.why else ()
        remedy = f"-c {more}" if edits else "opskit memcached flags shows what each option takes"
        yield LineFinding(Finding("does-not-start", "error", title, end, remedy), edits)
    if effect.runs and not effect.socket and not effect.listeners:
        nothing = effect.port or effect.udp  # then -l names nothing
        option, evidence = ("l", "127.0.0.1") if nothing else ("p", "11211"), "-l ''" if nothing else "port 0"
        title = "it runs but listens nowhere: no TCP, no UDP and no UNIX socket"
        finding = Finding("listens-nowhere", "error", title, evidence, " ".join(words_of([option])))
        yield LineFinding(finding, (Edit(line.position(option[0]), (option,)),))
