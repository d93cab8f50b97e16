"""A private Slurm with one node: real daemons that end with the test that started them.

munged, slurmctld and slurmd run in separate mount and PID namespaces. Only inside them
/etc/slurm, the default of every Slurm command, is the cluster's folder. The first process
of the namespace waits for the end of its input. When the test closes the input or dies,
the kernel ends all processes inside.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PACKAGES = "slurmctld slurmd slurm-client munge"
PROGRAMS = "munged slurmctld slurmd sbatch srun squeue scancel unshare nsenter"

# Memory is declared, not measured, so the profile's requests fit on any machine. Slurm
# accepts any character device as a GPU.
SLURM_CONF = """\
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
SwitchType=switch/none
MinJobAge=3600
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 Gres=gpu:fake:2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
"""
GRES_CONF = """\
AutoDetect=off
Name=gpu Type=fake File=/dev/zero
Name=gpu Type=fake File=/dev/full
"""
START = """\
set -eu
mount --bind {folder} /etc/slurm
munged --force --key-file {folder}/munge.key --socket {folder}/munge.socket \
  --pid-file {folder}/munged.pid --log-file {folder}/munged.log \
  --seed-file {folder}/munge.seed
slurmctld -c
slurmd -c -N {host}
echo started
cat > /dev/null
exit
"""


class SlurmUnavailable(Exception):
    """Raised if this machine cannot run a private Slurm; the text gives the reason."""


class SlurmCluster:
    """The cluster, started by ``with``; ``command`` builds commands that run inside."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._first: subprocess.Popen | None = None

    def __enter__(self) -> "SlurmCluster":
        _check_machine()
        _write_configuration(self.folder)
        try:
            self._start()
            self._wait_until_idle()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._first is not None:
            assert self._first.stdin is not None
            self._first.stdin.close()
            self._first.wait(timeout=60)

    def command(self, *words: str, folder: Path = Path("/")) -> list[str]:
        """The command line that runs ``words`` in ``folder`` inside the namespaces."""
        enter = ["nsenter", "--target", str(self._inside), "--mount", "--pid"]
        return [*enter, f"--wdns={folder}", *words]

    def output(self, *words: str) -> str:
        done = subprocess.run(self.command(*words), capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else f"{words[0]}: {done.stderr}"

    def _start(self) -> None:
        script = START.format(folder=self.folder, host=_host())
        namespaces = "--mount --pid --mount-proc --propagation private --fork --kill-child"
        self._first = subprocess.Popen(
            ["unshare", *namespaces.split(), "bash", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed = []
        assert self._first.stdout is not None
        for line in self._first.stdout:
            printed.append(line)
            if line == "started\n":
                self._inside = children(self._first.pid)[0]
                return
        raise SlurmUnavailable(f"Slurm did not start: {''.join(printed)}")

    def _wait_until_idle(self, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while (state := self.output("sinfo", "-h", "-o", "%t").strip()) != "idle":
            if time.monotonic() > end:
                logs = "".join(path.read_text() for path in self.folder.glob("*.log"))
                raise SlurmUnavailable(f"node is {state or 'absent'}:\n{logs[-4000:]}")
            time.sleep(0.2)


def children(pid: int) -> list[int]:
    """Child processes of ``pid``, with ids outside the namespaces."""
    return [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]


def _check_machine() -> None:
    missing = [program for program in PROGRAMS.split() if shutil.which(program) is None]
    if missing:
        install = f"apt-get install --no-install-recommends {PACKAGES}"
        raise SlurmUnavailable(f"not installed: {' '.join(missing)}; {install}")
    if os.getuid() != 0:
        raise SlurmUnavailable("only root can make namespaces and run slurmd")


def _write_configuration(folder: Path) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.touch(mode=0o400)
    key.write_bytes(os.urandom(1024))
    cpus = len(os.sched_getaffinity(0))
    conf = SLURM_CONF.format(folder=folder, host=_host(), ports=_free_ports(2), cpus=cpus)
    (folder / "slurm.conf").write_text(conf)
    (folder / "gres.conf").write_text(GRES_CONF)
    Path("/etc/slurm").mkdir(exist_ok=True)  # mount point inside the namespaces


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _read(path: str) -> str:
    return Path(path).read_text()
