"""Jobs of a server equal processes of their own, however any of them is killed."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from support.served_jobs import gone, wait_for
from trajprompt.job_server import VARIABLE
from trajprompt.processes import PARENT, is_alive

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
        assert not is_alive(process.pid)  # the client has waited for it
        message = "trajprompt: error: job server: it was killed, which stopped this job;"
        assert client.stderr.read().startswith(message)
    assert (server.folder / "saved").read_text() == str(int(signal.SIGTERM))
    assert not server.is_served()


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
