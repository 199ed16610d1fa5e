#!/usr/bin/env bash
# Makes requirements.lock from pyproject.toml: every package with its hashes, no registry's address.
# scripts/lock.sh DIRECTORY_OF_THE_ENVIRONMENT
set -euo pipefail
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"$1/bin/python" -m venv "$tool"
"$tool/bin/pip" install --quiet --disable-pip-version-check uv
"$tool/bin/uv" pip compile --quiet pyproject.toml --extra dev --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --allow-unsafe -o requirements.lock
