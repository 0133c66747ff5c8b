# shellcheck shell=sh
# The networks of the laboratory, and what can be done to them. Sourced.
#
#   cli eth1.7 - eth1 = m0 mid m1 = s0 - s0.7 srv n0 = n1 net
#
# cli is the router; mid a switch, whose ports are cables that can be pulled; srv the provider's
# access server; net the internet behind it. Nothing else is there.

# BusyBox prefers its own.
ip() {
  /usr/sbin/ip "$@"
}

build_networks() {
  for name in cli mid srv net; do
    ip netns add "$name"
    ip -n "$name" link set lo up
  done
  ip link add eth1 netns cli type veth peer name m0 netns mid
  ip link add s0 netns srv type veth peer name m1 netns mid
  ip link add n0 netns srv type veth peer name n1 netns net
  ip -n mid link add br0 type bridge
  for port in m0 m1; do
    ip -n mid link set "$port" master br0 up
  done
  ip -n mid link set br0 up
  # Many providers take their sessions from a VLAN.
  for end in cli:eth1 srv:s0; do
    ip -n "${end%:*}" link set "${end#*:}" up
    ip -n "${end%:*}" link add link "${end#*:}" name "${end#*:}.7" type vlan id 7
    ip -n "${end%:*}" link set "${end#*:}.7" up
  done
  ip -n srv address add 192.0.2.254/24 dev n0
  ip -n srv link set n0 up
  for address in 192.0.2.1/24 192.0.2.2/24 203.0.113.1/24 203.0.113.2/24; do
    ip -n net address add "$address" dev n1
  done
  ip -n net link set n1 up
  ip -n net route add default via 192.0.2.254
  ip -n srv route add 203.0.113.0/24 via 192.0.2.1
  ip netns exec srv sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

# What the server says is not of the router's log.
start_server() {
  ip netns exec srv sh -c 'mount --bind /dev/null /dev/log && exec pppoe-server -F -I s0.7 \
    -L 198.51.100.1 -R 198.51.100.10 -N 10 -C LAB-AC -S isp' >/dev/null 2>&1 &
}

# Processes of the provider's side that run this program.
server_pids() {
  for pid in $(ip netns pids srv); do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || echo "$pid"
  done
}

# A signal to these programs of the provider's side.
signal_server() {
  signal=$1
  shift
  for program in "$@"; do
    # shellcheck disable=SC2046 # a list
    set -- $(server_pids "$program")
    [ $# -eq 0 ] || kill "-$signal" "$@"
  done
}

# The provider closes the session by PADT: its server does so when the session's process is gone.
close_session() {
  signal_server KILL pppd
}

# Of the sessions that begin from now on; a signal would end the server's pppd too soon to say so.
limit_sessions() {
  echo "maxconnect $1" >>/etc/ppp/pppoe-server-options
}

unlimit_sessions() {
  sed -i '/maxconnect/d' /etc/ppp/pppoe-server-options
}

silence_server() {
  signal_server STOP pppoe-server pppd pppoe
}

# The server is back, and has forgotten its sessions without a word.
restart_server() {
  signal_server KILL pppoe-server pppd pppoe
  start_server
}

stop_server() {
  signal_server TERM pppoe-server
}

# The router's pppd, as by ifdown.
hang_up() {
  for pid in $(ip netns pids cli); do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != pppd ] || kill "$pid"
  done
}

set_account() {
  printf 'user=%s\npassword=%s\n' "$1" "$2" >/run/account
}

pull_cable() {
  ip -n mid link set m0 down
}

plug_cable() {
  ip -n mid link set m0 up
}

cut_internet() {
  ip -n net link set n1 down
}

mend_internet() {
  ip -n net link set n1 up
  # The address stays on the device, its routes do not.
  ip -n net route add default via 192.0.2.254
}

# Of all frames that the router sends.
lose_frames() {
  ip netns exec mid tc qdisc add dev m1 root netem loss "$1%"
}

lose_nothing() {
  ip netns exec mid tc qdisc delete dev m1 root
}
