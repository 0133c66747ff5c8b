#!/bin/sh
# Starts nginx as the TLS front of the container stack: checks the settings, finds or makes
# the certificate, writes nginx's settings from nginx.conf, and becomes nginx. It needs no
# rights, and writes below WORK and CERTIFICATES alone.
#
# Settings: HTTPS_PORT, TLS_NAMES, GRAFANA_ADDRESS, BRIDGE_ADDRESS, RESOLVER, HSTS_SECONDS; see
# docs/tls.md. The rest says where things are, and is moved only by tests.
#
# No file name is ever expanded (-f): names in certificates may begin with `*.`.
set -euf
umask 077

HTTPS_PORT=${HTTPS_PORT:-443}
TLS_NAMES=${TLS_NAMES:-localhost}
GRAFANA_ADDRESS=${GRAFANA_ADDRESS:-grafana:3000}
BRIDGE_ADDRESS=${BRIDGE_ADDRESS:-bridge:5000}
# Docker's own, the same in every container.
RESOLVER=${RESOLVER:-127.0.0.11}
HSTS_SECONDS=${HSTS_SECONDS:-86400}

HTTP_LISTEN=${HTTP_LISTEN:-8080}
HTTPS_LISTEN=${HTTPS_LISTEN:-8443}
SECRETS=${SECRETS:-/run/secrets}
CERTIFICATES=${CERTIFICATES:-/certificates}
WORK=${WORK:-/tmp/proxy}
HERE=$(dirname "$0")

say() {
  echo "proxy: $*" >&2
}

fail() {
  say "$@"
  exit 1
}

# shellcheck source=compose/proxy/settings.sh
. "$HERE/settings.sh"
# shellcheck source=compose/proxy/certificate.sh
. "$HERE/certificate.sh"

mkdir -p "$WORK" || fail "$WORK cannot be made: nginx needs a place for what is on its way;" \
  "give the container a tmpfs on /tmp"
choose_certificate "$names"

suffix=:$HTTPS_PORT
[ "$HTTPS_PORT" != 443 ] || suffix=''

# `http2 on` came with nginx 1.25.1. Before, it belongs to `listen`: Debian 12's nginx, with
# which this is tested too.
older=''
case $(nginx -v 2>&1) in
  *nginx/1.[0-9].* | *nginx/1.1[0-9].* | *nginx/1.2[0-4].* | *nginx/1.25.0*)
    older='/http2 on;/d; s/ ssl;/ ssl http2;/'
    ;;
esac

sed -e "s|@WORK@|$WORK|; s|@HERE@|$HERE|; s|@HTTP_LISTEN@|$HTTP_LISTEN|" \
  -e "s|@HTTPS_LISTEN@|$HTTPS_LISTEN|; s|@HTTPS_PORT@|$HTTPS_PORT|; s|@SUFFIX@|$suffix|" \
  -e "s|@CERTIFICATE@|$certificate|; s|@KEY@|$key|; s|@HSTS_SECONDS@|$HSTS_SECONDS|" \
  -e "s|@RESOLVER@|$RESOLVER|; s|@GRAFANA@|$GRAFANA_ADDRESS|; s|@BRIDGE@|$BRIDGE_ADDRESS|" \
  -e "$older" "$HERE/nginx.conf" >"$WORK/nginx.conf"

# Without -e it opens the log that it was built with, which cannot be written here.
exec nginx -e stderr -p "$WORK" -c "$WORK/nginx.conf"
