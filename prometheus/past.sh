#!/usr/bin/env bash
# Fills a new folder with what Prometheus and the bridge would have of the fake routers of
# `make demo`, had they been running for weeks: past.sh FOLDER. run.sh calls it, and a test.
#
#   FOLDER/prometheus     blocks: every metric, and the recorded series
#   FOLDER/netmonitor.db  the bridge's samples; events it gets from the routers themselves
#   FOLDER/fleet          with these arguments, a line each, the routers go on where this ends
#
# promtool makes the blocks. Recorded series are asked of a Prometheus that has the others; those
# that are made of recorded series, of one that has these as well. In the environment:
#
#   FAKE_ROUTERS, PROMETHEUS, PROMTOOL   programs
#   PORT                                 on which the routers answer (8321)
#   PROMETHEUS_PORT                      for that Prometheus, on loopback (9090)
#   NAMES                                of the routers (home,parents,cabin)
#   SCRAPED_HOURS, POLLED_HOURS          how far Prometheus and the bridge look back (48, 840)
#   PRESENT                              from when, in seconds since 1970 (now)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)
prometheus=${PROMETHEUS:-prometheus}
promtool=${PROMTOOL:-promtool}
fake_routers=${FAKE_ROUTERS:-$here/../target/release/fake-router}
address=127.0.0.1:${PROMETHEUS_PORT:-9090}
blocks=$folder/prometheus
work=$folder/past
cores=$(nproc)

present=${PRESENT:-$(date +%s)}
first=$((present - ${SCRAPED_HOURS:-48} * 3600))
printf '%s\n' --names "${NAMES:-home,parents,cabin}" --address-each --first-port "${PORT:-8321}" \
  --scenario "$here/../tests/src/fake_router/demo.scenario" \
  --past "${POLLED_HOURS:-840}" --present "$present" >"$folder/fleet"
mapfile -t fleet <"$folder/fleet"

# Every child ends with this script, be that by kill -9. (By a function, it would end with the
# subshell of a pipeline or of `&`, and that with nothing.)
child=(setpriv --pdeathsig TERM)

took() {
  echo "$SECONDS s: $*"
}

# Makes blocks of the scrapes from one moment to another, all files at the same time.
add_scrapes() { # FROM UNTIL
  mkdir -p "$work/scrapes" "$blocks"
  "${child[@]}" "$fake_routers" "${fleet[@]}" --scrapes "$work/scrapes" --from "$1" --until "$2"
  took played
  find "$work/scrapes" -name '*.om' -print0 \
    | "${child[@]}" xargs -0 -P "$cores" -I '{}' "${child[@]}" \
      "$promtool" tsdb create-blocks-from openmetrics --quiet '{}' "$blocks"
  rm -r "$work/scrapes"
}

# Adds what the rules of a file record. Prometheus answers at most 11,000 moments at once, so no
# block is longer than 18 h; blocks of two hours would be hundreds. It starts at an even hour, as
# blocks do: of a rule that is not due before its first block ends, promtool records nothing at all.
add_recorded() { # FILE
  "${child[@]}" "$prometheus" --config.file="$work/prometheus.yml" \
    --storage.tsdb.path="$blocks" --storage.tsdb.retention.time=400d \
    --web.listen-address="$address" --log.level=error &
  local server=$!
  until curl -sf -o /dev/null "http://$address/-/ready"; do
    kill -0 "$server"
    sleep 0.1
  done
  "${child[@]}" "$promtool" tsdb create-blocks-from rules --max-block-duration=18h --quiet \
    --url="http://$address" --start="$((first - first % 7200))" --end="$present" --eval-interval=15s \
    --output-dir="$work/recorded" "$1"
  kill "$server"
  wait "$server" || true
  mv "$work"/recorded/* "$blocks/"
}

mkdir -p "$work"
: >"$work/prometheus.yml"
"${child[@]}" "$fake_routers" "${fleet[@]}" --database "$folder/netmonitor.db" --until "$present" &
database=$!
add_scrapes "$first" "$present"
took 'blocks of what was scraped'
add_recorded "$here/rules/recording.yml"
took 'recorded series'
# Groups that ask for recorded series: they found none before.
awk -v RS='\n  - name: ' 'NR == 1 { print "groups:" }
  NR > 1 && /[(][a-z]+:netmonitor_/ { print "  - name: " $0 }' \
  "$here/rules/recording.yml" >"$work/further.yml"
add_recorded "$work/further.yml"
took 'those made of recorded series'
wait "$database"
took "the bridge's samples"
# What has happened meanwhile.
add_scrapes "$((present + 1))" 0
rm -r "$work"
took 'all of it'
