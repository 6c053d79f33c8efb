"""The files in completions/ are what the tree of commands gives, and the tree says of each value what it is."""

from __future__ import annotations

import re
from typing import Annotated, Any, Optional

import pytest
import typer
from jsonschema import Draft202012Validator

import findings as script
from checkout import ROOT
from opskit.areas import ENTRIES, load_thresholds
from opskit.commands import new_app
from opskit.completion.cli import WRITERS, tree
from opskit.completion.results import ScriptAnswer
from opskit.completion.tree import DIRECTORY, FILE, TARGET, UNIT, read_tree
from opskit.core.errors import UsageFault
from opskit.options import offered, one_of, reads
from opskit.schema.types import Writer
from opskit.session import Session

COMPLETIONS = ROOT / "completions"
PAGES = {f"man-{word}": f"man/opskit-{word}.1" for word in ENTRIES}
FILES = {"bash": "opskit.bash", "zsh": "_opskit", "fish": "opskit.fish", "man": "man/opskit.1", **PAGES}


@pytest.mark.parametrize("shell", FILES)
def test_the_file_is_not_stale(shell: str) -> None:
    committed = (COMPLETIONS / FILES[shell]).read_text(encoding="utf-8")
    assert committed == WRITERS[shell](tree()), "stale: run scripts/completions"


@pytest.mark.parametrize("shell", ["zsh", "man", "man-disk"])
def test_an_answer_fits_its_schema(shell: str) -> None:
    writer = Writer()
    schema = {**writer.schema(ScriptAnswer), "$defs": writer.definitions}
    Draft202012Validator(schema).validate({"shell": shell, "script": ""})


def test_a_value_completes_as_its_declaration_says() -> None:
    """A new command has nothing to say in the completion package."""
    new = new_app("", single=True)

    @reads(new, "new")
    def command(
        session: Session,
        path: Annotated[str, typer.Argument(metavar="[FILE]")] = "",
        places: Annotated[Optional[list[str]], typer.Argument(metavar="[DEVICE|MOUNTPOINT]...")] = None,
        unit: Annotated[str, typer.Option(metavar="UNIT")] = "",
        colour: Annotated[str, typer.Option(metavar="COLOUR", parser=one_of("--colour", "red", "blue"))] = "",
        usual: Annotated[str, typer.Option(metavar="WORD", parser=offered("--usual", "this", "that"))] = "",
        title: Annotated[str, typer.Option(metavar="TITLE")] = "",
    ) -> None:
        """Do it."""

    node = read_tree(typer.main.get_command(new), ("new",))
    kinds = {option.names[0]: option.kind for option in node.options if option.value}
    assert [argument.kind for argument in node.arguments] == [FILE, TARGET]
    own = {name: kinds[name] for name in ("--unit", "--colour", "--usual", "--title")}
    assert own == {"--unit": UNIT, "--colour": ("red", "blue"), "--usual": ("this", "that"), "--title": ""}
    assert (kinds["--state-dir"], kinds["--color"]) == (DIRECTORY, ("auto", "always", "never"))


def test_a_word_that_an_option_does_not_know_is_refused_with_those_that_it_does() -> None:
    with pytest.raises(UsageFault, match="'green' is none of red, blue"):
        one_of("--colour", "red", "blue")("green")
    assert one_of("--colour", "red", "blue")("blue") == "blue"
    assert offered("--colour", "red", "blue")("green") == "green"


def test_every_value_has_a_name() -> None:
    """What typer makes of an option without a metavar, its type, says nothing: TEXT, INTEGER."""
    nameless = [
        f"{node.path} {option.names[0]}"
        for node in tree().walk()
        for option in node.options
        if option.value and not re.fullmatch(r"[A-Z][A-Z0-9]*([-|:,\[\]A-Z]*)", option.value)
    ]
    assert nameless == []


# `memcached start` takes memcached's own options, letters and all; du and journal have the letters of GNU du and of
# journalctl. And what an issue asks for by name: --version V beside the root's flag, start's --unit without a name.
ASKED_FOR = {"--unit", "--version"}


def test_the_same_option_means_the_same_everywhere() -> None:
    kinds: dict[str, set[tuple[bool, Any]]] = {}
    for node in tree().walk():
        for option in node.options:
            memcacheds = node.words[1:2] == ("memcached",)
            names = {name for name in option.names if not (memcacheds and (len(name) == 2 or name in ASKED_FOR))}
            for name in names:
                kinds.setdefault(name, set()).add((bool(option.value), option.kind))
    # du's lists files, the vacuum's is journalctl's --vacuum-files; GNU's du and df have an -x, du and journalctl a -D;
    # check has formats for machines in place of a script, and --output is journalctl's in `journal`.
    several = {"--files", "-x", "-D", "--format", "--output"}
    # fleet has the letters of ansible-playbook, and the --diff of a plan.
    several |= {"-i", "-l", "-u", "-b", "--diff"}
    assert {name: seen for name, seen in kinds.items() if len(seen) > 1 and name not in several} == {}


def test_the_manual_pages_tell_every_command_and_option() -> None:
    commands = tree()
    overview = WRITERS["man"](commands).replace("\\-", "-")
    assert "\n.B --needs RELEASE\n" in overview  # no option of the tree
    assert {str(path.relative_to(COMPLETIONS)) for path in COMPLETIONS.rglob("*.1")} == {FILES["man"], *PAGES.values()}
    for node in commands.walk():
        if not node.runs or len(node.words) == 1:
            continue
        assert f"\n.B {node.path}" in overview
        assert f"opskit-{node.words[1]}(1)" in overview
        page = WRITERS[f"man-{node.words[1]}"](commands).replace("\\-", "-")
        assert f"\n.B {node.path}\n" in page, "its synopsis"
        group = f"\n.SS {node.path}" if f"\n.SS {node.path}" in page else "\n.SH OPTIONS"
        section = re.split(r"\n\.S[SH] ", page.partition(group)[2])[0]
        for option in node.options:
            assert re.search(rf"{option.names[0]}\b", section), f"{node.path} {option.names[0]}"
            for name in option.names:
                assert re.search(rf"^\.B .*{name}\b", page, re.MULTILINE), f"{node.path} {name}"


def test_the_page_of_all_has_an_example_of_each_word() -> None:
    examples = WRITERS["man"](tree()).partition("\n.SH EXAMPLES\n")[2].partition("\n.SH ")[0].replace("\\-", "-")
    assert all(f".B opskit {child.name}" in examples for child in tree().children)


@pytest.mark.parametrize("shell", PAGES)
def test_a_manual_page_has_its_sections(shell: str) -> None:
    page = WRITERS[shell](tree())
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "FILES"):
        assert page.count(f"\n.SH {section}\n") == 1, section
    assert "\n.SH SEE ALSO\n" in page
    assert "opskit(1)" in page.partition(".SH SEE ALSO")[2]
    # The status codes of plans, only where there are plans.
    assert ("\n.B 8\n" in page) == ("\\-\\-dry\\-run" in page.partition(".SH EXIT STATUS")[0])
    names = [name for known in load_thresholds().values() for name in known]
    assert all((f"\n.B {name} = " in page) == (shell == "man-check") for name in names)


def test_the_table_of_the_readme_has_every_command() -> None:
    readme = script.README.read_text(encoding="utf-8")
    assert readme == script.with_commands(readme), "stale: run scripts/completions"
    assert readme.count("\n| `opskit ") > 40


def test_the_picture_in_the_readme_is_a_screen() -> None:
    readme = script.README.read_text(encoding="utf-8")
    screen = (ROOT / "tests/golden/status/wrong-80x24.txt").read_text(encoding="utf-8")
    assert f"# opskit status\n{screen}```" in readme
