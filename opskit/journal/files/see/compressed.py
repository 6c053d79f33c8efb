"""The payload of a data object, decompressed by the libraries that journalctl itself uses, where they are here."""

from __future__ import annotations

import ctypes
import functools
import struct
from typing import Optional

from opskit.journal.files.layout import LZ4, XZ, ZSTD

# journald takes 48 KiB from a service, a core dump's fields are larger; what claims more is not believed.
PAYLOAD_MOST = 64 * 1024**2


def decompress(flags: int, payload: bytes) -> Optional[bytes]:
    """The payload as it was written; None when it is damaged, or its library is not here. flags: the object's."""
    if flags & XZ:
        return _xz(payload)
    if flags & LZ4:
        return _lz4(payload)
    return _zstd(payload) if flags & ZSTD else payload


def _xz(payload: bytes) -> Optional[bytes]:
    import lzma  # noqa: PLC0415

    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    try:
        unpacked = stream.decompress(payload, PAYLOAD_MOST)
    except lzma.LZMAError:
        return None
    # One that is cut off has a beginning that can be read, and no end.
    return unpacked if stream.eof else None


def _lz4(payload: bytes) -> Optional[bytes]:
    """Journald puts the length before it, 64 bits, little-endian (compress.c)."""
    library = _library("liblz4.so.1")
    if library is None or len(payload) <= 8:
        return None
    (size,) = struct.unpack_from("<Q", payload)
    if size > PAYLOAD_MOST:
        return None
    target = ctypes.create_string_buffer(max(size, 1))
    count = library.LZ4_decompress_safe(payload[8:], target, len(payload) - 8, size)
    return target.raw[:count] if count == size else None


def _zstd(payload: bytes) -> Optional[bytes]:
    library = _library("libzstd.so.1")
    if library is None:
        return None
    library.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    library.ZSTD_getFrameContentSize.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    # What is unknown or wrong is near 2^64 (ZSTD_CONTENTSIZE_UNKNOWN, ZSTD_CONTENTSIZE_ERROR).
    size = library.ZSTD_getFrameContentSize(payload, len(payload))
    if size > PAYLOAD_MOST:
        return None
    target = ctypes.create_string_buffer(max(size, 1))
    count = library.ZSTD_decompress(target, size, payload, len(payload))
    return target.raw[:size] if count == size else None


@functools.cache
def _library(name: str) -> Optional[ctypes.CDLL]:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
