"""Byte signatures by which compression and formats are detected."""

GZIP_MAGIC = b"\x1f\x8b"
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")

_BINARY_SCAN_BYTES = 1024


def is_binary(head: bytes) -> bool:
    """Return whether the first bytes are gzip data or contain a NUL, as UTF-16 text does, too."""
    return head.startswith(GZIP_MAGIC) or b"\0" in head[:_BINARY_SCAN_BYTES]
