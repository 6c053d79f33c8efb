"""What every area stands on: standard library only, knows no area and no screen.

plan, execute, ledger, lock            a plan and its steps, carrying it out, its record, one opskit at a time
ledger_lines, ledger_runs              a line of the ledger and its checksum; the runs, and what damage leaves unknown
ledger_index                           where the runs about a disk are, in a ledger of any size
preconditions, checks                  what has to hold before a run can begin; before the script of a dry run does
runner, command, child, reach          the one place that starts programs; what may hang is asked in a child
errors, finding, envelope, jsonable    what a person and --json are told
record                                 frozen dataclasses that are not compiled whenever a command starts
units                                  spans of time and sizes: typed and printed
systemd, kernel, mountinfo, procfs     what systemd and the kernel tell
sockets                                who listens where
exit_status                            what an exit status or a signal means, and what systemd's Result= of a unit
unit_files                             the files that make up a unit or a configuration of systemd, in its order
textfile, files                        a text file replaced atomically, and taken back
config, log, log_config, log_handlers  the config files and the log; apart, for most commands need none of them
packages, caller, text                 the package of a tool; who runs opskit; text that is safe to show
trust                                  who else could change what root goes by
"""
