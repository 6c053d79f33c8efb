"""Who listens, by tables as /proc/net has them."""

from __future__ import annotations

from pathlib import Path

from opskit.core.sockets import ListeningSocket, listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = "   {}: 0100007F:2BCB 00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1 0\n"


def test_a_socket_that_the_kernel_shows_twice_is_one(tmp_path: Path) -> None:
    """As while others begin to listen: the table is read in pieces."""
    table = HEAD + LINE.format(0, "0A", 4711) + LINE.format(1, "01", 4712) + LINE.format(2, "0A", 4711)
    (tmp_path / "tcp").write_text(table)
    assert listening(net=str(tmp_path)) == [ListeningSocket("tcp", "0100007F", 11211, "4711")]
