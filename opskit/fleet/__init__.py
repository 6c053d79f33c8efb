"""`opskit fleet`: a command of opskit on many hosts, carried there by Ansible; no transport of opskit's own.

ansible-playbook is started, never imported: it runs the collection `opskit.host` (collection/), whose callback `record`
writes what happens into the folder of the run, an event a line. All that is known of a run follows from those lines.

| a change of | belongs in |
|---|---|
| the plan file, a run, the state of a host; from events to states; the exit code | model.py |
| the playbook, the words and the environment of ansible-playbook | playbook.py |
| ansible-playbook started, heard and stopped; the state of a run on disk | drive/ |
| the commands and their options; what is typed behind `--` | cli/ |
| what is recorded of a host while it goes | collection/…/plugins/callback/record.py |
| which hosts are told together, the worst first, what there is to do | groups.py |
| the screens: a plan, progress, how a run ended, a check, answers; any answer as lines | show.py, value.py |
| `fleet report --html`; `fleet check --format prometheus` | report.py, metrics.py |
"""
