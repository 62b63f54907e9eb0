"""Files that a test writes by hand, as if the workflow had written them."""

from pathlib import Path

from workflow_scripts.common.checksums import checksum_path, describe_checksum
from workflow_scripts.common.storage import write_text


def record_checksum(path: Path) -> Path:
    """Write the checksum of a file or folder as it is now; return its path."""
    write_text(checksum_path(path), describe_checksum(path, path.name))
    return path
