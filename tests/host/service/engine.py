"""A real podman and a real docker in a mount namespace of their own, without cgroups and network: this is one, too."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Union

import pytest

from host.hosts import Namespace
from host.tools import ENVIRONMENT, run, until

NEEDED = {"podman": ("podman", "crun", "busybox"), "docker": ("docker", "dockerd", "containerd", "runc", "busybox")}
CONTAINERS_CONF = """
[containers]
cgroups = "disabled"
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'
# The programs of the host in a container: its Python with what is installed for it.
HOST_PROGRAMS = ("-v", "/usr:/usr:ro", "-v", "/lib:/lib:ro", "-v", "/lib64:/lib64:ro")
APPLETS = ("sh", "sleep", "kill", "cat", "rm", "false")
# As scripts are: `kill -0` of what the pid file holds.
SCRIPT = """\
#!/bin/sh
NAME=worker
DAEMON=/bin/workerd
PIDFILE=/var/run/$NAME.pid
case $1 in
  start) $DAEMON >/dev/null 2>&1 </dev/null & echo $! > $PIDFILE ;;
  stop) kill $(cat $PIDFILE); rm -f $PIDFILE ;;
  status)
    [ -f $PIDFILE ] || { echo "$NAME is not running"; exit 3; }
    if kill -0 $(cat $PIDFILE) 2>/dev/null; then echo "$NAME is running"; exit 0; fi
    echo "$NAME is dead, and its pid file is there"; exit 1 ;;
esac
"""
# The sloppy kinds: one always says yes, one has no answer.
ALWAYS = "#!/bin/sh\nDAEMON=/bin/alwaysd\nexit 0\n"
BARE = "#!/bin/sh\nexit 0\n"
WORKER = "#!/bin/sh\nwhile :; do sleep 100000; done\n"


def missing(engine: str = "podman") -> str:
    """Why there is no such engine here; "" where there is."""
    absent = [name for name in NEEDED[engine] if not shutil.which(name, path=ENVIRONMENT["PATH"])]
    return f"{' and '.join(absent)}: not on this machine" if absent else ""


class Engine:
    """Its images and containers in a folder of the test; `inside` runs what sees them."""

    name = ""
    folder: Path
    inside: Namespace

    def cannot_run(self) -> str:
        """Why no container runs on this machine; "" where one does: that takes rights that a container may lack."""
        done = self("run", "--rm", "worker", "/bin/sh", "-c", "exit 0", check=False)
        return "" if done.returncode == 0 else f"{self.name} runs no container here: {done.stderr}"

    def import_image(self) -> None:
        """Make the image of all containers, worker."""
        root = self.folder / "image"
        for name in ("bin", "etc/init.d", "run", "var", "tmp", "proc", "sys", "dev"):
            (root / name).mkdir(parents=True)
        busybox = shutil.which("busybox", path=ENVIRONMENT["PATH"])
        assert busybox
        shutil.copy(busybox, root / "bin/busybox")
        for applet in APPLETS:
            (root / "bin" / applet).symlink_to("busybox")
        # Absolute: followed from the host's root, it would lead to the host's /run.
        (root / "var/run").symlink_to("/run")
        scripts = {"etc/init.d/worker": SCRIPT, "etc/init.d/always": ALWAYS, "etc/init.d/bare": BARE}
        for name, text in {**scripts, "bin/workerd": WORKER}.items():
            (root / name).write_text(text)
            (root / name).chmod(0o755)
        archive = self.folder / "image.tar"
        run("tar", "-C", str(root), "-cf", str(archive), ".")
        self("import", str(archive), "worker")

    def __call__(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The engine with these words."""
        return run(*self.inside.prefix, self.name, *words, check=check, env=ENVIRONMENT, cwd="/")

    def start(self, name: str, *words: str) -> None:
        """A container that runs these words."""
        self("run", "-d", "--name", name, "worker", *words)

    def shell(self, name: str, text: str) -> int:
        """The exit status of a shell's line in a container."""
        return self("exec", name, "sh", "-c", text, check=False).returncode


class Podman(Engine):
    """podman: each command by itself."""

    name = "podman"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "conf").mkdir()
        (folder / "conf" / "containers.conf").write_text(CONTAINERS_CONF)
        (folder / "conf" / "policy.json").write_text(POLICY)
        storage = f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n'
        (folder / "conf" / "storage.conf").write_text(storage)
        setup = f"""
            mount -t tmpfs none /sys/fs/cgroup
            mount -t cgroup2 none /sys/fs/cgroup
            mkdir -p /etc/containers
            mount -t tmpfs none /etc/containers
            cp {folder}/conf/* /etc/containers/
        """
        self.inside = Namespace(textwrap.dedent(setup))
        self.import_image()

    def close(self) -> None:
        """End every container, and the namespace."""
        self("rm", "-fa", "-t", "0", check=False)
        self.inside.close()


CONTAINERD = """version = 2
root = "{place}/root"
state = "{place}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{socket}"
"""


class Docker(Engine):
    """docker: a daemon, which is ended with its containers."""

    name = "docker"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Its socket is where opskit's docker looks for it, and nobody else sees it.
        setup = """
            mount -t tmpfs none /sys/fs/cgroup
            mount -t cgroup2 none /sys/fs/cgroup
            mount -t tmpfs none /run
        """
        self.inside = Namespace(textwrap.dedent(setup))
        self.daemons: list[subprocess.Popen[bytes]] = []
        try:
            self.begin()
            if not self.cannot_begin():
                self.import_image()
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Start its daemons. dockerd gives a containerd of its own 15 s to start, and a busy machine wants longer."""
        place, socket = self.folder / "containerd", self.folder / "containerd.sock"
        place.mkdir()
        text = CONTAINERD.format(place=place, socket=socket)
        (place / "config.toml").write_text(text)
        self.start_daemon("containerd", f"--config={place}/config.toml")
        until(lambda: socket.exists() or bool(self.cannot_begin()))
        options = ("--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs")
        roots = (f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec", f"--containerd={socket}")
        self.start_daemon("dockerd", *options, *roots)
        until(lambda: self("version", check=False).returncode == 0 or bool(self.cannot_begin()))

    def start_daemon(self, *words: str) -> None:
        """One of its daemons; what it says is in a file of its name."""
        with (self.folder / f"{words[0]}.log").open("w") as log:
            self.daemons.append(
                subprocess.Popen(
                    [*self.inside.prefix, *words],
                    env=ENVIRONMENT, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def cannot_begin(self) -> str:
        """Why one of its daemons ended; "" where they run."""
        for daemon, name in zip(self.daemons, ("containerd", "dockerd")):
            if daemon.poll() is not None:
                return f"{name} does not run here: {(self.folder / f'{name}.log').read_text()[-300:]}"
        return ""

    def cannot_run(self) -> str:
        """See Engine.cannot_run."""
        return self.cannot_begin() or super().cannot_run()

    def close(self) -> None:
        """End every container, the daemon and the namespace."""
        if containers := self("ps", "-aq", check=False).stdout.split():
            self("rm", "-f", *containers, check=False)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()
        for mount in reversed(self.inside.mounts()):
            if mount.target.startswith(str(self.folder)):
                run(*self.inside.prefix, "umount", mount.target, check=False)
        self.inside.close()


ENGINES: dict[str, type[Union[Podman, Docker]]] = {"podman": Podman, "docker": Docker}


def made(name: str, folder: Path) -> Union[Podman, Docker]:
    """The engine; the test is skipped where it does not run."""
    if why := missing(name):
        pytest.skip(why)
    engine = ENGINES[name](folder)
    if why := engine.cannot_run():
        engine.close()
        pytest.skip(why)
    return engine
