#!/bin/sh
# Fetches Prometheus, promtool and Alertmanager of Debian's next release into
# target/newer-prometheus/, beside those that are installed: what is shipped must suit both.
# Nothing is installed, and once is enough. Where it cannot be had, a line says so, and what is
# tried with the newer ones is left out.
set -eu

place=target/newer-prometheus

give_up() {
  rm -rf "$place"
  echo "newer-prometheus.sh: $1: the rules are only tried with the Prometheus that is installed" >&2
  exit 0
}

[ ! -x "$place/usr/bin/prometheus-alertmanager" ] || exit 0
tests/next-debian.sh testing "$place" prometheus promtool prometheus-alertmanager \
  || give_up 'it cannot be had'
for program in prometheus promtool prometheus-alertmanager amtool; do
  "$place/usr/bin/$program" --version >/dev/null 2>&1 || give_up "$program does not run here"
done
