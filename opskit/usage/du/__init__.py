"""`opskit du`: what fills a disk."""
