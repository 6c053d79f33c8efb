"""The journal: what fills it, what a vacuum will delete before it does, what is damaged, a limit that lasts.

Where a change belongs:

  files/      journal files as they are: model.py; names.py: which names are journals'; header.py: what is at the
              beginning of a file; layout.py: its objects; see/: directories.py: which there are, and what is in them;
              entries.py: entries newer than a moment; objects.py, salvage.py, compressed.py: a file object by object,
              and all that can be read of a damaged one; verify: verify.py, see/verify.py, show.py
  releases.py in what the releases of systemd differ, all of it
  vacuum/     rules.py: what journalctl deletes, as a pure function; see.py, plan.py, notes.py, steps.py, show.py
  retain/     conf.py: journald.conf and its drop-ins; bounds.py: the limits that follow; see.py, plan.py, steps.py
  usage/      what the journal takes, and the limits in force: see.py, findings.py, show.py
  errors/     query.py, moments.py: what journalctl is asked for; see/: entries.py reads them, careful.py sees to it
              that none is passed over, by what index.py has, catalog.py; select.py: which entries of a damaged
              file; export.py: the format, parsed as it comes; mask.py: what is alike; traces.py;
              rules.py: a rule, and what all that it fits has;
              groups.py; incidents.py: what is behind: core dumps, failed units, lost messages; kernel.py: the same of
              the kernel's messages; failures.py, see/failures.py: why a unit failed, its last lines;
              findings.py, show.py, cli.py
  cli.py      every other command; see.py: what each asks of the host
  steps.py    the steps by their kinds, for an undo
  thresholds.py  from when on what the journal tells is a finding of check

The exactness is proved against journalctl: tests/cli/journal/test_vacuum_as_journalctl.py (files, on generated
directories), tests/host/journal/test_scope.py (directories), tests/cli/journal/test_entries.py; spans
against systemd-analyze: tests/cli/core/test_units_as_systemd.py; journald's part on a booted host: tests/vm/journal.
"""
