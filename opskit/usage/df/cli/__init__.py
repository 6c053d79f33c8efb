"""`opskit df`: command.py; its options: options.py."""
