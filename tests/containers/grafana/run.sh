#!/bin/sh
# In Grafana's place: answers that it is well, and keeps a file as a database that a second start
# does not make anew.
set -eu
umask 077
[ -e /var/lib/grafana/grafana.db ] || date +%s%N >/var/lib/grafana/grafana.db
httpd -f -p 3000 -h /www &
# As the first process of all it would not end by a signal that it does not catch.
trap 'kill $!' TERM
wait
