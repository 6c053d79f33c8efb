"""Drives the hosts: starts ansible-playbook, hears what it writes, keeps the state of a run on disk.

It changes nothing of this host but that state (or a temporary folder, for what only looks).
"""
