# shellcheck shell=sh
# Read by start.sh: checks its settings, and says everything that is wrong with them at once.
# What is let through goes into nginx's settings and openssl's as it is.

wrong=''
problem() {
  say "$@"
  wrong=1
}

# A whole number without zeros before it, from $2 to $3.
is_number() {
  case $1 in
    '' | *[!0-9]* | 0?* | ??????????*) return 1 ;;
  esac
  [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

# What is asked is one line: the characters have been looked at before.
is_ipv4() {
  printf '%s\n' "$1" | grep -Eqx '((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
}

check_address() {
  host=${2%:*}
  case $host in
    '' | "$2" | *[!A-Za-z0-9._-]*) host='' ;;
  esac
  if [ -z "$host" ] || ! is_number "${2##*:}" 1 65535; then
    problem "$1 is \"$2\": write a name or an IPv4 address, and a port, for example $3"
  fi
}

check_name() {
  case $1 in
    *:*)
      case $1 in
        *[!0-9A-Fa-f:]*) ;;
        *) return ;;
      esac
      ;;
    *[!0-9.]*)
      # A star stands for one whole label, the first.
      case ${1#\*.} in
        '' | *[!A-Za-z0-9.-]* | [.-]* | *[.-] | *..*) ;;
        *) return ;;
      esac
      ;;
    *) ! is_ipv4 "$1" || return 0 ;;
  esac
  problem "TLS_NAMES has \"$1\", which is neither a name nor an address: write the names under" \
    "which browsers ask, with spaces between them, for example: nas.lan *.nas.lan 192.168.1.10"
}

is_number "$HTTPS_PORT" 1 65535 \
  || problem "HTTPS_PORT is \"$HTTPS_PORT\": write the port at which browsers reach HTTPS," \
    "1 to 65535, for example 443"
# Two years are what is usual at most; more is a slip.
is_number "$HSTS_SECONDS" 0 63072000 \
  || problem "HSTS_SECONDS is \"$HSTS_SECONDS\": write for how many seconds browsers shall insist" \
    "on HTTPS, 0 to 63072000, for example 86400"
check_address GRAFANA_ADDRESS "$GRAFANA_ADDRESS" grafana:3000
check_address BRIDGE_ADDRESS "$BRIDGE_ADDRESS" bridge:5000

case $RESOLVER in
  *[!0-9.]*) false ;;
  *) is_ipv4 "$RESOLVER" ;;
esac || problem "RESOLVER is \"$RESOLVER\": write the IPv4 address of the name server that knows" \
  "grafana and bridge; Docker's is 127.0.0.11"

# One space between two, so that only another list is another list.
names=''
for name in $TLS_NAMES; do
  check_name "$name"
  names="$names${names:+ }$name"
done
[ -n "$names" ] || problem 'TLS_NAMES holds no name: leave it empty for localhost, or write the' \
  'names under which browsers ask, for example: nas.lan 192.168.1.10'

[ -z "$wrong" ] || exit 1
