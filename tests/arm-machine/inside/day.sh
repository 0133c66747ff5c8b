#!/bin/busybox ash
# Runs inside the machine: a day of a router, with what happens on one. The machine's time jumps
# where all only wait, so this takes a fraction of a day.
#
# Each hour: a scrape every 15 s, a look at /net/status and a reader of /net/events every minute,
# lines of the log, the WAN's interface ten times down and up, and an outage. The clock is set an
# hour ahead after a third of the day, and back after two thirds.
#
# At half the day all that is bounded is full (200 events, ten outages), so nothing may grow after;
# of a day that is too short for that the growth is only shown.

# Two networks: an outage needs both to be silent.
far_targets='198.51.100.1 203.0.113.1'
export NETMONITOR_PING_TARGETS=$far_targets

# shellcheck source=tests/arm-machine/inside/figures.sh
. /bin/figures.sh

# From the kernel's command line.
# shellcheck disable=SC2154
half=$((hours / 2))
outage_seconds=7
noise_per_minute=20
flaps_per_hour=10
growth_kb=64
# The events and the outages that are kept are as many as they ever will be.
full_after_hours=10

scrapes=0
statuses=0
cursor=0
events_read=0
noise_written=0
clock_steps=0

# Whether $1 is $2, give or take $3.
near() {
  [ "$1" -ge $(($2 - $3)) ] && [ "$1" -le $(($2 + $3)) ]
}

wait_until() {
  at=$(now)
  [ "$at" -ge "$1" ] || usleep $((($1 - at) * 10000))
}

# Both targets are addresses of this machine itself: without them there is no way there.
far_targets() {
  for target in $far_targets; do
    ip address "$1" "$target/32" dev lo
  done
}

outage() {
  far_targets del
  sleep "$outage_seconds"
  far_targets add
}

flap() {
  logger -t netifd -p daemon.notice "Interface 'wan' is now down"
  sleep 1
  logger -t netifd -p daemon.notice "Interface 'wan' is now up"
}

noise() {
  for line in $(seq "$noise_per_minute"); do
    echo "DHCPREQUEST(br-lan) 192.0.2.$line 00:00:5e:00:53:$((line + 10))"
  done | logger -t dnsmasq-dhcp -p daemon.info
  noise_written=$((noise_written + noise_per_minute))
}

set_clock() {
  date -s "@$(($(date +%s) + $1))" >&2
  clock_steps=$((clock_steps + 1))
}

scrape() {
  get /metrics >/tmp/scraped
  # The last line, so that it is whole.
  grep -q '^process_virtual_memory_bytes ' /tmp/scraped && scrapes=$((scrapes + 1))
}

look_at_status() {
  get /net/status | grep -q '"queue"' && statuses=$((statuses + 1))
}

# As a reader with a cursor does: what is new since the last time.
read_events() {
  get "/net/events?after=$cursor" >/tmp/told
  events_read=$((events_read + $(grep -o '"seq":' /tmp/told | grep -c .)))
  next=$(sed -n 's/.*"next_seq": *\([0-9]*\).*/\1/p' /tmp/told)
  cursor=$((next - 1))
}

# Resident kB, descriptors, threads, and CPU time in hundredths of a second.
state_of_process() {
  # shellcheck disable=SC2046 # four numbers
  set -- $(memory)
  echo "$1 $(find "/proc/$pid/fd" -type l | grep -c .)" \
    "$(awk '/^Threads:/ { print $2 }' "/proc/$pid/status")" \
    "$(awk '{ print $14 + $15 }' "/proc/$pid/stat")"
}

minute() {
  look_at_status
  noise
  read_events
  [ $(($1 % (60 / flaps_per_hour))) -ne 0 ] || flap
  [ "$1" -ne 10 ] || outage
  if [ "$1" -eq 20 ]; then
    [ "$2" -ne $((hours / 3)) ] || set_clock 3600
    [ "$2" -ne $((2 * hours / 3)) ] || set_clock -3600
  fi
}

far_targets add
syslogd -C64
klogd
start auto
wait_for_metric netmonitor_log_source_up 'source="logread"' 1 30 >/dev/null
wait_for_metric netmonitor_internet_up '' 1 30 >/dev/null
pings_before=$(metric netmonitor_ping_requests_total '')
day_began=$(now)
for hour in $(seq 0 $((hours - 1))); do
  for minute in $(seq 0 59); do
    minute_began=$((day_began + (hour * 60 + minute) * 6000))
    wait_until "$minute_began"
    scrape
    minute "$minute" "$hour"
    for quarter in 1500 3000 4500; do
      wait_until $((minute_began + quarter))
      scrape
    done
  done
  last=$(state_of_process)
  echo "hour $((hour + 1)): $last (resident kB, descriptors, threads, 1/100 s of CPU)" >&2
  [ $((hour + 1)) -ne "$half" ] || at_half=$last
done
wait_until $((day_began + hours * 360000))
pings=$(($(metric netmonitor_ping_requests_total '') - pings_before))
read_events

# shellcheck disable=SC2086 # four numbers
set -- $at_half $last
outages=$hours
# Down and up; an outage's begin and end; the clock's steps. The start of the machine is one, too.
expected=$((2 * hours * flaps_per_hour + 2 * outages + clock_steps + 1))
row "hours, in the machine's time" "$hours" '' ''
works "scrapes answered of $((hours * 240))" "$scrapes" test "$scrapes" = $((hours * 240))
works "looks at /net/status answered of $((hours * 60))" "$statuses" \
  test "$statuses" = $((hours * 60))
counted=$(metric netmonitor_events_total '')
works "events counted of $expected" "$counted" test "$counted" = "$expected"
works "events read by a cursor of $expected" "$events_read" test "$events_read" = "$expected"
sent=$((2 * hours * 3600))
works "requests of two targets counted, $sent give or take 4" "$pings" \
  near "$pings" "$sent" 4
told=$(metric netmonitor_outages_total '')
works "outages told of $outages" "$told" test "$told" = "$outages"
# Each begins and ends within a ping's interval.
told=$(metric netmonitor_outage_seconds_total '')
works "seconds of them, $((outages * outage_seconds)) give or take $outages" "$told" \
  near "$told" $((outages * outage_seconds)) "$outages"
lines=$(metric netmonitor_log_lines_total 'source="logread"')
works "lines read, at least $noise_written" "$lines" test "$lines" -ge "$noise_written"
for counter in log_overruns_total event_queue_write_errors_total sensor_hangs_total; do
  told=$(metric "netmonitor_$counter" '')
  works "$counter" "$told" test "$told" = 0
done
works 'open files, half and whole day' "$2 $6" test "$2" = "$6"
works 'threads, half and whole day' "$3 $7" test "$3" = "$7"
figure 'resident memory at the end' "$5" "$idle_kb" kB
growth=$(($5 - $1))
if [ "$half" -ge "$full_after_hours" ]; then
  works "kB of that since half the day, at most $growth_kb" "$growth" \
    test "$growth" -le "$growth_kb"
else
  row 'of that since half the day' "$growth kB" '' 'too short'
fi
row 'CPU time of the day, at 500 million instructions/s' "$(($8 / 100)) s" '' ''
explain_memory 'at the end'
stop 'after the day'
finish
