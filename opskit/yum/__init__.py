"""Who holds the lock of yum, dnf, PackageKit or rpm."""
