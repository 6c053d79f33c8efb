"""A tree on the whole screen, to walk in, to sort, to search and to mark in: what `opskit du --browse` shows.

  tree.py      the tree that is shown
  browser.py   what is shown of it, and what each key does: no terminal
  terminal.py  curses: keys in, lines out; the only place that knows of it

curses comes with Python (on EL9 in python3-libs), starts within milliseconds and draws only what changed; a library
of its own for full screens would be a dependency that no release of the EL family has.
"""
