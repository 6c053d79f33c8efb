"""`opskit undo` of today stops what 0.1.0 started, and starts what it stopped, by the ledger that 0.1.0 wrote."""

from __future__ import annotations

from pathlib import Path

from ledgers import Sample, sample
from opskit.core.procfs import Stat

from .test_memcached import Place, answers, free_port, place, run, wait  # noqa: F401 - place is a fixture

OLD = "0.1.0"


def here(place: Place, old: Sample, port: int) -> Sample:  # noqa: F811
    """The run, of an instance on this port with this test's folder and user."""
    line = next(step["fields"] for step in sample(OLD, "memcached.start").steps())["line"]
    texts = {"/sample/": f"{place.folder}/", line[line.index("-p") + 1]: str(port)}
    if place.user not in line:
        texts[f'"{line[line.index("-u") + 1]}"'] = f'"{place.user}"'
    return old.replace(texts)


def test_a_start_of_then(place: Place) -> None:  # noqa: F811
    port = free_port()
    old = here(place, sample(OLD, "memcached.start"), port)
    fields = old.fields("memcached.start")
    run(*fields["line"])
    wait(lambda: answers(port))
    pid_file = Path(fields["pid_file"])
    pid = int(pid_file.read_text())
    place.pids.append(pid)
    record = next(entry["record"] for entry in old.entries if entry["entry"] == "stepped")
    started = Stat(Path(f"/proc/{pid}/stat").read_text()).start
    texts = {f'"pid": {record["pid"]}': f'"pid": {pid}', f'"started": {record["started"]}': f'"started": {started}'}
    old.replace(texts).put(place.folder / "state")
    assert place.run("undo", "last", "--yes").code == 0
    assert (answers(port), pid_file.exists()) == (False, False)


def test_a_stop_of_then(place: Place) -> None:  # noqa: F811
    port = free_port()
    old = here(place, sample(OLD, "memcached.stop"), port)
    old.put(place.folder / "state")
    done = place.run("undo", "last", "--yes")
    assert done.code == 0, done
    wait(lambda: answers(port))
    place.pids.append(int(Path(old.fields("memcached.stop")["pid_file"]).read_text()))
    assert place.run("memcached", "stop", "--port", str(port), "--yes").code == 0
