"""Is a service really running, whatever its init script says: `opskit service`.

Where a change belongs:

  what is seen, as types         model.py
  seeing                         see/: processes.py, /proc; unit.py, systemctl and journalctl; files.py, an init script
                                 and its pid files, of the host or below the root of a container; containers.py,
                                 podman and docker; supervisor.py, supervisord, whose answers xmlrpc.py reads;
                                 facts.py, all of these together;
                                 celery.py, what its workers answer
  deciding                       script.py, what an init script names; judge.py, the state and its evidence: units.py,
                                 containers.py, scripts.py and supervisor.py for each kind; findings.py
  `service status`               cli.py, show.py; celery.py, --celery
  `service why`                  see/around.py and see/kernel.py, what is looked at beside it; lines.py, what its log
                                 names; causes.py, the decision; keeping.py, what would keep it running
  `service ensure`               ensure.py, the decision; steps.py, the start and what is watched; cli.py;
                                 policy.py, the drop-in of --restart-policy
  status and check               see/check.py, report.py; thresholds.py: from when on it is told
  a step that an old run had     steps.py: KINDS

Never: a signal of our own, a second try, a pid file removed, the exit status of an engine
taken for that of an init script.
"""
