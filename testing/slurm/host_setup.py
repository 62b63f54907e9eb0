"""What a test cluster needs outside its folder, and how it is removed.

    python -m testing.slurm.host_setup FOLDER

waits until its input is closed, which happens when the process that started the cluster ends, and
removes what that one did not.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import psutil

from testing.slurm.processes import kill_processes, processes_of

ETC = Path("/etc/slurm")
HOSTS = Path("/etc/hosts")
LINKED_CONFIG_FILES = ("slurm.conf", "gres.conf", "cgroup.conf")
HOSTS_MARK = "# test cluster of sightline"
PREFIX = "slurm-"
OWNER_FILE = "run/owner"


def new_folder() -> Path:
    """Return a folder for a cluster. Its name is short: a socket's path has 107 characters."""
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def install_config(folder: Path, nodes: Iterable[str]) -> None:
    """Link a cluster's configuration into /etc/slurm and write its nodes into /etc/hosts."""
    (folder / OWNER_FILE).write_text(f"{os.getpid()} {process_start_time(os.getpid())}")
    ETC.mkdir(exist_ok=True)
    for name in LINKED_CONFIG_FILES:
        (ETC / name).symlink_to(folder / "etc" / name)
    ends_well = HOSTS.read_text().endswith("\n")
    # Appended, not rewritten: others read this file at any time.
    with HOSTS.open("a") as file:
        file.write(
            ("" if ends_well else "\n") + f"127.0.0.1 {' '.join(nodes)} {HOSTS_MARK} {folder}\n"
        )


def uninstall_config(folder: Path) -> None:
    """Remove a cluster's links from /etc/slurm and its line from /etc/hosts."""
    for name in LINKED_CONFIG_FILES:
        link = ETC / name
        if link.is_symlink() and link.readlink() == folder / "etc" / name:
            link.unlink()
    lines = HOSTS.read_text().splitlines(keepends=True)
    kept = [line for line in lines if f"{HOSTS_MARK} {folder}" not in line]
    if kept != lines:
        # In place, for a container mounts this file; it is never empty in between.
        with HOSTS.open("r+") as file:
            file.write("".join(kept))
            file.truncate()


def remove_cluster(folder: Path) -> None:
    """End a cluster's processes, remove its folder, and restore the host's files."""
    # The host's files first: what starts meanwhile finds no cluster.
    uninstall_config(folder)
    for _ in range(5):
        # A process that started while the others were listed is found the next time.
        if not (processes := processes_of(folder)):
            break
        kill_processes(processes)
    shutil.rmtree(folder, ignore_errors=True)


def remove_stale_clusters() -> None:
    """Remove clusters whose starters were killed; raise an error if one is in use."""
    folders = {
        link.readlink().parents[1]
        for name in LINKED_CONFIG_FILES
        if (link := ETC / name).is_symlink()
    }
    folders |= {
        path.parents[1] for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER_FILE}")
    }
    for folder in folders:
        owner = folder / OWNER_FILE
        words = owner.read_text().split() if owner.exists() else []
        if len(words) == 2 and process_start_time(int(words[0])) == words[1]:
            raise RuntimeError(f"a test cluster is already running, started by process {words[0]}")
        remove_cluster(folder)
    kill_processes(orphan_processes())


def orphan_processes() -> list[psutil.Process]:
    """Return daemons and jobs of clusters whose folder no longer exists."""
    orphans = []
    for process in psutil.process_iter(["environ"]):
        conf = Path((process.info["environ"] or {}).get("SLURM_CONF", ""))
        folder = conf.parent.parent
        is_ours = folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(PREFIX)
        if is_ours and not folder.exists():
            orphans.append(process)
    return orphans


def process_start_time(pid: int) -> str:
    """Return when a process was started, '' if it has ended: process ids are reused."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]


if __name__ == "__main__":
    sys.stdin.buffer.read()
    if Path(sys.argv[1]).exists():
        remove_cluster(Path(sys.argv[1]))
