# shellcheck shell=sh
# What was done and when, for who judges what the exporter says of it. Sourced.
#
# A line of the truth: FROM TO WHAT [MORE]. It happened after FROM and before TO, seconds since
# the machine started.

truth=/tmp/results/truth

# Nobody sets this clock.
uptime_now() {
  read -r up _ </proc/uptime
  echo "$up"
}

# Does something and writes down when: its name, and the command.
act() {
  what=$1
  shift
  from=$(uptime_now)
  "$@"
  echo "$from $(uptime_now) $what" >>"$truth"
}

# Something has just happened: its name, and more of it.
note() {
  at=$(uptime_now)
  echo "$at $at $*" >>"$truth"
}

# Waits until a command succeeds: seconds at most, the command.
await() {
  left=$1
  shift
  until "$@"; do
    if [ "$left" -le 0 ]; then
      note "gave-up $*"
      return 1
    fi
    left=$((left - 1))
    sleep 1
  done
}

# The moment at which the clock's second changes, and to what: it shows no fractions.
note_wall() {
  second=$(date +%s)
  while at=$(uptime_now); [ "$(date +%s)" = "$second" ]; do
    usleep 20000
  done
  echo "$at $(uptime_now) wall $((second + 1))" >>"$truth"
}

# By so many seconds from what it shows, or to so many since 1970: the act, how, how many.
set_clock() {
  case $2 in
    by) set -- "$1" $(($(date +%s) + $3)) ;;
    to) set -- "$1" "$3" ;;
  esac
  act "$1 $2" date -s "@$2"
}
