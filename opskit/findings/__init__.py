"""The command `opskit findings`: cli.py. What it prints stands in the findings.py of each area."""
