"""Disks: put a raw data disk into service, take it out again, grow it, and keep fstab right.

Where a change belongs:

  what is known of a host        model.py: the types · see/: facts.py fills them, with sysfs, udev, mounts, probe
                                 (blkid, wipefs, the bytes), superblock, paths, files, busy · layout.py: arithmetic
  a reason against               guard.py: the disk · mount/request.py: the request and the mount point ·
                                 mount/mkfs.py: the filesystem asked for · fstab/plan.py: fstab
  `mount` and `umount`           mount/: plan.py, of it raw_plan.py what is made on a disk · umount_plan.py · steps/
  `grow`                         grow/: request.py, plan.py, parts.py what each growth is made of, steps.py
                                 lvm/: a logical volume, with all that is below it
  what a device is called        naming.py, and which line makes it larger: LVM, RAID, encryption
  a share of the network         network/: `mount` and `umount` of HOST:/EXPORT and //HOST/SHARE; see its table
  `swap`                         swap/: model.py, see.py, plan.py, steps.py, cli.py
  what stops a script            script_checks.py: of mount, umount and grow; the steps' own: Step.checks
  `fstab`, and every entry       fstab/: text.py the bytes, as mount reads them, boot.py as systemd does, sources.py
                                 what an entry means on this host, check.py the findings, form.py those of one line,
                                 options.py misspelt options, plan.py, steps.py (of it BackupFstab), cli.py the
                                 commands; the file is replaced by
                                 core/textfile.py, and its backups are listed by see/files.py
  what several steps run         selinux.py: restorecon · mount/steps/tried.py: what works on a disk; why it failed:
                                 causes.py, from the words of the kernel, which see/kernel_log.py reads
  a step of an old ledger        steps.py: KINDS has every step by its kind
  what a person sees             cli.py: the commands; show.py: list and show; verdict.py: the verdict

The road of a command: cli.py → act.py (see, decide, ask, lock, see and decide again) → core/execute.py → the steps →
core/runner.py. In `mount` fstab comes before the mount, so that systemd, which reads it again, has the unit by then.
"""
