#!/usr/bin/python
"""The documentation of the action disk_mount.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: disk_mount
short_description: Put a data disk into service
version_added: "0.2.0"
description:
  - "Runs C(opskit disk mount) on the host."
  - "Put a disk, or a share of the network, into service: filesystem, fstab entry, mount; checked."
  - "A disk that already holds a filesystem is mounted as it is. A disk with other data is refused, unless --wipe
    names it; no option gets past a system disk, one in use, or a member of LVM, RAID or multipath."
  - "Of a share (HOST:/EXPORT of NFS, //HOST/SHARE of SMB) the server is asked first, with a time limit. The
    password of an SMB share goes into a file of root's alone below /etc/smbcredentials, which the entry in fstab
    names."
options:
  device:
    description: "Such as /dev/vdb, or UUID=…, LABEL=…; or a share: HOST:/EXPORT, //HOST/SHARE."
    type: str
    required: true
  mountpoint:
    description: "Where to mount it."
    type: str
  fstype:
    description: "ext4, ext3 or xfs; of a share nfs4, nfs or cifs. [default: ext4, or what the server has]"
    type: str
  label:
    description: "A label for the new filesystem."
    type: str
  table:
    description: "The partition table: gpt or dos; always gpt over 2 TiB."
    type: str
  whole_disk:
    description: "No partition: the filesystem on the disk itself."
    type: bool
  mount_options:
    description: "Mount options, such as noatime,nodev."
    type: str
  no_fstab:
    description: "Leave fstab alone."
    type: bool
  reserved:
    description: "Blocks kept for root (ext3, ext4)."
    type: int
  no_discard:
    description: "Do not discard the blocks of a new filesystem."
    type: bool
  lazy_init:
    description: "Whether ext3 and ext4 write their tables later."
    type: bool
  wipe:
    description: "Destroy what is on it: repeat the device's name."
    type: str
  user:
    description: "Who mounts an SMB share."
    type: str
  domain:
    description: "The domain of that user."
    type: str
  password_file:
    description: "Holds his password; without it you are asked."
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
- name: Put a data disk into service
  opskit.host.disk_mount:
    device: /dev/vdb
    mountpoint: /data
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
