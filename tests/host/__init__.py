"""A package, so that its modules may have the names of others: host.test_mount, unit's test_mount."""
