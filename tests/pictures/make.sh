#!/usr/bin/env bash
# `make pictures`: starts the demo, waits until all of it is well, draws the dashboards into
# docs/images, and stops the demo, however it ends. With arguments, which are those of draw.sh,
# it draws only what they name. SETTLING_SECONDS (360) is how long the demo runs before.
set -euo pipefail

cd "$(dirname "$0")/../.."
work=target/pictures
log=$work/demo.log
# The demo makes its past in about a minute; on a busy machine it takes longer.
patience_seconds=600
settling_seconds=${SETTLING_SECONDS:-360}
mkdir -p "$work"
: >"$log"

setpriv --pdeathsig TERM "${MAKE:-make}" --no-print-directory demo >"$log" 2>&1 &
demo=$!

# make tells what it has started, and waits for its end.
stop_demo() {
  local code=$?
  trap - EXIT
  kill "$demo" 2>/dev/null || true
  wait "$demo" 2>/dev/null || true
  exit "$code"
}
trap stop_demo EXIT
trap 'exit 1' INT TERM HUP

until grep -q 'Ctrl-C stops all of it' "$log"; do
  if ! kill -0 "$demo" 2>/dev/null || [ "$SECONDS" -ge "$patience_seconds" ]; then
    tail -n 20 "$log" >&2
    echo "pictures: the demo does not start; $log has all of it" >&2
    exit 1
  fi
  sleep 1
done
draw() {
  tests/pictures/draw.sh --prometheus "http://127.0.0.1:${PROMETHEUS_PORT:-9090}" \
    --bridge "http://127.0.0.1:${BRIDGE_PORT:-5000}" --router home "$@"
}

# Alerts fire after a while, shares are counted every five minutes, and the programs of the demo
# have no past, as its routers have.
echo "the demo runs; in $((settling_seconds / 60)) minutes it will have all that dashboards show"
sleep "$settling_seconds"
if [ $# -gt 0 ]; then
  draw "$@"
  exit
fi
dashboards=()
for file in grafana/dashboards/*.json; do
  name=$(basename "$file" .json)
  [ "$name" = monitoring ] || dashboards+=("$name")
done
draw "${dashboards[@]}"
draw --from "now-$((settling_seconds / 60))m" monitoring
