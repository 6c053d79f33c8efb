"""Payloads of data objects, compressed as journald compresses them."""

from __future__ import annotations

import ctypes
import lzma
import struct
from typing import Callable

import pytest

from opskit.journal.files.layout import LZ4, XZ, ZSTD
from opskit.journal.files.see.compressed import PAYLOAD_MOST, decompress

TEXT = b"MESSAGE=" + b"".join(b"line %d of a long message\n" % number for number in range(200))


def xz(text: bytes) -> bytes:
    """Without a checksum, as compress_blob_xz (compress.c)."""
    return lzma.compress(text, lzma.FORMAT_XZ, lzma.CHECK_NONE)


def lz4(text: bytes) -> bytes:
    library = ctypes.CDLL("liblz4.so.1")
    target = ctypes.create_string_buffer(len(text) * 2)
    count = library.LZ4_compress_default(text, target, len(text), len(target))
    return struct.pack("<Q", len(text)) + target.raw[:count]


def zstd(text: bytes) -> bytes:
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compress.restype = ctypes.c_size_t
    library.ZSTD_compress.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
    target = ctypes.create_string_buffer(len(text) * 2)
    count = library.ZSTD_compress(target, len(target), text, len(text), 3)
    return target.raw[:count]


@pytest.mark.parametrize(("flag", "compress"), [(XZ, xz), (LZ4, lz4), (ZSTD, zstd)], ids=["xz", "lz4", "zstd"])
def test_what_is_whole_is_read_and_what_is_cut_off_is_damaged(flag: int, compress: Callable[[bytes], bytes]) -> None:
    try:
        packed = compress(TEXT)
    except OSError:
        pytest.skip("its library is not here")
    assert decompress(flag, packed) == TEXT
    for end in range(len(packed)):
        assert decompress(flag, packed[:end]) is None, end
    # A size that nothing has is not made room for.
    if flag == LZ4:
        assert decompress(flag, struct.pack("<Q", PAYLOAD_MOST + 1) + packed[8:]) is None
