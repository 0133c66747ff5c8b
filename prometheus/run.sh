#!/usr/bin/env bash
# The whole stack on one machine, until Ctrl-C: exporter (or the router that ROUTER names),
# bridge, Prometheus, Alertmanager, and Grafana where it is installed. `make run` builds
# the first two and calls this; `make demo` does so with fake routers that have a past.
#
# Each has its log in data/log/ and ends with this script, however that ends. If one ends by
# itself, it is named, and the others are stopped. In the environment:
#
#   ROUTER                address or name of a router to watch instead of this machine
#   DATA                  folder for everything that is kept (data)
#   NETMONITOR_API_PORT, BRIDGE_PORT, PROMETHEUS_PORT, ALERTMANAGER_PORT, GRAFANA_PORT
#   FAKE_ROUTERS          program that plays routers, to be watched instead of this machine; past.sh
#                         gives them a past in DATA, which must be new, or an earlier demo's: that
#                         one's data are deleted
#   POLLED_HOURS, SCRAPED_HOURS, NAMES
#                         how long that past is, and whose: see past.sh; by default the bridge
#                         has all of last month
#   READ_TOKEN_FILE, API_TOKEN_FILE
#                         the bridge's tokens, which Prometheus, Alertmanager and Grafana get too
#   RECEIVER_FILE         who is told: see prometheus/examples/receivers/
#   SITE, REMOTE_WRITE_FILE
#                         this site's name, and where its metrics are sent: see
#                         prometheus/examples/remote-write.yml
#   PROMETHEUS_URL        where Grafana asks for metrics, if not the Prometheus that is started
#   EXPORTER, BRIDGE, PROMETHEUS, PROMTOOL, ALERTMANAGER, GRAFANA
#                         your own programs instead of those that are built, or on PATH
#   GF_PATHS_PLUGINS      folder with Grafana's plugins (/var/lib/grafana/plugins)
#   … and the settings of the exporter and of the bridge, which are passed on
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
data=$(mkdir -p "${DATA:-data}" && cd "${DATA:-data}" && pwd)
exporter_port=${NETMONITOR_API_PORT:-8321}
bridge_port=${BRIDGE_PORT:-5000}
prometheus_port=${PROMETHEUS_PORT:-9090}
alertmanager_port=${ALERTMANAGER_PORT:-9093}
grafana_port=${GRAFANA_PORT:-3000}
fake_routers=${FAKE_ROUTERS:-}
exporter=${EXPORTER:-$root/target/release/netmonitor-exporter}
bridge=${BRIDGE:-$root/target/release/netmonitor-bridge}
# A first scrape of everything takes one interval of 15 s; a cold disk takes its time, too.
patience_seconds=90

declare -A program_of=()  # name by process
names=()                  # in the order of starting

fail() {
  echo "run: $*" >&2
  exit 1
}

# The first of the given programs that is there; nothing if none is.
find_program() {
  local program
  for program; do
    if command -v "$program"; then
      return
    fi
  done
}

prometheus=$(find_program "${PROMETHEUS:-prometheus}")
# Debian's name, and that of the project's own archives.
alertmanager=$(find_program "${ALERTMANAGER:-prometheus-alertmanager}" "${ALERTMANAGER:-alertmanager}")
promtool=$(find_program "${PROMTOOL:-promtool}")
# Where packages put Grafana; their programs on PATH are scripts.
grafana_package=/usr/share/grafana
grafana=$(find_program "${GRAFANA:-grafana}" "${GRAFANA:-grafana-server}" \
  "${GRAFANA:-$grafana_package/bin/grafana}" "${GRAFANA:-$grafana_package/bin/grafana-server}")

# Grafana's own files, with which it does not start in another place: where its program is in
# `bin`, or those of the package.
find_grafana_home() {
  local real
  real=$(realpath "$grafana")
  grafana_home=$(dirname "$(dirname "$real")")
  if [ ! -e "$grafana_home/conf/defaults.ini" ]; then
    grafana_home=$grafana_package
    # A script would add settings of /etc/grafana, and stay behind when it is stopped.
    [ -n "${GRAFANA:-}" ] || real=$(find_program "$grafana_home/bin/$(basename "$real")" "$real")
  fi
  grafana=$real
  # `grafana cli plugins install` of a package does not know our folders.
  grafana_plugins=${GF_PATHS_PLUGINS:-}
  [ -n "$grafana_plugins" ] || [ ! -d /var/lib/grafana/plugins ] || grafana_plugins=/var/lib/grafana/plugins
  # Its default.
  [ -n "$grafana_plugins" ] || grafana_plugins=$grafana_home/data/plugins
}

[ -z "$grafana" ] || find_grafana_home

# Everything that can be wrong is found before anything is started.
check() {
  local missing=''
  [ -n "$prometheus" ] || missing+=' prometheus'
  [ -n "$alertmanager" ] || missing+=' alertmanager'
  [ -z "$fake_routers" ] || [ -n "$promtool" ] || missing+=' promtool'
  [ -z "$missing" ] || fail "missing:$missing. Debian has them: apt-get install prometheus prometheus-alertmanager; or name your own in PROMETHEUS and ALERTMANAGER"
  [ -x "$bridge" ] || fail "$bridge is not built: make build"
  if [ -n "$fake_routers" ]; then
    [ -x "$fake_routers" ] || fail "$fake_routers is not built: make demo"
    [ -z "${ROUTER:-}${ROUTERS_FILE:-}" ] || fail "FAKE_ROUTERS: no room for ROUTER or ROUTERS_FILE"
    [ -z "$(ls -A "$data")" ] || is_of_demo \
      || fail "FAKE_ROUTERS: $data holds something else; name a new folder in DATA"
  elif [ -z "${ROUTER:-}" ]; then
    [ -x "$exporter" ] || fail "$exporter is not built: make build"
  fi
  local taken=''
  [ -n "${ROUTER:-}" ] || taken+=$(port_taken "$exporter_port" NETMONITOR_API_PORT)
  taken+=$(port_taken "$bridge_port" BRIDGE_PORT)
  taken+=$(port_taken "$prometheus_port" PROMETHEUS_PORT)
  taken+=$(port_taken "$alertmanager_port" ALERTMANAGER_PORT)
  [ -z "$grafana" ] || taken+=$(port_taken "$grafana_port" GRAFANA_PORT)
  [ -z "$taken" ] || fail "taken:$taken. Stop what listens there (ss -ltnp), or choose other ports"
  check_secrets
  # Held until all have ended: they inherit it.
  exec {data_lock}<"$data"
  flock --nonblock "$data_lock" || fail "$data is in use; stop what runs there, or name another folder in DATA"
}

# Was the folder filled by a demo? Its first file is `fleet`, by past.sh or, empty, by us.
is_of_demo() {
  local first=''
  [ -f "$data/fleet" ] || return
  read -r first <"$data/fleet" || true
  [ -z "$first" ] || [ "$first" = --names ]
}

# By the kernel's table: a connection could reach something that accepts none just now.
port_taken() {
  if grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") [0-9A-F]+:0000 0A " \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null; then
    printf ' port %s (%s)' "$1" "$2"
  fi
}

check_secrets() {
  local name file
  # Prometheus and Alertmanager take them from files only, and would be refused by the bridge.
  for name in READ_TOKEN API_TOKEN; do
    [ -z "${!name:-}" ] || fail "$name: put it into a file that only you can read and give ${name}_FILE"
  done
  for name in ROUTER_TOKEN_FILE API_TOKEN_FILE READ_TOKEN_FILE; do
    file=${!name:-}
    [ -n "$file" ] || continue
    [ -r "$file" ] || fail "$name: $file is missing or cannot be read"
    # Prometheus and Alertmanager look beside their own settings.
    export "$name=$(realpath "$file")"
    # Others of this machine could take the token out of it.
    if [ -n "$(find -L "$file" -perm /004)" ]; then
      fail "$name: everybody can read $file: chmod 600 $file"
    fi
  done
}

# start NAME COMMAND ...: in the background; it ends when this script does, be it by kill -9.
start() {
  local name=$1
  shift
  setpriv --pdeathsig TERM "$@" >>"$data/log/$name.log" 2>&1 &
  program_of[$!]=$name
  names+=("$name")
}

# For Grafana, whose plugin cannot be without one.
read_token() {
  if [ -n "${READ_TOKEN_FILE:-}" ]; then
    cat "$READ_TOKEN_FILE"
  else
    echo none
  fi
}

# Hours of a demo's past: since last month began, so that its report is whole; at least five weeks.
hours_polled() {
  local begin hours
  begin=$(date -d "$(date +%Y-%m-01) -1 month" +%s)
  hours=$((($(date +%s) - begin) / 3600 + 1))
  echo $((hours > 840 ? hours : 840))
}

# Routers that have been running for weeks, and what Prometheus and the bridge know of them.
start_fake_routers() {
  local past fleet polled=${POLLED_HOURS:-} scraped=${SCRAPED_HOURS:-48}
  [ -n "$polled" ] || polled=$(hours_polled)
  echo "playing $((polled / 24)) days of three homes, the last $scraped hours for Prometheus…"
  POLLED_HOURS=$polled SCRAPED_HOURS=$scraped \
    FAKE_ROUTERS=$fake_routers PROMETHEUS=$prometheus PROMTOOL=$promtool PORT=$exporter_port \
    PROMETHEUS_PORT=$prometheus_port setpriv --pdeathsig TERM "$root/prometheus/past.sh" "$data" \
    >>"$data/log/past.log" 2>&1 &
  past=$!
  program_of[$past]=past
  # Ends at once when a signal arrives.
  wait "$past" || report_end "$past"
  unset "program_of[$past]"
  mapfile -t fleet <"$data/fleet"
  # Made-up homes are nobody's secret, but a demo opens no port to others unasked.
  export BRIDGE_HOST=${BRIDGE_HOST:-${FLASK_HOST:-127.0.0.1}}
  ROUTERS_FILE=$data/routers.toml
  start routers "$fake_routers" "${fleet[@]}" --routers-file "$ROUTERS_FILE"
  # They answer before they say where.
  until [ -s "$ROUTERS_FILE" ]; do
    check_alive
    sleep 0.1
  done
  export ROUTERS_FILE
}

# wait_for NAME: until it is well, has ended, or takes too long for the others to wait.
wait_for() {
  local since=$SECONDS
  until is_well "$1" || [ $((SECONDS - since)) -ge 20 ]; do
    check_alive
    sleep 0.1
  done
}

start_all() {
  if [ -n "$fake_routers" ]; then
    find "$data" -mindepth 1 -delete
    : >"$data/fleet"
  fi
  mkdir -p "$data/log" "$data/prometheus" "$data/alertmanager"
  if [ -n "$fake_routers" ]; then
    start_fake_routers
  elif [ -z "${ROUTER:-}" ]; then
    start exporter env NETMONITOR_API_PORT="$exporter_port" \
      NETMONITOR_QUEUE_FILE="${NETMONITOR_QUEUE_FILE:-$data/events.json}" "$exporter" run
  fi
  # A list of several routers is the user's own.
  local router=("ROUTER_IP=${ROUTER:-127.0.0.1}" "ROUTER_PORT=${ROUTER_PORT:-$exporter_port}")
  [ -z "${ROUTERS_FILE:-}" ] || router=()
  start bridge env "${router[@]}" BRIDGE_PORT="$bridge_port" \
    SQLITE_DB="${SQLITE_DB:-$data/netmonitor.db}" \
    GRAFANA_URL="${GRAFANA_URL-${grafana:+http://127.0.0.1:$grafana_port}}" "$bridge" run
  # Prometheus asks it for the routers, and after a failure not again for half a minute.
  wait_for bridge

  # Without an API_TOKEN the bridge asks those who write for the READ_TOKEN.
  BRIDGE_ADDRESS=127.0.0.1:$bridge_port PROMETHEUS_ADDRESS=127.0.0.1:$prometheus_port \
    ALERTMANAGER_ADDRESS=127.0.0.1:$alertmanager_port \
    API_TOKEN_FILE=${API_TOKEN_FILE:-${READ_TOKEN_FILE:-}} "$root/prometheus/configure.sh" "$data/config"
  start prometheus "$prometheus" --config.file="$data/config/prometheus.yml" \
    --storage.tsdb.path="$data/prometheus" --web.listen-address="127.0.0.1:$prometheus_port" \
    --storage.tsdb.retention.time=400d --storage.tsdb.retention.size=8GB
  # Without an address for its cluster it opens no second port.
  start alertmanager "$alertmanager" --config.file="$data/config/alertmanager.yml" \
    --storage.path="$data/alertmanager" --web.listen-address="127.0.0.1:$alertmanager_port" \
    --cluster.listen-address=
  if [ -n "$grafana" ]; then
    local settings subcommand=()
    # The program of the other name is no more than this one's `server`, and will go.
    [ "$(basename "$grafana")" != grafana ] || subcommand=(server)
    mapfile -t settings < <(grep -v '^#' "$root/grafana/grafana.env")
    # Whoever reaches this machine's loopback may look; changing something asks for a password.
    READ_TOKEN=$(read_token) start grafana env "${settings[@]}" GF_AUTH_ANONYMOUS_ENABLED=true \
      GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT="$grafana_port" \
      GF_PATHS_DATA="$data/grafana" GF_PATHS_LOGS="$data/log" GF_PATHS_PLUGINS="$grafana_plugins" \
      GF_PATHS_PROVISIONING="$root/grafana/provisioning" \
      GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH="$root/grafana/dashboards/overview.json" \
      DASHBOARDS_PATH="$root/grafana/dashboards" \
      PROMETHEUS_URL="${PROMETHEUS_URL:-http://127.0.0.1:$prometheus_port}" \
      ALERTMANAGER_URL="http://127.0.0.1:$alertmanager_port" \
      BRIDGE_URL="http://127.0.0.1:$bridge_port" \
      "$grafana" "${subcommand[@]}" --homepath "$grafana_home"
  fi
}

# The address at which each says that it is well.
health_of() {
  case $1 in
    exporter | routers) echo "http://127.0.0.1:$exporter_port/healthz" ;;
    bridge) echo "http://127.0.0.1:$bridge_port/readyz" ;;
    prometheus) echo "http://127.0.0.1:$prometheus_port/-/ready" ;;
    alertmanager) echo "http://127.0.0.1:$alertmanager_port/-/ready" ;;
    grafana) echo "http://127.0.0.1:$grafana_port/api/health" ;;
  esac
}

page_of() {
  case $1 in
    exporter | routers) echo "http://127.0.0.1:$exporter_port/" ;;
    bridge) echo "http://127.0.0.1:$bridge_port/" ;;
    prometheus) echo "http://127.0.0.1:$prometheus_port/alerts" ;;
    alertmanager) echo "http://127.0.0.1:$alertmanager_port/" ;;
    grafana) echo "http://127.0.0.1:$grafana_port/" ;;
  esac
}

is_well() {
  curl -sf -o /dev/null --max-time 2 "$(health_of "$1")"
}

# Prometheus' targets as "job state", a line each.
targets() {
  curl -sf --max-time 2 "http://127.0.0.1:$prometheus_port/api/v1/targets?state=active" |
    jq -r '.data.activeTargets[] | "\(.labels.job) \(.scrapeUrl) \(.health) \(.lastError)"'
}

# All programs are well and every target is up, the routers among them.
is_ready() {
  local name found
  for name in "${names[@]}"; do
    is_well "$name" || return 1
  done
  found=$(targets) || return 1
  grep -q '^netmonitor ' <<<"$found" && ! grep -qv ' up $' <<<"$found"
}

# Has one of them ended? Then it is named, with the end of its log.
check_alive() {
  local process
  for process in "${!program_of[@]}"; do
    kill -0 "$process" 2>/dev/null || report_end "$process"
  done
}

report_end() {
  local name=${program_of[$1]} code=0
  wait "$1" || code=$?
  unset "program_of[$1]"
  echo "run: $name has ended with code $code; the end of $data/log/$name.log:" >&2
  tail -n 5 "$data/log/$name.log" | sed 's/^/    /' >&2
  exit 1
}

table() {
  local name state note
  printf '%-14s %-7s %s\n' PROGRAM STATE ADDRESS
  for name in "${names[@]}"; do
    state=well
    is_well "$name" || state=NOT\ WELL
    note=''
    if [ "$name" = grafana ] && [ ! -d "$grafana_plugins/yesoreyeram-infinity-datasource" ]; then
      note=' (without the Infinity plugin: History stays empty, see docs/dashboards.md)'
    fi
    printf '%-14s %-7s %s%s\n' "$name" "$state" "$(page_of "$name")" "$note"
  done
  [ -n "$grafana" ] || printf '%-14s %-7s %s\n' grafana absent 'not installed: dashboards need it'
  printf '\n%-18s %-7s %s\n' 'SCRAPED BY JOB' STATE ADDRESS
  targets | while read -r job url health error; do
    printf '%-18s %-7s %s\n' "$job" "$health" "$url${error:+ ($error)}"
  done
  [ -z "$fake_routers" ] || sights
  printf '\nkept in %s; logs in %s; Ctrl-C stops all of it\n' "$data" "$data/log"
}

# What a visitor of `make demo` should look at first.
sights() {
  local month
  month=$(date -d "$(date +%Y-%m-01) -1 day" +%Y-%m)
  printf '\n%s\n' 'Three made-up homes: home (fibre, drops), parents (cable, quiet), cabin (in trouble now). See'
  printf '  %-15s %s\n' alerts "http://127.0.0.1:$prometheus_port/alerts: home was just away; after a minute, cabin is hot" \
    'last outages' "http://127.0.0.1:$bridge_port/api/v1/outages?router=home" \
    'last month' "http://127.0.0.1:$bridge_port/api/v1/report?router=home&month=$month" \
    'two days' "http://127.0.0.1:$prometheus_port/graph?g0.expr=target%3Anetmonitor_ping_loss%3Aratio_rate5m&g0.tab=0&g0.range_input=2d"
}

stop_all() {
  local code=$? process
  trap - EXIT
  # Ctrl-C has told them already; whoever asks twice need not wait.
  trap 'exit 1' INT TERM
  [ ${#program_of[@]} -eq 0 ] || kill "${!program_of[@]}" 2>/dev/null || true
  for process in "${!program_of[@]}"; do
    wait "$process" 2>/dev/null || true
  done
  exit "$code"
}

check
trap stop_all EXIT
trap 'exit 0' INT TERM HUP
start_all
SECONDS=0
until is_ready; do
  check_alive
  if [ "$SECONDS" -ge "$patience_seconds" ]; then
    echo "run: not everything is well after $patience_seconds s; going on" >&2
    break
  fi
  sleep 1
done
table
# Until the first one ends.
wait -n "${!program_of[@]}" || true
check_alive
