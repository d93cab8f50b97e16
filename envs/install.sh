#!/bin/sh
# Makes the virtual environment. `make` calls it; it can also be called by hand, from anywhere.
#   VENV         where (default: .venv in the repository)
#   PYTHON       with which Python (default: the first of 3.13, 3.12, 3.11, 3.14 that is found)
#   TORCH_INDEX  where torch comes from (default: its CPU build, if there is no NVIDIA driver)
# If it is interrupted, call it again. pip's own settings hold: proxies, PIP_INDEX_URL, ...
set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
TORCH_INDEX=${TORCH_INDEX:-}
OLDEST=11 NEWEST=14 # of Python 3
PREFERRED="13 12 11 14" # MuJoCo 3.3.0, whose numbers the kept run has, ends with 3.13
CPU_INDEX=${CPU_INDEX:-https://download.pytorch.org/whl/cpu}
CPU_SIZE="0.7 2.2" CUDA_SIZE="3.1 6.2" # GB to download, GB on disk

# Settings that would put packages elsewhere, or take modules from elsewhere.
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_NO_DEPS
unset PIP_DRY_RUN PIP_REQUIREMENT PIP_CONSTRAINT PIP_EDITABLE PIP_REQUIRE_HASHES
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { echo "trajprompt: $*" >&2; }
fail() { say "$@"; exit 1; }

main() {
  if [ "${PYTHON:-}" ]; then require_python; else choose_python; fi
  make_venv
  require_compiler
  choose_torch
  announce
  pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch==$(torch_version)"
  # The lock is whole. Meta-World excludes Python 3.14 and its MuJoCo, but works with them.
  pip install --no-deps --ignore-requires-python -r requirements.lock
  pip install --no-deps --no-build-isolation -e .
}

pip() { "$VENV/bin/python" -m pip "$@"; }

# Status 0: fit for use. 3: without the module venv, a package of its own on Debian.
check_python() {
  "$1" - "$OLDEST" "$NEWEST" 2> /dev/null <<'END'
import sys

oldest, newest = map(int, sys.argv[1:])
if not (3, oldest) <= sys.version_info[:2] <= (3, newest):
    sys.exit(4)
try:
    import ensurepip, venv
except ImportError:
    sys.exit(3)
END
}

# The Python of an environment that exists, else the first of those preferred.
choose_python() {
  without_venv=
  # shellcheck disable=SC2086 # several versions
  for PYTHON in "$VENV/bin/python" $(printf 'python3.%s ' $PREFERRED) python3 python; do
    status=0
    check_python "$PYTHON" || status=$?
    case $status in
      0) return ;;
      3) without_venv=$PYTHON ;;
    esac
  done
  [ -z "$without_venv" ] || fail_without_venv "$without_venv"
  fail "no Python 3.$OLDEST to 3.$NEWEST found. Debian and Ubuntu: \`apt-get install python3" \
    "python3-venv\`. Fedora: \`dnf install python3.13\`. Without root: \`uv python install" \
    "3.13\`, then \`make PYTHON=\$(uv python find 3.13)\`."
}

require_python() {
  status=0
  check_python "$PYTHON" || status=$?
  case $status in
    0) ;;
    3) fail_without_venv "$PYTHON" ;;
    4) fail "PYTHON=$PYTHON is $("$PYTHON" --version), expected Python 3.$OLDEST to 3.$NEWEST" ;;
    *) fail "PYTHON=$PYTHON cannot be run" ;;
  esac
}

fail_without_venv() {
  fail "$1 has no module venv. Debian and Ubuntu: \`apt-get install python3-venv\`. Or set PYTHON."
}

# An environment of another Python, or half of one, is made anew.
make_venv() {
  version='import sys; print(sys.version_info[:2])'
  if [ "$("$VENV/bin/python" -c "$version" 2> /dev/null)" != "$("$PYTHON" -c "$version")" ] ||
    ! pip --version > /dev/null 2>&1; then
    [ ! -e "$VENV" ] || [ -e "$VENV/pyvenv.cfg" ] ||
      fail "VENV=$VENV exists and is no virtual environment; remove it or name another"
    base=$("$PYTHON" -c 'import sys; print(sys._base_executable)') # it may be of the environment
    "$base" -m venv --clear "$VENV"
  fi
}

newest_python() { "$VENV/bin/python" -c "import sys; sys.exit(sys.version_info[1] < $NEWEST)"; }

# On Python 3.14 one package, immutables, has to be compiled.
require_compiler() {
  newest_python || return 0
  header='import os, sysconfig; print(os.path.join(sysconfig.get_path("include"), "Python.h"))'
  if ! command -v cc > /dev/null || ! [ -e "$("$VENV/bin/python" -c "$header")" ]; then
    fail "Python 3.$NEWEST needs a C compiler and Python's headers. Debian and Ubuntu:" \
      "\`apt-get install gcc python3-dev\`. Or an older Python, with PYTHON."
  fi
}

# Sets TORCH_INDEX, which stays empty for PyPI, and what `announce` says of it.
choose_torch() {
  size=$CUDA_SIZE
  if [ "$TORCH_INDEX" ]; then
    build="torch from $TORCH_INDEX"
  elif [ "$(uname -s)" != Linux ]; then # where PyPI has the CPU build
    build="torch's CPU build" size=$CPU_SIZE
  elif nvidia-smi -L > /dev/null 2>&1; then
    build="torch's CUDA build for the NVIDIA driver found"
  elif reachable "$CPU_INDEX/torch/"; then
    TORCH_INDEX=$CPU_INDEX build="torch's CPU build, as there is no NVIDIA driver" size=$CPU_SIZE
  else
    build="torch from PyPI, as $CPU_INDEX cannot be reached"
  fi
}

reachable() {
  "$VENV/bin/python" - "$1" 2> /dev/null <<'END'
import os, ssl, sys, urllib.request

trusted = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
urllib.request.urlopen(sys.argv[1], timeout=15, context=trusted)
END
}

# Before the first large download: how much, and whether the disk has room for it.
announce() {
  # shellcheck disable=SC2086 # two numbers
  set -- $size
  say "installing into $VENV ($("$VENV/bin/python" --version), $build):" \
    "up to $1 GB of downloads, $2 GB on disk"
  [ -e "$VENV/.stamp" ] && return
  free=$(df -Pk "$VENV" | awk 'NR == 2 { print $4 }')
  awk "BEGIN { exit !($free < $2 * 1e6) }" &&
    fail "$VENV: found $((free / 1000000)) GB of free disk, expected $2 GB; free some, or set" \
      "VENV to a folder on another disk"
  return 0
}

torch_version() { sed -n 's/^torch==\([^ ;]*\).*/\1/p' requirements.lock; }

main
