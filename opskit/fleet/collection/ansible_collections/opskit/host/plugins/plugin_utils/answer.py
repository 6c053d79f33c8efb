"""What a task answers, from what opskit answered. Nothing here talks to a host, and nothing here needs Ansible."""

from __future__ import annotations

import json
from typing import Any, Optional

from ansible_collections.opskit.host.plugins.plugin_utils.script import LIMIT, NEEDED, Heard

DONE, CHANGES_PENDING, FINDINGS, REFUSED, MISSING = 0, 3, 4, 5, 6
KEYS = {"schema", "ok", "command", "result", "findings", "error"}
NO_TOOL = {"how": "", "version": "", "path": ""}
# Of what is no answer, a person is shown this much.
SHOWN_LINES, SHOWN_LENGTH = 5, 1000


def parse_envelope(output: str) -> tuple[Optional[dict[str, Any]], str]:
    """The envelope in what opskit wrote, None for none; and all else that it wrote."""
    lines = output.split("\n")
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].startswith('{"schema":'):
            try:
                body = as_text(json.loads(lines[number]))
            except (ValueError, RecursionError):
                continue
            if is_sound(body):
                return body, "\n".join(lines[:number] + lines[number + 1 :]).strip()
    return None, output.strip()


def is_sound(body: Any) -> bool:
    """Whether this is an envelope, as far as anything here looks into it: a host can answer whatever it wants."""
    if not isinstance(body, dict) or not set(body) >= KEYS:
        return False
    error, findings = body["error"], body["findings"]
    return (
        isinstance(body["command"], str)
        and (error is None or _has_texts(error, "what", "why", "todo", "state"))
        and isinstance(findings, list)
        and all(_has_texts(finding, "id", "severity", "title", "remedy") for finding in findings)
    )


def _has_texts(value: Any, *keys: str) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in keys)


def as_text(value: Any) -> Any:
    r"""A value of JSON whose strings Ansible can write: a byte of a name that is no text is told as `\udcff`."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [as_text(each) for each in value]
    if isinstance(value, dict):
        return {as_text(key): as_text(each) for key, each in value.items()}
    return value


def last_words(text: str) -> str:
    """The end of what a program said, for a person: a few lines, "" for nothing."""
    lines = [line.rstrip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
    return " | ".join(lines[-SHOWN_LINES:])[-SHOWN_LENGTH:]


def make_result(heard: Heard, stderr: str, *, dry_run: bool, fail_on_findings: bool = False) -> dict[str, Any]:
    """The result of the task.

    stderr: what came there, which is told where nothing else is known
    dry_run: whether nothing was to be changed: `changed` is what would be, then
    fail_on_findings: whether findings of a check are a failure
    """
    if not heard.how:
        return _never_ran(heard, stderr)
    tool = {"how": heard.how, "version": heard.version, "path": heard.path}
    if heard.over:
        return _result(rc=heard.status, failed=True, msg=_too_long(heard), tool=tool)
    envelope, beside = parse_envelope(heard.output)
    if envelope is None:
        return _result(rc=heard.status, failed=True, msg=_no_answer(heard.status, beside), tool=tool)
    rc = heard.status
    error, answer = envelope["error"], envelope["result"]
    known = answer if isinstance(answer, dict) else {}
    changes, plan = known.get("changes"), known.get("plan")
    # Those of a plan: what has grown, of `du --diff`, has this name, too.
    if not isinstance(changes, list) or not all(_has_texts(change, "action", "target") for change in changes):
        changes = []
    would = bool(changes) if dry_run else False
    failed = rc not in {DONE, CHANGES_PENDING, FINDINGS} or (rc == FINDINGS and fail_on_findings)
    result = _result(
        rc=rc,
        failed=failed,
        msg=_message(envelope, changes, rc, dry_run=dry_run),
        tool=tool,
        changed=would or known.get("changed") is True,
        refused=rc == REFUSED,
        plan=plan.get("token", "") if isinstance(plan, dict) else "",
        changes=changes,
        findings=envelope["findings"],
        answer=envelope,
    )
    left = f"what was sent cannot be removed: {heard.fault}" if heard.fault else ""
    result["stdout_lines"] = _lines(result, error, f"{beside}\n{left}".strip())
    if changes:
        result["diff"] = {"prepared": diff_of(changes)}
    return result


def not_begun() -> dict[str, Any]:
    """The result of a task that was not begun, because the run was stopped."""
    msg = "not begun: the run was stopped"
    return {**make_failure(msg, rc=None), "failed": False, "skipped": True, "not_begun": True}


def make_failure(msg: str, *, rc: Optional[int] = MISSING) -> dict[str, Any]:
    """The result where no opskit was started. rc: that of opskit where a tool or a privilege is missing, None else."""
    return _result(rc=rc, failed=True, msg=msg, tool=NO_TOOL)


def make_removed(heard: Heard, stderr: str) -> dict[str, Any]:
    """The result of a task that only removes what was sent."""
    if not heard.begun:
        return _never_ran(heard, stderr)
    if heard.fault:
        return make_failure(f"what was sent cannot be removed: {heard.fault}")
    msg = "what was sent is removed" if heard.removed else "nothing to do: nothing was sent"
    return _result(rc=DONE, failed=False, msg=msg, tool=NO_TOOL, changed=heard.removed)


def diff_of(changes: list[dict[str, Any]]) -> str:
    """The changes as --diff shows them: what is, what will be, and how."""
    lines = []
    for change in changes:
        lines.append(f"# {change.get('action', '')}: {change.get('target', '')}")
        lines += [f"- {line}" for line in str(change.get("before", "")).splitlines()]
        lines += [f"+ {line}" for line in str(change.get("after", "")).splitlines()]
    return "\n".join(lines) + "\n"


def _result(*, rc: Optional[int], failed: bool, msg: str, tool: dict[str, str], **more: Any) -> dict[str, Any]:
    """All that a task answers; what nothing is known of is empty."""
    return {
        "changed": False, "failed": failed, "msg": msg, "rc": rc, "refused": False, "plan": "", "changes": [],
        "findings": [], "answer": None, "stdout_lines": [msg], "tool": tool, "not_begun": False, **more,
    }  # fmt: skip


def _never_ran(heard: Heard, stderr: str) -> dict[str, Any]:
    if not heard.begun:
        return make_failure(f"opskit was not started: {last_words(stderr) or 'nothing was said'}", rc=None)
    if heard.fault:
        return make_failure(f"opskit cannot be sent to the host: {heard.fault}")
    if heard.old:
        return make_failure(
            f"opskit {NEEDED} or newer is needed, and what the host has is older or does not run ({heard.old})"
        )
    return make_failure(f"the host has no opskit: install opskit {NEEDED}, or have it sent (tool_dir: the builds)")


def _too_long(heard: Heard) -> str:
    """What is said of an answer that was cut off: how the command itself ended is known."""
    more = f"{LIMIT + heard.over:,} bytes, and no more than {LIMIT >> 20} MiB of an answer are taken"
    return f"opskit ended with {heard.status} and answered {more}: ask for less, or run it on the host"


def _no_answer(status: Optional[int], said: str) -> str:
    words = f": {last_words(said)}" if said else ""
    if status is None:
        return f"opskit began, and its end was not heard of; its ledger on the host tells what it did{words}"
    if status > 128:
        return f"opskit was ended by signal {status - 128}; its ledger on the host tells what it did{words}"
    return f"opskit ended with {status} and gave no answer in JSON{words}"


def _message(envelope: dict[str, Any], changes: list[Any], rc: Optional[int], *, dry_run: bool) -> str:
    """One line for a person."""
    error, answer = envelope["error"], envelope["result"]
    known = answer if isinstance(answer, dict) else {}
    if error:
        parts = [f"{error['what']}: {error['why']}", error["todo"] and f"to do: {error['todo']}", error["state"]]
        return "; ".join(part for part in parts if part)
    title = str(known.get("title") or envelope["command"])
    if changes and dry_run:
        return f"{title}: {_counted(len(changes), 'change')} to make"
    if known.get("changed") is True:
        return f"{title}: done"
    if rc == FINDINGS:
        return f"{envelope['command']}: {_counted(len(envelope['findings']), 'finding')}"
    return f"{title}: nothing to do" if "changed" in known else title


def _lines(result: dict[str, Any], error: Optional[dict[str, Any]], beside: str) -> list[str]:
    """The same in lines for a person: what is done, what was found, what to do."""
    lines = [result["msg"]]
    lines += [f"{change.get('action', '')}: {change.get('target', '')}" for change in result["changes"]]
    for finding in result["findings"]:
        lines.append(f"{finding['severity']}: {finding['title']}")
        if finding["remedy"] and not (error and finding["remedy"] == error["todo"]):
            lines.append(f"  to do: {finding['remedy']}")
    return [*lines, *beside.splitlines()]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
