"""Every option of `disk mount` that has a say in what is made or mounted: none of them gets past a guard."""

MOUNT_FLAGS = (
    ("--fstype", "ext4"),
    ("--fstype", "xfs"),
    ("--label", "data"),
    ("--table", "gpt"),
    ("--table", "dos"),
    ("--whole-disk",),
    ("--mount-options", "ro"),
    ("--no-fstab",),
    ("--reserved", "0"),
    ("--no-discard",),
    ("--lazy-init",),
    ("--no-lazy-init",),
)
