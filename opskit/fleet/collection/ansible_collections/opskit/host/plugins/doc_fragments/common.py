"""The parameters that every action has."""

from __future__ import annotations


class ModuleDocFragment:
    """They are in COMMON of plugin_utils/call.py; a test compares the two."""

    DOCUMENTATION = r"""
options:
  only_plan:
    description: Carry out the plan of this token, or nothing. Of a command that makes plans.
    type: str
    default: ""
  fail_on_findings:
    description: Whether findings of a check are a failure.
    type: bool
    default: false
  tool:
    description:
      - Which opskit is started.
      - V(auto) is what is installed where its release fits; else the one that was sent before; else, with O(tool_dir),
        the build for the host is sent.
      - V(installed) is found in the system's own folders, V(send) takes no notice of it, V(path) is at O(tool_path).
    type: str
    default: auto
    choices: [auto, installed, send, path]
  tool_path:
    description: Where opskit is on the host, for O(tool=path).
    type: str
    default: ""
  tool_dir:
    description:
      - A folder on the control node with builds of opskit, C(opskit-*.pyz) and C(opskit-*-linux-*.tar.xz), and their
        C(SHA256SUMS).
      - The standalone build is for hosts with glibc 2.17 and xz; the zipapp for those with a Python from 3.9 to 3.13.
      - It is sent once, also in check mode, into C(/var/lib/opskit/tools), which is root's alone, and verified there.
        Of earlier ones the last is kept, and one that runs or that a unit or cron names.
    type: path
    default: ""
  tool_state:
    description:
      - With V(absent) what was sent is removed when the command has run, or where there is no command.
      - Nothing is removed while something runs from there.
    type: str
    default: present
    choices: [present, absent]
notes:
  - The host needs no Python, and no module is sent there.
  - With check_mode nothing is changed, and C(changed) says whether something would be; the same reasons refuse it.
requirements:
  - root on the host (become), for what changes it
"""
