"""A SLURM cluster of four nodes on this machine, to be tried by hand and used by the tests.

    python -m testing.slurm.cluster

starts it, prints what to type, and stops it on Ctrl-C. Two nodes have two L40S cards each, two
have two A6000 cards each; the cards are only names. It needs root and Debian's packages
`slurm-wlm` and `munge`; with `slurmdbd` and `mariadb-server` it also keeps accounts (`sacct`).
Everything is in one folder, except what SLURM demands: links in /etc/slurm, because jobs of
Snakemake's plugin drop SLURM_CONF from their environment, and lines in /etc/hosts, because ranks
find each other by the names of their nodes. Both are restored.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from testing.slurm.config_files import PARTITIONS, SLURM_CONF, SLURMDBD_CONF
from testing.slurm.host_setup import (
    ETC,
    LINKED_CONFIG_FILES,
    install_config,
    new_folder,
    remove_cluster,
    remove_stale_clusters,
)
from testing.slurm.processes import kill_processes, processes_of, terminate
from testing.wait import MAX_WAIT_S
from workflow_scripts.train.rank import MASTER_PORT_RANGE

NODES = ("l40s-1", "l40s-2", "a6000-1", "a6000-2")
ACCOUNT = "sightline"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "sinfo")
ACCOUNTING_PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacctmgr")


def unavailable_reason() -> str | None:
    """Return why the cluster cannot run here, None if it can."""
    missing = [name for name in PROGRAMS if program(name) is None]
    if missing:
        return f"needs {', '.join(missing)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "needs root: slurmd starts jobs, and /etc/slurm and /etc/hosts are written"
    for name in LINKED_CONFIG_FILES:
        path = ETC / name
        if path.exists() and not path.is_symlink():
            return f"{path} exists: this machine belongs to a real cluster"
    return None


def program(name: str) -> str | None:
    """Return the path of a program; daemons are often outside a user's PATH."""
    places = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin"
    return shutil.which(name, path=places)


class Cluster:
    """The running cluster. Use as a context manager, or call `start` and `stop`.

    A node that does not answer for `node_timeout_s` counts as down; on a busy machine, which the
    four nodes share, it may only be slow.
    """

    def __init__(
        self, folder: Path, *, accounting: bool | None = None, node_timeout_s: int = 60
    ) -> None:
        self.folder = folder
        self.node_timeout_s = node_timeout_s
        can_account = all(program(name) for name in ACCOUNTING_PROGRAMS)
        self.accounting = can_account if accounting is None else accounting
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = free_ports(len(NODES) + 3)
        self._guard: subprocess.Popen[bytes] | None = None
        self._guard_pipe = -1

    def __enter__(self) -> "Cluster":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """Return this process's environment without variables of an outer SLURM job."""
        outer = ("SLURM", "SBATCH", "SRUN")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(outer)}
        return kept | {"SLURM_CONF": str(self.folder / "etc/slurm.conf")}

    def start(self) -> None:
        """Start every daemon and wait until all four nodes are idle."""
        remove_stale_clusters()
        for name in ("etc", "log", "run", "dev", "state", "munge"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._write_configuration()
        self._start_guard()
        install_config(self.folder, NODES)
        self._start_munge()
        if self.accounting:
            self._start_accounting()
        self._daemon("slurmctld", "slurmctld", "-D", "-c")
        for node in NODES:
            self.start_node(node)
        self._wait(lambda: set(self.states().values()) == {"IDLE"}, "nodes to be idle")

    def stop(self) -> None:
        """End every daemon and job, remove the folder, restore what was changed outside it."""
        self._cancel_all()
        names = sorted(self.daemons, key=lambda name: not name.startswith("slurmd-"))
        for name in names:
            terminate(self.daemons.pop(name), grace_s=10)
        remove_cluster(self.folder)
        if self._guard is not None:
            os.close(self._guard_pipe)
            self._guard.wait()
            self._guard = None

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self._daemon(f"slurmd-{node}", "slurmd", "-D", "-N", node)

    def stop_node(self, node: str) -> None:
        """Kill the slurmd of a node and what runs under it, as when its power fails."""
        daemon = self.daemons.pop(f"slurmd-{node}")
        kill_processes(processes_of(self.folder, node))
        terminate(daemon, grace_s=0)

    def states(self) -> dict[str, str]:
        """Return the state of each node, '' while the controller does not answer."""
        listed = self.ask("sinfo", "-h", "-N", "-o", "%N %T", check=False).splitlines()
        words = [line.split() for line in listed if len(line.split()) == 2]
        return {name: state.upper() for name, state in words} or {"": ""}

    def ask(self, *command: str, check: bool = True) -> str:
        """Run one of SLURM's commands and return what it prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}{self.log_tails()}")
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return every job that the controller remembers, as `scontrol` describes it."""
        listed = self.ask("scontrol", "show", "job", "-o", check=False).splitlines()
        return [pairs(line) for line in listed if line.startswith("JobId=")]

    def log_tails(self) -> str:
        """Return the ends of all logs, for an error message."""
        logs = sorted((self.folder / "log").glob("*"))
        ends = [f"{path.name}: {path.read_text(errors='replace')[-600:]}" for path in logs]
        return "\n" + "\n".join(ends)

    def _daemon(self, key: str, name: str, *arguments: str) -> None:
        path = program(name)
        assert path is not None, name
        with (self.folder / f"log/{key}.out").open("wb") as log:
            self.daemons[key] = subprocess.Popen(
                [path, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.folder / f"run/{key}.popen").write_text(str(self.daemons[key].pid))

    def _write_configuration(self) -> None:
        folder = self.folder
        for node in NODES:
            (folder / f"spool-{node}").mkdir(exist_ok=True)
            for card in range(2):
                (folder / f"dev/{node}-gpu{card}").touch()
        controller, database, daemon, *node_ports = self.ports
        storage = (
            f"slurmdbd\nAccountingStorageHost=localhost\nAccountingStoragePort={daemon}\n"
            f"AccountingStoragePass={folder}/munge/socket\n"
            "AccountingStorageTRES=gres/gpu,gres/gpu:l40s,gres/gpu:a6000"
            if self.accounting
            else "none"
        )
        text = SLURM_CONF.format(
            folder=folder,
            controller=controller,
            storage=storage,
            node_timeout_s=self.node_timeout_s,
        )
        gres = ""
        for node, port in zip(NODES, node_ports, strict=True):
            card = node.partition("-")[0]
            text += (
                f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} "
                f"CPUs=64 RealMemory=256000 Gres=gpu:{card}:2 Feature={card}\n"
            )
            gres += f"NodeName={node} Name=gpu Type={card} File={folder}/dev/{node}-gpu[0-1]\n"
        text += PARTITIONS
        (folder / "etc/slurm.conf").write_text(text)
        (folder / "etc/gres.conf").write_text(gres)
        (folder / "etc/cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        private = folder / "etc/slurmdbd.conf"
        private.write_text(SLURMDBD_CONF.format(folder=folder, daemon=daemon, database=database))
        private.chmod(0o600)

    def _start_guard(self) -> None:
        """Start the process that stops the cluster when this one is killed."""
        reader, self._guard_pipe = os.pipe()
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "testing.slurm.host_setup", str(self.folder)],
            cwd=Path(__file__).parents[2],
            stdin=reader,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        os.close(reader)

    def _start_munge(self) -> None:
        munge = self.folder / "munge"
        munge.chmod(0o755)
        key = munge / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self._daemon(
            "munged",
            "munged",
            "--foreground",
            "--force",
            f"--socket={munge}/socket",
            f"--key-file={key}",
            f"--pid-file={munge}/pid",
            f"--log-file={munge}/log",
            f"--seed-file={munge}/seed",
        )
        self._wait((munge / "socket").exists, "munge")

    def _start_accounting(self) -> None:
        data = self.folder / "database"
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={data}",
                "--user=root",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
        )
        start = self.folder / "etc/start.sql"
        start.write_text(
            "CREATE USER IF NOT EXISTS slurm@'%' IDENTIFIED BY 'slurm';\n"
            "GRANT ALL ON slurm.* TO slurm@'%';\n"
        )
        self._daemon(
            "mariadbd",
            "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            f"--socket={data}/socket",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            f"--port={self.ports[1]}",
            f"--pid-file={data}/pid",
            f"--init-file={start}",
            "--innodb-buffer-pool-size=64M",
        )
        self._wait(lambda: is_listening(self.ports[1]), "MariaDB")
        self._daemon("slurmdbd", "slurmdbd", "-D")
        self._wait(lambda: is_listening(self.ports[2]), "slurmdbd")
        for words in (
            ("cluster", "test"),
            ("account", ACCOUNT),
            ("user", "root", f"account={ACCOUNT}"),
        ):
            self.ask("sacctmgr", "--immediate", "add", *words)

    def _wait(self, condition: Callable[[], bool], description: str) -> None:
        """Wait until a condition holds or a daemon ends; the error shows the daemons' logs."""
        deadline = time.monotonic() + MAX_WAIT_S
        while not condition():
            ended = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if ended or time.monotonic() > deadline:
                why = f"{' and '.join(ended)} ended" if ended else f"none after {MAX_WAIT_S:.0f} s"
                raise RuntimeError(f"waiting for {description}: {why}{self.log_tails()}")
            time.sleep(0.2)

    def _cancel_all(self) -> None:
        if "slurmctld" not in self.daemons or self.daemons["slurmctld"].poll() is not None:
            return
        self.ask("scancel", "--user=root", check=False)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.ask("squeue", "-h", check=False).strip():
            time.sleep(0.5)


def pairs(line: str) -> dict[str, str]:
    """Split `Key=value Key=value`, as `scontrol -o` prints it."""
    split = (word.partition("=") for word in line.split())
    return {key: value for key, _, value in split if value}


def free_ports(count: int) -> list[int]:
    """Return free ports outside the ranges of outgoing connections and of trainings."""
    ports: list[int] = []
    for port in range(10_000 + os.getpid() % 1000 * 9, MASTER_PORT_RANGE[0]):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no free ports")


def is_listening(port: int) -> bool:
    """Return whether a process listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """Run a cluster until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-accounting", action="store_true", help="leave slurmdbd out")
    arguments = parser.parse_args()
    reason = unavailable_reason()
    if reason:
        sys.exit(f"error: {reason}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        remove_stale_clusters()
    except RuntimeError as error:
        sys.exit(f"error: {error}; end that one first")
    folder = new_folder()
    start_s = time.monotonic()
    with Cluster(folder, accounting=False if arguments.no_accounting else None) as cluster:
        sys.stdout.write(
            f"{cluster.ask('sinfo', '-o', '%P %N %G')}"
            f"Up after {time.monotonic() - start_s:.0f} s; sinfo, squeue, sbatch work in any "
            f"shell. The account is {ACCOUNT}. Logs: {folder}/log\nCtrl-C stops it.\n"
        )
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
