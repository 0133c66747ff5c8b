#!/bin/sh
# Installs the Debian packages that a make target needs, if any is missing; quiet when
# none is. `install-tools.sh build` for compiling, `install-tools.sh test` for the rest too,
# `install-tools.sh run` for `make run`, `install-tools.sh fuzz` for libFuzzer, `install-tools.sh vm`
# for the emulated ARM64 machine, `install-tools.sh lab` for those of the PPPoE laboratory,
# `install-tools.sh containers` for an engine, `install-tools.sh pictures` for pictures of the
# dashboards and of LuCI's pages.
set -eu

# program:package; the real readers of what we write, and the system's own tools.
for_tests='
promtool:prometheus
prometheus:prometheus
prometheus-alertmanager:prometheus-alertmanager
curl:curl
prometheus-node-exporter:prometheus-node-exporter
shellcheck:shellcheck
jq:jq
ip:iproute2
unshare:util-linux
nsenter:util-linux
setpriv:util-linux
flock:util-linux
pgrep:procps
systemd-analyze:systemd
strip:binutils
busybox:busybox-static
faketime:faketime
zopfli:zopfli
sqlite3:sqlite3
script:bsdutils
qemu-aarch64-static:qemu-user-static
nginx:nginx-light
openssl:openssl
mariadbd:mariadb-server-core
my_print_defaults:mariadb-client-core
chromium:chromium
node:nodejs
'

for_run='
curl:curl
jq:jq
setpriv:util-linux
'

for_containers='
dockerd:docker.io
busybox:busybox-static
curl:curl
ip:iproute2
jq:jq
nginx:nginx-light
openssl:openssl
prometheus:prometheus
prometheus-alertmanager:prometheus-alertmanager
setpriv:util-linux
sqlite3:sqlite3
unshare:util-linux
'

for_pictures='
chromium:chromium
node:nodejs
npm:npm
pngquant:pngquant
setpriv:util-linux
'

for_lab='
qemu-system-x86_64:qemu-system-x86
qemu-system-aarch64:qemu-system-arm
cpio:cpio
depmod:kmod
readelf:binutils
promtool:prometheus
'

missing=''
lacks() {
  case " $missing " in
    *" $1 "*) ;;
    *) missing="$missing $1" ;;
  esac
}

# A compiler alone cannot link: the C library's own files come with another package.
echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - 2>/dev/null \
  || { lacks gcc; lacks libc6-dev; }
if [ "$1" = test ]; then
  for pair in $for_tests; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || lacks "${pair#*:}"
  done
  /usr/bin/python3 -c 'import prometheus_client.openmetrics' 2>/dev/null \
    || lacks python3-prometheus-client
  /usr/bin/python3 -c 'import yaml' 2>/dev/null || lacks python3-yaml
  python3 -c 'import ensurepip' 2>/dev/null || lacks python3-venv
fi
if [ "$1" = test ] || [ "$1" = containers ]; then
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || lacks postgresql
fi
if [ "$1" = run ]; then
  for pair in $for_run; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || lacks "${pair#*:}"
  done
  command -v "${PROMETHEUS:-prometheus}" >/dev/null 2>&1 || lacks prometheus
  [ -n "${ALERTMANAGER:-}" ] || command -v alertmanager >/dev/null 2>&1 \
    || command -v prometheus-alertmanager >/dev/null 2>&1 || lacks prometheus-alertmanager
fi
if [ "$1" = containers ]; then
  for pair in $for_containers; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || lacks "${pair#*:}"
  done
fi
if [ "$1" = lab ]; then
  for pair in $for_lab; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || lacks "${pair#*:}"
  done
fi
if [ "$1" = pictures ]; then
  for pair in $for_pictures; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || lacks "${pair#*:}"
  done
  # Grafana's letters: with others every width would be wrong.
  ls /usr/share/fonts/*/inter* >/dev/null 2>&1 || lacks fonts-inter
  # For LuCI's pages in Chinese.
  ls /usr/share/fonts/opentype/noto/NotoSansCJK* >/dev/null 2>&1 || lacks fonts-noto-cjk
fi
if [ "$1" = fuzz ]; then
  command -v c++ >/dev/null 2>&1 || lacks g++
fi
if [ "$1" = vm ]; then
  command -v qemu-system-aarch64 >/dev/null 2>&1 || lacks qemu-system-arm
  command -v cpio >/dev/null 2>&1 || lacks cpio
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "missing:$missing" >&2
  echo "install them, for example: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

echo "installing:$missing"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# $missing is a list of package names.
# shellcheck disable=SC2086
if ! { apt-get -qq update && apt-get -qq -o DPkg::Lock::Timeout=500 install -y \
  --no-install-recommends $missing; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "the packages could not be installed:$missing" >&2
  exit 1
fi
rm -f "$log"

# The tests start these programs themselves; Debian starts them as services too, which
# nobody has asked for.
if [ -d /run/systemd/system ]; then
  # package:units
  for entry in prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager \
    prometheus-node-exporter:prometheus-node-exporter nginx-light:nginx \
    postgresql:postgresql \
    'docker.io:docker.socket docker containerd'; do
    case " $missing " in
      *" ${entry%%:*} "*) ;;
      *) continue ;;
    esac
    for unit in ${entry#*:}; do
      systemctl --quiet disable --now "$unit" || echo "$unit: still enabled" >&2
    done
  done
fi
