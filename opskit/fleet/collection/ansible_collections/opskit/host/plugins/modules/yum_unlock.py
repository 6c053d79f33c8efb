#!/usr/bin/python
"""The documentation of the action yum_unlock.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: yum_unlock
short_description: Take away the package lock of a process that is gone
version_added: "0.2.0"
description:
  - "Runs C(opskit yum unlock) on the host."
  - "Do what is safe in this state, and nothing else: continue what is stopped, interrupt, clear a broken file."
  - "SIGCONT to a holder that is stopped, SIGINT to one that reads metadata, downloads or waits at its prompt; a
    lock file that is malformed, or whose pid is another program or a zombie, is kept under another name. Refused
    in a transaction, whatever else is given. An rpm database in Berkeley DB (EL7, EL8) that a killed process left
    unusable (DB_RUNRECOVERY) is copied, its regions are moved to the copy, and it is rebuilt; nothing of it while
    a process has it open. A dead pid is left to the tool, which takes it over by itself; what other users have
    below /var/tmp is left alone."
options:
  installroot:
    description: "The locks below this root, not the host's own."
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
- name: Take away the package lock of a process that is gone
  opskit.host.yum_unlock: {}
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
