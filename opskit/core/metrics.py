"""Numbers for the textfile collector of node_exporter: no timestamps, HELP and TYPE once, LF at the end."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping

from opskit.core.errors import Failed
from opskit.core.report import Measure
from opskit.core.text import shown

# What the textfile collector, another user, is to read.
MODE = 0o644
# Each metric that opskit has, in the order of the file.
HELP = {
    "opskit_findings": "Findings of opskit check that are not ignored.",
    "opskit_check_exit_code": "Exit code of opskit check for an area: 0, 4 with findings, 1 when it was not looked at.",
    "opskit_check_last_run_timestamp_seconds": "When opskit check ended, in seconds since 1970.",
    "opskit_fleet_host_answered": "Whether a host answered opskit fleet check: 1, or 0.",
    "opskit_deleted_open_bytes": "What files that are deleted but still open take on a filesystem.",
    "opskit_journal_limit_bytes": "What the journal may take by its own limit, by directory.",
    "opskit_package_lock_age_seconds": "How long a package manager has held its lock; 0 when none does.",
    "opskit_undo_pending": "Runs of opskit that were cut short, or failed and could not be taken back whole.",
}


def exposition(measures: Iterable[Measure]) -> str:
    """The content of the file: the samples of each metric together, each sample once. The names are those of HELP."""
    return "".join(f"{line}\n" for line in _lines(measures))


def _lines(measures: Iterable[Measure]) -> Iterator[str]:
    by_name: dict[str, dict[str, float]] = {name: {} for name in HELP}
    for measure in measures:
        by_name[measure.name][_labels(measure.labels)] = measure.value
    for name, samples in by_name.items():
        if samples:
            yield f"# HELP {name} {HELP[name]}"
            yield f"# TYPE {name} gauge"
            yield from (f"{name}{labels} {_number(value)}" for labels, value in samples.items())


def _labels(labels: Mapping[str, str]) -> str:
    """The labels with what the format escapes; what is no UTF-8, and what a terminal would act on, as shown()."""
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return shown(value).replace("\\", "\\\\").replace('"', '\\"')


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)


def publish(text: str, output: str) -> None:
    """Put the metrics on stdout or, with an output, in a file that is whole at any time. Raises Failed."""
    from opskit.core.files import write_atomic  # noqa: PLC0415 - who only makes them does without

    if not output:
        sys.stdout.write(text)
        return
    try:
        write_atomic(output, text.encode(), mode=MODE)
    except OSError as error:
        why = f"the metrics cannot be written ({error.strerror})"
        raise Failed(output, why, todo=f"ls -ld {shlex.quote(os.path.dirname(os.path.abspath(output)))}") from error
