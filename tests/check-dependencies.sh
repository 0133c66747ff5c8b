#!/bin/sh
# Checks the licences, duplicates and sources of all dependencies (`deny.toml`) by cargo-deny, which
# is built first; that takes two minutes. `check-dependencies.sh advisories` asks for known faults
# instead, by a list that it fetches.
set -eu

version=0.20.2
place=$PWD/target/cargo-deny
deny=$place/bin/cargo-deny

is_there() {
  "$deny" --version 2>/dev/null | grep -qxF "cargo-deny $version"
}

# Unoptimised: it looks at a few hundred packages.
is_there || cargo install --quiet --debug --locked --root "$place" --target-dir "$place/build" \
  "cargo-deny@$version"
rm -rf "$place/build"

[ $# -gt 0 ] || set -- licenses bans sources
exec "$deny" --locked check --hide-inclusion-graph "$@"
