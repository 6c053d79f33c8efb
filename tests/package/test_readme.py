"""README's lines under Install, each as it stands, in a Debian where nothing is installed.

opskit is found by sudo after it, also after it is run again for an upgrade, and is gone after the line that removes.
There is no yum: test_system.py has the life of the RPM.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

import opskit
from checkout import ROOT
from cli.test_fresh import CACHE, ENTER, PATH, SUITE, make, pip_settings, private, run
from package.built import build
from tiers import more

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="a Debian tree is entered"),
]
# secure_path of EL7 to EL9.
SECURE = "/sbin:/bin:/usr/sbin:/usr/bin"
FOUND = f"env -i PATH={SECURE} setpriv --reuid 65534 --regid 65534 --clear-groups opskit --version"


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows() -> dict[str, tuple[list[str], str]]:
    """The lines of the table by the program that installs: to install, and to remove."""
    text = (ROOT / "README.md").read_text().partition("\n## Install\n")[2].partition("\n## ")[0]
    found = {}
    for _, install, remove in re.findall(r"^\| (.+?) \| (.+) \| (.+) \|$", text, re.MULTILINE)[1:]:
        lines = spans(install)
        program = next(word for word in lines[0].split() if "=" not in word)
        found[program] = (lines, spans(remove)[0])
    return found


@pytest.fixture(scope="module")
def release(both: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a release, and their sums."""
    folder = tmp_path_factory.mktemp("release") / "dist"
    shutil.copytree(both[0].parent, folder)
    build(folder, "wheel", "zipapp")
    return folder


@pytest.fixture
def tree(tmp_path: Path, release: Path) -> Path:
    """A Debian as it is after its installation, with the files of a release in the working directory."""
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap is not on this host: no Debian tree can be made")
    if not (CACHE / SUITE).exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        make(tmp_path / "made")
        (tmp_path / "made").rename(CACHE / SUITE)
    tree = tmp_path / "tree"
    assert run("cp", "--archive", "--reflink=auto", CACHE / SUITE, tree).returncode == 0
    for name in ("etc/resolv.conf", "etc/hosts"):
        shutil.copy(Path("/") / name, tree / name)
    shutil.copy("/bin/busybox", tree / "usr/bin/xz")  # the only thing that a minimal Debian lacks
    (tree / "etc/apt/apt.conf.d/99yes").write_text('APT::Get::Assume-Yes "true";\n')
    shutil.copytree(release, tree / "root/opskit")
    return tree


def inside(tree: Path, script: str) -> str:
    """What a shell of root's says there; uv has the settings of pip."""
    settings = pip_settings()
    names = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_FIND_LINKS": "UV_FIND_LINKS", "PIP_CERT": "SSL_CERT_FILE"}
    uv = {names[name]: value for name, value in settings.items() if name in names}
    # Wheels and settings that lie on this host are there, too, and nothing else of it: /opt is written to.
    local = [Path(name) for name in re.findall(r"(?:file://)?(/[^\s:]+)", " ".join(settings.values()))]
    folders = {str(Path(*path.parts[:3])) for path in local if path.exists()}
    shared = " ".join(sorted(folders - {"/etc/ssl"}))
    words = [f"{name}={value}" for name, value in {"PATH": PATH, "HOME": "/root", **settings, **uv}.items()]
    done = private("sh", "-c", ENTER, "sh", tree, shared, "env", "-i", *words, "sh", "-euc", script)
    assert done.returncode == 0, f"{script}\n{done.stdout}"
    return str(done.stdout)


def test_every_line_is_one_of_these() -> None:
    assert set(rows()) == {"yum", "apt-get", "tar", "install", "uv", "pipx"}


@pytest.mark.parametrize("program", ["apt-get", "tar", "install", "uv", more("pipx")])
def test_the_lines_of_the_readme(tree: Path, program: str) -> None:
    install, remove = rows()[program]
    path = ""
    if program in {"uv", "pipx"}:
        inside(tree, f"python3 -m venv /root/tools; /root/tools/bin/pip --quiet install {program}")
        path = "PATH=/root/tools/bin:$PATH\n"
    (file,) = {name for line in install for name in re.findall(r"(opskit[\w.-]+\.(?:xz|deb|pyz|whl))", line)}
    inside(tree, f"grep {file} SHA256SUMS | sha256sum -c -")
    for _ in range(2):
        inside(tree, path + "\n".join(install))
        assert inside(tree, FOUND).startswith(f"opskit {opskit.__version__}")
    state = tree / "var/lib/opskit"
    inside(tree, f"env -i PATH={SECURE} opskit du --keep /etc/apt")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    inside(tree, path + remove)
    assert inside(tree, "command -v opskit || echo none") == "none\n"
    left = {str(each.relative_to(tree)) for place in ("usr", "opt") for each in (tree / place).rglob("opskit*")}
    assert left == set()
    assert (state / "scans").exists()
    shutil.rmtree(tree)
