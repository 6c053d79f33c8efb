"""memcached: what its options mean in each release, a line checked, an instance started, watched and stopped.

Where a change belongs:

  an option, a release           table.py and suboptions.py, the one table; release.py: in which release what changed
  reading words                  getopt.py, as getopt(3) does; numbers.py, as C does; listen.py: what -l means
  what comes of a line           effect.py, in the order of main() in memcached.c: settings and listeners, or a status
  findings about a line          lint.py; lint_values.py, lint_listen.py, lint_host.py; line.py: it corrected
  where a line is from           sources.py: sysconfig file, unit, process
  seeing the host                facts.py; proc.py: /proc, without psutil
  starting and stopping          plan.py, steps.py; verify.py: as it was asked for?; waiting.py
  by systemd                     unit_plan.py, unit_steps.py
  asking                         client.py (pymemcache); instances.py: all (psutil); status.py: findings, figures
  what a person sees             lines_cli.py, start_cli.py, status_cli.py; explain.py, show.py, show_status.py

What effect.py claims of the installed release is compared with it: tests/host/test_memcached_agrees.py.
"""
