"""The wheel has what pip is to put on a host, and a Python that is too old is told so in one line."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import opskit
from checkout import ROOT

DATA = {
    **{f"share/man/man1/{path.name}": f"man/{path.name}" for path in (ROOT / "completions/man").iterdir()},
    "share/bash-completion/completions/opskit": "opskit.bash",
    "share/zsh/site-functions/_opskit": "_opskit",
    "share/fish/vendor_completions.d/opskit.fish": "opskit.fish",
}


def test_what_pip_has_installed() -> None:
    # scripts/test installs the wheel of this checkout.
    installed = distribution("opskit-chores")
    assert installed.version == opskit.__version__
    assert [(entry.name, entry.value) for entry in installed.entry_points] == [("opskit", "opskit.__main__:run")]
    for path, source in DATA.items():
        assert (Path(sys.prefix) / path).read_bytes() == (ROOT / "completions" / source).read_bytes()
    names = {str(path) for path in installed.files or ()}
    top = {name.split("/")[0] for name in names if not name.startswith("..")}
    assert top <= {"opskit", f"opskit_chores-{opskit.__version__}.dist-info"}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "opskit").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    # What Ansible reads of the collection beside its plugins.
    collection = {str(path.relative_to(ROOT)) for path in (ROOT / "opskit/fleet/collection").rglob("*.yml")}
    assert len(collection) > 3
    assert collection <= names


def test_the_manual_pages_name_this_version() -> None:
    pages = [*(ROOT / "completions/man").iterdir()]
    assert len(pages) > 10
    assert all(f'"opskit {opskit.__version__}"' in page.read_text() for page in pages)


@pytest.mark.parametrize("script", ["scripts/packaging/setup.py", "scripts/packaging/backend/opskit_backend.py"])
def test_an_old_python_is_told_so(script: str) -> None:
    code = f"import sys; sys.version_info = (3, 6, 8); exec(open({script!r}).read())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"opskit needs Python 3\.9 or newer; \S+ is 3\.6\n", done.stderr)


def test_nobody_is_led_to_an_index() -> None:
    """On PyPI, opskit is another program: no text of ours may have root install it by its name."""
    named = re.compile(
        r"(?:pip3?|pipx|uv|uvx|uv tool|uv pip)\s+(?:install|run)\s+(?:-\S+\s+)*['\"]?opskit(?:\[|['\"`\s]|$|-chores\b)"
    )
    texts = [*ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md"), *(ROOT / "completions").rglob("*")]
    texts += [*(ROOT / "opskit").rglob("*.py"), *(ROOT / "scripts/packaging").rglob("*")]
    found = [str(path) for path in texts if path.is_file() and named.search(path.read_text(errors="replace"))]
    assert found == []
    assert named.search("sudo pip install opskit\n")
    assert not named.search("pipx install ./opskit_chores-0.2.0-py3-none-any.whl")
