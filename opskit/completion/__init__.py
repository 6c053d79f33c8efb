"""Completion scripts for bash, zsh and fish, and the manual pages: all written from the tree of commands."""
