"""The RPM and the deb: installed, run, upgraded over an older build with a ledger, verified, removed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import opskit
from checkout import ROOT
from cli.test_fresh import CACHE, SUITE, make, private, run
from opskit.status import timer
from package.built import say
from package.test_standalone import ENTER, GLIBC
from tiers import Agree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="packages are installed as root"),
]
UNREAD = re.compile("^missing .* /usr/share/(doc|man)/")


def rpm(*words: str | Path) -> subprocess.CompletedProcess[str]:
    done = say("rpm", *words)
    # Debian's rpm says each time that alien(1) should be used.
    done.stderr = "".join(line for line in done.stderr.splitlines(keepends=True) if not line.startswith("rpm: "))
    return done


def with_a_ledger(root: Path) -> dict[str, bytes]:
    """A state directory as a run has left it."""
    state = root / "var/lib/opskit"
    done = say(
        "unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", root,
        "/usr/bin/opskit", "du", "--keep", "/usr/share", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (state / "ledger-of-a-run").write_text("what was done\n")
    return {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()}


def test_its_program_lies_where_policies_of_selinux_have_programs(of_a_machine: dict[str, Path]) -> None:
    """Below /usr/lib it would be a library, which init may not start (scripts/packaging/README.md)."""
    files = rpm("-qlp", of_a_machine[".rpm"]).stdout.splitlines()
    assert "/usr/libexec/opskit/bin/opskit" in files
    assert [path for path in files if path.startswith("/usr/lib/opskit")] == []


def test_what_the_rpm_asks_for_is_in_el7(of_a_machine: dict[str, Path]) -> None:
    package = of_a_machine[".rpm"]
    features = {"BuiltinLuaScripts", "CompressedFileNames", "FileDigests", "PayloadFilesHavePrefix", "PayloadIsXz"}
    for line in rpm("-qp", "--requires", package).stdout.splitlines():
        name, _, rest = line.strip().partition("(")
        if name == "rpmlib":
            assert rest.split(")")[0] in features
        elif name != "rtld":
            assert name in GLIBC | {"ld-linux-x86-64.so.2"}, line
            release = re.match(r"GLIBC_([\d.]+)\)", rest)
            assert not release or tuple(map(int, release[1].split("."))) <= (2, 17)
    assert rpm("-qp", "--qf", "%{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO}", package).stdout == "xz 8"
    for kind in ("--recommends", "--suggests", "--supplements", "--enhances"):
        assert rpm("-qp", kind, package).stdout == ""
    provided = rpm("-qp", "--provides", package).stdout
    listed = re.findall(
        r"^(?:debian|standalone) (\S+)", (ROOT / "scripts/packaging/sources.txt").read_text(), re.MULTILINE
    )
    assert set(re.findall(r"bundled\((.+)\) = \d", provided)) == set(listed)
    assert set(re.findall(r"^([\w.-]+)", provided, re.MULTILINE)) == {"bundled", "opskit"}


def test_nothing_in_it_is_of_when_it_was_built(of_a_machine: dict[str, Path]) -> None:
    """One date in all of it, links too: the interpreter, which may be built anew, has another."""
    dates = rpm("-qp", "--qf", r"[%{FILEMTIMES}\n]", of_a_machine[".rpm"]).stdout.split()
    listed = say("dpkg-deb", "--contents", of_a_machine[".deb"]).stdout.splitlines()
    assert len(dates) > 2000
    assert len(set(dates)) == 1
    assert len({tuple(line.split()[3:5]) for line in listed}) == 1


def test_rpmlint(of_a_machine: dict[str, Path]) -> None:
    if not shutil.which("rpmlint"):
        pytest.skip("rpmlint is not on this host")
    done = say("rpmlint", "--config", ROOT / "scripts/packaging/rpmlint.toml", of_a_machine[".rpm"])
    assert re.findall(r".*: E: .*", done.stdout) == []
    assert "1 packages" in done.stdout


def test_the_life_of_the_rpm(of_a_machine: dict[str, Path], older: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("lib64", "proc", "dev", "lib/x86_64-linux-gnu"):
        (root / name).mkdir(parents=True)
    shutil.copy("/lib64/ld-linux-x86-64.so.2", root / "lib64")
    for name in GLIBC:
        shutil.copy(Path("/lib/x86_64-linux-gnu") / name, root / "lib/x86_64-linux-gnu")
    new = of_a_machine[".rpm"]
    # Nothing is there but glibc, of which rpm knows nothing.
    installed = ("--root", str(root), "--nodeps")

    def check(name: str) -> None:
        assert (done := rpm("--root", root, "-q", "opskit")).stdout.strip() == name, done.stderr
        done = rpm(*installed, "-V", "opskit")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        done = private("sh", "-c", ENTER, "sh", root, "/usr/bin/opskit", "--version")
        assert done.stdout.startswith(f"opskit {opskit.__version__} (standalone x86_64")

    done = rpm(*installed, "-i", older[".rpm"])
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    check(older[".rpm"].name.removesuffix(".rpm"))
    state = root / "var/lib/opskit"
    assert state.stat().st_mode & 0o777 == 0o700
    kept = with_a_ledger(root)
    for words in (["-U"], ["-U", "--replacepkgs"]):  # twice does the same as once
        done = rpm(*installed, *words, new)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        check(new.name.removesuffix(".rpm"))
        assert {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()} == kept
    done = private("sh", "-c", ENTER, "sh", root, "/usr/bin/opskit", "completion", "--install", "zsh")
    assert done.stdout.endswith("nothing to do: in place: /usr/share/zsh/site-functions/_opskit\n"), done.stdout
    done = rpm(*installed, "-e", "opskit")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()} == kept
    left = {str(path.relative_to(root)) for path in root.rglob("*opskit*")} - {"var/lib/opskit"}
    assert {name for name in left if not name.startswith("var/lib/opskit/")} == set()


def test_the_units_are_those_of_install_timer(of_a_machine: dict[str, Path], tmp_path: Path) -> None:
    """Brought by the package, they are what opskit would write itself; and systemd finds no fault."""
    subprocess.run(["dpkg-deb", "-x", of_a_machine[".deb"], tmp_path], check=True)
    units = tmp_path / "usr/lib/systemd/system"
    service = (units / "opskit-check.service").read_text()
    assert service == timer.SERVICE_TEXT.format(start="ExecStart=/usr/bin/opskit check", success=timer.SUCCESS)
    request = timer.TimerRequest(("check",), 600)
    plan = timer.decide_timer(timer.TimerFacts(), request, "run")
    written = {step.path.rsplit("/")[-1]: step.text for step in plan.steps if hasattr(step, "text")}  # type: ignore[union-attr]
    for name in ("opskit-check.service", "opskit-check.timer"):
        assert written[name] == f"{timer.HEAD}\n{(units / name).read_text()}"
    # systemd-analyze wants the program to be there.
    (units / "opskit-check.service").write_text(service.replace("/usr/bin/opskit check", "/bin/true"))
    done = say("systemd-analyze", "verify", units / "opskit-check.service", units / "opskit-check.timer")
    assert "opskit" not in done.stderr, done.stderr


def test_the_example_of_the_configuration_is_in_order(standalone: Path, tmp_path: Path) -> None:
    """As it is, and with every line of it in force."""
    example = (ROOT / "scripts/packaging/config.toml.example").read_text()
    config = tmp_path / "config.toml"
    for text in (example, re.sub(r"^#(?=\S)", "", example, flags=re.MULTILINE)):
        config.write_text(text)
        config.chmod(0o600)
        environment = {"OPSKIT_CONFIG": str(config), "OPSKIT_STATE_DIR": str(tmp_path / "state")}
        done = say(standalone / "bin/opskit", "doctor", "--json", env=environment)
        said = json.loads(done.stdout)["result"]
        assert [file["problem"] for file in said["config_files"]] == [""]
        assert said["unread"] == []
    names = {setting["name"] for setting in said["settings"]}
    assert names >= {"lock_timeout", "disk.mount.fstype", "check.disk.full_percent", "check.ignore", "smtp.host"}


def test_every_licence_is_in_the_packages(of_a_machine: dict[str, Path], tmp_path: Path, agree: Agree) -> None:
    subprocess.run(["dpkg-deb", "-x", of_a_machine[".deb"], tmp_path], check=True)
    folder = tmp_path / "usr/share/doc/opskit/licences"
    there = {path.name.lower().replace("_", "-") for path in folder.iterdir()} - {"license"}
    listed = re.findall(
        r"^(?:debian|standalone) (\S+)", (ROOT / "scripts/packaging/sources.txt").read_text(), re.MULTILINE
    )
    agree("packages: the licence of what is bundled", len(there & set(listed)), len(listed))


def test_the_life_of_the_deb(of_a_machine: dict[str, Path], older: dict[str, Path], tmp_path: Path) -> None:
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap is not on this host: no Debian tree can be made")
    if not (CACHE / SUITE).exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        make(tmp_path / "made")
        (tmp_path / "made").rename(CACHE / SUITE)
    root = tmp_path / "tree"
    assert run("cp", "--archive", "--reflink=auto", CACHE / SUITE, root).returncode == 0
    for package in (older[".deb"], of_a_machine[".deb"]):
        shutil.copy(package, root / "root")

    def inside(*words: str) -> str:
        done = private("sh", "-c", ENTER, "sh", root, *words)
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    inside("dpkg", "-i", f"/root/{older['.deb'].name}")
    state = root / "var/lib/opskit"
    assert state.stat().st_mode & 0o777 == 0o700
    kept = with_a_ledger(root)
    for _ in range(2):  # twice does the same as once
        inside("dpkg", "-i", f"/root/{of_a_machine['.deb'].name}")
        # The tree was made to leave out what only a person would read.
        wrong = [line for line in inside("dpkg", "--verify", "opskit").splitlines() if not UNREAD.search(line)]
        assert wrong == []
        assert inside("opskit", "--version").startswith(f"opskit {opskit.__version__} (standalone x86_64")
        assert {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()} == kept
    assert not (root / "etc/systemd/system/timers.target.wants/opskit-check.timer").exists()
    said = inside("opskit", "completion", "--install", "zsh")
    assert said.endswith("nothing to do: in place: /usr/share/zsh/vendor-completions/_opskit\n"), said
    inside("dpkg", "--remove", "opskit")
    assert {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()} == kept
    assert not (root / "usr/libexec/opskit").exists()
    inside("dpkg", "--purge", "opskit")
    assert not state.exists()
    shutil.rmtree(root)
