"""opskit: chores on CentOS and RHEL-family cloud hosts, as commands that explain themselves."""

__version__ = "0.2.0"
