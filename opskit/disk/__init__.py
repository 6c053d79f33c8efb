"""Disks: put a raw data disk into service, take it out again, grow it, and keep fstab right.

Where a change belongs:

  what is known of a host        model.py (types); facts.py (see) with sysfs, loops, udev, mounts, probe, superblock,
                                 paths
  a reason against               guard.py: the disk · target.py: the mount point · fstab_plan.py: fstab · mkfs.py: the
                                 filesystem asked for · mount_request.py: the request
  what `mount` decides           plan.py; of it: raw_plan.py what is made on a disk, entry_plan.py the fstab entry
  what the others decide         umount_plan.py, grow_plan.py, fstab_plan.py, fstab_check.py
  a step                         steps.py makes (and has KINDS, by which the ledger finds every step again),
                                 mount_steps.py, grow_steps.py, fstab_steps.py, fstab_backup.py; remove_table.py
  what a tool can do             tools.py, by its version; selinux.py: restorecon, which each step runs that has relabel
  a disk that fails              failing.py: what is said when a tool could not write to one
  what a person sees             cli.py and fstab_cli.py: the commands; show.py: list and show; verdict.py: the verdict

The road of a command: cli.py → act.py (see, decide, ask, lock, see and decide again) → core/execute.py → the steps →
core/runner.py. In `plan.py` fstab comes before the mount, so that systemd, which reads it again, has the unit by then.
"""
