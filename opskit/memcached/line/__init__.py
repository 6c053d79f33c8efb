"""A line of memcached: what its options mean in each release, a line explained, checked and corrected."""
