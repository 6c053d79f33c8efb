"""What fills a disk: `opskit du` and `opskit df`. Both only look, but for what is deleted in `opskit du --browse`.

Where a change belongs:

  du/  the command, what a person sees    cli/: command.py, options.py, saved.py (--save, --diff); show.py
       what is asked and counted          model.py
       the globs of --exclude-from        see/patterns.py
       reading a directory                see/readers.py: names, and their attributes; see/directory.py: opening it
       what counts where                  see/count.py, GNU du's rules; see/details.py: excludes, ages, groups, files
       several processes                  see/walk.py: the walker, the workers and their protocol
       several roots                      see/scan.py: walks put together
       scans that are kept                saved.py: the file; see/kept.py: finding one; steps.py: writing one;
                                          changes.py: what changed between two; growth.py, see/check.py: for status;
                                          ncdu.py: ncdu's format
       --browse                           browse/cli.py; the screen and its keys: ui/browse; deleting: delete/, with
                                          model.py, plan.py, see/ (trees, processes, who else needs it), steps.py
  df/  the command, what a person sees    cli/: command.py, options.py; show/, a file for each question
       the figures                        model.py; see/filesystems.py
       what is wrong                      findings.py (the ids of du and df: usage/findings.py)
       --deleted                          deleted.py: what frees a file; see/deleted.py: whose it is; see/held.py: those
                                          that the kernel holds
       overlays                           see/beneath.py: the filesystem that their files take space on
       --why                              why.py: the sum; see/why.py, with see/hidden.py, own.py and places.py
  steps.py                                KINDS: the steps of the area
  mounts.py                               what kind of mount something is on
  thresholds.py                           from when on a filesystem is a finding of check

The exactness of du is proved against GNU du: tests/cli/usage/test_du_as_gnu.py, tests/host/usage/test_du*.py.
"""
