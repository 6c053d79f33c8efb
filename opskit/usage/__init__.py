"""What fills a disk: `opskit du` and `opskit df`. Both only look.

Where a change belongs:

  du: what is asked and found    model.py; spans.py: sizes and spans of time as they are typed
  du: reading a directory        readers.py: names, and their attributes by statx or os.stat; directory.py: opening it
  du: what counts where          count.py, GNU du's rules; details.py: with excludes, ages, groups, single files
  du: several processes          walk.py: the walker, the workers, and their protocol; processors.py: how many
  du: several roots              scan.py: walks put together
  du: scans that are kept        saved.py: the file; kept.py: where; changes.py: what changed between two
  df: seeing                     filesystems.py: mounts and their figures; deleted.py: deleted but open files;
                                 why_facts.py: what --why counts, with hidden.py, own.py and places.py
  df: deciding                   df_findings.py, deleted_remedies.py, why.py
  what a person sees             du_cli.py, kept_cli.py and df_cli.py: the commands; show_*.py

The exactness of du is proved against GNU du: tests/cli/test_du_as_gnu.py, tests/host/test_du.py.
"""
