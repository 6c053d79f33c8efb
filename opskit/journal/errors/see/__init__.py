"""Reading what `opskit journal errors` tells of, by journalctl, systemctl and the files themselves."""
