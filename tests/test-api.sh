#!/bin/sh
# Asks a bridge everything that its OpenAPI document allows, and some that it does not: no
# answer is a fault of the server, and all have the shape that the document promises.
set -eu

bridge=$(realpath "$1")
version=4.32.5
place=$PWD/target/test-api

if [ ! -x "$place/bin/schemathesis" ]; then
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet "schemathesis==$version"
fi

data=$(mktemp -d)
port=${TEST_API_PORT:-5998}
"$bridge" --router-ip 127.0.0.1 --router-port 9 --bridge-host 127.0.0.1 --bridge-port "$port" \
  --sqlite-db "$data/netmonitor.db" --log-level error &
running=$!
trap 'kill "$running"; rm -rf "$data"' EXIT
until "$bridge" healthcheck --bridge-port "$port"; do sleep 0.2; done 2>/dev/null

# Left out: paths that ask the router, for there is none; that every text a schema allows is
# accepted, for no schema says which cursors there are; and that all others are refused, for
# an empty parameter is taken for none.
cd "$data"
"$place/bin/schemathesis" run "http://127.0.0.1:$port/openapi.json" \
  --exclude-checks positive_data_acceptance,negative_data_rejection \
  --exclude-path /api/status --exclude-path /api/fetch_now \
  --exclude-path '/api/v1/routers/{name}/metrics' \
  --phases examples,coverage,fuzzing,stateful --max-examples "${TEST_API_EXAMPLES:-50}"
