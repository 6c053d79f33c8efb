"""Where `opskit completion --install` writes what, decided without a host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.completion.install import FOR_ALL, OF_A_PACKAGE, SHELLS, InstallFacts, decide_install
from opskit.completion.see import see_install
from opskit.core.errors import Missing
from opskit.core.plan import NO_RUN, Plan, Refusal

SCRIPTS = {shell: f"# {shell}\n" for shell in SHELLS}


def plan(facts: InstallFacts, shell: str = "", scripts: dict[str, str] = SCRIPTS) -> Plan:
    decision = decide_install(facts, shell, scripts, NO_RUN)
    assert isinstance(decision, Plan)
    return decision


def test_root_installs_for_all_and_only_for_the_shells_of_the_host() -> None:
    assert [change.target for change in plan(InstallFacts()).changes] == [FOR_ALL[shell] for shell in SHELLS]
    assert [change.target for change in plan(InstallFacts(shells=("bash",))).changes] == [FOR_ALL["bash"]]


ANN = InstallFacts(data_home="/home/ann/.local/share", config_home="/home/ann/.config")


def test_a_user_installs_for_himself_and_is_told_of_fpath() -> None:
    own = plan(ANN)
    assert [change.target for change in own.changes] == [
        "/home/ann/.local/share/bash-completion/completions/opskit",
        "/home/ann/.local/share/zsh/site-functions/_opskit",
        "/home/ann/.config/fish/completions/opskit.fish",
    ]
    assert [(note.id, note.remedy) for note in own.notes] == [
        ("zsh-not-in-fpath", "in ~/.zshrc, before compinit: fpath+=(/home/ann/.local/share/zsh/site-functions)")
    ]
    assert plan(ANN, "bash").notes == ()
    assert plan(InstallFacts()).notes == ()


def test_a_user_without_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """~ would be a folder of this name where he happens to be; so would a HOME that is no absolute path."""
    monkeypatch.setattr("os.geteuid", lambda: 65533)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "no/where")
    with pytest.raises(Missing, match="no home directory"):
        see_install(SHELLS)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    assert see_install(()).path("fish") == "/config/fish/completions/opskit.fish"


def test_what_is_in_place_is_left_and_what_is_older_is_kept() -> None:
    texts = {FOR_ALL["bash"]: SCRIPTS["bash"], FOR_ALL["fish"]: "# older\n"}
    changes = plan(InstallFacts(shells=("bash", "fish"), texts=texts)).changes
    kept = f"{FOR_ALL['fish']}.opskit-{NO_RUN}"
    assert [(change.target, change.before) for change in changes] == [(FOR_ALL["fish"], f"kept as {kept}")]
    assert changes[0].commands[0] == f"cp -a -- {FOR_ALL['fish']} {kept}"
    assert plan(InstallFacts(shells=("bash",), texts=texts)).steps == ()


def test_the_manual_pages_go_together() -> None:
    pages = {"man": ".TH OPSKIT", "man-disk": ".TH OPSKIT-DISK"}
    all_of_them = plan(InstallFacts(), "man", pages)
    folder = "/usr/local/share/man/man1"
    assert [change.target for change in all_of_them.changes] == [f"{folder}/opskit.1", f"{folder}/opskit-disk.1"]
    assert any(line.startswith("opskit completion man-disk > ") for line in all_of_them.changes[1].commands)
    own = plan(InstallFacts(data_home="/home/ann/.local/share"), "man-disk", pages)
    assert [change.target for change in own.changes] == ["/home/ann/.local/share/man/man1/opskit-disk.1"]
    assert (all_of_them.title, own.title) == ("install the manual pages", "install the manual page opskit-disk(1)")


BROUGHT = {"bash": FOR_ALL["bash"], "zsh": "/usr/share/zsh/vendor-completions/_opskit", "fish": FOR_ALL["fish"]}


def test_what_a_package_has_brought_is_left_to_it() -> None:
    """A copy beside it would be found first, and stay as it is when the package is upgraded."""
    texts = {FOR_ALL["bash"]: "# of another release\n", FOR_ALL["fish"]: SCRIPTS["fish"]}
    for facts in (InstallFacts(texts=texts, brought=BROUGHT), replace(ANN, brought=BROUGHT)):
        decided = plan(facts)
        assert (decided.steps, decided.notes) == ((), ())
        assert decided.result == {"files": list(BROUGHT.values())}
    # A file of the package that somebody has removed.
    some = {"bash": BROUGHT["bash"]}
    assert [change.target for change in plan(InstallFacts(brought=some)).changes] == [FOR_ALL["zsh"], FOR_ALL["fish"]]
    # A copy of one's own is found before the package's, and is kept new.
    mine = ANN.path("zsh")
    decided = plan(replace(ANN, texts={mine: "# older\n"}, brought=BROUGHT))
    assert [change.target for change in decided.changes] == [mine]
    assert [note.id for note in decided.notes] == ["zsh-not-in-fpath"]


def test_a_package_is_seen_by_its_program_and_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, page, zsh = (tmp_path / name for name in ("opskit", "opskit-disk.1.gz", "_opskit"))
    zsh.touch()
    page.touch()
    monkeypatch.setattr("opskit.completion.see.PACKAGED", str(program))
    monkeypatch.setitem(OF_A_PACKAGE, "zsh", (str(tmp_path / "none"), str(zsh)))
    monkeypatch.setitem(OF_A_PACKAGE, "man", (str(tmp_path / "opskit.1.gz"),))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    names = ("zsh", "man", "man-disk")
    assert see_install(names).brought == {}
    program.touch()
    assert see_install(names).brought == {"zsh": str(zsh), "man-disk": str(page)}


def test_a_host_without_these_shells() -> None:
    decision = decide_install(InstallFacts(shells=()), "", SCRIPTS, NO_RUN)
    assert isinstance(decision, Refusal)
    assert ([reason.id for reason in decision.reasons], decision.exit_code) == (["no-shell"], 6)
    assert len(plan(InstallFacts(shells=()), "zsh").steps) == 1  # it is named
