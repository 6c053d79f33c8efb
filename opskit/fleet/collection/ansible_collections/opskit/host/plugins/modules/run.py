#!/usr/bin/python
"""The documentation of the action of this name, which does the work: nothing of this runs on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run
short_description: Run any command of opskit
version_added: "0.2.0"
description:
  - Runs a command of opskit on the host and answers with what it answers.
  - The host needs no Python for it, and no module is sent there.
options:
  argv:
    description: The words behind C(opskit), without C(--json), C(--yes) and C(--dry-run).
    type: list
    elements: str
    required: true
author:
  - The opskit authors
"""
EXAMPLES = r"""
- name: What fills the root filesystem
  opskit.host.run:
    argv: [df, --why, /]
"""
RETURN = r"""
rc:
  description: The exit code of opskit.
  type: int
  returned: always
"""
