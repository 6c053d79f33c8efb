"""`opskit status` and `opskit check`: what all areas report, on one screen or for a machine.

What an area reports is its own: its `report.py` decides, and a line in opskit/areas.py (LOOKS) names the module whose
`check` looks. Here:

| a change of | belongs in |
|---|---|
| who is asked at the same time, and what becomes of who does not answer | see/looks.py |
| thresholds and ignore lists of a config file | settings.py |
| the order of findings, which are ignored, the exit code | conclusion.py |
| the line for Nagios, the file for Prometheus | nagios.py, prometheus.py |
| the screen | show.py |
| the timer of `check --install-timer`: what is there, its files, its steps | see/timer.py, timer.py, steps.py |
| options | cli.py |
"""
