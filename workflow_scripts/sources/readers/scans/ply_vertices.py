"""The vertices of a PLY mesh, ASCII or binary; faces are not read."""

from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError

_TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "float32": "f4",
    "float64": "f8",
}
_MAX_HEADER_BYTES = 1 << 16
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def read_ply_vertices(path: Path) -> np.ndarray:
    """Return the positions f64 [n, 3] of a PLY file's vertices, which must be its first element.

    `UserError` for a file that is no PLY, is cut off, or has no x, y, z.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    end = content.find(b"end_header", 0, _MAX_HEADER_BYTES)
    if not content.startswith(b"ply") or end < 0:
        raise UserError(f"{path}: not a PLY file")
    start = content.index(b"\n", end) + 1
    order, count, fields = _parse_header(content[:end].decode("ascii", "replace"), path)
    names = [name for name, _ in fields]
    if not {"x", "y", "z"} <= set(names):
        raise UserError(f"{path}: vertices have {', '.join(names)}; x, y and z are needed")
    if not order:
        rows = content[start:].split(b"\n")[:count]
        try:
            table = np.array([[float(word) for word in row.split()] for row in rows])
            table = table.reshape(count, len(fields))
        except ValueError:
            raise UserError(f"{path}: damaged or cut off: {count} vertices expected") from None
        return table[:, [names.index(axis) for axis in "xyz"]]
    dtype = np.dtype([(name, order + kind) for name, kind in fields])
    if len(content) - start < count * dtype.itemsize:
        raise UserError(f"{path}: cut off: {count} vertices need {count * dtype.itemsize} bytes")
    vertices = np.frombuffer(content, dtype, count=count, offset=start)
    return np.stack([vertices[axis].astype(np.float64) for axis in "xyz"], axis=-1)


def _parse_header(text: str, path: Path) -> tuple[str, int, list[tuple[str, str]]]:
    """Return the byte order ("" for ASCII), the number of vertices and their fields."""
    order, count, fields, element = None, 0, [], ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["format"] and len(words) > 1:
            order = _FORMATS.get(words[1])
        elif words[:1] == ["element"] and len(words) == 3:
            if not element and words[1] != "vertex":
                raise UserError(
                    f"{path}: its first element is {words[1]}; vertices must come first"
                )
            element = words[1]
            count = int(words[2]) if element == "vertex" and words[2].isdecimal() else count
        elif words[:1] == ["property"] and element == "vertex":
            if len(words) != 3 or words[1] not in _TYPES:
                raise UserError(f"{path}: property {' '.join(words[1:])!r} of vertices is not read")
            fields.append((words[2], _TYPES[words[1]]))
    if order is None or not count:
        raise UserError(f"{path}: a PLY header without format or vertices")
    return order, count, fields
