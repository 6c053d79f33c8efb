"""What fills a disk: `opskit du` and `opskit df`. Both only look.

Where a change belongs:

  du/  the command, what a person sees    cli.py, kept_cli.py; show.py, show_changes.py
       what is asked and counted          model.py; spans.py: sizes and spans of time as they are typed
       reading a directory                see/readers.py: names, and their attributes; see/directory.py: opening it
       what counts where                  see/count.py, GNU du's rules; see/details.py: excludes, ages, groups, files
       several processes                  see/walk.py: the walker, the workers, their protocol; see/processors.py
       several roots                      see/scan.py: walks put together
       scans that are kept                saved.py: the file; see/kept.py: where; changes.py: what changed between two
  df/  the command, what a person sees    cli.py; show/, a file for each question
       seeing                             see/filesystems.py: mounts and their figures; see/deleted.py: deleted but
                                          open files; see/why.py: what --why counts, with hidden.py, own.py, places.py
       deciding                           findings.py, deleted.py (what frees them), why.py
  mounts.py                               what kind of mount something is on

The exactness of du is proved against GNU du: tests/cli/test_du_as_gnu.py, tests/host/test_du.py.
"""
