"""What ansible-playbook is given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.fleet.model import FleetRun
from opskit.fleet.playbook import (
    ALIVE,
    Asked,
    Config,
    Unsafe,
    as_yaml,
    batch_sizes,
    config_places,
    environment,
    last_words,
    playbook,
    words,
)

RUN = FleetRun("r", "apply", "t", "0.2.0", ("disk", "mount", "/dev/vdb", "/d"), ("/h.ini", "a,b,"), hosts={"a": "T"})


@pytest.mark.parametrize(
    ("value", "yaml"),
    [
        ("a", '"a"'),
        (Unsafe("{{ x }}"), '!unsafe "{{ x }}"'),
        ('"\\\n\x7f', '"\\"\\\\\\u000a\\u007f"'),
        ("é\U0001f600", '"\\u00e9\\U0001f600"'),
        ([True, 3, ""], '[true, 3, ""]'),
        ({"k:": ["v"]}, '{"k:": ["v"]}'),
    ],
)
def test_yaml(value: object, yaml: str) -> None:
    assert as_yaml(value) == yaml


def test_a_plan_asks_all_hosts_and_changes_nothing() -> None:
    text = playbook(replace(RUN, kind="plan", hosts={}), Asked("/run/stop", check=True))
    assert '"hosts": "all"' in text
    assert '"check_mode": true' in text
    assert "serial" not in text
    assert '"argv": [!unsafe "disk", !unsafe "mount"' in text
    assert '"only_plan": ""' in text
    assert '"debugger": "never"' in text


def test_apply_asks_its_hosts_by_their_tokens_in_batches_and_checks_the_first() -> None:
    hosts = {name: f"T{name}" for name in "abcde"}
    text = playbook(replace(RUN, hosts=hosts, serial=("1", "50%")), Asked("/run/stop", canary=True))
    first, others = text.split('{"name": !unsafe "opskit fleet apply", "hosts": ')[1:]
    assert first.startswith('[!unsafe "a"]')
    assert others.startswith('[!unsafe "b", !unsafe "c", !unsafe "d", !unsafe "e"]')
    assert ('"serial"' in first, '"serial": [2]' in others) == (False, True)
    assert '"opskit_fleet_tokens": {"a": !unsafe "Ta"}' in first
    assert '"opskit_fleet_tokens": {"b": !unsafe "Tb", "c"' in others
    everybody = '"opskit_fleet_hosts": [!unsafe "a", !unsafe "b", !unsafe "c", !unsafe "d", !unsafe "e"]'
    assert (everybody in first, everybody in others) == (True, True)
    assert first.index('"name": "before"') < first.index('"name": "apply"') < first.index('"name": "after"')
    assert ("before" in others, "after" in others) == (False, False)
    # Whether to go on is for --max-fail: Ansible ends a play whose batch has failed.
    assert text.count('"ignore_errors": true, "ignore_unreachable": true') == 4
    # Where the first batch is all there is, nobody's turn depends on it.
    for serial in ((), ("5",), ("100%",)):
        whole = playbook(replace(RUN, hosts=hosts, serial=serial), Asked("/run/stop", canary=True))
        assert (whole.count('"hosts"'), "before" in whole) == (1, False)


def test_batches_are_those_of_ansible() -> None:
    assert batch_sizes(("1", "10%", "100%"), 20) == (1, 2, 20)
    assert batch_sizes(("10%", "33%"), 7) == (1, 2)
    assert batch_sizes((), 7) == ()


@pytest.mark.parametrize("kind", ["apply", "undo"])
@pytest.mark.parametrize("hosts", [{}, {"a": ""}, {"a": "T", "b": ""}])
def test_no_host_is_changed_without_the_token_of_its_plan(kind: str, hosts: dict[str, str]) -> None:
    asked = replace(RUN, kind=kind, hosts=hosts)
    with pytest.raises(AssertionError, match="has no token of its plan"):
        playbook(asked, Asked("/run/stop"))
    assert playbook(asked, Asked("/run/stop", check=True))


def test_an_undo_has_words_of_each_host() -> None:
    text = playbook(replace(RUN, kind="undo", words={"a": ("undo", "X")}), Asked("/run/stop"))
    assert '"opskit_fleet_words": {"a": [!unsafe "undo", !unsafe "X"]}' in text
    assert '"argv": "{{ opskit_fleet_words[inventory_hostname] }}"' in text


def test_the_command_line_has_a_limit_only_where_the_hosts_are_not_named() -> None:
    asked = replace(RUN, limit="web", forks=20, ansible=("--become",))
    named = ("ansible-playbook", "-i", "/h.ini", "-i", "a,b,", "--forks", "20", "--become", "p")
    assert words(asked, "ansible-playbook", "p") == named
    assert "-l" in words(replace(asked, hosts={}), "ansible-playbook", "p")


@pytest.mark.parametrize(
    ("config", "own", "paths", "pipelining", "ssh"),
    [
        ("", {}, "~/.ansible/collections:/usr/share/ansible/collections", "True", ALIVE),
        ("[defaults]\ncollections_path = /c", {}, "/c", "True", ALIVE),
        ("[defaults]\ncollections_path = c:../d:~/e", {}, "/etc/x/c:/etc/x/../d:~/e", "True", ALIVE),
        ("[defaults]\ncollections_path = /c", {"ANSIBLE_COLLECTIONS_PATH": "/e"}, "/e", "True", ALIVE),
        ("[ssh_connection]\npipelining = False\nssh_extra_args = -v", {}, None, None, None),
        ("[connection]\npipelining = False", {"ANSIBLE_SSH_EXTRA_ARGS": "-4"}, None, None, "-4"),
        ("no section", {"ANSIBLE_PIPELINING": "False"}, None, "False", ALIVE),
    ],
)
def test_no_setting_of_the_caller_is_overruled(
    config: str, own: dict[str, str], paths: str | None, pipelining: str | None, ssh: str | None
) -> None:
    made = environment({"HOME": "/root", **own}, Config("/etc/x/ansible.cfg", config), "/pkg", named=True)
    assert made["HOME"] == "/root"
    assert made["ANSIBLE_STDOUT_CALLBACK"] == "opskit.host.record"
    assert made["ANSIBLE_COLLECTIONS_PATH"].startswith("/pkg:")
    if paths:
        assert made["ANSIBLE_COLLECTIONS_PATH"] == f"/pkg:{paths}"
    assert (made.get("ANSIBLE_PIPELINING"), made.get("ANSIBLE_SSH_EXTRA_ARGS")) == (pipelining, ssh)


def test_a_part_of_the_hosts_is_not_taken_for_all_unless_the_caller_wants_it_so() -> None:
    unparsed, mismatch = "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "ANSIBLE_HOST_PATTERN_MISMATCH"
    made = environment({}, Config(), "/pkg", named=False)
    assert (made[unparsed], made[mismatch]) == ("True", "error")
    assert mismatch not in environment({}, Config(), "/pkg", named=True)
    own = environment({unparsed: "False", mismatch: "ignore"}, Config(), "/pkg", named=False)
    assert (own[unparsed], own[mismatch]) == ("False", "ignore")
    text = "[inventory]\nany_unparsed_is_failed = False\nhost_pattern_mismatch = ignore"
    assert not {unparsed, mismatch} & set(environment({}, Config("/a.cfg", text), "/pkg", named=False))


def test_the_config_is_looked_for_where_ansible_looks() -> None:
    """ANSIBLE_CONFIG may name its folder."""
    own = ("ansible.cfg", "/root/.ansible.cfg", "/etc/ansible/ansible.cfg")
    assert config_places({"HOME": "/root"}) == own
    assert config_places({"ANSIBLE_CONFIG": "/x", "HOME": "/root"}) == ("/x/ansible.cfg", "/x", *own)


def test_a_fault_of_ansible_is_told_without_its_traceback() -> None:
    trace = (
        'Traceback (most recent call last):\n  File "x.py", line 1\n    value = f(\n        ^^^^\n'
        "ansible.errors.AnsibleError: Unable to create local directories '/x': [Errno 13]\n"
    )
    assert last_words(trace) == "Unable to create local directories '/x': [Errno 13]"
    assert last_words("[ERROR]: a\nhost: b\n") == "[ERROR]: a\nhost: b"
    assert last_words("") == ""
