"""What runs the package manager by itself, as it is seen."""

from __future__ import annotations

from opskit.core.record import dataclass

# How something runs the package manager by itself.
TIMER, SERVICE, CRON, CLOUD_INIT, AGENT = "timer", "service", "cron", "cloud-init", "agent"


@dataclass(frozen=True)
class Autorun:
    """Something that runs the package manager by itself.

    kind: timer, service, cron, cloud-init or agent.
    state: of a unit, as systemd calls it (active, inactive, masked; enabled where systemd does not run).
    next: seconds since 1970; 0 when it is not known.
    when: the same in words.
    in_etc: the file of the unit is in /etc, which takes precedence over a mask in /run (systemd.unit(5)).
    """

    name: str
    kind: str
    command: str
    state: str = ""
    next: float = 0.0
    when: str = ""
    in_etc: bool = False


@dataclass(frozen=True)
class Autoruns:
    """Everything that runs the package manager by itself.

    systemd: whether it runs this host.
    unread: the crontabs and folders that this user cannot read.
    unanswered: the scripts and crontabs on mounts that do not answer, each with what of it did not.
    silent: why systemd did not answer; "" when it did.
    held_until: when a hold ends that is in force, in seconds since 1970; 0 without one.
    """

    systemd: bool
    entries: tuple[Autorun, ...] = ()
    unread: tuple[str, ...] = ()
    silent: str = ""
    held_until: float = 0.0
    unanswered: tuple[str, ...] = ()
