"""Grow the last partition and its filesystem: plan.py decides, steps.py acts."""
