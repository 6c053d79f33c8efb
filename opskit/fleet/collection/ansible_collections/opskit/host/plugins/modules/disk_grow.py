#!/usr/bin/python
"""The documentation of the action disk_grow.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: disk_grow
short_description: Grow a filesystem to its disk, or a volume by a disk
version_added: "0.2.0"
description:
  - "Runs C(opskit disk grow) on the host."
  - "Grow partition and filesystem to the end of a disk that was made larger, while it is mounted."
  - "Of a logical volume: the partition, the physical volume, the volume and the filesystem."
options:
  what:
    description: "Where it is."
    type: str
    required: true
  size:
    description: "Of a logical volume: 50G, +20G, or 100% for all free extents. [default: what its disks gained]"
    type: str
  add:
    description: "A blank disk to take into the volume group first."
    type: str
  fstab:
    description: "Another file than /etc/fstab."
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
- name: Grow a filesystem to its disk, or a volume by a disk
  opskit.host.disk_grow:
    what: /data
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
