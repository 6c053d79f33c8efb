"""The tarball of the collection as scripts/package builds it, installed; and the playbooks in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import collection as generator
from checkout import ROOT
from opskit import __version__
from package.built import build

BIN = Path(sys.executable).parent
PLAYBOOKS = sorted(path.stem for path in (ROOT / generator.PLACE / "playbooks").glob("*.yml"))
if not (BIN / "ansible-galaxy").exists():
    pytest.skip("ansible-core is for Python 3.10 and newer", allow_module_level=True)


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (built,) = build(tmp_path_factory.mktemp("dist"), "collection")
    return built


@pytest.fixture(scope="module")
def place(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ansible-galaxy has installed it."""
    folder = tmp_path_factory.mktemp("collections")
    ansible(folder, "ansible-galaxy", "collection", "install", "--offline", "-p", folder, tarball)
    return folder


def ansible(place: Path, *words: object, path: str = "") -> str:
    """What a program of Ansible says, which has to be content; it finds the collection there and nowhere else."""
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(place), "ANSIBLE_HOME": str(place / ".home"), "ANSIBLE_NOCOLOR": "1"}
    environment = {**os.environ, **settings, "PATH": f"{path or BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, env=environment, cwd=place,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_same_bytes_twice(tarball: Path, tmp_path: Path) -> None:
    (again,) = build(tmp_path, "collection")
    assert again.read_bytes() == tarball.read_bytes()


def test_it_is_installed_whole(place: Path) -> None:
    verified = ansible(place, "ansible-galaxy", "collection", "verify", "--offline", "opskit.host")
    assert "internally consistent" in verified
    assert f"opskit.host {__version__}" in " ".join(ansible(place, "ansible-galaxy", "collection", "list").split())
    source = ROOT / generator.PLACE
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.suffix != ".pyc" and path.is_file()}
    installed = place / "ansible_collections/opskit/host"
    present = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert present ^ wanted == {Path(name) for name in ("galaxy.yml", "LICENSE", "MANIFEST.json", "FILES.json")}


def test_ansible_doc_shows_every_action(place: Path) -> None:
    names = {line.split()[0] for line in ansible(place, "ansible-doc", "--list", "opskit.host").splitlines()}
    assert names == {f"opskit.host.{name}" for name in [*generator.ACTIONS, "run"]}
    told = ansible(place, "ansible-doc", "--type", "module", *sorted(names))
    assert told.count("tool_dir") >= len(names)
    summary = ansible(place, "ansible-doc", "--type", "callback", "opskit.host.summary")
    assert "the hosts by what happened to them" in " ".join(summary.split())


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_is_found_by_its_name(place: Path, name: str) -> None:
    ansible(place, "ansible-playbook", "--syntax-check", "-i", "h1,", f"opskit.host.{name}")


@pytest.mark.slow
def test_the_playbooks_are_for_production(place: Path) -> None:
    lint = shutil.which("ansible-lint")
    if lint is None:
        pytest.skip("ansible-lint is not installed")
    playbooks = place / "ansible_collections/opskit/host/playbooks"
    ansible(place, lint, "--offline", "--profile", "production", playbooks, path=str(Path(lint).parent))
