"""What systemd's catalogue says of a message, and an entry once more with all of its fields.

`journalctl --dump-catalog ID…` it is, of the compiled catalogue: it has taken ids and printed the same form since
before 219, all ids in one call. `journalctl -x` puts its explanation between the lines of a message, marked otherwise
in every release and locale, and -o export leaves it out; the sources (/usr/lib/systemd/catalog) lack what other
packages add below /etc and need systemd's rules of which file wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from opskit.core.command import Command
from opskit.core.errors import OpskitError
from opskit.core.runner import Runner, StreamingRunner
from opskit.journal.errors.export import ExportParser, fields_of
from opskit.journal.files.model import Scope

_ID = re.compile(r"[0-9a-f]{32}")
_BEGIN = re.compile(r"^-- ([0-9a-f]{32})$", re.MULTILINE)
_FIELD = re.compile(r"@([A-Z0-9_]+)@")
# Lines of the head that are told; Support is a URL of the distribution's.
_HEAD_FIELDS = ("Subject", "Documentation")


def catalog_texts(runner: Runner, ids: Iterable[str]) -> dict[str, str]:
    """MESSAGE_ID → what the catalogue has of it, its `@FIELD@` still in it. What it does not have is left out.

    journalctl ends with 1 when it does not know one of the ids, and tells of the others.
    """
    known_ids = sorted({message_id for message_id in ids if _ID.fullmatch(message_id)})
    if not known_ids:
        return {}
    command = Command(("journalctl", "--no-pager", "--dump-catalog", *known_ids), mutates=False, accept=(0, 1))
    try:
        dump = runner.run(command).stdout
    except OpskitError:
        return {}  # no catalogue, no explanations: the messages stand for themselves
    return parse_catalog(dump)


def parse_catalog(dump: str) -> dict[str, str]:
    """The output of --dump-catalog: each entry as its subject and its text."""
    parts = _BEGIN.split(dump)[1:]
    texts = {}
    for name, text in zip(parts[::2], parts[1::2]):
        head, _, body = text.strip("\n").partition("\n\n")
        lines = [line.partition(":") for line in head.splitlines()]
        head_fields = {key: value.strip() for key, _, value in lines if key in _HEAD_FIELDS}
        more = [head_fields.get("Subject", ""), body.strip()]
        more += [f"See {head_fields['Documentation']}"] if "Documentation" in head_fields else []
        texts[name] = "\n".join(part for part in more if part)
    return texts


def fill(text: str, fields: dict[str, str]) -> str:
    """The text with `@FIELD@` as in this entry; what the entry does not have stays (catalog.c, replace_var)."""
    return _FIELD.sub(lambda match: fields.get(match[1], match[0]), text)


def needs_fields(text: str) -> bool:
    """Whether the text has a place for something of the entry."""
    return bool(_FIELD.search(text))


def read_entry(runner: StreamingRunner, scope: Scope, cursor: str) -> dict[str, str]:
    """All fields of the entry at this cursor; none when it is gone by now."""
    words = (
        "journalctl",
        "--quiet",
        "--no-pager",
        "--output=export",
        *scope.options,
        f"--cursor={cursor}",
        "--lines=1",
    )
    parser = ExportParser(every=True)
    try:
        with runner.stream(Command(words, mutates=False)) as stream:
            while data := stream.read():
                for entry in parser.feed(data):
                    if entry[0].decode("ascii", "replace") == cursor:
                        return fields_of(entry)
    except OpskitError:
        pass
    return {}
