"""The config files: what they may say, which one wins, and that a mistake names its file and key."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
import typer

from opskit import cli
from opskit.commands import variable_name
from opskit.core import config
from opskit.core.config import load_config
from opskit.core.errors import UsageFault
from opskit.core.log_config import LogConfig, SmtpConfig

SMTP = '[smtp]\nhost = "mail"\nfrom = "a@b"\nto = ["c@d"]\n'


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    load_config.cache_clear()
    yield
    load_config.cache_clear()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The places of /etc's file and the user's."""
    monkeypatch.delenv("OPSKIT_CONFIG", raising=False)
    monkeypatch.delenv("OPSKIT_STATE_DIR", raising=False)
    monkeypatch.setattr(config, "ETC", str(tmp_path / "etc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    paths = (tmp_path / "etc/opskit/config.toml", tmp_path / "user/opskit/config.toml")
    for path in paths:
        path.parent.mkdir(parents=True)
    return paths


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "named.toml"
    path.touch()
    monkeypatch.setenv("OPSKIT_CONFIG", str(path))
    monkeypatch.delenv("OPSKIT_STATE_DIR", raising=False)
    return path


def test_without_a_file_everything_is_a_default(files: tuple[Path, Path]) -> None:
    assert not files[0].exists()
    config = load_config()
    assert (config.shared, config.defaults, config.smtp) == ({}, {}, None)
    assert config.log is None
    assert LogConfig() == LogConfig("info", 20, 10 * 1024 * 1024)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", ["XDG_CONFIG_HOME", "HOME"])
def test_a_file_below_the_working_directory_is_nobodys_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In /tmp anybody can have made it. The XDG Base Directory Specification ignores a path that is not absolute."""
    for variable in ("XDG_CONFIG_HOME", "SUDO_USER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "user")
    for folder in ("user", "user/.config"):
        (tmp_path / folder / "opskit").mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "opskit/config.toml").write_text("quiet = true\n")
    assert load_config().shared == {}


def test_the_users_file_goes_over_etc_key_by_key(files: tuple[Path, Path]) -> None:
    files[0].write_text(
        'color = "never"\nquiet = true\n[disk.mount]\nfstype = "xfs"\nlabel = "etc"\n[log]\nfiles = 3\n'
    )
    files[1].write_text('color = "always"\n[disk.mount]\nlabel = "mine"\n[log]\nlevel = "debug"\n')
    config = load_config()
    assert config.shared == {"color": "always", "quiet": True}
    assert config.defaults == {"disk": {"mount": {"fstype": "xfs", "label": "mine"}}}
    assert config.log == LogConfig("debug", 3)


def test_a_named_file_takes_the_place_of_both(files: tuple[Path, Path], named: Path) -> None:
    files[0].write_text('color = "never"\n')
    named.write_text('lock-timeout = "1m 30s"\n')
    assert load_config().shared == {"lock_timeout": 90}


@pytest.mark.parametrize(("value", "seconds"), [("30", 30), ("0.5", 0.5), ("0", 0), ("1e-7", 0), ("inf", math.inf)])
def test_a_number_of_a_file_for_0_1_0_is_seconds(named: Path, value: str, seconds: float) -> None:
    named.write_text(f"lock_timeout = {value}\n")
    assert load_config().shared == {"lock_timeout": seconds}


@pytest.mark.parametrize(
    ("table", "option", "words"),
    [
        ("du", "older_than = 30", "'30' has a number without a unit"),  # days to whoever wrote it
        ("df", "timeout = true", "df.timeout: a span of time in quotes is wanted, not true"),
    ],
)
def test_what_is_no_span_in_the_table_of_a_command(
    named: Path, table: str, option: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named.write_text(f"[{table}]\n{option}\n")
    assert cli.main([table, str(named.parent)]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "line", "words"),
    [
        ("df", "warn = 1.5", "df.warn: a whole number is wanted, not 1.5"),
        ("df", "warn = true", "df.warn: a whole number is wanted, not true"),
        ("df", "warn = 150", "df.warn: 150 is out of range: 1 to 100"),
        ("df", "warn = 'x'", "df.warn: 'x' is not a whole number"),
        ("du", "bytes = 3", "du.bytes: true or false is wanted, not 3"),
        ("du", "min_size = 1.5", "du.min_size: a size in quotes is wanted, not 1.5"),
        ("du", "exclude = ['*.log', 3.1]", 'du.exclude: a text in quotes is wanted, not ["*.log", 3.1]'),
        ("du", "top = [3]", "du.top: a whole number is wanted, not [3]"),
        (
            "journal vacuum",
            "systemd_version = 25.10",
            "journal.vacuum.systemd_version: a text in quotes is wanted, not 25.1",
        ),
        ("service ensure", "for = '10'", "service.ensure.for: '10' has a number without a unit"),
        ("history", "limit = 1.5", "history.limit: a whole number is wanted, not 1.5"),
    ],
)
def test_a_value_of_another_kind_is_refused_and_not_rounded(
    named: Path, path: str, line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named.write_text(f"[{path.replace(' ', '.')}]\n{line}\n")
    argument = [] if path in {"df", "history"} else [str(named.parent)] if path == "du" else ["2d"]
    code, output = run(capsys, *path.split(), *argument)
    assert (code, output.err.splitlines()[0]) == (2, f"opskit: {named}: {words}")
    assert run(capsys, *path.split(), "--help")[0] == 0


def test_one_text_is_a_list_of_one(named: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kept").write_bytes(b"x" * 5000)
    (tmp_path / "left.log").write_bytes(b"x" * 5000)
    named.write_text('[du]\nexclude = "*.log"\n')
    output = run(capsys, "du", "--all", str(tmp_path))[1].out
    assert ("kept" in output, "left.log" in output) == (True, False)


@pytest.mark.parametrize(
    ("typed", "variable", "what"),
    [
        (["--threshold", "5"], "", "--threshold"),
        (["--threshold=5"], "", "--threshold"),
        (["-t5"], "", "-t"),
        (["--max-depth", "x"], "", "--max-depth"),
        (["-d", "-1"], "", "-d"),
        ([], "OPSKIT_DU_THRESHOLD=5", "OPSKIT_DU_THRESHOLD"),
        ([], "OPSKIT_DU_WORKERS=900", "OPSKIT_DU_WORKERS"),
        ([], "OPSKIT_DU_BYTES=maybe", "OPSKIT_DU_BYTES"),
    ],
)
def test_a_wrong_value_is_named_as_it_was_given(
    typed: list[str], variable: str, what: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if variable:
        monkeypatch.setenv(*variable.split("="))
    code, output = run(capsys, "du", *typed)
    assert (code, output.err.partition(": ")[2].partition(": ")[0]) == (2, what)
    assert "range>" not in output.err


def test_dashes_in_option_names_are_underscores(named: Path) -> None:
    named.write_text('state-dir = "/x"\n[disk.mount]\nmount-options = "noatime"\n')
    assert load_config().shared == {"state_dir": "/x"}
    assert load_config().defaults == {"disk": {"mount": {"mount_options": "noatime"}}}


def test_smtp(named: Path) -> None:
    named.write_text(SMTP + 'tls = "tls"\nport = 1465\n')
    assert load_config().smtp == SmtpConfig("mail", "a@b", ("c@d",), 1465, "tls")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("color = ", "not TOML"),
        ("color = 3", "color: a text in quotes is wanted, not 3"),
        ("quiet = 1", "quiet: true or false is wanted, not 1"),
        ("verbose = true", "verbose: a whole number is wanted, not true"),
        ('lock_timeout = "3"', "lock_timeout: '3' has a number without a unit"),
        ("lock_timeout = -1", "'-1s' is not a span of time"),
        ("lock_timeout = true", "'True' is not a span of time"),
        ("lock_timeout = [3]", "a text in quotes is wanted, not [3]"),
        ("verbose = -1", "verbose: -1 is out of range: 0 or more"),
        ("yes = true", "yes: this may not come from a config file"),
        ("[disk.mount]\nyes = true", "disk.mount.yes: this may not"),
        ("[disk.mount]\nwipe = '/dev/vdb'", "disk.mount.wipe: this may not"),
        ("[disk]\ndebug = true", "disk.debug: this may not"),
        ("log = 3", "an object is wanted"),
        ("[log]\nlevels = 'info'", "unknown field 'levels'"),
        ("[log]\nlevel = 'loud'", "'loud' is none of"),
        ("[log]\nfiles = '20'", "[log].files: int is wanted"),
        ("[log]\nfiles = 1", "at least 2"),
        ("[smtp]\nhost = 'mail'", "the field 'sender' is absent"),
        (SMTP + "tls = 'ssl'", "'ssl' is none of"),
        (SMTP + "port = 70000", "70000 is no port"),
        (SMTP + "tls = 'none'\ncredentials_file = '/x'", "does not travel without TLS"),
        ("[smtp]\nhost = 'mail'\nfrom = 'a'\nto = []", "names nobody"),
        ("[smtp]\nhost = 'mail'\nfrom = 'a'\nto = 'b'", "a list is wanted"),
    ],
)
def test_a_mistake_names_its_file_and_what_is_wrong(named: Path, text: str, words: str) -> None:
    named.write_text(text)
    with pytest.raises(UsageFault) as caught:
        load_config()
    assert caught.value.what == str(named)
    assert words in caught.value.why


def test_of_two_files_the_one_with_the_mistake_is_named(files: tuple[Path, Path]) -> None:
    files[0].write_text("verbose = 'x'\n")
    files[1].write_text("quiet = true\n")
    with pytest.raises(UsageFault) as caught:
        load_config()
    assert caught.value.what == str(files[0])


def test_a_file_that_cannot_be_read(named: Path) -> None:
    named.unlink()
    named.mkdir()
    with pytest.raises(UsageFault, match="cannot be read"):
        load_config()


def test_a_named_file_that_is_not_there_is_told(named: Path) -> None:
    named.unlink()
    (warning,) = load_config().warnings
    assert warning.text == f"{named}: there is no such config file"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = cli.main(list(arguments))
    return code, capsys.readouterr()


@pytest.fixture(autouse=True)
def _no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)


def test_flags_over_environment_over_config(
    named: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    named.write_text('state_dir = "/nowhere/config"\n')
    assert "/nowhere/config" in run(capsys, "history")[1].out
    monkeypatch.setenv("OPSKIT_STATE_DIR", "/nowhere/environment")
    assert "/nowhere/environment" in run(capsys, "history")[1].out
    assert "/nowhere/flag" in run(capsys, "history", "--state-dir", "/nowhere/flag")[1].out


def test_an_option_is_named_in_a_file_as_it_is_typed(named: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named.write_text('[check]\nformat = "purple"\n')
    code, output = run(capsys, "check")
    assert (code, "'purple' is none of text, json, nagios" in output.err) == (2, True)


def test_the_table_of_a_command_is_nearer_than_the_top_level(named: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named.write_text('state_dir = "/nowhere/all"\n[history]\nstate-dir = "/nowhere/history"\n')
    assert "/nowhere/history" in run(capsys, "history")[1].out
    code, output = run(capsys, "history", "show", "x")
    assert (code, "/nowhere/all/" in output.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 'never'", "colour: no such option for all commands; did you mean color?"),
        ("json = true", "json: no such option for all commands"),
        ("[histroy]\nlimit = 1", "histroy: no such command; did you mean history?"),
        ("[history]\nlimits = 1", "history.limits: no such option; did you mean limit?"),
        ("[history.shw]\nx = 1", "history.shw: no such command; did you mean show?"),
        ("[history]\nshow = 3", "history.show: no such option"),
        ("[history.show]\nfstype = 3", "history.show.fstype: no such option"),
    ],
)
def test_a_table_or_key_that_no_command_has_is_a_warning(
    named: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    named.write_text(f"{text}\n")
    code, output = run(capsys, "history", "show", "last", "--state-dir", str(tmp_path))
    assert (code, output.err.splitlines()[0]) == (2, f"opskit: warning: {named}: {words}")
    assert output.err.count("warning") == 1


def test_each_option_has_a_variable_of_its_own(
    named: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the config file and the variable for all commands, below the flag."""
    named.write_text('[history]\nstate_dir = "/nowhere/config"\n')
    monkeypatch.setenv("OPSKIT_STATE_DIR", "/nowhere/all")
    monkeypatch.setenv("OPSKIT_HISTORY_STATE_DIR", "/nowhere/history")
    monkeypatch.setenv("OPSKIT_HISTORY_JSON", "1")
    code, output = run(capsys, "history")
    assert (code, json.loads(output.out)["ok"], output.err) == (0, True, "")
    monkeypatch.setenv("OPSKIT_HISTORY_JSON", "0")
    assert "/nowhere/history" in run(capsys, "history")[1].out
    assert "/nowhere/flag" in run(capsys, "history", "--state-dir", "/nowhere/flag")[1].out
    monkeypatch.setenv("OPSKIT_FINDINGS_JSON", "1")  # an error is an envelope, too
    code, output = run(capsys, "findings", "no-such-finding")
    assert (code, json.loads(output.out)["error"]["exit_code"]) == (2, 2)


def test_no_two_options_have_the_same_variable() -> None:
    def names(command: Any, path: str) -> Iterator[str]:
        options = [each for each in command.params if each.param_type_name == "option"]
        yield from (variable_name(f"{path} {each.opts[0]}") for each in options if each.name != "help")
        for child in command.list_commands(None) if hasattr(command, "list_commands") else ():
            yield from names(command.get_command(None, child), f"{path} {child}")

    variables = list(names(typer.main.get_command(cli.app), "opskit"))
    assert len(variables) == len(set(variables)) > 400


@pytest.mark.usefixtures("named")
def test_no_variable_answers_for_a_person(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPSKIT_UNDO_YES", "1")
    why = "OPSKIT_UNDO_YES: this may not come from a variable; type --yes where it is meant\n"
    assert why in run(capsys, "undo", "last", "--state-dir", str(tmp_path))[1].err


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OPSKIT_HISTORY_LIMITS", "OPSKIT_HISTORY_LIMIT"),
        ("OPSKIT_HISTORY_SHW_JSON", "OPSKIT_HISTORY_SHOW_JSON"),
        ("OPSKIT_HISTROY_LIMIT", "OPSKIT_HISTORY_LIMIT"),
        ("OPSKIT_STATEDIR", "OPSKIT_STATE_DIR"),
        ("OPSKIT_XYZ", ""),
        ("OPSKIT_CHEK", ""),  # no option of a command
        ("OPSKIT_DISK_MOUNT_FSTPYE", None),  # what that has, is known when it runs
        ("OPSKIT_HISTORY_SHOW_JSON", None),
        ("OPSKIT_HISTORY_QUIET", None),
        ("OPSKIT_TEST_X", None),
    ],
)
def test_a_wrong_variable_is_a_warning(
    name: str, meant: Optional[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv(name, "0")
    code, output = run(capsys, "history", "--state-dir", str(tmp_path))
    hint = f"; did you mean {meant}?" if meant else ""
    assert (code, output.err) == (0, "" if meant is None else f"opskit: warning: {name}: no such variable{hint}\n")
