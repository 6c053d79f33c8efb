"""Disks: put a raw data disk into service, take it out again, grow it, and keep fstab right."""
