"""`opskit doctor`: what this host has of what opskit needs; a bug report begins with it.

| module | what is in it |
|---|---|
| needs.py | the programs that commands start: a table |
| see.py | looks: this opskit, the host, the privileges, the state directory, the configuration, the programs |
| model.py | what was seen |
| diagnosis.py | decides: the findings |
| findings.py | the registry of finding ids; findings_zh.py in Chinese |
| cli.py, show.py | the command, and what it draws |
"""
