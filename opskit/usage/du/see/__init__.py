"""Reading a tree, and scans that were kept."""
