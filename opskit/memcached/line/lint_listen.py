"""Who can reach an instance, and which of its addresses memcached leaves out. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.finding import Finding
from opskit.memcached.line.edit import APPEND, Edit, Problem
from opskit.memcached.line.effect import EX_OSERR, Effect, late_end
from opskit.memcached.line.getopt import Parsed
from opskit.memcached.line.listen import BLANK, clash, is_everywhere, is_loopback, pieces, without_blanks
from opskit.memcached.line.numbers import PORTS
from opskit.memcached.line.release import IPV6_IN_LISTS, UDP_OFF, Release, release_text

CVE = "CVE-2018-1000115"


def listen_problems(parsed: Parsed, found: Effect, release: Release) -> Iterator[Problem]:
    """Addresses that are dropped or cannot be read, ports beside -p, and who can reach it."""
    given = [number for number, one in enumerate(parsed.options) if one.letter == "l" and not one.wrong]
    if found.prints:
        return
    if found.socket:
        if given or "p" in found.values or found.values.get("U", "0") != "0":
            title = "-s takes the place of TCP and UDP: -p, -U and -l count for nothing"
            remedy = "leave them out; for both a socket and a port start two instances"
            numbers = [n for n, one in enumerate(parsed.options) if one.letter in {"p", "U", "l"} and not one.wrong]
            edits = tuple(Edit(number) for number in numbers)
            yield Problem(Finding("ignored-by-socket", "warning", title, f"-s {found.socket}", remedy), edits)
        return
    yield from _places(parsed, found, release, given)
    for number in found.dropped:
        option = given[number]
        value = parsed.options[option].value or ""
        kept = [parsed.options[n].value or "" for i, n in enumerate(given) if i not in found.dropped]
        if set(pieces(value)) <= {piece for one in kept for piece in pieces(one)}:
            continue  # a plain repeat: nothing is lost
        joined = ",".join([parsed.options[n].value or "" for n in given])
        title = f"-l {value} is dropped: its text is found within an -l before it"
        evidence = f"{release_text(release)} takes it for a repeat of {','.join(kept)}"
        edits = (Edit(given[0], (("l", joined),)), *(Edit(n) for n in given[1:]))
        yield Problem(Finding("listener-dropped", "error", title, evidence, f"-l {joined}"), edits)
    twice = clash(found.listeners)
    if twice:
        title = f"{twice[0].text} and {twice[1].text} cannot be had at once"
        remedy = "only one of them: an address for all others holds them already"
        left = [one.text for one in found.places if one.address != twice[1].address or twice[0] == twice[1]]
        joined = ",".join(dict.fromkeys(left))
        edits = tuple(Edit(n, (("l", joined),) if n == given[0] else ()) for n in given)
        yield Problem(Finding("listeners-clash", "error", title, late_end(EX_OSERR, found), remedy), edits)
    yield from _exposed(parsed, found, release, given)


def _places(parsed: Parsed, found: Effect, release: Release, given: list[int]) -> Iterator[Problem]:
    for number in given:
        value = parsed.options[number].value or ""
        bad = [one for one in found.places if one.wrong and one.text in pieces(value)]
        if not bad:
            continue
        apart = tuple(("l", without_blanks(piece)) for piece in pieces(value))
        several = len(apart) > 1 and all(one.text.count(":") > 1 for one in bad)
        if bad[0].wrong == BLANK and release >= IPV6_IN_LISTS:
            apart, several = (("l", ",".join(piece for _, piece in apart)),), True
        remedy = " ".join(f"-l {piece}" for _, piece in apart) if several else "an address, or address:port"
        title = f"-l {value}: {bad[0].wrong}"
        evidence = f"{release_text(release)}: {late_end(EX_OSERR, found)}"
        texts = [one.text for one in bad]
        # Never without any -l: that would be every address.
        good = tuple(option for option in apart if option[1] not in texts) or (("l", "127.0.0.1"),)
        edit = Edit(number, apart if several else good)
        yield Problem(Finding("listener-unreadable", "error", title, evidence, remedy), (edit,))
    for one in found.places:
        if one.port is not None and one.port >= PORTS:
            title = f"-l {one.text} binds port {one.port % PORTS}: only 16 bits of it are used"
            evidence = f"{one.port} mod 65536 = {one.port % PORTS}"
            yield Problem(Finding("reinterpreted", "error", title, evidence, "a port from 1 to 65535"))
    other = sorted({one.port for one in found.places if one.port not in {None, found.port}}, key=str)
    if other and "p" in found.values:
        title = f"the port in -l goes over -p {found.values['p']}"
        evidence = ", ".join(one.text for one in found.listeners)
        yield Problem(Finding("port-in-listen", "info", title, evidence, "name the port in one place"))


def _exposed(parsed: Parsed, found: Effect, release: Release, given: list[int]) -> Iterator[Problem]:
    """Addresses that other hosts can reach."""
    open_ = [one for one in found.listeners if not is_loopback(one.address)]
    if not open_:
        return
    where = "every address of the host" if any(is_everywhere(one.address) for one in open_) else "other hosts"
    udp = any(one.protocol == "udp" for one in open_)
    severity = "critical" if udp else "error"
    title = f"it can be reached from {where}" + (", over UDP too" if udp else "")
    evidence = ", ".join(one.text for one in open_)
    if udp:
        default = " (on by default before 1.5.6)" if "U" not in found.values and release < UDP_OFF else ""
        evidence += f"; UDP answers are sent to whoever is named as the sender: {CVE}{default}"
    if not (found.sasl or found.auth_file):
        evidence += "; no password is asked for"
    remedy = "-l 127.0.0.1" + (" -U 0" if udp else "") + "; or a firewall, and -l with the one address that is meant"
    if given:
        edits = tuple(Edit(n, (("l", "127.0.0.1"),) if n == given[0] else ()) for n in given)
    else:
        edits = (Edit(APPEND, (("l", "127.0.0.1"),)),)
    if udp:
        off = (("U", "0"),) if "p" in found.values else (("U", "0"), ("p", str(found.port)))
        asked = [n for n, one in enumerate(parsed.options) if one.letter == "U" and not one.wrong]
        edits += (*(Edit(n) for n in asked), Edit(APPEND, off))
    yield Problem(Finding("exposed", severity, title, evidence, remedy), edits)
