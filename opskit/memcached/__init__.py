"""memcached: what its options mean in each release, a line checked, an instance started, watched and stopped."""
