"""`opskit status` and the timer of `opskit check` on a booted host with something wrong in each area, over a reboot."""

from __future__ import annotations

from opskit.core.units import SECOND, systemd_span
from vm.guest import booted_again, each, killed, settled
from vmlab.machine import Machine

CONFIG = "/etc/opskit/lab.toml"
SETTINGS = '[check.yum]\nheld_for = "1s"\n[check.service]\nzombie_age = "1s"\n'
METRICS = "/var/lib/opskit.prom"
UNITS = ("opskit-check.service", "opskit-check.timer")
# Stand in for a dnf that reads metadata, for a parent that does not reap, and for one who holds what is deleted.
HOLDER = (
    "mkdir -p /var/cache/dnf; echo -n $$ > /var/cache/dnf/metadata_lock.pid; echo -n dnf > /proc/self/comm; "
    "read l < /run/hold"
)
PARENT = "import os, signal; os.fork() or os._exit(0); signal.pause()"
DELETED = (
    "import os, signal; f = open('/mnt/full/b', 'w'); f.write('x' * 1000000); f.flush(); os.unlink(f.name); "
    "signal.pause()"
)
WRONG = f"""
echo 'UUID=00000000-dead-4000-8000-000000000000 /gone ext4 defaults,nofail 0 2' >> /etc/fstab
mkdir -p /mnt/full /gone /etc/opskit /etc/systemd/journald.conf.d
mount -t tmpfs -o size=4m none /mnt/full
systemd-run --quiet --unit deleted /usr/bin/python3 -c "{DELETED}"
until [ -e /proc/$(systemctl show -P MainPID deleted)/fd/3 ] && [ ! -e /mnt/full/b ]; do sleep 0.1; done
head -c 3000000 /dev/zero > /mnt/full/a
printf '[Journal]\\nSystemMaxUse=1M\\nRuntimeMaxUse=1M\\n' > /etc/systemd/journald.conf.d/small.conf
cat > /etc/systemd/system/bad.service <<'end'
[Service]
ExecStart=/bin/sh -c 'echo no license; journalctl --sync; exit 3'
end
cat > /etc/systemd/system/again.service <<'end'
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=100ms
ExecStart=/bin/true
end
systemctl daemon-reload
systemctl start bad again || :
mkfifo /run/hold
setsid sh -c '{HOLDER}' < /dev/null > /dev/null 2>&1 &
setsid python3 -c '{PARENT}' < /dev/null > /dev/null 2>&1 &
memcached -d -u memcache -l 0.0.0.0 -p 12001
until systemctl is-failed -q bad && [ "$(systemctl show -P NRestarts again)" -ge 3 ]; do sleep 0.1; done
until [ -s /var/cache/dnf/metadata_lock.pid ]; do sleep 0.1; done
cat > {CONFIG}
journalctl --sync
"""
# What each area has to find there.
FOUND = {
    "unknown-source", "nearly-full", "deleted-open", "over-limit", "unit-failed", "exposed", "restarts", "zombie",
    "lock-held", "run-waits",
}  # fmt: skip
# The first run after a boot, by OnBootSec= alone: what starts it when the timer itself is started is taken away.
SOON = f"/etc/systemd/system/{UNITS[1]}.d/soon.conf"
BOOT_SECONDS = 20
ONLY_AFTER_BOOT = f"[Timer]\nOnActiveSec=\nOnBootSec={BOOT_SECONDS}s\n"
RAN = f"until [ -e {METRICS} ] && [ $(systemctl show -P ActiveState {UNITS[0]}) = inactive ]; do sleep 0.1; done"


def timers(vm: Machine) -> str:
    return vm.run("systemctl", "list-timers", "--all", "--no-legend").stdout


def test_something_wrong_in_each_area_is_found_and_a_timer_finds_it_too(vm: Machine) -> None:
    killed(vm, 1, "disk", "mount", "/dev/vdb", "/data", "--yes")
    vm.run("sh", "-euc", WRONG, stdin=SETTINGS)
    configured = ("env", f"OPSKIT_CONFIG={CONFIG}", "opskit")
    lines = vm.run(*configured, "status").stdout.splitlines()
    assert [what for what in sorted(FOUND) if not any(f"[{what}]" in line for line in lines)] == [], "\n".join(lines)
    assert "warning" in lines[0]
    assert not any("not looked at" in line for line in lines)

    # The timer fires at once; what it finds is no failure of its unit, and it has the thresholds of the config file.
    words = ("check", "--install-timer", "1h", "--format", "prometheus", "--output", METRICS, "--yes")
    vm.run(*configured, *words)
    vm.run("sh", "-c", RAN)
    shown = vm.run("systemctl", "show", "-p", "Result", "-p", "ExecMainStatus", UNITS[0]).stdout.split()
    assert sorted(shown) == ["ExecMainStatus=4", "Result=success"]
    metrics = vm.run("cat", METRICS).stdout
    assert [what for what in sorted(FOUND) if f'id="{what}"' not in metrics] == []
    assert 'opskit_findings{check="yum",severity="warning",id="lock-held"} 1' in metrics
    assert UNITS[1] in timers(vm)
    assert "nothing to do" in vm.run(*configured, *words).stdout
    assert "opskit-check" not in vm.run("systemctl", "--failed", "--no-legend").stdout

    # The boot would wait for that device, for longer than a host does (scripts/vmlab/guest).
    vm.run("sed", "-i", "/dead/d", "/etc/fstab")
    vm.run("rm", METRICS)
    assert "OnBootUSec=1min" in vm.run("systemctl", "show", "-p", "TimersMonotonic", UNITS[1]).stdout
    vm.run("sh", "-euc", f"mkdir {SOON.rpartition('/')[0]}; cat > {SOON}; sync", stdin=ONLY_AFTER_BOOT)
    vm.power_off()
    vm.start()
    settled(vm)
    booted_again(vm)
    assert UNITS[1] in timers(vm)
    assert vm.run("systemctl", "is-active", UNITS[1]).stdout == "active\n"
    vm.run("sh", "-c", RAN)
    assert 'id="run-waits"' in vm.run("cat", METRICS).stdout
    triggered = systemd_span(vm.run("systemctl", "show", "-P", "LastTriggerUSecMonotonic", UNITS[1]).stdout.strip())
    assert triggered
    assert triggered[0] >= BOOT_SECONDS * SECOND
    vm.run("rm", "-r", SOON.rpartition("/")[0])

    (listed,) = each(vm, [("history", "--json")])
    (run,) = (run["id"] for run in listed.json["result"]["runs"] if "opskit check" in run["title"])
    (undone,) = each(vm, [("undo", run, "--yes", "--json")])
    assert (undone.status, undone.json["ok"]) == (0, True), undone
    assert UNITS[1] not in timers(vm)
    assert vm.run("ls", "/etc/systemd/system").stdout.count("opskit-check") == 0
