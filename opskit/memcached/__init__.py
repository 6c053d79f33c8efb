"""memcached: what its options mean in each release, a line checked, an instance started, watched and stopped.

Where a change belongs:

  what is known of a host     model.py; see/: host.py (the memcached here, limits, users), proc.py (/proc), client.py
  a line                      line/: flags, explain, lint
    an option, a release      table.py, the one table, with those of -o; release.py: in which release what changed
    reading a line            parse.py, once: words, as getopt(3) does, and values; numbers.py, as C does; listen.py: -l
    what comes of a line      effect.py, in the order of main() in memcached.c: settings and listeners, or a status
    findings about a line     lint.py; lint_values.py, lint_listen.py, lint_host.py; edit.py: it corrected
    where a line is from      see.py reads sysconfig files, units, processes; sources.py takes their text apart
  start and stop              instance/: request.py (the line that is built), plan.py, steps.py
  start and stop by systemd   unit/: design.py (its files), plan.py, steps.py; cli.py: how --unit is typed
  status                      status/: see.py asks all (psutil, pymemcache), findings.py
  status and check            status/report.py; thresholds.py: from when on its figures are findings
  steps in the ledger         steps.py: KINDS
  what a person sees          cli.py: which room has a command; the cli.py and show.py of each room

What effect.py claims of the installed release is compared with it: tests/host/memcached/test_agrees.py. What five
others did is in tests/golden/memcached/real.txt.
"""
