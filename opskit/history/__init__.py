"""The area history: what opskit did on this host, and taking it back.

history, show, prune, undo      cli.py
how a run stands now            outcome.py: taken back or finished by a later run
what is left of a run           see.py looks at the host; model.py has what it sees
what killed runs have left      see.py
the plan of an undo             plan.py; steps.py has its step
which runs a prune takes out    prune.py; steps.py has its step
what its findings mean          findings.py; thresholds.py: from when on check tells of runs that wait
"""
