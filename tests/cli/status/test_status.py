"""`opskit status` and `opskit check` on this host, and looks that hang, fail or are forbidden."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import opskit.options  # noqa: F401 - it has the names of LOOKS from before a test has others
from opskit.cli import main
from opskit.core import config
from opskit.core.command import Command
from opskit.core.errors import Failed
from opskit.core.lock import host_lock
from opskit.core.plan import NO_RUN, Plan
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import HostRunner
from opskit.core.systemd import is_booted
from opskit.history.see import check as history_check
from opskit.status.see.looks import Question, look
from opskit.status.steps import WriteUnit
from opskit.status.timer import TimerFacts, TimerRequest, decide_timer
from screens import ScreenTerminal


def question(function: Callable[..., Report], seconds: float = 60.0) -> Question:
    return Question("disk", "disks", "opskit disk list", lambda: function, seconds, ReportRequest())


def test_what_hangs_or_fails_holds_no_other_up() -> None:
    def hangs(*_: Any) -> Report:
        signal.pause()
        return Report()

    def fails(*_: Any) -> Report:
        raise Failed("it", "is broken")

    def crashes(*_: Any) -> Report:
        return Report((1 // 0,))  # type: ignore[arg-type]

    def dies(*_: Any) -> Report:
        os.kill(os.getpid(), signal.SIGKILL)
        return Report()

    def program(runner: Any, _request: ReportRequest) -> Report:
        runner.run(Command(("sleep", "300"), mutates=False))
        return Report()

    def sound(*_: Any) -> Report:
        return Report(("well",))

    begun = time.monotonic()
    looks = look(
        [question(hangs, 0.5), *map(question, (fails, crashes, dies)), question(program, 1.0), question(sound)]
    )
    assert time.monotonic() - begun < 250  # pause() would have had no end, and sleep 300 s
    assert [each.failure for each in looks[:4]] == [
        "no answer within 500ms",
        "it: is broken",
        "a fault in opskit: ZeroDivisionError: integer division or modulo by zero",
        "the process that asked ended without an answer",
    ]
    assert looks[4].failure == "no answer within 1s: sleep"  # not how little it had of that
    assert (looks[5].failure, looks[5].report.lines) == ("", ("well",))


def settings(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    monkeypatch.setenv("OPSKIT_CONFIG", str(file))
    config.load_config.cache_clear()


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs `opskit check` with one look, which reports what is given."""
    from opskit import areas  # noqa: PLC0415

    def command(report: Any, *words: str, conf: str = "") -> tuple[int, str]:
        if conf:
            settings(tmp_path, conf, monkeypatch)
        monkeypatch.setattr(areas, "load_check", lambda _look: lambda *_: report)
        code = main(["check", "history", "--state-dir", str(tmp_path), *words])
        return code, capsys.readouterr().out

    yield command
    config.load_config.cache_clear()


def test_formats(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    from opskit.core.finding import Finding  # noqa: PLC0415

    full = Report(findings=(Finding("nearly-full", "warning", "/a: 90 % full", "", "df"),))
    assert run(Report()) == (0, "in order: history\n")
    assert run(full) == (4, "warning: /a: 90 % full [nearly-full]\n  to do: df\n")
    code, out = run(full, "--json")
    assert (code, json.loads(out)["ok"], json.loads(out)["findings"][0]["id"]) == (4, True, "nearly-full")
    code, out = run(full, "--format", "nagios")
    assert (code, out.split("\n")[0].split(" | ")[0]) == (1, "OPSKIT WARNING - 1 finding")
    file = tmp_path / "opskit.prom"
    code, out = run(full, "--format", "prometheus", "--output", str(file), "--dry-run")
    assert (code, "opskit_findings{" in out, file.exists()) == (4, True, False)
    assert run(full, "--format", "prometheus", "--output", str(file)) == (4, "")
    assert file.stat().st_mode & 0o777 == 0o644
    assert {family.name for family in text_string_to_metric_families(file.read_text())} >= {"opskit_findings"}
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".prom")] == ["opskit.prom"]
    ignored = '[[check.ignore]]\nid = "nearly-full"\ntarget = "/a"\nreason = "so"\nuntil = 2999-01-01\n'
    assert run(full, conf=ignored) == (0, "in order: history\n")


def test_a_check_that_failed_still_writes_its_exit_code(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    file = tmp_path / "opskit.prom"
    assert run(None, "--format", "prometheus", "--output", str(file))[0] == 1
    assert 'opskit_check_exit_code{check="history"} 1\n' in file.read_text()
    code, out = run(None, "--json")
    assert (code, json.loads(out)["ok"], json.loads(out)["findings"][0]["id"]) == (1, False, "area-not-looked-at")


@pytest.mark.parametrize(("words", "code"), [(["status"], 1), (["check"], 1), (["check", "--format", "nagios"], 3)])
def test_an_area_that_hangs_is_said(
    words: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from opskit import areas  # noqa: PLC0415

    def hangs(*_: Any) -> Report:
        signal.pause()
        return Report()

    monkeypatch.setattr(areas, "LOOKS", (areas.LOOKS[0]._replace(seconds=0.2),))
    monkeypatch.setattr(areas, "load_check", lambda _look: hangs)
    assert main(words) == code
    assert "disks: not looked at: no answer within 200ms [area-not-looked-at]" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_another_user_is_told_what_he_may_not_see(tmp_path: Path) -> None:
    # Python may be where only root can read: that one capability is left.
    reads = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *reads)
    argv = [*nobody, sys.executable, "-m", "opskit", "check", "disk", "--json", "--state-dir", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
    answer = json.loads(done.stdout)
    assert (done.returncode in {0, 4}, answer["ok"]) == (True, True), done.stderr
    disks = answer["result"]["looks"][0]
    assert any(text.endswith("that needs root") for text in disks["unseen"])


def test_nagios_has_0_to_3_whatever_happens(run: Callable[..., tuple[int, str]]) -> None:
    code, out = run(Report(), "--format", "nagios", conf="[check.disk]\nfull_percent = 0\n")
    assert (code, out.startswith("OPSKIT UNKNOWN - ")) == (3, True)
    # 2, a wrong use to opskit, is critical to Nagios.
    for words in (["nonsense"], ["--nonsense"], ["--color", "x"]):
        code, out = run(Report(), *words, "--format", "nagios")
        assert (code, out.startswith("OPSKIT UNKNOWN - "), out.count("\n")) == (3, True, 1), words
    code, out = run(Report(), "--format=nagios", conf="state_dir = 5\n")
    assert (code, out.startswith("OPSKIT UNKNOWN - ")) == (3, True)
    assert run(Report(), "--format", "nonsense") == (2, "")
    assert run(Report(), "--format", "nagios", "--install-timer", "nonsense") == (2, "")  # a person reads that


def test_words_that_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--output", "f"], ["--json", "--format", "nagios"], ["--format", "xml"], ["dsk"]):
        assert main(["check", *words]) == 2
    assert "of disk, journal" in capsys.readouterr().err


def test_every_look_at_this_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json", "--state-dir", str(tmp_path)]) == 0
    looks = json.loads(capsys.readouterr().out)["result"]["looks"]
    assert [each["name"] for each in looks] == [
        "disks",
        "filesystems",
        "growth",
        "journal",
        "memcached",
        "services",
        "packages",
        "opskit",
    ]
    assert [each["failure"] for each in looks] == [None] * 8
    assert all(each["lines"] for each in looks if each["name"] != "growth")  # no scan is kept


def test_a_watch_marks_what_changed(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "opskit", "status", "--watch", "--only", "history", "--interval", "100ms"]
    environment = {**os.environ, "TERM": "vt100"}
    argv += ["--color", "never", "--state-dir", str(tmp_path)]
    terminal = ScreenTerminal(argv, environment)
    try:
        terminal.wait_for("opskit has changed nothing on this host")
        assert "* opskit" not in terminal.raw
        with host_lock(str(tmp_path), 0):
            terminal.wait_for(lambda _: "* opskit       at work now" in terminal.raw)
        terminal.type("\x03")
        assert terminal.end() == 130
    finally:
        terminal.close()


def test_a_watch_wants_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--watch"]) == 2
    assert "it draws on a terminal" in capsys.readouterr().err


def test_the_units_of_the_timer_are_as_systemd_wants_them(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    plan = decide_timer(TimerFacts(("/bin/sh",)), TimerRequest(("-c", "a b; %n $X"), 600), NO_RUN)
    assert isinstance(plan, Plan)
    files = []
    for step in plan.steps:
        if isinstance(step, WriteUnit):
            files.append(str(tmp_path / os.path.basename(step.path)))
            Path(files[-1]).write_text(step.text)
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_timer_for_metrics_needs_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--install-timer", "10m", "--format", "prometheus"]
    assert main(words) == 2
    assert main([*words, "--output", str(tmp_path / "none/a.prom")]) == 2
    assert "there is no directory" in capsys.readouterr().err
    if not is_booted():
        assert main(["check", "--install-timer", "10m", "--dry-run"]) == 6
        assert "systemd does not run this host" in capsys.readouterr().err


def test_whether_an_opskit_is_at_work_is_seen_without_taking_its_lock(tmp_path: Path) -> None:
    runner, request = HostRunner(), ReportRequest(str(tmp_path))
    with host_lock(str(tmp_path), 0):
        assert history_check(runner, request).lines[0] == "at work now"
    assert history_check(runner, request).lines[0] != "at work now"
