"""The virtual-machine lab: a small host like a cloud instance, to be booted, driven and broken on purpose.

image.py    what the machine boots from: Debian's packages, and opskit installed from the wheel of this checkout
accel.py    whether KVM can be used: by a trial
disk.py     one disk: its file, how QEMU shows it to the guest, a write cache that a power cut loses
booted.py   a machine that has booted, as a snapshot to start from
many.py     runs in the guest: what commands of opskit are forked from; tests/host use it, too
machine.py  one running machine, and what a cloud console does, over QMP
ssh.py      the way into it
cli.py      scripts/vm

Standard library and qemu.qmp only. Nothing here is part of what opskit installs.
"""
