"""The findings of this area: what `opskit findings` says of each; those of an inventory that is not the plan's."""

from __future__ import annotations

from collections.abc import Iterable

from opskit.core.finding import FindingKind
from opskit.core.plan import Reason
from opskit.fleet.model import FleetRun

FINDINGS = (
    FindingKind("host-not-in-inventory", ("critical",), "a host of the plan is not in the inventory any more"),
    FindingKind("host-not-in-plan", ("critical",), "the name of a host of the plan means more hosts in the inventory"),
    FindingKind(
        "check-did-not-answer", ("error",), "a host of the first batch does not answer the check after its turn"
    ),
    FindingKind("changes-hosts", ("critical",), "the command changes hosts, and was asked for where only looking is"),
    FindingKind(
        "no-lasting-plan", ("critical",), "the command has no plan that can be made first and carried out later"
    ),
)


def inventory_findings(run: FleetRun, found: Iterable[str]) -> list[Reason]:
    """What of the run's hosts the inventory has otherwise. Empty where it names exactly those."""
    names = set(found)
    where = " ".join(run.inventory) or "Ansible's own inventory"
    gone = [
        Reason(
            "host-not-in-inventory",
            f"{name} is not in the inventory ({where})",
            remedy="name the inventory that has it (-i), or make a new plan: opskit fleet plan … > plan.json",
        )
        for name in run.hosts
        if name not in names
    ]
    more = [
        Reason(
            "host-not-in-plan",
            f"{name} is no host of the plan, and a name in it stands for it in the inventory ({where})",
            remedy="make a new plan: opskit fleet plan … > plan.json",
        )
        for name in sorted(names - set(run.hosts))
    ]
    return [*gone, *more]
