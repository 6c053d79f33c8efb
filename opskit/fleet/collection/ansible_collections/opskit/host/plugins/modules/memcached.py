#!/usr/bin/python
"""The documentation of the action memcached.

Written by scripts/collection.py from the tree of commands: do not edit.
The action does the work, on the control node: nothing of this runs on a host.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: memcached
short_description: Launch memcached right
version_added: "0.2.0"
description:
  - "Runs C(opskit memcached start) on the host."
  - "Start an instance with memcached's own options, and check that it is as asked for."
  - "It listens on 127.0.0.1 with UDP off unless told otherwise, as a daemon with a pid file. With --unit systemd
    runs it, and starts it at boot. A value that memcached would refuse or misread is refused here, with what was
    meant."
options:
  port:
    description: "TCP port."
    type: str
  udp_port:
    description: "UDP port."
    type: str
  unix_socket:
    description: "UNIX socket, in place of TCP and UDP."
    type: str
  unix_mask:
    description: "mode of the UNIX socket (octal)."
    type: str
  enable_shutdown:
    description: "let clients stop it: the command shutdown."
    type: bool
  listen:
    description: "address to listen on, with or without :PORT."
    type: list
    elements: str
  daemon:
    description: "go into the background."
    type: bool
  enable_coredumps:
    description: "raise the limit on core files."
    type: bool
  user:
    description: "user to run as, when root starts it."
    type: str
  memory_limit:
    description: "memory for items (MiB)."
    type: str
  disable_evictions:
    description: "answer with an error when memory is full, in place of evicting."
    type: bool
  conn_limit:
    description: "connections at once."
    type: str
  lock_memory:
    description: "lock all memory (RLIMIT_MEMLOCK); only a warning when that fails."
    type: bool
  pidfile:
    description: "file for the pid of a daemon."
    type: str
  slab_growth_factor:
    description: "how chunk sizes grow."
    type: str
  slab_min_size:
    description: "least room for key, value and flags (bytes)."
    type: str
  enable_largepages:
    description: "use large memory pages."
    type: bool
  prefix_delimiter:
    description: "delimiter of key prefixes, for stats detail."
    type: str
  threads:
    description: "worker threads."
    type: str
  max_reqs_per_event:
    description: "requests of one connection at a stretch."
    type: str
  disable_cas:
    description: "no CAS: 8 bytes less for each item."
    type: bool
  listen_backlog:
    description: "connections that wait to be accepted."
    type: str
  protocol:
    description: "ascii, binary or auto."
    type: str
  max_item_size:
    description: "largest item (bytes, k or m)."
    type: str
  enable_sasl:
    description: "ask for SASL: the binary protocol only."
    type: bool
  disable_flush_all:
    description: "no flush_all."
    type: bool
  disable_dumping:
    description: "no cachedump and metadump."
    type: bool
  disable_watch:
    description: "no watch."
    type: bool
  auth_file:
    description: "users and passwords for the ascii protocol."
    type: str
  memory_file:
    description: "keep items in this file (tmpfs) over a restart by SIGUSR1."
    type: str
  enable_ssl:
    description: "TLS."
    type: bool
  napi_ids:
    description: "choose threads by NAPI id."
    type: str
  extended:
    description: "further options, with commas between them."
    type: list
    elements: str
  expose:
    description: "Listen on this too: the only way beyond loopback."
    type: list
    elements: str
  unit:
    description: "By systemd, now and at boot: memcached.service, or memcached@NAME, which it makes."
    type: str
  no_enable:
    description: "With --unit: not at boot."
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
- name: Launch memcached right
  opskit.host.memcached:
    memory_limit: 64
    listen: [127.0.0.1]
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
