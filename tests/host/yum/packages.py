"""A real dnf and rpm in an installroot of their own, with a repository of packages that can be held where one likes.

The host's own rpm database is never opened: everything has --installroot, --root or --dbpath.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Optional

from host.tools import ENVIRONMENT, OPSKIT, Answer, run

SPEC = """\
Name: {name}
Version: 1
Release: {release}
Summary: a package of a test
License: MIT
BuildArch: noarch
Provides: /bin/sh
%description
A package of a test.
{post}
%files
"""
# Says that it is there, and waits until it is told to go on: no clock.
POST = "%post\necho ready > /ready\nread line < /hold\n"
# Leaves a part of itself running in the background, as a package does that starts a daemon.
LEAVES = "%post\n( echo ready > /ready; read line < /hold; true ) > /dev/null 2>&1 &\n"
ENV = {**ENVIRONMENT, "HOME": "/root"}
# A package manager that works elsewhere on this machine is told of, whatever the installroot is.
OTHERS = "runs-without-lock"
# Only a limit, in seconds: what a test waits for comes, on a busy machine later.
WAIT = 300


def missing() -> str:
    """Why there is no dnf to test with here; "" when there is."""
    if os.geteuid() != 0:
        return "needs root: rpm changes its root"
    for program in ("dnf", "rpm", "rpmbuild", "createrepo_c"):
        if not shutil.which(program, path=ENVIRONMENT["PATH"]):
            return f"{program} is not on this host"
    return ""


def build(folder: Path) -> Path:
    """A repository with the packages quick, slow and daemon."""
    repo = folder / "repo"
    for name, post in (("quick", ""), ("slow", POST), ("daemon", LEAVES)):
        spec = folder / f"{name}.spec"
        spec.write_text(SPEC.format(name=name, release=1, post=post))
        defines = {"_topdir": folder / "top", "_dbpath": folder / "db", "_rpmdir": repo}
        options = [word for key, value in defines.items() for word in ("--define", f"{key} {value}")]
        run("rpmbuild", "-bb", "--quiet", *options, str(spec), env=ENV)
    run("createrepo_c", "-q", str(repo), env=ENV)
    return repo


class Server:
    """The repository over HTTP on the loopback; a request for a path that ends in `hold` waits until it is let go."""

    def __init__(self, repo: Path) -> None:
        self.hold = "nothing"
        self.arrived = threading.Event()
        self.go = threading.Event()
        outer = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments: Any, **more: Any) -> None:
                super().__init__(*arguments, directory=str(repo), **more)

            def do_GET(self) -> None:
                if self.path.endswith(outer.hold):
                    outer.arrived.set()
                    outer.go.wait(WAIT)
                with contextlib.suppress(OSError):  # who asked may be gone by then
                    super().do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


class Root:
    """An installroot with a shell in it, and a dnf that works on it."""

    def __init__(self, folder: Path, repo: Path, server: Server) -> None:
        self.folder, self.repo, self.server = folder, repo, server
        self.path = folder / "root"
        (self.path / "bin").mkdir(parents=True)
        libraries = [word for word in run("ldd", "/bin/sh").stdout.split() if word.startswith("/")]
        for file in libraries:
            (self.path / file.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, self.path / file.lstrip("/"))
        shutil.copy("/bin/sh", self.path / "bin/sh")
        (self.path / "dev").mkdir()
        os.mknod(self.path / "dev/null", 0o20666, os.makedev(1, 3))
        for name in ("ready", "hold"):
            os.mkfifo(self.path / name)
        (folder / "dnf.conf").write_text(
            f"[main]\ngpgcheck=0\nreposdir={folder}/none\npluginpath={folder}/none\n[local]\nname=local\n"
            f"baseurl={server.url}\ntimeout=600\n"
        )
        self.processes: list[subprocess.Popen[str]] = []

    @property
    def rpm_lock(self) -> Path:
        """Where this host's rpm has its lock in the installroot."""
        answer = run("rpm", "--eval", "%{_dbpath}", env=ENV).stdout.strip()
        return self.path / answer.lstrip("/") / ".rpm.lock"

    def file(self, name: str) -> Path:
        """A lock of dnf, by the first word of its name; its folder is made."""
        folder = {"metadata": "var/cache/dnf", "download": "var/cache/dnf", "rpmdb": "var/lib/dnf"}[name]
        path = self.path / folder / f"{name}_lock.pid"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def argv(self, *words: str) -> list[str]:
        base = ["dnf", f"--config={self.folder}/dnf.conf", f"--installroot={self.path}", "--releasever=1"]
        return [*base, "--setopt=module_platform_id=platform:x", "--refresh", *words]

    def dnf(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A dnf that runs to its end."""
        return run(*self.argv("-y", *words), check=False, env=ENV)

    def start(self, *argv: str, terminal: bool = False, stdin: Optional[int] = None) -> subprocess.Popen[str]:
        """A program in the background; what it says goes to a file, or to a terminal of its own."""
        if terminal:
            master, slave = pty.openpty()
            streams: dict[str, Any] = {"stdin": slave, "stdout": slave, "stderr": slave}
        else:
            slave = os.open(self.folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            streams = {"stdin": subprocess.DEVNULL if stdin is None else stdin, "stdout": slave, "stderr": slave}
        process = subprocess.Popen(argv, env=ENV, text=True, start_new_session=True, cwd="/", **streams)
        os.close(slave)
        if terminal:
            process.terminal = master  # type: ignore[attr-defined]
        self.processes.append(process)
        return process

    def in_transaction(self, *prefix: str) -> subprocess.Popen[str]:
        """A dnf in the %post of slow."""
        process = self.start(*prefix, *self.argv("-y", "install", "slow"))
        self.ready()
        return process

    def ready(self) -> None:
        """Wait for the scriptlet."""
        assert run("cat", str(self.path / "ready")).stdout == "ready\n"

    def go(self) -> None:
        """Let the scriptlet go on."""
        run("sh", "-c", f"echo go > {self.path}/hold")

    def opskit(self, *words: str, prefix: tuple[str, ...] = (), below: bool = True) -> Answer:
        """`opskit yum WORDS` on this installroot."""
        where = ["--installroot", str(self.path)] if below and words[0] != "why" else []
        more = ["--sample", "0"] if words[0] == "lock" and "--sample" not in words else []
        cut = words.index("--") if "--" in words else len(words)
        argv = [*prefix, *OPSKIT, "yum", *words[:cut], *where, *more, *words[cut:]]
        done = run(*argv, check=False, env={**ENV, "OPSKIT_STATE_DIR": str(self.folder / "state")})
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def lock(self, name: str, **more: Any) -> tuple[int, dict[str, Any], list[str]]:
        """The exit status of `yum lock`, the lock whose path ends in name, and the ids of the findings but OTHERS."""
        answer = self.opskit("lock", "--json", **more)
        lock = next(lock for lock in answer.json["result"]["locks"] if lock["path"].endswith(name))
        return answer.code, lock, [name for name in answer.ids if name != OTHERS]

    def close(self) -> None:
        """End what was started here."""
        for process in self.processes:
            if process.poll() is None:
                for child in _children(process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, 9)
                process.kill()
            process.wait()
            if hasattr(process, "terminal"):
                os.close(process.terminal)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [child for word in text.split() for child in (*_children(int(word)), int(word))]
