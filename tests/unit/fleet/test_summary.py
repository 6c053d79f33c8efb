"""What the callback opskit.host.summary tells of a run."""

from __future__ import annotations

from typing import Any

from ansible_collections.opskit.host.plugins.plugin_utils.summary import WIDTH, Told, summarize, tell


def lines(*told: Told) -> list[str]:
    return [line.text for line in summarize("Put the data disk into service", told)]


def result(rc: Any = 0, **more: Any) -> dict[str, Any]:
    return {
        "rc": rc,
        "changed": False,
        "failed": rc not in {0, 3, 4},
        "msg": "why",
        "changes": [],
        "findings": [],
        **more,
    }


def test_hosts_that_fared_alike_are_told_once_and_the_worst_first() -> None:
    changes = [{"action": "mount", "target": "/data"}]
    web = [tell(f"web{n:02}", result(changed=True, changes=changes)) for n in range(1, 18)]
    bad = [tell(f"db{n}", result(5, msg="the disk holds data")) for n in (1, 2)]
    assert lines(*web, *bad, Told("web99", "unreachable", "no route to host"), tell("old", result())) == [
        "Put the data disk into service (21 hosts)",
        "  1 host: unreachable: no route to host",
        "      web99",
        "  2 hosts: refused: the disk holds data",
        "      db1, db2",
        "  17 hosts: changed",
        "      web01, web02, web03, web04, web05, web06, web07, web08, web09, web10,",
        "      web11, web12, web13, web14, web15, web16, web17",
        "      mount: /data",
        "  1 host: nothing to do",
        "      old",
    ]


def test_a_finding_has_all_its_hosts() -> None:
    full = {"severity": "warning", "id": "over-limit", "title": "journal over its limit"}
    found = [tell(name, result(4, findings=[full])) for name in ("a", "b")]
    assert lines(*found)[-2:] == ["  2 hosts: warning: journal over its limit", "      a, b"]
    other = tell("c", result(4, findings=[{**full, "title": "journal 9 GiB over its limit"}]))
    assert lines(*found, other)[-2:] == [
        "  3 hosts: warning: over-limit, such as: journal over its limit",
        "      a, b, c",
    ]


def test_a_diff_is_shown_once_for_those_that_have_it() -> None:
    changed = result(changed=True, changes=[{"action": "a", "target": "t"}], diff={"prepared": "- old\n+ new\n"})
    told = [tell(name, changed, check=True, diff=True) for name in ("a", "b")]
    assert lines(*told)[1:] == ["  2 hosts: to change", "      a, b", "      a: t", "      - old", "      + new"]


def test_nothing_is_wider_than_the_screen_and_no_text_of_a_host_is_obeyed() -> None:
    words = "the disk \x1b[31m holds\ndata \udcff " + "and more " * 40
    names = [f"host-{n:04}.example.com" for n in range(1000)]
    told = lines(*(tell(name, result(1, msg=words), failed=True) for name in names))
    assert max(map(len, told)) <= WIDTH
    assert told[-1] == "      and 991 more"
    assert all(line.isprintable() for line in told)
    assert "\\x1b[31m holds\\ndata \\udcff" in " ".join(line.strip() for line in told)
