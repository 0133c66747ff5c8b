#!/bin/busybox ash
# Runs inside the machine: measures the exporter as a router's BusyBox would see it.

# shellcheck source=tests/arm-machine/inside/figures.sh
. /bin/figures.sh

# 5 MB.
storm_kb=4882
# Less than a second, in the steps of the machine's clock.
start_ms=990
scrapes=100
idle_seconds=30
events=10000
flood_seconds=10
# Lines: a batch every tenth of a second makes 20,000 a second, where the machine can.
batch=2000

# The most memory while it runs, as /tmp/most; ends with the file /tmp/sampling.
sample_memory() {
  most=0
  while [ -e /tmp/sampling ]; do
    rss=$(awk '/^Rss:/ { print $2 }' "/proc/$pid/smaps_rollup")
    [ "$rss" -le "$most" ] || most=$rss
    echo "$most" >/tmp/most
    sleep 0.05
  done
}

begin_sampling() {
  : >/tmp/sampling
  sample_memory &
  sampler=$!
}

# The kernel's own count may lag behind by some hundred kB, samples may miss a peak.
end_sampling() {
  rm /tmp/sampling
  wait "$sampler"
  read -r most </tmp/most
  high=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status")
  [ "$high" -le "$most" ] || most=$high
}

# What the WAN's interface does, in turn.
event_messages() {
  awk -v lines="$events" 'BEGIN {
    for (line = 0; line < lines; line++)
      print "Interface '\''wan'\'' is now " (line % 2 ? "up" : "down")
  }'
}

# Messages that matter to nobody.
noise_messages() {
  awk -v lines="$batch" 'BEGIN {
    text[0] = "dnsmasq-dhcp[2101]: DHCPREQUEST(br-lan) 192.0.2.# 00:00:5e:00:53:#"
    text[1] = "hostapd: phy1-ap0: STA 00:00:5e:00:53:# WPA: group key handshake completed (RSN)"
    text[2] = "kernel: reject wan in: IN=wan OUT= SRC=198.51.100.# DST=203.0.113.7 LEN=40 ID=#"
    text[3] = "netifd: Network device '\''lan3'\'' link is up"
    text[4] = "odhcpd[1623]: Got a DHCPv6 request for 2001:db8::#"
    for (line = 0; line < lines; line++) {
      message = text[line % 5]
      gsub("#", 10 + line % 90, message)
      print message
    }
  }'
}

# Before each line of stdin what OpenWrt's `logread -t` writes: the time, and what is in $1.
with_time() {
  stamp=$(date "+%a %b %e %H:%M:%S %Y [%s.000]")
  sed "s/^/$stamp $1/"
}

# For flood_seconds: $1 writes a batch; sets lines.
flood() {
  lines=0
  begun=$(now)
  due=$begun
  while [ "$due" -lt $((begun + 100 * flood_seconds)) ]; do
    "$1"
    lines=$((lines + batch))
    due=$((due + 10))
    at=$(now)
    [ "$at" -ge $((begun + 100 * flood_seconds)) ] && break
    [ "$at" -ge "$due" ] || usleep $(((due - at) * 10000))
  done
  took=$(($(now) - begun))
  echo "$lines lines in $((took * 10)) ms" >&2
}

burst_into_log() {
  logger -t netifd -p daemon.notice </tmp/events
}

flood_log() {
  logger -t flood -p daemon.info </tmp/noise
}

burst_into_file() {
  with_time 'daemon.notice netifd: ' </tmp/events >/tmp/burst
  cat /tmp/burst >>/tmp/log
}

flood_file() {
  with_time 'daemon.info ' </tmp/noise >>/tmp/log
}

# $1: for the table; $2: the source's name; what writes events is $3, what writes a batch is $4.
storm() {
  before=$(metric netmonitor_events_total 'type="wan_')
  read_before=$(metric netmonitor_log_lines_total "source=\"$2\"")
  begin_sampling
  begun=$(now)
  "$3"
  counted=$(wait_for_metric netmonitor_events_total 'type="wan_' $((before + events)) 60)
  counted_in=$((($(now) - begun) * 10))
  flood "$4"
  read_lines=$(wait_for_metric netmonitor_log_lines_total "source=\"$2\"" \
    $((read_before + events + lines)) 60)
  end_sampling
  works "$1: events counted of $events" $((counted - before)) \
    test "$((counted - before))" = "$events"
  row "$1: first event written to last one counted" "$counted_in ms" '' ''
  row "$1: lines written a second" $((lines * 100 / took)) '' ''
  works "$1: lines read of $((events + lines))" $((read_lines - read_before)) \
    test $((read_lines - read_before)) -ge $((events + lines))
  figure "$1: resident memory at most" "$most" "$storm_kb" kB
  explain_memory "after the storm: $1"
}

row 'kernel and BusyBox are up after' "$(cut -d ' ' -f 1 /proc/uptime) s" '' ''
uname -a >&2
event_messages >/tmp/events
noise_messages >/tmp/noise

# A ring that holds the whole burst: what the daemon overwrites, nobody can read.
syslogd -C4096
klogd
# Slower than again: the emulator has to translate each piece of the program's code.
start auto
figure 'start to first answer, for the first time' "$answered_in" "$start_ms" ms
followed=$(wait_for_metric netmonitor_log_source_up 'source="logread"' 1 30)
works 'LOG_SOURCE auto: logread is followed' "$followed" test "$followed" = 1
works 'LOG_SOURCE auto: logread runs' "$(pidof logread)" runs logread
answered=$(wait_for_metric netmonitor_ping_rtt_seconds_count 'target="127' 3 20)
works 'pings of loopback answered' "$answered" test "$answered" -ge 3
logger -t netifd -p daemon.notice "Interface 'wan' is now up"
wait_for_metric netmonitor_events_total 'type="wan_up"' 1 10 >/dev/null
events_told=$(get /net/events | grep -o '"type":"wan_up"' | grep -c .)
works 'a line of the log is an event in /net/events' "$events_told" test "$events_told" = 1

scraped=0
for _ in $(seq "$scrapes"); do
  get /metrics | grep -q '^netmonitor_' && scraped=$((scraped + 1))
done
works "scrapes of /metrics answered of $scrapes" "$scraped" test "$scraped" = "$scrapes"
sleep "$idle_seconds"
# shellcheck disable=SC2046 # four numbers
set -- $(memory)
figure 'idle: resident memory' "$1" "$idle_kb" kB
row 'idle: the same, shared divided by users' "$2 kB" '' ''
row 'idle: of that, private' "$3 kB" '' ''
row 'idle: of that, allocated' "$4 kB" '' ''
explain_memory idle
storm 'storm by syslogd' logread burst_into_log flood_log
stop 'with logread'

rm -f /tmp/net_events.json*
: >/tmp/log
start file:/tmp/log
echo "Interface 'wan' is now up" | with_time 'daemon.notice netifd: ' >>/tmp/log
wait_for_metric netmonitor_events_total 'type="wan_up"' 1 10 >/dev/null
storm 'storm in a file' file burst_into_file flood_file
stop 'with a file'
start file:/tmp/log
figure 'start to first answer, again' "$answered_in" "$start_ms" ms
stop 'started again'

netmonitor-exporter doctor >/tmp/doctor 2>&1
code=$?
cat /tmp/doctor >&2
works 'doctor, exit code' "$code" test "$code" = 0
# The kernel lets these groups ping without any right.
echo '0 65535' >/proc/sys/net/ipv4/ping_group_range
echo 'nobody:x:65534:65534::/tmp:/bin/ash' >/etc/passwd
su nobody -c 'netmonitor-exporter doctor' >/tmp/doctor 2>&1
grep 'permission' /tmp/doctor >&2
works 'doctor as nobody pings 127.0.0.1' "$(grep -c 'ok  *127.0.0.1' /tmp/doctor)" \
  grep -q 'ok  *127.0.0.1' /tmp/doctor

finish
