"""Jobs of a server equal processes of their own, however any of them is killed."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from support.served_jobs import PACKAGE, Server, gone, wait_for, write_stubs
from trajprompt.job_server import VARIABLE
from trajprompt.job_server.protocol import REFUSED
from trajprompt.job_server.server import accept
from trajprompt.processes import PARENT

# Everything that a process inherits, except its number and PARENT.
INHERITED = f"""
import gc, json, os
umask = os.umask(0)
variables = {{n: v for n, v in os.environ.items() if n not in ("{PARENT}", "{VARIABLE}")}}
modules = {{name for name in sys.modules if name.startswith("trajprompt")}}
client = {{name for name in modules if name.startswith("trajprompt.job_server")}}
print(json.dumps([
    sys.argv, sys.orig_argv, sys.path, __name__, os.getcwd(), umask, variables,
    sorted(modules - client),
    [str(signal.getsignal(number)) for number in signal.valid_signals()],
    sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    sorted(os.listdir("/proc/self/fd"))[:3], gc.isenabled(), sys.stdin.read(),
]))
"""
# Ends with code 7 on SIGTERM, as a loop that writes a checkpoint.
SAVING = """
def save(number, frame):
    Path("saved").write_text(str(number))
    sys.exit(7)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, save)
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""
# Kills the server in the process that it has just forked.
ORPHANING = """
import os, signal, time
def orphan():
    server = os.getppid()
    os.kill(server, signal.SIGKILL)
    while os.getppid() == server:
        time.sleep(0.01)
os.register_at_fork(after_in_child=orphan)
"""
# As clients of jobs: one sends a byte after its command, the other cannot send a command.
NO_SIGNAL = """
import contextlib
from trajprompt.job_server import client
send = client._send_command
def send_more(connection):
    send(connection)
    with contextlib.suppress(OSError):  # the command has just ended
        connection.sendall(b"\\xff")
client._send_command = send_more
"""
NO_MEMORY = """
import errno, os
def refuse(name):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
os.memfd_create = refuse
"""
WAITING = 'print("ready", flush=True); time.sleep(60)'


def test_a_job_inherits_what_its_client_would_have(server):
    variables = {"MINE": "\udcff=1\n"}
    assert os.umask(0o027) != 0o027  # not the server's
    served = server.run(INHERITED, **variables)
    alone = server.result(INHERITED, served=False, **variables)[1]
    assert json.loads(served) == json.loads(alone)


@pytest.mark.parametrize(
    "code, status",
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("sys.exit(-1)", 255),
        ("sys.exit('some text')", 1),
        ("import os; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("import atexit; atexit.register(print, 'end')", 0),
        ("import threading; threading.Timer(0.1, print, ['end']).start()", 0),
        ("print('text', end='')", 0),
    ],
)
def test_the_end_of_a_job_is_that_of_its_client(server, code, status):
    served = server.result(code)
    assert served[0] == status
    assert served == server.result(code, served=False)


def test_a_traceback_begins_in_the_module_of_the_job(server):
    code = "def deep(): raise KeyError('text')\ndeep()"
    served, alone = server.result(code), server.result(code, served=False)
    assert served[0] == alone[0] == 1
    lines = [x for x in alone[2].splitlines() if "<frozen runpy>" not in x]
    assert served[2].splitlines() == lines


def test_a_long_command_arrives(server):
    assert server.run("print(len(sys.argv[1]))" + 100_000 * " ") == "100023\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_client_forwards_signals(server, number):
    with server.running(SAVING) as (client, _):
        client.send_signal(number)
        assert client.wait(60) == 7
    assert (server.folder / "saved").read_text() == str(int(number))


def test_a_signal_that_ends_the_job_ends_the_client(server):
    with server.running(WAITING) as (client, _):
        client.terminate()
        assert client.wait(60) == -signal.SIGTERM


def test_ctrl_c_does_not_reach_a_job_twice(server):
    with server.running(WAITING) as (client, process):
        assert os.getpgid(process.pid) != os.getpgid(client.pid)
        client.send_signal(signal.SIGINT)
        assert client.wait(60) == 130
        assert "KeyboardInterrupt" in client.stderr.read()


def test_killing_the_client_stops_its_job_only(server):
    with server.running(SAVING) as (client, process):
        client.kill()
        assert gone(process)
    assert (server.folder / "saved").read_text() == str(int(signal.SIGTERM))
    assert server.is_served()


def test_killing_the_job_ends_its_client(server):
    with server.running(SAVING) as (client, process):
        process.kill()
        assert client.wait(60) == -signal.SIGKILL
    assert server.is_served()


def test_killing_snakemake_stops_jobs_and_server(server):
    with server.running(SAVING) as (client, process):
        server.main.kill()
        assert client.wait(60) == 7
        assert gone(process) and gone(server.process)
    assert not server.is_served()


def test_killing_the_server_stops_its_jobs_and_later_jobs_do_without(server):
    with server.running(SAVING) as (client, process):
        server.process.kill()
        assert client.wait(60) == 2
        saved = (server.folder / "saved").read_text()  # the client has waited for it
        assert saved == str(int(signal.SIGTERM))
        assert gone(process)  # it closes its connection a moment before it ends
        message = "trajprompt: error: job server: it was killed, which stopped this job;"
        assert client.stderr.read().startswith(message)
    assert not server.is_served()


def test_a_job_whose_server_is_killed_right_after_the_fork_does_not_run(tmp_path):
    with Server(tmp_path) as server:
        write_stubs(tmp_path, ORPHANING, ["h5py"])
        code, output, error = server.result("print('ran')")
        assert code == 2 and output == ""
        assert f"process {server.process.pid} is gone" in error


def test_terminating_the_server_lets_its_jobs_end(server):
    with server.running(SAVING) as (client, _):
        server.process.terminate()
        assert client.wait(60) == 7
    assert gone(server.process)
    assert not server.is_served()


def test_killing_all_at_once_leaves_nothing(server):
    with server.running(WAITING) as (client, process):
        for one in (process, server.process, server.main, client):
            one.kill()
    assert gone(server.process)


def test_a_client_that_disconnects_or_says_nothing_harms_nobody(server):
    code = (
        "import socket, sys, time; c = socket.socket(socket.AF_UNIX);"
        "c.connect('\\0' + sys.argv[1]); print(1, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, server.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as silent:
        silent.stdout.readline()
        assert server.is_served()
        silent.kill()
    assert server.is_served()
    assert wait_for(lambda: psutil.Process(server.process.pid).num_fds() < 12)


def connected(server):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"\0{server.name}")
    return connection


def test_a_command_that_cannot_be_sent_runs_in_its_own_process(server):
    (server.folder / "jobs/__init__.py").write_text(f"{NO_MEMORY}{PACKAGE}")
    assert not server.is_served()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_command_with_a_closed_stream_runs_in_its_own_process(server, closed):
    code = "Path('process').write_text(str(torch.PROCESS))"
    command = [sys.executable, "-m", "jobs.code", code]
    shell = ["sh", "-c", f'"$@" {closed}', "sh", *command]
    environment = {**server.environment, VARIABLE: server.name}
    subprocess.run(shell, cwd=server.folder, env=environment, check=True)
    assert (server.folder / "process").read_text() != str(server.process.pid)


def test_clients_that_send_something_else_are_refused(server, tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    for descriptors in ([], [0], [0, 1, 2], [0, 1, 2, folder], [0, 1, 2, *os.pipe()]):
        with connected(server) as client:
            socket.send_fds(client, [b"x"], descriptors)
            assert client.recv(len(REFUSED)) == REFUSED
    assert server.is_served()
    assert psutil.Process(server.process.pid).num_fds() < 12


def test_a_byte_that_is_no_signal_changes_nothing(server):
    (server.folder / "jobs/__init__.py").write_text(f"{NO_SIGNAL}{PACKAGE}")
    assert server.is_served() and server.is_served()


def test_too_many_connections_do_not_end_the_server(server):
    limit = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    few = server.process.num_fds() + 3
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (few, limit[1]))
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connected(server))
        assert wait_for(lambda: server.process.num_fds() == few)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limit)
    assert server.is_served()


@pytest.fixture
def listener():
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # a free name in the abstract namespace
        listener.listen()
        yield listener


def test_a_connection_of_another_user_is_closed(listener, monkeypatch):
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(listener.getsockname())
        assert accept(listener) is None
        assert client.recv(1) == b""


def test_a_connection_that_the_system_refuses_is_none(listener):
    listener.setblocking(False)
    assert accept(listener) is None
