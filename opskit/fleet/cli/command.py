"""The group `opskit fleet`."""

from __future__ import annotations

from opskit.commands import new_app
from opskit.fleet.cli import apply, look, past, plan

app = new_app(
    """Example: opskit fleet plan -i hosts.ini -l web -- disk mount /dev/vdb /data > plan.json

The same command on many hosts, by Ansible: its inventories, its ways in, its passwords. What changes hosts is planned
first; plan.json is what a person approves, and apply carries out that plan on each host, or refuses there."""
)
for part in (plan, apply, past, look):
    part.register(app)
