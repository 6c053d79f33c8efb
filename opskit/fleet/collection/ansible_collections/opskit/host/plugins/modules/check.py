#!/usr/bin/python
"""The documentation of the action check.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: check
short_description: Tell what is wrong on a host
version_added: "0.2.0"
description:
  - "Runs C(opskit check) on the host."
  - "Check the whole host: the findings of all areas, the most important first, each with what to do."
  - "Exits 0 when nothing is wrong, 4 with findings (of severity info alone: 0), 1 when an area could not be looked
    at, which is a finding of its own. A config file has thresholds in `[check.AREA]`, and what is to be ignored,
    with a reason and a last day, in `[[check.ignore]]`. --install-timer writes a service and a timer of systemd
    that run the same check, with its areas and its format; nothing is checked then."
options:
  areas:
    description: "Only these areas."
    type: list
    elements: str
    choices: ["disk", "journal", "memcached", "service", "yum", "history"]
  install_timer:
    description: "Have systemd run this check so often: 10m, 1h."
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
- name: Tell what is wrong on a host
  opskit.host.check:
    areas: [disk, service]
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
