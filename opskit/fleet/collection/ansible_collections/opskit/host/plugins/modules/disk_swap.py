#!/usr/bin/python
"""The documentation of the action disk_swap.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: disk_swap
short_description: Put swap into service, or take it out
version_added: "0.2.0"
description:
  - "Runs C(opskit disk swap) on the host."
  - "Give the host swap: a file of this size, or a blank device; made, in fstab, and in use."
  - "The file is root's alone from its first byte, and without holes, as each filesystem needs it (ext2 to ext4,
    xfs, btrfs). A device that is swap already is used as it is, one that holds anything else is refused. --off
    takes swap out of use and out of fstab, and is refused where memory would not hold what is in it, or where the
    host hibernates into it; the file is kept. Swappiness (sysctl vm.swappiness) is left as it is, and so is zram."
options:
  what:
    description: "The size of a new swap file, or a device."
    type: str
  file:
    description: "The swap file."
    type: str
  out_of_use:
    description: "Take the file (or device) out of use and out of fstab."
    type: bool
  leave_free:
    description: "What stays free beside a new file."
    type: str
  no_fstab:
    description: "Leave fstab alone."
    type: bool
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
- name: Put swap into service, or take it out
  opskit.host.disk_swap:
    what: 2G
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
