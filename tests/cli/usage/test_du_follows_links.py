"""`opskit du -L` and `-D` as GNU du has them: the same lines and sizes, and the same links that lead nowhere."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from opskit.core.child import SILENT
from opskit.core.errors import Failed
from opskit.core.mountinfo import MountLine
from opskit.usage.du.model import ScanRequest
from opskit.usage.du.see import scan as scanning
from opskit.usage.du.see.scan import scan
from tiers import Agree, seeds
from trees import du, make_tree, opskit_du, options_of

WAYS = (("-L", "all"), ("-D", "roots"))
ENGINES = ("stat", "statx", "")


def make_links(root: Path, outside: Path, rnd: random.Random) -> None:
    """Links to files and directories in the tree, beside it and above it, to links, to nothing and to themselves."""
    directories = [root, *(path for path in sorted(root.rglob("*")) if path.is_dir() and not path.is_symlink())]
    targets = [*sorted(root.rglob("*")), *sorted(outside.rglob("*")), outside, root]
    for number in range(8):
        link = rnd.choice(directories) / f"link{number}"
        link.symlink_to(rnd.choice(targets))
        targets.append(link)
    (rnd.choice(directories) / "itself").symlink_to("itself")
    (rnd.choice(directories) / "through-a-file").symlink_to("/dev/null/nothing")
    (rnd.choice(directories) / "up").symlink_to("..")


@pytest.mark.parametrize("seed", seeds(6, 24, 400))
def test_generated_trees(tmp_path: Path, seed: int, agree: Agree) -> None:
    rnd = random.Random(seed)
    root, outside = tmp_path / "root", tmp_path / "outside"
    make_tree(root, seed, entries=40)
    make_tree(outside, seed + 1, entries=10)
    make_links(root, outside, rnd)
    (tmp_path / "link").symlink_to("root")
    compared = agreed = 0
    for number, (words, own) in enumerate(options_of(rnd)):
        word, follow = WAYS[number % 3 == 2]
        if follow == "all" and "-l" in words:  # one tree of 40 links could be a million paths
            words.remove("-l")
            del own["count_links"]
        inside = [str(path) for path in sorted(root.rglob("*"))]
        roots = [str(tmp_path / "link")] if number % 2 else rnd.choices([str(root), *inside], k=rnd.randrange(1, 4))
        expected = du(word, *words, "--", *roots)
        scanned = opskit_du(roots, **own, engine=ENGINES[number % 3], follow=follow)
        assert scanned == expected, (word, words, roots)
        agreed += scanned == expected
        compared += 1
    agree("du -L and -D", agreed, compared)


def test_each_link_counts_by_itself_with_count_links(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_bytes(b"x" * 9000)
    (tmp_path / "to-a").symlink_to("a")
    (tmp_path / "to-file").symlink_to("a/b/file")
    (tmp_path / "a/b/up").symlink_to("../..")
    for words, own in (((), {}), (("-l",), {"count_links": True}), (("-a",), {"all": True}), (("-x",), {})):
        expected = du("-L", *words, str(tmp_path))
        assert opskit_du([str(tmp_path)], depth=9, follow="all", **own) == expected
    assert scan(ScanRequest((os.fsencode(tmp_path),), follow="all", workers=3)).total_entries == 4


def opskit(*words: str, at: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "opskit", "du", *words], capture_output=True, check=False, cwd=at)


@pytest.mark.parametrize("words", [["-L", "-a"], ["-L", "-s"], ["-D"], ["-H", "-a"], ["--dereference-args"]])
def test_the_command(tmp_path: Path, words: list[str]) -> None:
    """Those that lead nowhere are named, and the exit status is 1, by both; the lines are the same."""
    make_tree(tmp_path / "root", 5)
    (tmp_path / "link").symlink_to("root")
    depth = [] if "-s" in words else ["--max-depth=3"]
    expected = subprocess.run(
        ["du", "-B1", "-0", *words, *depth, "link"], capture_output=True, check=False, cwd=tmp_path
    )
    done = opskit("--bytes", "-0", *words, *depth, "link", at=tmp_path)
    assert sorted(done.stdout.split(b"\0")) == sorted(expected.stdout.split(b"\0"))
    assert done.returncode == expected.returncode
    named = json.loads(opskit("--json", *words, *depth, "link", at=tmp_path).stdout)["result"]["unreadable"]
    assert len(named) == len(expected.stderr.splitlines())


def test_links_are_not_followed_where_something_can_be_deleted(tmp_path: Path) -> None:
    done = opskit("-L", "--browse", "here", at=tmp_path)
    assert (done.returncode, b"does not go with --browse" in done.stderr) == (2, True)
    done = opskit("-L", "-D", "here", at=tmp_path)
    assert (done.returncode, b"-L and -D do not go together" in done.stderr) == (2, True)


def test_a_mount_that_does_not_answer_stands_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is: nobody knows where a link leads before looking, and a look would wait for ever."""
    silent = MountLine(2, "0:9", "/", "/far/away", "nfs4", "server:/x", "rw", 1)
    root = MountLine(1, "8:1", "/", "/", "ext4", "/dev/a", "rw")
    monkeypatch.setattr(scanning, "read_mountinfo", lambda: (root, silent))
    monkeypatch.setattr(scanning, "ask", lambda questions, _: [SILENT for _ in questions])
    with pytest.raises(Failed, match="/far/away does not answer"):
        scan(ScanRequest((os.fsencode(tmp_path),), follow="all"))


def test_a_scan_that_followed_links_is_compared_with_such_a_one(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(__file__)
    assert opskit("-L", "--save", "saved", "tree", at=tmp_path).returncode == 0
    unchanged, differs = (opskit("--diff", "saved", *words, "--json", at=tmp_path) for words in ((), ("-D",)))
    assert json.loads(unchanged.stdout)["result"]["total"]["change"] == "unchanged"
    assert differs.returncode == 2
