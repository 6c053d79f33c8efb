"""`opskit df`: what fills the filesystems."""
