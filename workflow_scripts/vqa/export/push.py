"""Push the data set to the Hugging Face hub, or say what would be pushed.

The token is read from HF_TOKEN and written nowhere. A dry run contacts no server.
"""

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from workflow_scripts.common.checksums import check_if_recorded
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import write_json
from workflow_scripts.config.vqa import PushSettings

log = logging.getLogger(__name__)

TOKEN_VARIABLE = "HF_TOKEN"
MESSAGE = "Spatial questions made by Sightline"
# Time stamps of Snakemake, and files of a killed run.
IGNORED = (".*", "**/.*")


def list_files(folder: Path) -> list[dict[str, Any]]:
    """Return path, size and SHA-256 of every file that goes to the hub, sorted by path.

    `UserError` if a split is not what was written.
    """
    rows = []
    for split in sorted(folder.glob("*/")):
        check_if_recorded(split)
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            rows.append({"path": str(inside), "bytes": path.stat().st_size, "sha256": digest})
    return rows


def check_dataset(repo: str | None, folder: Path, files: list[dict[str, Any]]) -> str:
    """Return the repository; `UserError` if none is set, or if there is nothing to push."""
    if repo is None:
        raise UserError(
            "vqa.hub.repo: null is not the name of a data set on the hub; "
            "give owner/name, such as 'my-lab/spatial-vqa'"
        )
    names = {row["path"] for row in files}
    if "README.md" not in names or not any(name.endswith(".parquet") for name in names):
        raise UserError(
            f"{folder}: there is no data set (README.md and Parquet files). "
            "Add 'messages' to vqa.exports and run the target 'exports'."
        )
    return repo


def upload(folder: Path, repo: str, *, private: bool, token: str, message: str) -> str:
    """Create the data set's repository if it is missing, upload the folder, return the commit."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(token=token)
    try:
        api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo,
            repo_type="dataset",
            folder_path=folder,
            commit_message=message,
            ignore_patterns=list(IGNORED),
            delete_patterns=["*.parquet"],
        )
    except (HfHubHTTPError, OSError) as error:
        reason = " ".join(str(error).replace(token, "***").split()) or type(error).__name__
        raise UserError(
            f"vqa.hub.repo: {repo!r} could not be pushed: {reason}. "
            f"Check that the token in {TOKEN_VARIABLE} may write to it, and run again."
        ) from None
    return str(done.oid)


def main(
    *,
    folder: Path,
    out: Path,
    settings: PushSettings,
    message: str = MESSAGE,
) -> None:
    """Push the data set.

    Args:
        folder: data set with its card, `results/vqa/dataset`.
        out: JSON file that says what was pushed, or would be.
        settings: the repository on the hub, and whether it is really pushed to; one that exists
            stays as private or public as it is.
        message: message of the commit.
    """
    files = list_files(folder)
    repo = check_dataset(settings.repo, folder, files)
    commit = None
    if not settings.dry_run:
        token = os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise UserError(
                f"{TOKEN_VARIABLE} is not set; put a token that may write to {repo!r} there, "
                "or set vqa.hub.dry_run: true"
            )
        commit = upload(folder, repo, private=settings.private, token=token, message=message)
    total = sum(row["bytes"] for row in files)
    verb = "would push" if settings.dry_run else "pushed"
    log.info("%s %d files, %.1f MB, to %s", verb, len(files), total / 1e6, repo)
    for row in files:
        log.info("  %s, %d bytes", row["path"], row["bytes"])
    write_json(
        out,
        {
            "repo": repo,
            "private": settings.private,
            "dry_run": settings.dry_run,
            "commit": commit,
            "files": files,
        },
    )


if __name__ == "__main__":
    run(main)
