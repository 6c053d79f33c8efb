"""What is typed behind `--`."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.errors import OpskitError, Refused, UsageFault
from opskit.fleet.cli.apply import AUTO, batches
from opskit.fleet.cli.hosts import way
from opskit.fleet.cli.words import CHANGE_WITH, GIVEN, looks_only, plannable, typed
from opskit.fleet.model import LOGIN


def test_the_command_is_known_by_the_tree() -> None:
    mount = plannable(["disk", "mount", "/dev/vdb", "/data", "--fstype", "xfs"])
    assert (mount.name, mount.length, mount.changes, mount.plans) == ("disk mount", 2, True, True)
    assert mount.given("--lock-timeout", "5m")[:4] == ("disk", "mount", "--lock-timeout", "5m")
    assert typed(["history"]).name == "history"
    assert typed(["undo", "last"]).plans


@pytest.mark.parametrize(
    "words", ["df --why /", "disk list", "history show last", "check", "yum why", "journal errors"]
)
def test_what_only_looks_is_run(words: str) -> None:
    assert not looks_only(words.split()).changes


@pytest.mark.parametrize(
    "words",
    ["disk mount /dev/vdb /d", "check --install-timer 10m", "yum why --hold=2h", "undo last", "service ensure x"],
)
def test_what_changes_hosts_is_not_run(words: str) -> None:
    with pytest.raises(Refused) as told:
        looks_only(words.split())
    assert told.value.findings[0].id == "changes-hosts"


@pytest.mark.parametrize("words", ["df", "check --install-timer 10m"])
def test_what_has_no_plan_is_not_planned(words: str) -> None:
    with pytest.raises(Refused) as told:
        plannable(words.split())
    assert told.value.findings[0].id == "no-lasting-plan"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["mount", "/dev/vdb"], "no such command"),
        (["dsk"], "no such command"),
        (["fleet", "check"], "no such command for a host"),
        (["completion", "bash", "--install"], "no such command for a host"),
        (["disk"], "group of commands"),
        (["disk", "mnt", "x"], "group of commands"),
        (["df", "a\udcff"], "no UTF-8"),
        *((["disk", "mount", "a", "b", option], "gives that option itself") for option in GIVEN),
        (["disk", "mount", "a", "b", "--only-plan=x"], "gives that option itself"),
    ],
)
def test_what_is_no_command_of_a_host(words: list[str], why: str) -> None:
    with pytest.raises(UsageFault) as told:
        typed(words)
    assert why in told.value.why


def test_words_behind_two_dashes_are_the_command_s_own() -> None:
    assert typed(["memcached", "start", "--", "-n", "64"]).name == "memcached start"


def test_the_options_that_change_are_in_the_tree() -> None:
    for name, option in CHANGE_WITH.items():
        if name != "completion":
            assert typed([*name.split(), option]).changes
            assert not typed(name.split()).changes


@pytest.mark.parametrize("text", ["1", "1,10%,100%", "5,5,50%"])
def test_batches(text: str) -> None:
    assert batches(text) == text


@pytest.mark.parametrize("text", ["", "0", "1,", "101%", "-1", "1.5", "10%%", "all", "٣"])
def test_what_is_no_batch(text: str) -> None:
    with pytest.raises(OpskitError, match="--serial"):
        batches(text)


def test_a_plan_may_have_each_word_of_a_way_to_the_hosts(tmp_path: Path) -> None:
    file = str(tmp_path)
    chosen = way(
        ["a,"], user="u", private_key=file, ask_pass=True, become=True, ask_become_pass=True, ask_vault_pass=True,
        vault_id=["v"], vault_password_file=file,
    )  # fmt: skip
    assert tuple(word.partition("=")[0] for word in chosen.ansible) == LOGIN
    assert way(["a,"]).tool == AUTO
