"""`opskit service` and `check` with podman on a booted host: memory, pause, health, restarts."""

from __future__ import annotations

from host.service.engine import SCRIPT
from tiers import Agree
from vm.guest import each
from vmlab.machine import Machine

# It takes memory until the kernel ends it.
EATER = "x = [bytearray(1 << 20) for _ in range(4000)]"
RUN = "podman run -d --network none -v /usr:/usr:ro"
PREVENTED = "[ -e /run/prevented ] && exit 9; touch /run/prevented; exit 1"
# A unit that starts again and again, and one that its own exit status keeps from that.
UNITS = {
    "flaps": "Restart=always\nRestartSec=100ms\nExecStart=/bin/false\n[Unit]\nStartLimitIntervalSec=0",
    "prevented": f"Restart=on-failure\nRestartSec=50ms\nRestartPreventExitStatus=9\nExecStart=/bin/sh -c '{PREVENTED}'",
}
MAKE = f"""
cd /root
mkdir -p tree/usr tree/run tree/var tree/tmp tree/proc tree/sys tree/dev tree/etc/init.d tree/opt
for name in bin sbin lib lib64; do ln -s usr/$name tree/$name; done
ln -s /run tree/var/run
cat > tree/etc/init.d/worker
printf '%s\\n' '#!/usr/bin/python3' '{EATER}' > tree/opt/workerd
chmod 755 tree/etc/init.d/worker tree/opt/workerd
tar -C tree -cf - . | podman import -q - worker
{RUN} --name eater --memory 48m --memory-swap 48m worker python3 -c '{EATER}'
{RUN} --name room --memory 64m --memory-swap 64m worker sleep 6000
{RUN} --name held worker sleep 6000
{RUN} --name ill --health-cmd 'echo no answer; exit 1' --health-retries 1 --health-interval disable worker sleep 6000
{RUN} --name flapping --restart on-failure:2 worker false
{RUN} --name ended worker sleep 6000
podman exec room /etc/init.d/worker start
podman pause held
podman healthcheck run ill || :
podman stop -t 0 ended
podman wait eater
until [ "$(podman inspect -f '{{{{.State.Status}}}}{{{{.RestartCount}}}}' flapping)" = exited2 ]; do sleep 0.5; done
until podman exec room grep -q Z /proc/$(podman exec room cat /run/worker.pid)/stat; do sleep 0.5; done
"""
STATES = {"eater": "failed", "room": "running", "held": "not-answering", "ill": "not-answering", "flapping": "failed",
          "ended": "stopped"}  # fmt: skip
# The first finding of `why`, and a part of its title.
CAUSES = {
    ("eater",): ("out-of-memory", "memory ran out"),
    ("worker", "--container", "room"): ("out-of-memory", "killed a process of worker"),
    ("held",): ("ended", "somebody has paused container held"),
    ("worker", "--container", "held"): ("ended", "somebody has paused container held"),
    ("ill",): ("health-check", "the health check of container ill fails"),
    ("flapping",): ("ended", "exit status 1"),
    ("ended",): ("ended", "exit status 137"),
    ("prevented",): ("ended", "exit status 9"),
}
ENSURED = {("ended",): 0, ("held",): 5, ("eater",): 8, ("flapping",): 8}


def test_containers_with_control_groups(vm: Machine, agree: Agree) -> None:
    vm.run("timeout", "1600", "sh", "-euc", MAKE, stdin=SCRIPT.replace("/bin/workerd", "/opt/workerd"), timeout=1700)
    for name, text in UNITS.items():
        vm.run("tee", f"/etc/systemd/system/{name}.service", stdin=f"[Service]\n{text}\n")
    wait = "until systemctl show -p {0} {1} | grep -Eqx '{0}={2}'; do sleep 0.1; done"
    waits = [wait.format("NRestarts", "flaps", "[3-9]|[1-9]."), wait.format("SubState", "prevented", "failed")]
    vm.run("sh", "-euc", "systemctl daemon-reload; systemctl start --no-block flaps prevented; " + "; ".join(waits))
    status, inside, check, *answers = each(
        vm,
        [
            ("service", "status", "--json", *STATES),
            ("service", "status", "--json", "worker", "--container", "room"),
            ("check", "service", "--json"),
            *(("service", "why", "--json", *words) for words in CAUSES),
            *(("service", "ensure", "--yes", "--json", "--for", "1s", *words) for words in ENSURED),
        ],
    )
    seen = {service["name"]: service["state"] for service in status.json["result"]["services"]}
    assert seen == STATES
    agree("states of podman's containers", len(seen), len(STATES))
    services = {service["name"]: service for service in status.json["result"]["services"]}
    assert services["flapping"]["restarts"] == 2
    assert services["ill"]["memory_bytes"]
    (worker,) = inside.json["result"]["services"]
    assert (worker["state"], "zombie" in inside.ids) == ("dead-pid-file", True)
    told = {(finding["id"], finding["title"]) for finding in check.json["findings"]}
    assert {("not-running", "eater is failed"), ("not-answering", "held is running, but not answering")} <= told
    assert ("not-answering", "ill is running, but not answering") in told
    assert [title for kind, title in told if kind == "restarts" and title.startswith("flaps.service was started again")]
    causes, ensured = answers[: len(CAUSES)], answers[len(CAUSES) :]
    found = {words: answer.json["findings"][0] for words, answer in zip(CAUSES, causes)}
    wrong = {words: each for words, each in found.items()
             if each["id"] != CAUSES[words][0] or CAUSES[words][1] not in each["title"]}  # fmt: skip
    assert not wrong
    agree("causes of podman's containers", len(found), len(CAUSES))
    assert "start-limit" not in causes[-1].ids
    assert {words: answer.status for words, answer in zip(ENSURED, ensured)} == ENSURED
    assert "memory ran out" in ensured[2].json["error"]["why"]
