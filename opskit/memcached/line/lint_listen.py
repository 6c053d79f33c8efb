"""Who can reach an instance, and which of its addresses memcached leaves out. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.finding import Finding
from opskit.memcached.line.edit import Edit, LineFinding
from opskit.memcached.line.effect import EX_OSERR, Effect, late_end
from opskit.memcached.line.listen import BLANK, clash, is_everywhere, is_loopback, without_blanks
from opskit.memcached.line.numbers import PORTS, bound_port
from opskit.memcached.line.parse import APPEND, CommandLine, LineOption
from opskit.memcached.line.release import IPV6_IN_LISTS, UDP_OFF, release_text

CVE = "CVE-2018-1000115"


def listen_findings(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """Addresses that are dropped or cannot be read, ports beside -p, and who can reach it."""
    if effect.prints:
        return
    if effect.socket:
        if line.has("l") or line.has("p") or line.text("U", "0") != "0":
            title = "-s replaces TCP and UDP: -p, -U and -l are ignored"
            remedy = "leave them out; to have a socket and a port, start two instances"
            finding = Finding("ignored-by-socket", "warning", title, f"-s {effect.socket}", remedy)
            yield LineFinding(finding, tuple(Edit(number) for number in line.positions("pUl")))
        return
    yield from _unreadable(line, effect)
    yield from _ports(line, effect)
    yield from _dropped(line, effect)
    yield from _clash(line, effect)
    yield from _exposed(line, effect)


def _texts(option: LineOption) -> list[str]:
    return [address.text for address in option.addresses]


def _in_place_of_all(line: CommandLine, value: str) -> tuple[Edit, ...]:
    """One -l with this value, in place of all that there are."""
    first, *others = line.positions("l")
    return (Edit(first, (("l", value),)), *(Edit(number) for number in others))


def _unreadable(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """Addresses that memcached ends for."""
    wrong = {address.text for address in effect.addresses if address.wrong}
    for number in line.positions("l"):
        option = line.options[number]
        bad = [address for address in option.addresses if address.wrong and address.text in wrong]
        if not bad:
            continue
        apart = tuple(("l", without_blanks(text)) for text in _texts(option))
        several = len(apart) > 1 and all(address.text.count(":") > 1 for address in bad)
        if bad[0].wrong == BLANK and line.release >= IPV6_IN_LISTS:
            apart, several = (("l", ",".join(text for _, text in apart)),), True
        remedy = " ".join(f"-l {text}" for _, text in apart) if several else "an address, or address:port"
        title = f"-l {option.value}: {bad[0].wrong}"
        evidence = f"{release_text(line.release)}: {late_end(EX_OSERR, effect)}"
        finding = Finding("listener-unreadable", "error", title, evidence, remedy)
        # An address that cannot be read is not left out: whoever uses it would have nobody to ask.
        yield LineFinding(finding, (Edit(number, apart),) if several else (), number)


def _ports(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """Ports in -l."""
    for address in effect.addresses:
        if address.port is not None and address.port >= PORTS:
            bound = bound_port(address.port)
            title = f"-l {address.text} binds port {bound}: only 16 bits of it are used"
            evidence = f"{address.port} mod 65536 = {bound}"
            yield LineFinding(Finding("reinterpreted", "error", title, evidence, "a port from 1 to 65535"))
    if line.has("p") and any(address.port not in {None, effect.port} for address in effect.addresses):
        title = f"the port in -l overrides -p {line.text('p')}"
        evidence = ", ".join(listener.text for listener in effect.listeners)
        yield LineFinding(Finding("port-in-listen", "info", title, evidence, "name the port in one place"))


def _dropped(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """An -l that memcached takes for a repeat of another."""
    options = line.all("l")
    kept = [option for n, option in enumerate(options) if n not in effect.dropped]
    for n in effect.dropped:
        option = options[n]
        if set(_texts(option)) <= {text for other in kept for text in _texts(other)}:
            continue  # a plain repeat: nothing is lost
        title = f"-l {option.value} is dropped: its text is found within an -l before it"
        evidence = f"{release_text(line.release)} takes it for a repeat of {_joined(kept)}"
        joined = _joined(options)
        finding = Finding("listener-dropped", "error", title, evidence, f"-l {joined}")
        yield LineFinding(finding, _in_place_of_all(line, joined))


def _joined(options: list[LineOption]) -> str:
    return ",".join(option.value or "" for option in options)


def _clash(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """Two addresses that cannot both be bound."""
    pair = clash(effect.listeners)
    if pair:
        first, second = pair
        title = f"{first.text} and {second.text} cannot both be bound"
        remedy = "keep one of them: an address that stands for all includes the other"
        narrower = first if is_everywhere(second.address) else second
        left = [address.text for address in effect.addresses if address.address != narrower.address or first == second]
        finding = Finding("listeners-clash", "error", title, late_end(EX_OSERR, effect), remedy)
        yield LineFinding(finding, _in_place_of_all(line, ",".join(dict.fromkeys(left))))


def _exposed(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """Addresses that other hosts can reach."""
    beyond = [listener for listener in effect.listeners if not is_loopback(listener.address)]
    if not beyond:
        return
    everywhere = any(is_everywhere(listener.address) for listener in beyond)
    udp = any(listener.protocol == "udp" for listener in beyond)
    title = f"it can be reached {'at every address of the host' if everywhere else 'from other hosts'}"
    evidence = ", ".join(listener.text for listener in beyond)
    # What somebody wrote is what others may rely on: only where nobody named an address one is given.
    edits: tuple[Edit, ...] = () if line.has("l") else (Edit(APPEND, (("l", "127.0.0.1"),)),)
    if udp:
        title += ", over UDP too"
        default = " (on by default before 1.5.6)" if not line.has("U") and line.release < UDP_OFF else ""
        evidence += f"; UDP replies go to whatever sender a packet names: {CVE}{default}"
        off = (("U", "0"),) if line.has("p") else (("U", "0"), ("p", str(effect.port)))
        edits += () if line.has("U") else (Edit(APPEND, off),)
    if not (effect.sasl or effect.auth_file):
        evidence += "; no password is required"
    remedy = "-l 127.0.0.1" + (" -U 0" if udp else "") + "; or a firewall, and -l with the address that you mean"
    yield LineFinding(Finding("exposed", "critical" if udp else "error", title, evidence, remedy), edits)
