"""Deleting what was marked in `opskit du --browse`: seen, decided on and carried out as everything that changes a host.

model.py   the facts: what is to be deleted, what it holds, and what stands against it
see.py     looks at the trees; needs.py at who needs them: mounts, processes, packages, systemd, fstab
plan.py    decides: how much it frees, and every refusal
steps.py   deletes, by the descriptors of directories, and follows no link
"""
