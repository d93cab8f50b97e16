#!/bin/sh
# Create the virtual environment. `make` calls this script; it can be called from any folder.
#   VENV         path of the environment (default: .venv in the repository)
#   PYTHON       Python to use (default: the first of 3.13, 3.12, 3.11, 3.14 that is found)
#   TORCH_INDEX  package index of torch (default: its CPU build, if there is no NVIDIA driver)
# PYTHON and TORCH_INDEX apply when the environment is created; remove it to change them. After an
# interruption, call the script again: it starts over. pip's settings apply: proxies, PIP_INDEX_URL, ...
set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
TORCH_INDEX=${TORCH_INDEX:-}
OLDEST=11 NEWEST=14 # supported minor versions of Python 3
PREFERRED="13 12 11 14" # MuJoCo 3.3.0, used for results/reference, supports at most 3.13
CPU_INDEX=${CPU_INDEX:-https://download.pytorch.org/whl/cpu}
CPU_SIZE=${CPU_SIZE:-0.8 2.5} CUDA_SIZE="3.2 6.5" # GB to download, GB on disk

# Unset settings that would install packages into other folders, or import modules from them.
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_NO_DEPS
unset PIP_DRY_RUN PIP_REQUIREMENT PIP_CONSTRAINT PIP_EDITABLE PIP_REQUIRE_HASHES
unset PIP_PLATFORM PIP_ABI PIP_PYTHON_VERSION PIP_IMPLEMENTATION
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0

say() { echo "trajprompt: $*" >&2; }
fail() { say "$@"; exit 1; }

main() {
  if [ "${PYTHON:-}" ]; then require_python; else choose_python; fi
  make_venv
  require_compiler
  choose_torch
  announce
  touch "$VENV/.unfinished"
  install_torch
  # The lock contains all dependencies. Meta-World excludes Python 3.14, but works with it.
  pip install --no-deps --ignore-requires-python -r requirements.lock
  pip install --no-deps --no-build-isolation -e .
  [ "$(installed_torch)" ] ||
    fail "pip has installed into another folder than $VENV; \`$VENV/bin/pip config list\` shows why"
  rm "$VENV/.unfinished"
}

pip() { "$VENV/bin/python" -m pip "$@"; }

# Exit code 0: suitable. 3: without the module venv, which Debian packages separately.
# 4: an unsupported version.
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

# Choose the Python of an existing environment, else the first of the preferred ones.
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
  found=$(python3 --version 2> /dev/null || echo none)
  fail "found no Python 3.$OLDEST to 3.$NEWEST (python3: $found). Debian 12, Ubuntu 24.04 and newer:" \
    "\`apt-get install python3 python3-venv\`. Fedora: \`dnf install python3.13\`. Elsewhere, and" \
    "without root: \`uv python install 3.13\`, then \`make test PYTHON=\$(uv python find 3.13)\`."
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
  fail "$1 has no module venv. Debian and Ubuntu: \`apt-get install python3-venv\`. Or set PYTHON to" \
    "another Python."
}

# Create the environment. Replace one that an interruption left unfinished, or whose Python or pip
# does not work or has another version; but never one that somebody else has created.
make_venv() {
  version='import sys; print(sys.version_info[:2])'
  if [ -e "$VENV/.unfinished" ] ||
    [ "$("$VENV/bin/python" -c "$version" 2> /dev/null)" != "$("$PYTHON" -c "$version")" ] ||
    ! pip --version > /dev/null 2>&1; then
    [ ! -e "$VENV" ] || require_ours
    base=$("$PYTHON" -c 'import sys; print(sys._base_executable)') # PYTHON may be the environment's
    "$base" -m venv --clear "$VENV"
    touch "$VENV/.trajprompt"
  fi
}

require_ours() {
  [ -e "$VENV/pyvenv.cfg" ] ||
    fail "VENV=$VENV exists and is not a virtual environment; remove it or set VENV to another path"
  [ "$VENV" = .venv ] || [ -e "$VENV/.trajprompt" ] || [ -e "$VENV/.stamp" ] ||
    fail "VENV=$VENV is an environment of another Python, without pip or unfinished, and not created" \
      "by this script; remove it or set VENV to another path"
  say "replacing $VENV, which is unfinished or of another Python"
}

newest_python() { "$VENV/bin/python" -c "import sys; sys.exit(sys.version_info[1] < $NEWEST)"; }

# On Python 3.14 one package, immutables, must be compiled.
require_compiler() {
  newest_python || return 0
  header='import os, sysconfig; print(os.path.join(sysconfig.get_path("include"), "Python.h"))'
  if ! command -v cc > /dev/null || ! [ -e "$("$VENV/bin/python" -c "$header")" ]; then
    fail "Python 3.$NEWEST needs a C compiler and Python's headers. Debian and Ubuntu:" \
      "\`apt-get install gcc python3-dev\`. Or set PYTHON to an older Python and remove $VENV."
  fi
}

# Set TORCH_INDEX (empty: PyPI), and the build and sizes that `announce` prints.
choose_torch() {
  size=$CUDA_SIZE installed=$(installed_torch) fallback=
  if [ "${installed%+*}" = "$(torch_version)" ]; then
    build="torch $installed is kept" size="0.3 0.3"
  elif [ "$TORCH_INDEX" ]; then
    build="torch from $TORCH_INDEX"
    case $TORCH_INDEX in */cpu | */cpu/) size=$CPU_SIZE ;; esac
  elif [ "$(uname -s)" != Linux ]; then # there PyPI has the CPU build
    build="torch's CPU build" size=$CPU_SIZE
  elif nvidia-smi -L > /dev/null 2>&1; then
    build="torch's CUDA build for the NVIDIA driver found"
  elif reachable "$CPU_INDEX"; then
    TORCH_INDEX=$CPU_INDEX build="torch's CPU build, as there is no NVIDIA driver" size=$CPU_SIZE
    fallback=pypi
  else
    build="torch from PyPI, as $CPU_INDEX cannot be reached"
  fi
}

reachable() { pip index versions torch --index-url "$1" --retries 0 --timeout 15 > /dev/null 2>&1; }

install_torch() {
  pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch==$(torch_version)" && return
  [ "$fallback" ] || exit 1
  say "torch could not be installed from $TORCH_INDEX; trying PyPI"
  pip install "torch==$(torch_version)"
}

# Print the sizes before the first large download, and fail if the disk is too small.
announce() {
  # shellcheck disable=SC2086 # two numbers
  set -- $size
  say "installing into $VENV ($("$VENV/bin/python" --version), $build):" \
    "up to $1 GB of downloads, which pip may also cache, and $2 GB on disk"
  free=$("$VENV/bin/python" -c 'import shutil, sys; print(shutil.disk_usage(sys.argv[1]).free // 10**9)' "$VENV")
  [ "$free" -ge "${2%.*}" ] ||
    fail "$VENV: found $free GB of free disk, expected $2 GB; free some, or set VENV to a folder on" \
      "another disk"
}

installed_torch() {
  "$VENV/bin/python" -c 'import importlib.metadata as m; print(m.version("torch"))' 2> /dev/null || true
}

torch_version() { sed -n 's/^torch==\([^ ;]*\).*/\1/p' requirements.lock; }

main
