"""The journal: what fills it, what a vacuum will delete before it does, what is damaged, a limit that lasts.

Where a change belongs:

  files as they are         model.py; names.py: which names are journals'; header.py, entries.py: what is in a file;
                            files.py: one directory; scope.py: which directories; version.py: in what releases differ
  what a vacuum deletes     vacuum.py: systemd's rules as a pure function
  opskit journal vacuum     facts.py: seeing; vacuum_plan.py, vacuum_notes.py: deciding; vacuum_steps.py: rotating,
                            copying (copying.py), running journalctl and comparing; spans.py: what is typed
  opskit journal retain     retain_facts.py, retain_plan.py, retain_steps.py; conf.py: journald.conf and its drop-ins;
                            bounds.py: the limits that follow from them
  opskit journal usage      usage.py
  opskit journal verify     verify.py
  errors: reading           errors_read.py: the journalctl that is started; errors_export.py: its output, parsed as it
                            comes; errors_unjudged.py: entries without PRIORITY, by the files' indexes
  errors: what is alike     errors_mask.py, a pure function of the text; errors_groups.py: the groups, within bounds
  errors: what is behind    errors_trouble.py: OOM kills, core dumps, disks, failed units, lost messages;
                            errors_units.py: what systemctl says is failed now; errors_catalog.py: systemd's catalogue
  errors: told              errors_findings.py, errors_cli.py, show_errors.py; show_follow.py: --follow
  what a person sees        cli.py: the commands; show.py, show_vacuum.py; times.py

The exactness is proved against journalctl: tests/cli/test_journal_as_journalctl.py (files, on generated directories),
tests/host/test_journal_scope.py (directories), tests/cli/test_journal_entries.py and test_journal_spans_as_systemd.py;
journald's part on a booted host: tests/vm/test_journal.py.
"""
