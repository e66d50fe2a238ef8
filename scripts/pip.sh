#!/usr/bin/env bash
# pip install into .venv: with pip's progress bar on a terminal, else without a word. Nothing goes to standard output.
#
#   scripts/pip.sh PACKAGE ...      or any other arguments of pip install
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || python3 -m venv .venv
quiet=--quiet
[ ! -t 2 ] || quiet=
.venv/bin/python -m pip install $quiet --disable-pip-version-check "$@" >&2
