"""The fleet lab: hosts for a fleet to be tried on, each a handful of namespaces and an sshd, killed on purpose.

layer.py     Debian's sshd and sudo, unpacked for the hosts and not installed on this machine
disks.py     loop devices, and how a host sees the one that is its own
inside.py    what a host is from within: its mounts, its files, its first process
users.py     who can log in, and with which keys
keeper.py    the process that has the hosts as its children; it ends them, and is told by a socket what to do
lab.py       that process from outside: the hosts, their inventory, commands on them
cli.py       scripts/fleet-lab

Standard library only. Nothing here is part of what opskit installs.
"""
