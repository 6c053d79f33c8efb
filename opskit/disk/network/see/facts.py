"""All that a decision on a share stands on: the host, the server, the credentials file. Changes nothing."""

from __future__ import annotations

from dataclasses import replace

from opskit.core.kernel import kernel_release
from opskit.core.runner import Runner
from opskit.disk.network.model import ShareFacts
from opskit.disk.network.request import ShareRequest
from opskit.disk.network.see.credentials import read_credentials
from opskit.disk.network.see.server import ask_server
from opskit.disk.see.facts import CLIENTS, FSTAB, load, on_path, see


def see_share(runner: Runner, request: ShareRequest, *, fstab: str = FSTAB) -> ShareFacts:
    """The facts for a share. Its server is not asked where it is in service."""
    host = see(runner, fstab=fstab, paths=[request.target])
    host = replace(host, tools={**host.tools, **{tool: "1" for tool in CLIENTS if on_path(tool)}})
    in_service = request.share.is_mount(host.mount_on(request.target))
    return ShareFacts(
        host=host,
        server=None if in_service else ask_server(request),
        credentials=read_credentials(request.credentials) if request.credentials else None,
        kernel=kernel_release(),
    )


def load_share(path: str) -> ShareFacts:
    """The facts that `opskit disk facts` saved; they know nothing of a server. Raises as load does."""
    return ShareFacts(load(path))
