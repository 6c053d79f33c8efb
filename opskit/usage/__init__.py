"""What fills a disk: `opskit du` and `opskit df`."""
