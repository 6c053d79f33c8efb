"""What the exit statuses of programs mean by their own sources and manuals, where these say more than sysexits(3).

Behind each program is where it is said; tests/cli/core/test_exit_tables.py makes those that are on a machine fail.
"""

from __future__ import annotations

import re

_CONFIG = "its configuration is wrong, or it could not listen"
_CELERY = {
    73: "its pid file is there already, or its pid file or log cannot be written",
    69: "its broker is unavailable",
    70: "an internal error",
    1: "it failed; its log says why",
}
_HTTPD = {1: f"{_CONFIG}: apachectl configtest"}
_MYSQLD = {1: "it gave up its start: an option, its data directory or its port; its error log says which"}
_CONTAINERS = {
    125: "the engine itself failed: an option, the image, the name",
    126: "the program of the container cannot be executed",
    127: "the program of the container is not in the image",
    137: "the program of the container was ended by SIGKILL",
    143: "it was stopped by SIGTERM",
}
TABLES = {
    # memcached.c
    "memcached": {71: "it could not listen, or set a limit or a user", 64: "an option of its line is wrong"},
    # celery/platforms.py
    "celery": _CELERY,
    "celeryd": _CELERY,
    # src/core/nginx.c: main() returns 1
    "nginx": {1: f"{_CONFIG}: nginx -t"},
    # server/main.c: destroy_and_exit_process(process, 1)
    "httpd": _HTTPD,
    "apache2": _HTTPD,
    # fatal() of log.c ends in cleanup_exit(255); sshd.c: no host key is exit(1)
    "sshd": {255: f"{_CONFIG}: sshd -t", 1: "an option is wrong, or no host key can be read: sshd -t"},
    # sql/mysqld.cc: unireg_abort(1)
    "mysqld": _MYSQLD,
    "mariadbd": _MYSQLD,
    # src/backend/postmaster/postmaster.c: ExitPostmaster(2) for its files, (1) and FATAL for all else
    "postgres": {
        1: "it gave up its start: a parameter, its user, its port, or another one on its data directory",
        2: "its data directory or configuration file is not there",
    },
    # src/server.c, src/config.c
    "redis-server": {1: f"{_CONFIG}; or its data cannot be read"},
    # podman-run(1), docker run: Exit status
    "podman": _CONTAINERS,
    "docker": _CONTAINERS,
    # java(1) of the JDK, and sun.misc.Signal: 128 and the number of a signal that it has handled
    "java": {
        1: "an exception that nobody caught, or the JVM did not start: an option, memory, the main class",
        130: "it ended in order after SIGINT",
        143: "it ended in order after SIGTERM, as on a stop: SuccessExitStatus=143 says so to systemd",
    },
    # python(1), sys.exit() and Py_FinalizeEx() of its manual
    "python": {
        1: "an exception that nobody caught: its last lines have it",
        2: "an option is wrong, or its script cannot be opened",
        120: "what it had still to write could not be written when it ended",
    },
    # gunicorn/arbiter.py
    "gunicorn": {
        1: "an option is wrong, or it could not listen",
        3: "a worker failed to boot: its app cannot be imported",
        4: "its app cannot be loaded",
    },
    # supervisor/options.py: usage()
    "supervisord": {2: "its configuration is wrong, or its socket or port is taken"},
    # sapi/fpm/fpm/fpm.h
    "php-fpm": {
        64: "an option is wrong",
        70: "an internal error",
        78: f"{_CONFIG}: php-fpm -t",
    },
    # dnsmasq(8): EXIT CODES
    "dnsmasq": {
        1: "its configuration is wrong: dnsmasq --test",
        2: "an address is taken, or it lacks the rights for it",
        3: "a file or directory is missing, or it lacks the rights for it",
        4: "memory ran out",
        5: "it failed for another reason; its log says which",
    },
    # LOG_FATAL of logging.c
    "chronyd": {1: "its configuration is wrong, or another one runs"},
    # tools/rsyslogd.c
    "rsyslogd": {1: "its configuration is wrong: rsyslogd -N1"},
    # src/haproxy.c
    "haproxy": {1: f"{_CONFIG}: haproxy -c -f its file"},
    # die() of sysutil.c
    "vsftpd": {2: f"{_CONFIG}: it says 500 OOPS"},
    # rsync(1): EXIT VALUES
    "rsync": {
        1: "an option is wrong",
        2: "the other side has another protocol",
        3: "a file or directory of its line cannot be used",
        5: "the other side did not start its protocol",
        10: "the network failed, or its port is taken",
        11: "a file could not be read or written: the disk is full",
        12: "the other side ended, or said what is no rsync",
        20: "it was ended by SIGUSR1 or SIGINT",
        23: "not all was transferred: its last lines say what",
        24: "files were gone before they were transferred",
        30: "its time limit was over",
        35: "its time limit for a connection was over",
    },
    # doc/api/process.md: Exit codes
    "node": {
        1: "an exception that nobody caught: its last lines have it",
        7: "what was to handle an exception failed itself",
        9: "an option is wrong",
        13: "its top level waited for what never came",
    },
    # MongoDB's manual: Exit Codes and Statuses
    "mongod": {
        2: "an option is wrong, or two of them do not go together",
        14: "an error that it could not get over: its log has it",
        48: "it could not listen",
        62: "its data files are of a release that it does not read",
        100: "an exception that nobody caught: its log has it",
    },
}  # fmt: skip


def table_of(program: str) -> dict[int, str]:
    """The table of a program, also where its name has its version: python3.11, php-fpm8.2; {} without one."""
    return TABLES.get(program) or TABLES.get(re.sub(r"-?[\d.]+$", "", program)) or {}
