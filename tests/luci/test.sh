#!/bin/sh
# Tests of LuCI's pages, in a browser without a window: test.sh [NAME.test.mjs …]; without names
# all but those that the tests in Rust call with what a router has said.
set -eu

cd "$(dirname "$0")"
if [ $# -eq 0 ]; then
  set -- overview settings diagnosis files translations
  for name in "$@"; do
    set -- "$@" "$name.test.mjs"
    shift
  done
fi
exec node --test --test-reporter=spec "$@"
