"""Completion scripts for bash, zsh and fish, and the manual page: all written from the tree of commands."""
