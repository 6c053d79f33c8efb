#!/usr/bin/python
"""The documentation of the action journal_vacuum.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: journal_vacuum
short_description: Remove old journal files
version_added: "0.2.0"
description:
  - "Runs C(opskit journal vacuum) on the host."
  - "Delete old journal files, and show exactly which before."
  - "The journalctl of this host decides by its rules, and deletes whole files: newer entries can be deleted with
    older ones, and active files are kept. What it did is compared with what was shown."
options:
  span:
    description: "Delete what is older: 2d, 12h, 1w, 1month."
    type: str
  size:
    description: "Delete until it takes no more: 500M, 2G."
    type: str
  files:
    description: "Delete until no more than N files are left."
    type: int
  rotate:
    description: "Archive the active files first."
    type: bool
  keep_copy:
    description: "Copy the files there before they are deleted; undo restores them."
    type: str
  namespace:
    description: "The journal of this namespace; * for all of them."
    type: str
  directory:
    description: "The journals in this directory instead."
    type: str
  root:
    description: "The journals of the system below this directory."
    type: str
  systemd_version:
    description: "Decide as this systemd does: 239, 252-32.el9."
    type: str
  lock_timeout:
    description: "Wait so long for another opskit: 30s, 5m."
    type: str
  state_dir:
    description: "Where ledger, lock and log are kept."
    type: str
extends_documentation_fragment:
  - opskit.host.common
author:
  - The opskit authors (@opskit)
"""

EXAMPLES = r"""
---
- name: Remove old journal files
  opskit.host.journal_vacuum:
    span: 30d
"""

RETURN = r"""
---
rc:
  description:
    - The exit code of opskit. V(6) also where the host has no opskit that fits, and none can be sent.
    - Null where nothing is known of it.
  type: int
  returned: always
refused:
  description: Whether opskit refused for safety; O(ignore:findings) has its reasons.
  type: bool
  returned: always
plan:
  description: The token of the plan, which O(only_plan) takes.
  type: str
  returned: always
changes:
  description: What is done, or would be; each with action, target, before, after, commands and reversible.
  type: list
  elements: dict
  returned: always
findings:
  description: What a person should know; each with id, severity, title, evidence and remedy.
  type: list
  elements: dict
  returned: always
answer:
  description: All that opskit answered, as C(opskit schema) describes it; null where no answer came.
  type: dict
  returned: always
stdout_lines:
  description: The same for a person.
  type: list
  elements: str
  returned: always
tool:
  description: The opskit that was started; how is C(installed), C(sent) or C(path).
  type: dict
  returned: always
not_begun:
  description: Whether the task was skipped, because the run had been stopped.
  type: bool
  returned: always
"""
