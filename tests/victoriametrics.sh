#!/bin/sh
# Fetches VictoriaMetrics of Debian 13 into target/victoriametrics/: the store itself, vmalert, which
# evaluates rules on it, and vmctl, which brings it a past. Nothing is installed, and once is enough.
# Where it cannot be had, a line says so, and what is tried with it is left out.
set -eu

place=target/victoriametrics

give_up() {
  rm -rf "$place"
  echo "victoriametrics.sh: $1: a store for the metrics of many sites is not tried" >&2
  exit 0
}

[ ! -x "$place/usr/bin/vmctl" ] || exit 0
tests/next-debian.sh trixie "$place" victoria-metrics || give_up 'it cannot be had'
for program in victoria-metrics vmalert vmctl; do
  "$place/usr/bin/$program" --help >/dev/null 2>&1 || give_up "$program does not run here"
done
