"""The journal: what fills it, what a vacuum will delete before it does, what is wrong in it, a limit that lasts.

Where a change belongs:

  facts                     model.py; names.py: which names are journals'; header.py; files.py: one directory;
                            scope.py: which directories; version.py: in what systemd's releases differ
  what a vacuum deletes     vacuum.py, systemd's rules as a pure function
  what a person sees        cli.py: the commands; show.py

The prediction is proved against journalctl itself: tests/cli/test_journal_as_journalctl.py.
"""
