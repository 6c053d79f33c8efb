"""A process that has a Berkeley DB open as rpm has: python berkeley_process.py FOLDER WHAT. It imports nothing of ours.

WHAT: rest, read (a read lock), write (a write cursor that has written), library (in a call: it kills itself), each
until the standard input ends; failchk prints what that says.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

LIBRARY = "libdb-5.3.so"
# Offsets in DB_ENV, DB and DBC of db.h 5.3 on a 64-bit host, and flags.
ENV_OPEN, ENV_CLOSE, ENV_THREADS, ENV_IS_ALIVE, ENV_FAILCHK = 1328, 488, 1960, 1744, 536
DB_OPEN, DB_CLOSE, DB_CURSOR, DB_PUT, DB_SET_HASH, CURSOR_PUT = 1008, 568, 584, 1024, 1184, 416
CREATE, CDB, MPOOL, HASH, WRITE_CURSOR, KEY_FIRST = 0x1, 0x80, 0x400, 2, 0x10, 0xD


class Datum(ctypes.Structure):
    """DBT: 40 bytes, of which these are used."""

    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_uint32), ("rest", ctypes.c_char * 28)]


def main(folder: str, what: str) -> None:
    """Open the database at folder, and do that."""
    library = ctypes.CDLL(LIBRARY)
    environment, database, cursor = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()

    def call(thing: ctypes.c_void_p, offset: int, *words: object) -> int:
        address = ctypes.c_void_p.from_address((thing.value or 0) + offset).value
        return int(ctypes.CFUNCTYPE(ctypes.c_int)(address or 0)(thing, *words))

    is_alive = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)(
        lambda _env, pid, _thread, _flags: os.path.exists(f"/proc/{pid}")
    )
    dies = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)(
        lambda _db, _data, _size: print("ready", flush=True) or os.kill(os.getpid(), signal.SIGKILL) or 0
    )
    library.db_env_create(ctypes.byref(environment), 0)
    call(environment, ENV_THREADS, 8)
    call(environment, ENV_IS_ALIVE, is_alive)
    call(environment, ENV_OPEN, folder.encode(), CREATE | CDB | MPOOL, 0o644)
    if what == "failchk":
        print(call(environment, ENV_FAILCHK, 0))
        return
    library.db_create(ctypes.byref(database), environment, 0)
    name = b"other" if what == "library" else b"Packages"
    if what == "library":
        call(database, DB_SET_HASH, dies)
    call(database, DB_OPEN, None, name, None, HASH, CREATE, 0o644)
    key, value = Datum(b"abcd", 4), Datum(b"value", 5)
    if what == "library":
        call(database, DB_PUT, None, ctypes.byref(key), ctypes.byref(value), 0)
    elif what in {"read", "write"}:
        call(database, DB_CURSOR, None, ctypes.byref(cursor), WRITE_CURSOR if what == "write" else 0)
        if what == "write":
            call(cursor, CURSOR_PUT, ctypes.byref(key), ctypes.byref(value), KEY_FIRST)
    print("ready", flush=True)
    sys.stdin.read()
    call(database, DB_CLOSE, 0)
    call(environment, ENV_CLOSE, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
