#!/bin/sh
# Writes a copy of prometheus.yml, alertmanager.yml and the rules with other addresses, the
# files of tokens, your receiver and your store in place: configure.sh FOLDER, with what differs in
# the environment. POSIX sh and sed, so that it runs in the containers of Prometheus and
# Alertmanager as well.
#
#   BRIDGE_ADDRESS        127.0.0.1:5000   host and port of the bridge
#   PROMETHEUS_ADDRESS    127.0.0.1:9090   of Prometheus, which scrapes itself
#   ALERTMANAGER_ADDRESS  127.0.0.1:9093
#   READ_TOKEN_FILE       (empty)          the bridge's, for Prometheus
#   API_TOKEN_FILE        (empty)          the bridge's, for Alertmanager
#   RECEIVER_FILE         (empty)          who is told: a file as in examples/receivers/
#   SITE                  (empty)          name of this site among others: a label of all that is
#                                          sent from here
#   REMOTE_WRITE_FILE     (empty)          where metrics are sent: a file as examples/remote-write.yml
set -eu

refuse() {
  echo "configure.sh: $1" >&2
  exit 2
}

[ $# -eq 1 ] || refuse 'name the folder to write to'
folder=$1
here=$(dirname "$0")

# What is put between the bars of sed's `s` must not end it.
is_address() { # NAME VALUE
  case $2 in
    *[!A-Za-z0-9.:_-]*) refuse "$1: expected host:port, found \"$2\"" ;;
    '' | ?*:?*) ;;
    *) refuse "$1: port is missing in \"$2\"" ;;
  esac
}
# A program that reads the file does not start in this folder.
is_file() { # NAME VALUE
  case $2 in
    '') ;;
    *[!A-Za-z0-9./_-]*) refuse "$1: letters, digits and ./_- only, found \"$2\"" ;;
    /*) [ -r "$2" ] || refuse "$1: $2 cannot be read" ;;
    *) refuse "$1: expected the whole path, found \"$2\"" ;;
  esac
}
is_readable() { # NAME VALUE
  [ -z "$2" ] || [ -r "$2" ] || refuse "$1: $2 cannot be read"
}
is_address BRIDGE_ADDRESS "${BRIDGE_ADDRESS:-}"
is_address PROMETHEUS_ADDRESS "${PROMETHEUS_ADDRESS:-}"
is_address ALERTMANAGER_ADDRESS "${ALERTMANAGER_ADDRESS:-}"
is_file READ_TOKEN_FILE "${READ_TOKEN_FILE:-}"
is_file API_TOKEN_FILE "${API_TOKEN_FILE:-}"
is_readable RECEIVER_FILE "${RECEIVER_FILE:-}"
is_readable REMOTE_WRITE_FILE "${REMOTE_WRITE_FILE:-}"
case ${SITE:-} in
  *[!A-Za-z0-9._-]*) refuse "SITE: letters, digits and ._- only, found \"$SITE\"" ;;
esac
# In a store without it, two sites' series would be one.
[ -z "${REMOTE_WRITE_FILE:-}" ] || [ -n "${SITE:-}" ] \
  || refuse 'REMOTE_WRITE_FILE: name this site in SITE, too'

mkdir -p "$folder/rules"
cp "$here"/rules/*.yml "$folder/rules/"
for file in prometheus.yml alertmanager.yml; do
  sed -e "s|127\.0\.0\.1:5000|${BRIDGE_ADDRESS:-127.0.0.1:5000}|" \
    -e "s|127\.0\.0\.1:9090|${PROMETHEUS_ADDRESS:-127.0.0.1:9090}|" \
    -e "s|127\.0\.0\.1:9093|${ALERTMANAGER_ADDRESS:-127.0.0.1:9093}|" \
    ${READ_TOKEN_FILE:+-e "s|^#read \(.*\)READ_TOKEN_FILE|\1$READ_TOKEN_FILE|"} \
    ${SITE:+-e "s|^#site \(.*\)SITE|\1$SITE|"} \
    ${API_TOKEN_FILE:+-e "s|^#api \(.*\)API_TOKEN_FILE|\1$API_TOKEN_FILE|"} \
    ${RECEIVER_FILE:+-e "/^  - name: person\$/r $RECEIVER_FILE"} \
    ${RECEIVER_FILE:+-e '/^  - name: person$/d'} \
    "$here/$file" >"$folder/$file"
done
[ -z "${REMOTE_WRITE_FILE:-}" ] || cat "$REMOTE_WRITE_FILE" >>"$folder/prometheus.yml"
