"""The collection opskit.host: what is generated of it, and what of it decides. None of this needs Ansible."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest
from ansible_collections.opskit.host.plugins.doc_fragments.common import ModuleDocFragment
from ansible_collections.opskit.host.plugins.plugin_utils.answer import (
    KEYS,
    make_removed,
    make_result,
    not_begun,
    parse_envelope,
)
from ansible_collections.opskit.host.plugins.plugin_utils.arguments import make_words, parameter_spec
from ansible_collections.opskit.host.plugins.plugin_utils.builds import Build, choose, find_builds
from ansible_collections.opskit.host.plugins.plugin_utils.commands import ACTIONS, COMMANDS
from ansible_collections.opskit.host.plugins.plugin_utils.script import NEEDED, Heard, Host, make_script, read_output

import collection as generator
from checkout import ROOT
from opskit import __version__
from opskit.completion.cli import tree

yaml = pytest.importorskip("yaml", reason="ansible-core brings it, from Python 3.10 on")
PLACE = ROOT / generator.PLACE
MARK = "opskit-0123456789abcdef"
TABLE = {"title": "Mount /dev/vdb", "plan": {"token": "T"}, "dry_run": False, "changed": True}
CHANGE = {"action": "mount", "target": "/data", "before": "", "after": "mounted", "commands": [], "reversible": True}
FINDING = {"id": "x", "severity": "warning", "title": "a disk is full", "evidence": "", "remedy": "rm it"}


def envelope(result: Any = None, *, error: Any = None, findings: tuple[Any, ...] = ()) -> str:
    """An answer as a newer opskit may give it, with a key more: those of this one are held against its schemas."""
    body = {"schema": 1, "ok": error is None, "command": "opskit something", "result": result, "newer": None}
    return json.dumps({**body, "findings": list(findings), "error": error})


def heard(output: str, status: Any = 0) -> Heard:
    return Heard(begun=True, how="installed", path="/usr/bin/opskit", version="0.2.0", output=output, status=status)


@pytest.mark.parametrize("name", generator.written())
def test_a_generated_file_is_not_stale(name: str) -> None:
    assert (PLACE / name).read_text(encoding="utf-8") == generator.written()[name], "run scripts/completions"


def test_every_action_has_its_documentation_and_no_other() -> None:
    names = {*generator.ACTIONS, "run"}
    for folder in ("action", "modules"):
        assert {path.stem for path in (PLACE / "plugins" / folder).glob("*.py")} == names


def test_the_release_is_that_of_opskit() -> None:
    """A new release of opskit is one of the collection, which can count on its commands."""
    assert yaml.safe_load((PLACE / "galaxy.yml").read_text())["version"] == NEEDED == __version__


def test_an_action_has_each_option_of_its_command() -> None:
    nodes = {" ".join(node.words[1:]): node for node in tree().walk()}
    for command, parameters in ACTIONS.values():
        options = {option.names[0] for option in nodes[command].options} - generator.NOT_TAKEN - {"--help"}
        taken = {parameter.option for parameter in parameters if parameter.option}
        assert taken == {next(name for name in option.names if name.startswith("--"))
                         for option in nodes[command].options if option.names[0] in options}  # fmt: skip
        assert len([each for each in parameters if not each.option]) == len(nodes[command].arguments)
        names = [parameter.name for parameter in parameters]
        assert len(names) == len(set(names))


def test_the_common_parameters_are_documented_as_they_are() -> None:
    source = ast.parse((PLACE / "plugins/plugin_utils/call.py").read_text(encoding="utf-8"))
    common = next(
        ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "COMMON"
    )
    told = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert {name: {k: v for k, v in each.items() if k != "description"} for name, each in told.items()} == common
    assert not {parameter.name for _, parameters in ACTIONS.values() for parameter in parameters} & set(common)


@pytest.mark.parametrize("name", [*generator.ACTIONS, "run"])
def test_the_documentation_is_yaml_and_has_every_parameter(name: str) -> None:
    tree_of = ast.parse((PLACE / f"plugins/modules/{name}.py").read_text(encoding="utf-8"))
    texts = {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value)
        for node in tree_of.body
        if isinstance(node, ast.Assign)
    }
    documentation = yaml.safe_load(texts["DOCUMENTATION"])
    (task,) = yaml.safe_load(texts["EXAMPLES"])
    given = task[f"opskit.host.{name}"]
    if name != "run":
        known = {parameter.name: parameter for parameter in ACTIONS[name][1]}
        assert set(documentation["options"]) == set(known)
        assert {key for key, each in known.items() if each.required} <= set(given) <= set(known)
        assert all(documentation["options"][key]["type"] == parameter_spec(each)["type"] for key, each in known.items())
    result = make_result(heard(envelope(TABLE)), "", dry_run=False)
    assert set(yaml.safe_load(texts["RETURN"])) == set(result) - {"changed", "failed", "msg"}


def test_words_are_passed_on_as_they_are() -> None:
    command, parameters = ACTIONS["disk_mount"]
    given = {"device": "-odd", "mountpoint": "/a 'b'\n$(c)", "fstype": "xfs", "no_fstab": True, "lazy_init": False}
    words = make_words(parameters, {**given, "whole_disk": False, "label": ""})
    assert words == [
        "--fstype=xfs", "--label=", "--no-fstab", "--no-lazy-init", "--", "-odd", "/a 'b'\n$(c)",
    ]  # fmt: skip
    assert command in COMMANDS
    assert make_words(ACTIONS["memcached"][1], {"listen": ["a", "b"]}) == ["--listen=a", "--listen=b"]


def test_the_marks_tell_the_answer_from_what_stands_around_it() -> None:
    noise = "** banner **\nopskit-ffff tool fake\n"
    said = f"{noise}\n{MARK} tool sent\n{MARK} path /x\n{MARK} version 0.2.0 (zipapp)\n"
    said += f"warning\n{{}}\n\n{MARK} end 4\nbye\n"
    for text in (said, said.replace("\n", "\r\n")):
        told = read_output(MARK, text)
        assert (told.how, told.path, told.version, told.status) == ("sent", "/x", "0.2.0 (zipapp)", 4)
        assert told.output == "warning\n{}"
    assert not read_output(MARK, noise).begun
    cut = read_output(MARK, f"{MARK} tool sent\n{MARK} path /x\nhalf an ans")
    assert (cut.status, cut.output) == (None, "half an ans")


def test_an_envelope_is_found_among_what_else_was_said() -> None:
    whole = envelope({"text": "x" * 1_000_000})
    body, beside = parse_envelope(f"opskit: warning: one\n{whole}\nopskit: two")
    assert body is not None
    assert set(body) > KEYS
    assert beside == "opskit: warning: one\nopskit: two"
    for text in ("", "no json", '{"schema": 1}', '{"schema": 1, "ok": tru', "[]"):
        assert parse_envelope(text) == (None, text)


def test_a_host_that_answers_what_is_no_envelope_does_not_get_far() -> None:
    sound = json.loads(envelope({**TABLE, "changes": [CHANGE]}, findings=(FINDING,)))
    assert parse_envelope(json.dumps(sound))[0] == sound
    odd = [
        {"findings": None}, {"findings": ["x"]}, {"findings": [{**FINDING, "title": 1}]}, {"error": "x"},
        {"error": {"what": "x"}}, {"command": None},
    ]  # fmt: skip
    for each in odd:
        assert parse_envelope(json.dumps({**sound, **each}))[0] is None
    deep = json.dumps(sound)[:-1] + ', "deep": ' + "[" * 200_000 + "]" * 200_000 + "}"
    assert parse_envelope(deep)[0] is None


def test_done_and_nothing_to_do() -> None:
    done = make_result(heard(envelope({**TABLE, "changes": [CHANGE]})), "", dry_run=False)
    assert (done["changed"], done["failed"], done["rc"], done["plan"]) == (True, False, 0, "T")
    assert done["msg"] == "Mount /dev/vdb: done"
    assert done["diff"]["prepared"] == "# mount: /data\n+ mounted\n"
    nothing = make_result(heard(envelope({**TABLE, "changed": False, "changes": []})), "", dry_run=False)
    assert (nothing["changed"], nothing["msg"]) == (False, "Mount /dev/vdb: nothing to do")
    assert "diff" not in nothing


def test_a_dry_run_has_changed_what_it_would() -> None:
    output = envelope({**TABLE, "changed": False, "dry_run": True, "changes": [CHANGE]})
    would = make_result(heard(output), "", dry_run=True)
    assert (would["changed"], would["msg"]) == (True, "Mount /dev/vdb: 1 change to make")
    assert not make_result(heard(output), "", dry_run=False)["changed"]


def test_what_has_grown_is_no_change_to_make() -> None:
    grown = envelope({"changes": [{"path": "/var", "before": 1, "after": 2}]})
    result = make_result(heard(grown), "", dry_run=True)
    assert (result["changed"], result["changes"]) == (False, [])
    assert make_result(heard(envelope({"changes": ["x"]})), "", dry_run=True)["changes"] == []


def test_a_refusal_has_its_reasons() -> None:
    error = {"id": "refused", "exit_code": 5, "what": "mount", "why": "in use", "todo": "rm it", "state": "As before."}
    result = make_result(heard(envelope(error=error, findings=(FINDING,)), 5), "", dry_run=False)
    assert (result["failed"], result["refused"], result["rc"]) == (True, True, 5)
    assert result["msg"] == "mount: in use; to do: rm it; As before."
    assert result["stdout_lines"] == [result["msg"], "warning: a disk is full"]


def test_findings_of_a_check_are_no_failure_unless_they_are_to_be() -> None:
    output = heard(envelope({}, findings=(FINDING,)), 4)
    assert not make_result(output, "", dry_run=False)["failed"]
    assert make_result(output, "", dry_run=False, fail_on_findings=True)["failed"]
    assert make_result(output, "", dry_run=False)["stdout_lines"][1:] == ["warning: a disk is full", "  to do: rm it"]


@pytest.mark.parametrize(
    ("said", "rc", "words"),
    [
        (heard("Killed", 137), 137, "opskit was ended by signal 9; its ledger on the host tells what it did: Killed"),
        (heard("", None), None, "its end was not heard of"),
        (heard("<html>\nno", 0), 0, "opskit ended with 0 and gave no answer in JSON: <html> | no"),
        (Heard(begun=True), 6, "the host has no opskit"),
        (
            Heard(begun=True, old="/usr/bin/opskit: opskit 0.1.0"),
            6,
            "the host has is older or does not run (/usr/bin/opskit: opskit",
        ),
        (Heard(begun=True, fault="No space left on device"), 6, "cannot be sent to the host: No space left on device"),
        (Heard(), None, "opskit was not started: joe is not in the sudoers file."),
    ],
)
def test_where_no_answer_comes_it_says_why(said: Heard, rc: Any, words: str) -> None:
    result = make_result(said, "\njoe is not in the sudoers file.\n", dry_run=False)
    assert (result["rc"], result["failed"], result["answer"]) == (rc, True, None)
    assert words in result["msg"]


def test_every_result_has_the_same_keys() -> None:
    keys = set(make_result(heard(envelope(TABLE)), "", dry_run=False))
    assert set(make_result(Heard(), "", dry_run=False)) == keys
    assert set(make_removed(Heard(begun=True, removed=True), "")) == keys
    assert set(not_begun()) == keys | {"skipped"}


def build(machine: str) -> Build:
    return Build(f"/b/{machine}", (0, 2, 0), machine, "ab")


@pytest.mark.parametrize(
    ("host", "machine"),
    [
        (Host("0", "x86_64", "2.17", "", unpacks=True), "x86_64"),
        (Host("0", "x86_64", "2.36", "/usr/bin/python3", unpacks=True), "x86_64"),
        (Host("0", "x86_64", "2.12", "/usr/bin/python3.11", unpacks=True), ""),
        (Host("0", "x86_64", "", "/usr/bin/python3.11", unpacks=True), ""),
        (Host("0", "aarch64", "2.36", "/usr/bin/python3.11", unpacks=True), ""),
        (Host("0", "x86_64", "2.36", "/usr/bin/python3.11", unpacks=False), ""),
        (Host("0", "x86_64", "2.36", "/usr/bin/python3.11", unpacks=True, noexec=True), ""),
    ],
)
def test_the_build_is_that_of_the_host(host: Host, machine: str) -> None:
    chosen, why = choose([build("x86_64"), build("")], host)
    assert chosen is not None
    assert (chosen.machine, why) == (machine, "")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (Host("0", "riscv64", "2.36", ""), "there is no standalone build for riscv64; it has no Python"),
        (Host("0", "x86_64", "", "", unpacks=True), "needs glibc 2.17, and it has none"),
        (Host("0", "x86_64", "2.36", ""), "it has no tar and xz"),
        (Host("0", "x86_64", "2.36", "", unpacks=True, noexec=True), "is mounted noexec"),
    ],
)
def test_a_host_for_which_there_is_none_is_told_why(host: Host, words: str) -> None:
    chosen, why = choose([build("x86_64"), build("")], host)
    assert chosen is None
    assert words in why


def test_the_newest_build_that_fits_is_taken(tmp_path: Any) -> None:
    names = ["opskit-0.1.9.pyz", "opskit-0.2.0.pyz", "opskit-0.10.0.pyz", "opskit-0.2.0-linux-x86_64.tar.xz", "x.pyz"]
    for name in names:
        (tmp_path / name).write_text(name)
    (tmp_path / "SHA256SUMS").write_text("f00d  opskit-0.10.0.pyz\n")
    found = {build.machine: build for build in find_builds(str(tmp_path))}
    assert set(found) == {"", "x86_64"}
    assert (found[""].version, found[""].sha256) == ((0, 10, 0), "f00d")
    assert re.fullmatch("[0-9a-f]{64}", found["x86_64"].sha256)


def test_nothing_that_is_given_stands_in_the_script_unquoted() -> None:
    evil = "'; touch /tmp/evil; '\n`id` $(id)"
    script = make_script(MARK, ["disk", "list", evil], tool="path", path=evil)
    quoted = "''\"'\"'; touch /tmp/evil; '\"'\"'\n`id` $(id)'"
    assert script.count(quoted) == 2
    assert script.count("touch") == 2
