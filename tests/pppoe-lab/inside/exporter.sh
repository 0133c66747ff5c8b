# shellcheck shell=sh
# Starts the exporter in the router's network, asks it, and keeps what it says. Sourced.

url=http://127.0.0.1:8321

start_exporter() {
  /usr/sbin/ip netns exec cli netmonitor-exporter run >/tmp/results/exporter.log 2>&1 &
}

# Without -T, at which Debian's static wget crashes on ARM64.
get() {
  ip netns exec cli wget -q -O - "$url$1" 2>/dev/null
}

answers() {
  get /healthz >/dev/null
}

# How many events of a type there are.
told() {
  get /net/events | grep -o "\"type\":\"$1\"" | grep -c .
}

has_told() {
  [ "$(told "$1")" -ge "$2" ]
}

# Keeps its answers under a name.
save() {
  mkdir -p "/tmp/results/$1"
  get /metrics >"/tmp/results/$1/metrics"
  get /net/status >"/tmp/results/$1/status"
  get /net/events >"/tmp/results/$1/events"
}
