"""What a vacuum does: copies.py before it, journalctl.py: rotating, deleting, comparing."""
