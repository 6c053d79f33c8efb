"""The commands of `opskit fleet`.

| command | file |
|---|---|
| plan, show | plan.py |
| apply, resume, undo | apply.py |
| status, report | past.py |
| hosts asked, and what came of it | asking.py |
| run, check | look.py |
| how the hosts are named and reached, for all of them | hosts.py |
| what is typed behind `--` | words.py |
"""
