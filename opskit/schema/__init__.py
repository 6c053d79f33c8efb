"""The area schema: JSON Schema of what the commands answer with --json, and of saved facts.

opskit schema                   cli.py
a type as JSON Schema           types.py: the same mapping as core/jsonable.py
the envelope of a command       envelope.py
what a command answers          results.py of its area; for every command core/results.py
"""
