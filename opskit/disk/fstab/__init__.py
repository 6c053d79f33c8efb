"""fstab: text.py its bytes, sources.py what an entry means on this host, check.py, plan.py, steps.py, cli.py."""
