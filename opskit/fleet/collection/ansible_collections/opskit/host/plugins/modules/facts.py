#!/usr/bin/python
"""The documentation of the action facts.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: facts
short_description: See the disks of a host as opskit decides on them
version_added: "0.2.0"
description:
  - "Runs C(opskit disk facts) on the host."
  - "Save what decisions need, for a dry run anywhere: opskit disk mount … --facts host.json."
options:
  mountpoints:
    description: "Mount points to look at as well as /mnt."
    type: list
    elements: str
  fstab:
    description: "Another file than /etc/fstab."
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
- name: See the disks of a host as opskit decides on them
  opskit.host.facts:
    mountpoints: [/data]
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
