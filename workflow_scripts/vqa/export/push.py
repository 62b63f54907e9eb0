"""Put the data set on the Hugging Face hub, or say what would be put there.

The token is read from HF_TOKEN and nowhere written. A dry run speaks to nobody.
"""

import hashlib
import logging
import os
import re
from pathlib import Path
from typing import Any

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import write_json

log = logging.getLogger(__name__)

TOKEN_VARIABLE = "HF_TOKEN"
_REPO = re.compile(r"[\w.-]+/[\w.-]+")
# Time stamps that Snakemake leaves, and what a killed run left.
IGNORED = (".*", "**/.*")


def list_files(folder: Path) -> list[dict[str, Any]]:
    """Return path, size and SHA-256 of every file that goes to the hub, sorted by path."""
    rows = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            rows.append({"path": str(inside), "bytes": path.stat().st_size, "sha256": digest})
    return rows


def check_dataset(repo: str, folder: Path, files: list[dict[str, Any]]) -> None:
    """Raise `UserError` if there is nothing to push, or nowhere to push it to."""
    if not _REPO.fullmatch(repo):
        raise UserError(
            f"vqa.hub.repo: {repo!r} is no name of a data set on the hub; "
            "give owner/name, such as 'my-lab/spatial-vqa'"
        )
    names = {row["path"] for row in files}
    if "README.md" not in names or not any(name.endswith(".parquet") for name in names):
        raise UserError(
            f"{folder}: no data set (README.md and Parquet files) is there. "
            "Add 'messages' to vqa.exports and run the target 'exports'."
        )


def upload(folder: Path, repo: str, *, private: bool, token: str, message: str) -> str:
    """Make the data set's repository if need be, put the folder there, return the commit."""
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
            f"Check that the token in {TOKEN_VARIABLE} may write there, and run it again."
        ) from None
    return str(done.oid)


def main(
    *,
    folder: Path,
    repo: str,
    out: Path,
    private: bool = True,
    dry_run: bool = True,
    message: str = "Spatial questions made by Sightline",
) -> None:
    """Push the data set.

    Args:
        folder: data set with its card, `results/vqa/dataset`.
        repo: owner/name on the hub.
        out: JSON file that says what was pushed, or would be.
        private: a repository that is made is private; one that exists stays as it is.
        dry_run: only say what would be pushed.
        message: message of the commit.
    """
    files = list_files(folder)
    check_dataset(repo, folder, files)
    commit = None
    if not dry_run:
        token = os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise UserError(
                f"{TOKEN_VARIABLE} is not set; put a token that may write to {repo!r} there, "
                "or set vqa.hub.dry_run: true"
            )
        commit = upload(folder, repo, private=private, token=token, message=message)
    total = sum(row["bytes"] for row in files)
    verb = "would push" if dry_run else "pushed"
    log.info("%s %d files, %.1f MB, to %s", verb, len(files), total / 1e6, repo)
    for row in files:
        log.info("  %s, %d bytes", row["path"], row["bytes"])
    write_json(
        out,
        {"repo": repo, "private": private, "dry_run": dry_run, "commit": commit, "files": files},
    )


if __name__ == "__main__":
    run(main)
