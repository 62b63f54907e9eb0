"""Apple's compression LZFSE, in which Record3D stores depth.

Blocks that are stored as they are are read here; others need the package pyliblzfse.
"""

import struct
from typing import Any

from workflow_scripts.common.errors import UserError

_END, _STORED = b"bvx$", b"bvx-"
_HEADER = struct.Struct("<4sI")


def decompress(content: bytes, where: str, *, size: int) -> bytes:
    """Return `size` bytes of a compressed stream; `UserError` names `where` if it has others."""
    result = _stored_blocks(content, where)
    if result is None:
        library = _import_library(where)
        try:
            result = library.decompress(content)
        except Exception as error:  # the library has errors of its own
            raise UserError(f"{where}: cannot be decompressed ({error})") from None
    if len(result) != size:
        raise UserError(f"{where}: {len(result)} bytes; {size} are needed")
    return result


def compress_stored(content: bytes) -> bytes:
    """Return a stream of one block that is stored as it is."""
    return _HEADER.pack(_STORED, len(content)) + content + _END


def _stored_blocks(content: bytes, where: str) -> bytes | None:
    """Return what the stored blocks of a stream hold; None if it has a block of another kind."""
    start, parts = 0, []
    while content[start : start + 4] != _END:
        if len(content) < start + _HEADER.size:
            raise UserError(f"{where}: cut off")
        kind, count = _HEADER.unpack_from(content, start)
        if kind != _STORED:
            if kind[:3] != b"bvx":
                raise UserError(f"{where}: not compressed with LZFSE")
            return None
        start += _HEADER.size
        if len(content) < start + count:
            raise UserError(f"{where}: cut off")
        parts.append(content[start : start + count])
        start += count
    return b"".join(parts)


def _import_library(where: str) -> Any:
    try:
        import liblzfse
    except ImportError as error:
        raise UserError(
            f"{where}: compressed with LZFSE, which needs the package pyliblzfse. Install it (pip "
            "install pyliblzfse), or convert the recording with nerfstudio (ns-process-data "
            "record3d)"
        ) from error
    return liblzfse
