"""The commands of opskit, and the actions of this collection.

Written by scripts/collection.py from the tree of commands: do not edit.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """changes: whether it can change the host, and takes --dry-run and --yes. plans: whether it takes --only-plan."""

    changes: bool
    plans: bool


class Parameter(NamedTuple):
    """option: as it is typed, "" for one by its place. off: the option for false, "" for none."""

    name: str
    option: str
    kind: str
    off: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


COMMANDS = {
    "disk list": Command(changes=False, plans=False),
    "disk show": Command(changes=False, plans=False),
    "disk facts": Command(changes=False, plans=False),
    "disk mount": Command(changes=True, plans=True),
    "disk umount": Command(changes=True, plans=True),
    "disk grow": Command(changes=True, plans=True),
    "disk fstab check": Command(changes=False, plans=False),
    "disk fstab show": Command(changes=False, plans=False),
    "disk fstab backup": Command(changes=True, plans=True),
    "disk fstab restore": Command(changes=True, plans=True),
    "disk swap": Command(changes=True, plans=True),
    "du": Command(changes=True, plans=False),
    "df": Command(changes=False, plans=False),
    "journal usage": Command(changes=False, plans=False),
    "journal verify": Command(changes=False, plans=False),
    "journal vacuum": Command(changes=True, plans=True),
    "journal retain": Command(changes=True, plans=True),
    "journal errors": Command(changes=False, plans=False),
    "memcached flags": Command(changes=False, plans=False),
    "memcached explain": Command(changes=False, plans=False),
    "memcached lint": Command(changes=False, plans=False),
    "memcached start": Command(changes=True, plans=True),
    "memcached stop": Command(changes=True, plans=True),
    "memcached status": Command(changes=False, plans=False),
    "yum lock": Command(changes=False, plans=False),
    "yum wait": Command(changes=False, plans=False),
    "yum unlock": Command(changes=True, plans=True),
    "yum why": Command(changes=True, plans=True),
    "service status": Command(changes=False, plans=False),
    "service why": Command(changes=False, plans=False),
    "service ensure": Command(changes=True, plans=True),
    "status": Command(changes=False, plans=False),
    "check": Command(changes=True, plans=False),
    "history": Command(changes=False, plans=False),
    "history show": Command(changes=False, plans=False),
    "history prune": Command(changes=True, plans=True),
    "undo": Command(changes=True, plans=True),
    "findings": Command(changes=False, plans=False),
    "doctor": Command(changes=False, plans=False),
    "schema": Command(changes=False, plans=False),
    "completion": Command(changes=True, plans=False),
}
# By the name of the action: the words of its command, and its parameters.
ACTIONS = {
    "check": (
        "check",
        (
            Parameter("areas", "", "list", choices=("disk", "journal", "memcached", "service", "yum", "history")),
            Parameter("install_timer", "--install-timer", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "disk_grow": (
        "disk grow",
        (
            Parameter("what", "", "str", required=True),
            Parameter("size", "--size", "str"),
            Parameter("add", "--add", "str"),
            Parameter("fstab", "--fstab", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "disk_mount": (
        "disk mount",
        (
            Parameter("device", "", "str", required=True),
            Parameter("mountpoint", "", "str"),
            Parameter("fstype", "--fstype", "str"),
            Parameter("label", "--label", "str"),
            Parameter("table", "--table", "str"),
            Parameter("whole_disk", "--whole-disk", "bool"),
            Parameter("mount_options", "--mount-options", "str"),
            Parameter("no_fstab", "--no-fstab", "bool"),
            Parameter("reserved", "--reserved", "int"),
            Parameter("no_discard", "--no-discard", "bool"),
            Parameter("lazy_init", "--lazy-init", "bool", off="--no-lazy-init"),
            Parameter("wipe", "--wipe", "str"),
            Parameter("user", "--user", "str"),
            Parameter("domain", "--domain", "str"),
            Parameter("password_file", "--password-file", "str"),
            Parameter("fstab", "--fstab", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "disk_swap": (
        "disk swap",
        (
            Parameter("what", "", "str"),
            Parameter("file", "", "str"),
            Parameter("out_of_use", "--off", "bool"),
            Parameter("leave_free", "--leave-free", "str"),
            Parameter("no_fstab", "--no-fstab", "bool"),
            Parameter("fstab", "--fstab", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "disk_umount": (
        "disk umount",
        (
            Parameter("what", "", "str", required=True),
            Parameter("no_fstab", "--no-fstab", "bool"),
            Parameter("fstab", "--fstab", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "facts": (
        "disk facts",
        (
            Parameter("mountpoints", "", "list"),
            Parameter("fstab", "--fstab", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "fstab_check": (
        "disk fstab check",
        (
            Parameter("fstab", "--fstab", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "journal_retain": (
        "journal retain",
        (
            Parameter("span", "", "str"),
            Parameter("size", "--size", "str"),
            Parameter("namespace", "--namespace", "str"),
            Parameter("root", "--root", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "journal_vacuum": (
        "journal vacuum",
        (
            Parameter("span", "", "str"),
            Parameter("size", "--size", "str"),
            Parameter("files", "--files", "int"),
            Parameter("rotate", "--rotate", "bool"),
            Parameter("keep_copy", "--keep-copy", "str"),
            Parameter("namespace", "--namespace", "str"),
            Parameter("directory", "--directory", "str"),
            Parameter("root", "--root", "str"),
            Parameter("systemd_version", "--systemd-version", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "memcached": (
        "memcached start",
        (
            Parameter("port", "--port", "str"),
            Parameter("udp_port", "--udp-port", "str"),
            Parameter("unix_socket", "--unix-socket", "str"),
            Parameter("unix_mask", "--unix-mask", "str"),
            Parameter("enable_shutdown", "--enable-shutdown", "bool"),
            Parameter("listen", "--listen", "list"),
            Parameter("daemon", "--daemon", "bool"),
            Parameter("enable_coredumps", "--enable-coredumps", "bool"),
            Parameter("user", "--user", "str"),
            Parameter("memory_limit", "--memory-limit", "str"),
            Parameter("disable_evictions", "--disable-evictions", "bool"),
            Parameter("conn_limit", "--conn-limit", "str"),
            Parameter("lock_memory", "--lock-memory", "bool"),
            Parameter("pidfile", "--pidfile", "str"),
            Parameter("slab_growth_factor", "--slab-growth-factor", "str"),
            Parameter("slab_min_size", "--slab-min-size", "str"),
            Parameter("enable_largepages", "--enable-largepages", "bool"),
            Parameter("prefix_delimiter", "--prefix-delimiter", "str"),
            Parameter("threads", "--threads", "str"),
            Parameter("max_reqs_per_event", "--max-reqs-per-event", "str"),
            Parameter("disable_cas", "--disable-cas", "bool"),
            Parameter("listen_backlog", "--listen-backlog", "str"),
            Parameter("protocol", "--protocol", "str"),
            Parameter("max_item_size", "--max-item-size", "str"),
            Parameter("enable_sasl", "--enable-sasl", "bool"),
            Parameter("disable_flush_all", "--disable-flush-all", "bool"),
            Parameter("disable_dumping", "--disable-dumping", "bool"),
            Parameter("disable_watch", "--disable-watch", "bool"),
            Parameter("auth_file", "--auth-file", "str"),
            Parameter("memory_file", "--memory-file", "str"),
            Parameter("enable_ssl", "--enable-ssl", "bool"),
            Parameter("napi_ids", "--napi-ids", "str"),
            Parameter("extended", "--extended", "list"),
            Parameter("expose", "--expose", "list"),
            Parameter("unit", "--unit", "str"),
            Parameter("no_enable", "--no-enable", "bool"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "service_ensure": (
        "service ensure",
        (
            Parameter("name", "", "str", required=True),
            Parameter("container", "--container", "str"),
            Parameter("for", "--for", "str"),
            Parameter("restart_policy", "--restart-policy", "bool"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
    "yum_unlock": (
        "yum unlock",
        (
            Parameter("installroot", "--installroot", "str"),
            Parameter("lock_timeout", "--lock-timeout", "str"),
            Parameter("state_dir", "--state-dir", "str"),
        ),
    ),
}
