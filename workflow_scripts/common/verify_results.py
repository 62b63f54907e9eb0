"""Compare all results with their checksums: `python -m workflow_scripts.common.verify_results`."""

import logging
from collections.abc import Iterator
from pathlib import Path

from workflow_scripts.common import checksums
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import DamagedResultError, UserError
from workflow_scripts.common.storage import arrays_by_name, open_shard, read_array

logger = logging.getLogger(__name__)
# results/, results/{stage}/, results/{stage}/{source or experiment}/
LEVELS = ("", "*/", "*/*/")


def recorded_results(results: Path) -> list[Path]:
    """Return the files and folders that have a checksum and are there, sorted."""
    records = [
        record
        for level in LEVELS
        for record in results.glob(f"{level}{checksums.FOLDER}/*.json")
        if not record.name.startswith(".")
    ]
    paths = [record.parent.parent / record.name.removesuffix(".json") for record in records]
    return sorted(path for path in paths if path.exists())


def find_damage(paths: list[Path]) -> Iterator[DamagedResultError]:
    """Yield an error for each result that is not what was written."""
    for path in progress(paths, desc="results"):
        try:
            if not path.is_dir():
                checksums.check_file(path)
            elif (path / "zarr.json").exists():
                arrays = arrays_by_name(open_shard(path))
                for name in arrays:
                    read_array(arrays, name)
            else:
                checksums.check_folder(path, is_whole=True)
        except DamagedResultError as error:
            yield error


def main(*, results: Path = Path("results")) -> None:
    """Say which results are damaged, cut, replaced or incomplete; exit status 1 if any is.

    Args:
        results: the workflow's folder of results.
    """
    paths = recorded_results(results)
    if not paths:
        raise UserError(f"{results}: no result with a checksum; give the folder of results")
    errors = list(find_damage(paths))
    for error in errors:
        logger.error("%s", error)
    if errors:
        raise UserError(f"{results}: {len(errors)} of {len(paths)} results are damaged")
    logger.info("%s: %d results are as they were written", results, len(paths))


if __name__ == "__main__":
    run(main)
