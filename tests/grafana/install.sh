#!/bin/sh
# Makes target/grafana-models/: Python with the Foundation SDK, whose classes are made from the
# sources of Grafana's own JSON Schemas, with the JSONata of the Infinity plugin's selectors, and
# with pyflakes for our own Python. Once is enough.
set -eu

# With an epoch before it the index has an older one that sorts as newer: hence the exact number.
packages='grafana-foundation-sdk==0.0.21 jsonata-python==0.7.1 pyflakes==3.4.0'
place=$PWD/target/grafana-models

[ "$(cat "$place/packages" 2>/dev/null)" != "$packages" ] || exit 0
rm -rf "$place"
python3 -m venv "$place"
# The names hold no spaces.
# shellcheck disable=SC2086
"$place/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: $packages
echo "$packages" >"$place/packages"
