"""Look at the host: what all areas report, and what a timer of opskit check meets."""
