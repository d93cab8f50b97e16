"""Jobs that are forked from the libraries of the server, and jobs that are refused."""

import pytest

from support.served_jobs import Server, write_stubs

THREAD = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


def test_the_libraries_are_imported_once(server):
    assert server.is_served() and server.is_served()


def test_a_job_in_another_environment_runs_in_its_own_process(server):
    assert server.is_served()
    assert not server.is_served(OMP_NUM_THREADS="7")
    assert server.is_served(SHLVL="7")


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "LC_TIME", "PYTHONHASHSEED"])
def test_variables_read_before_python_starts_must_equal_the_servers(server, name):
    assert not server.is_served(**{name: "0"})
    assert server.is_served()


def test_a_job_with_options_of_the_interpreter_runs_in_its_own_process(server):
    assert not server.is_served("-O")


def test_a_server_with_a_second_thread_forks_nothing(tmp_path):
    with Server(tmp_path) as server:
        write_stubs(tmp_path, THREAD, ["h5py"])
        assert not server.is_served()


def test_a_library_that_cannot_be_imported_is_an_error_of_the_job(tmp_path):
    with Server(tmp_path) as server:
        write_stubs(tmp_path, "raise ImportError('broken')", ["torch"])
        code, _, error = server.result("pass")
        assert code == 1 and error.endswith("ImportError: broken\n")
