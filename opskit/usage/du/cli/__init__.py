"""`opskit du`: command.py; its options: options.py; counting: count.py; scans that are kept: saved.py."""
