#!/usr/bin/python
"""The documentation of the action service_ensure.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: service_ensure
short_description: See to it that a service really runs
version_added: "0.2.0"
description:
  - "Runs C(opskit service ensure) on the host."
  - "Start a service that is dead, once, and see that it lives; nothing for one that runs."
  - "What it is and whether it is dead is found out as by `status`; it is started by its unit, its init script,
    supervisord or its container engine, and watched: it must not end, nor be started again by itself. Else it is
    stopped, and it is said why (exit 8). Refused when it lives and does not answer, when it is being started
    already, and when what is known of it contradicts itself. There is no second try, and nothing stays behind that
    would make one: that is Restart= of systemd, and --restart-policy writes it: Restart=on-failure, five starts in
    five minutes at most. An undo stops what was started, and nothing that somebody else has started since, and
    removes the drop-in."
options:
  name:
    description: "A unit, init script, program or container."
    type: str
    required: true
  container:
    description: "Look in this container of podman or docker; as root."
    type: str
  for:
    description: "How long it has to live for the start to count."
    type: str
  restart_policy:
    description: "Have systemd start the unit again when it fails: a drop-in."
    type: bool
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
- name: See to it that a service really runs
  opskit.host.service_ensure:
    name: nginx.service
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
