#!/bin/busybox ash
# What the scripts inside the machine share: the exporter started and asked, and what was found
# as lines of four fields, what|result|goal|verdict. What explains them goes to stderr. Memory is
# in the kernel's kB of 1,024 bytes.
# shellcheck disable=SC2034 # used by those scripts

# 3 MB.
idle_kb=2929
export NETMONITOR_PING_TARGETS=${NETMONITOR_PING_TARGETS:-127.0.0.1}
url=http://127.0.0.1:8321
failed=0

row() {
  echo "$1|$2|$3|$4"
}

# A figure: what, found, limit, unit.
figure() {
  if [ "$2" -le "$3" ]; then verdict=met; else verdict='NOT met'; fi
  row "$1" "$2 $4" "<= $3 $4" "$verdict"
}

# Something that must work: what, what was found; the rest is a command that says whether it does.
works() {
  what=$1
  found=$2
  shift 2
  if "$@"; then
    row "$what" "$found" '' works
  else
    row "$what" "$found" '' FAILED
    failed=$((failed + 1))
  fi
}

runs() {
  pidof "$1" >/dev/null
}

# Since the start of the machine, in hundredths of a second.
now() {
  read -r up _ </proc/uptime
  echo "${up%.*}${up#*.}"
}

# Without -T, at which Debian's static wget crashes on ARM64.
get() {
  wget -q -O - "$url$1"
}

# The sum of a metric's series: name, and what their labels begin with; nothing if there is none.
metric() {
  get /metrics | awk -v name="$1" -v labels="$2" '
    index($0, name "{" labels) == 1 || index($0, name " ") == 1 { sum += $NF; found = 1 }
    END { if (found) printf "%d", sum }'
}

# Waits until a metric has come so far, and says how far it came: name, labels, value, seconds.
wait_for_metric() {
  over=$(($(now) + 100 * $4))
  while value=$(metric "$1" "$2"); [ "${value:-0}" -lt "$3" ] && [ "$(now)" -lt "$over" ]; do
    sleep 0.2
  done
  echo "$value"
}

# Resident, shared divided by users, private, and allocated.
memory() {
  awk '
    { kb[$1] = $2 }
    END {
      print kb["Rss:"], kb["Pss:"], kb["Private_Clean:"] + kb["Private_Dirty:"], kb["Anonymous:"]
    }' "/proc/$pid/smaps_rollup"
}

# What the memory consists of.
explain_memory() {
  echo "memory $1, kB: mapping, resident, private dirty" >&2
  awk '
    /^[0-9a-f]+-[0-9a-f]+ / { name = $2 " " ($6 == "" ? "anonymous" : $6); size[name] += 0 }
    /^Rss:/ { rss[name] += $2 }
    /^Private_Dirty:/ { dirty[name] += $2 }
    END { for (name in size) if (rss[name]) print "  " name, rss[name], dirty[name] }
  ' "/proc/$pid/smaps" >&2
  grep -E '^(VmHWM|VmRSS|RssAnon|RssFile|Threads)' "/proc/$pid/status" >&2
}

# Starts the exporter with the log source $1, and waits for its first answer; sets answered_in.
start() {
  begun=$(now)
  NETMONITOR_LOG_SOURCE=$1 netmonitor-exporter run >&2 &
  pid=$!
  until get /net/status >/tmp/status; do
    if [ $(($(now) - begun)) -gt 3000 ]; then
      works "the exporter answers (LOG_SOURCE $1)" no false
      finish
      exit 1
    fi
  done 2>/dev/null
  answered_in=$((($(now) - begun) * 10))
}

# By SIGTERM, as procd does.
stop() {
  begun=$(now)
  kill "$pid"
  wait "$pid"
  code=$?
  works "$1: SIGTERM, exit code" "$code" test "$code" = 0
  echo "the end took $((($(now) - begun) * 10)) ms" >&2
  ! runs logread || works "$1: its logread ends" no false
}

# The last line: how many things do not work.
finish() {
  echo "end|$failed"
}
