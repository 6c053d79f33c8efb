"""The areas: which module has their commands, and which one their steps. Imported by name, when asked for.

A new area is a package like opskit/disk: see, what decides, steps.py with KINDS (a step's kind begins with the
package's name), and cli.py with an `app` of commands.new_app, whose commands are registered by options.reads and
options.changes and go through act.act. Then: an entry in ENTRIES here, and `scripts/completions`: how a value completes
follows from its declaration (options.py). What its findings mean stands in findings.py, as FINDINGS, and in Chinese in
findings_zh.py; what its commands answer with --json, in results.py, as RESULTS. core needs no change. What
`opskit status` and `opskit check` ask of it is a line in LOOKS.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, TextIO

if TYPE_CHECKING:
    from opskit.core.finding import FindingKind
    from opskit.core.ledger import StepRecord
    from opskit.core.plan import Step
    from opskit.core.report import Report, ReportRequest, Threshold
    from opskit.core.runner import StreamingRunner


class Entry(NamedTuple):
    """A command that is imported when it is named: the module and attribute of its typer app, its line in --help.

    single: the app is one command and not a group.
    """

    module: str
    help: str
    app: str = "app"
    single: bool = False


ENTRIES: dict[str, Entry] = {
    "disk": Entry("opskit.disk.cli", "Put data disks into service: list, mount, umount, grow, fstab."),
    "du": Entry("opskit.usage.du.cli.command", "What fills a disk: directories by size, exact as du.", single=True),
    "df": Entry(
        "opskit.usage.df.cli.command", "What fills the filesystems: df, deleted but open files, why.", single=True
    ),
    "journal": Entry("opskit.journal.cli", "The journal: what fills it, what a vacuum will delete, errors."),
    "memcached": Entry("opskit.memcached.cli", "Launch memcached right: check its lines, start, watch, stop."),
    "yum": Entry("opskit.yum.cli", "Who holds the yum, dnf or rpm lock, and what is safe to do."),
    "service": Entry("opskit.service.cli", "Is a service really running: systemd, init scripts, containers."),
    "status": Entry("opskit.status.cli", "The host on one screen: what is wrong, and what mends it.", single=True),
    "check": Entry("opskit.status.cli", "The same for machines: exit 4 with findings.", app="check_app", single=True),
    "fleet": Entry("opskit.fleet.cli.command", "The same on many hosts, by Ansible: plan, apply, resume, check."),
    "history": Entry("opskit.history.cli", "What opskit did on this host: list runs, show one."),
    "undo": Entry("opskit.history.cli", "Take a run back as far as it can be.", app="undo_app", single=True),
    "findings": Entry("opskit.findings.cli", "What the id of a finding means.", single=True),
    "doctor": Entry("opskit.doctor.cli", "What this host has of what opskit needs, and what is missing.", single=True),
    "schema": Entry("opskit.schema.cli", "JSON Schema of what a command answers with --json.", single=True),
    "completion": Entry("opskit.completion.cli", "Completion scripts: print one, or install it.", single=True),
}


class Look(NamedTuple):
    """What status and check ask of an area: all looks at the same time, each in a process of its own.

    area: as `opskit check AREA` and `[check.AREA]` of a config file name it
    name: what it looks at, unique: its heading on the screen
    module: has `check`, a function of a runner and a ReportRequest that gives a Report
    command: what shows all of it, without `opskit`
    seconds: how long it may take; for a busy host core.child.ask adds to it
    thresholds: module that has THRESHOLDS, those of its findings by name; "" for none
    """

    area: str
    name: str
    module: str
    command: tuple[str, ...]
    seconds: float
    thresholds: str = ""


LOOKS = (
    Look("disk", "disks", "opskit.disk.see.check", ("disk", "list"), 10.0),
    Look("disk", "filesystems", "opskit.usage.df.see.check", ("df",), 10.0, "opskit.usage.thresholds"),
    Look("disk", "growth", "opskit.usage.du.see.check", ("du", "--diff", "last"), 10.0),
    Look(
        "journal", "journal", "opskit.journal.errors.see.check", ("journal", "errors"), 20.0,
        "opskit.journal.thresholds",
    ),
    Look(
        "memcached", "memcached", "opskit.memcached.status.see", ("memcached", "status"), 10.0,
        "opskit.memcached.thresholds",
    ),
    Look("service", "services", "opskit.service.see.check", ("check", "service"), 15.0, "opskit.service.thresholds"),
    Look("yum", "packages", "opskit.yum.see.check", ("yum", "lock"), 10.0, "opskit.yum.thresholds"),
    Look("history", "opskit", "opskit.history.see", ("history",), 10.0, "opskit.history.thresholds"),
)  # fmt: skip


def load_thresholds() -> dict[str, dict[str, Threshold]]:
    """The thresholds of each area, by name."""
    known: dict[str, dict[str, Threshold]] = {look.area: {} for look in LOOKS}
    for look in LOOKS:
        known[look.area].update(importlib.import_module(look.thresholds).THRESHOLDS if look.thresholds else {})
    return known


def load_settings() -> Callable[..., Any]:
    """The function that reads what a config file says of checks: status/settings.py."""
    read: Callable[..., Any] = importlib.import_module("opskit.status.settings").read_settings
    return read


def load_check(look: Look) -> Callable[[StreamingRunner, ReportRequest], Report]:
    """The function of a look."""
    check: Callable[[StreamingRunner, ReportRequest], Report] = importlib.import_module(look.module).check
    return check


def load_app(entry: Entry) -> Any:
    """The typer app of an entry."""
    return getattr(importlib.import_module(entry.module), entry.app)


def load_step(record: StepRecord) -> Step:
    """The step that a ledger entry tells of: its kind is "area.name", and `opskit.area.steps` has the class in KINDS.

    Raises LookupError when no area of this opskit knows it, ShapeError when its fields are not those of the class.
    """
    from opskit.core.jsonable import from_json  # noqa: PLC0415 - only an undo needs it

    area = record.kind.partition(".")[0]
    try:
        kinds = importlib.import_module(f"opskit.{area}.steps").KINDS
    except (ImportError, AttributeError) as error:
        raise LookupError(record.kind) from error
    step: Step = from_json(kinds[record.kind], record.fields)
    return step


def load_findings() -> list[tuple[str, FindingKind]]:
    """Every kind of finding with its area, in order; "opskit" for those that any command can have.

    An area has them as FINDINGS in `opskit.area.findings`.
    """
    from opskit.core.finding import FINDINGS  # noqa: PLC0415 - only `opskit findings` needs them all

    kinds = [("opskit", kind) for kind in FINDINGS]
    for area, module in _modules("findings"):
        kinds += [(area, kind) for kind in module.FINDINGS]
    return sorted(kinds)


def load_results() -> tuple[dict[str, tuple[Any, ...]], dict[str, type]]:
    """What the result of each command can be (core/results.py), and what its --facts reads, in the order of the help.

    An area has them as RESULTS and FACTS in `opskit.area.results`, by what is typed behind `opskit`.
    """
    modules = [module for _, module in _modules("results")]
    results = {name: classes for module in modules for name, classes in module.RESULTS.items()}
    order = list(ENTRIES)
    facts = {name: cls for module in modules for name, cls in getattr(module, "FACTS", {}).items()}
    return dict(sorted(results.items(), key=lambda pair: order.index(pair[0].split()[0]))), facts


@cache
def load_chinese() -> dict[str, dict[str, tuple[str, str]]]:
    """What each finding means and what to do about it, in Chinese: by area ("opskit": any command) and id.

    An area has them as CHINESE in `opskit.area.findings_zh`.
    """
    from opskit.core.findings_zh import CHINESE  # noqa: PLC0415 - only who reads Chinese needs them

    return {"opskit": CHINESE, **{area: module.CHINESE for area, module in _modules("findings_zh")}}


def chinese(command: str, finding: str) -> str:
    """What the id of a finding means in Chinese.

    command: the words of the command (with `opskit`, or without), or the area, that has the finding: several can have
        the same id. One that neither it nor any command has is looked for in the other areas, and told if only one has
        it; else it is ""
    """
    word = command.removeprefix("opskit ").partition(" ")[0]
    own = ENTRIES[word].module.split(".")[1] if word in ENTRIES else word
    texts = load_chinese()
    for area in (own, "opskit"):
        if finding in texts.get(area, {}):
            return texts[area][finding][0]
    others = [named[finding][0] for named in texts.values() if finding in named]
    return others[0] if len(others) == 1 else ""


def chinese_for(environ: Mapping[str, str], stream: Optional[TextIO]) -> Optional[Callable[[str, str], str]]:
    """`chinese`, for a Screen of who reads it there; None for all others."""
    from opskit.core.language import reads_chinese  # noqa: PLC0415 - its place is where there is a screen

    return chinese if reads_chinese(environ, stream) else None


def _modules(name: str) -> list[tuple[str, Any]]:
    """The module of this name of each area that has one."""
    import importlib.util  # noqa: PLC0415 - only findings need it

    areas = dict.fromkeys(entry.module.split(".")[1] for entry in ENTRIES.values())
    paths = [(area, f"opskit.{area}.{name}") for area in areas]
    return [(area, importlib.import_module(path)) for area, path in paths if importlib.util.find_spec(path)]
