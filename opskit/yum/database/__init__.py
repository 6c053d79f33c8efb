"""rpm's database in Berkeley DB (EL7, EL8) that a killed process left unusable: seen, and rebuilt by `yum unlock`."""
