"""`opskit journal retain`: a limit that lasts, in a drop-in for journald.conf."""
