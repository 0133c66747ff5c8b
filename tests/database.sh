#!/bin/sh
# A database server of a test's own: database.sh postgres|mariadb FOLDER [OPTION …]
# Everything of it is in FOLDER, which is made, or of a server that was there before; it listens
# on a socket there alone. Prints the folder of the socket, or its path, once it takes
# connections, and ends with its stdin. Whoever may reach the socket is its administrator:
# `postgres` or `root`, without a password. There is an empty database `netmonitor`, and the
# server's id in FOLDER/server.pid.
set -eu

engine=$1
folder=$2
shift 2
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# Neither server runs as root. In the place of the shell, so that its id is the server's.
unprivileged() {
  if [ "$(id -u)" = 0 ]; then
    chown nobody "$folder"
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
  else
    exec "$@"
  fi
}

log=$folder/log
case $engine in
  postgres)
    # Of several versions the newest.
    for programs in /usr/lib/postgresql/*/bin; do :; done
    if [ ! -d "$folder/data" ]; then
      (unprivileged "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C \
        -N) >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
      # Whoever is called so is asked for the password, as everybody is elsewhere.
      sed -i '1i local all guest scram-sha-256\nhost all guest all scram-sha-256' \
        "$folder/data/pg_hba.conf"
    fi
    set -- "$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= \
      -c fsync=off -c full_page_writes=off -c max_connections=300 \
      -c shared_buffers=64MB "$@"
    # The first time it makes the database, each time it asks for it.
    is_ready() {
      "$programs/createdb" -h "$folder" -U postgres netmonitor 2>"$folder/said" \
        || grep -q 'already exists' "$folder/said"
    }
    shown=$folder
    end=QUIT
    ;;
  mariadb)
    # Where there is no room even for what is to be undone, the server ends itself: it has a place
    # of its own. The same each time.
    undo=--innodb-undo-tablespaces=2
    if [ ! -d "$folder/data" ]; then
      # A server that starts deletes what it takes for its own in /tmp, others' too.
      (unprivileged mariadb-install-db --no-defaults --datadir="$folder/data" --tmpdir="$folder" "$undo" \
        --auth-root-authentication-method=normal --skip-test-db) >"$log" 2>&1 \
        || { cat "$log" >&2; exit 1; }
    fi
    rm -f "$folder/socket"
    set -- mariadbd --no-defaults --datadir="$folder/data" --tmpdir="$folder" "$undo" \
      --socket="$folder/socket" \
      --pid-file="$folder/pid" --skip-networking --innodb-flush-log-at-trx-commit=2 \
      --innodb-doublewrite=0 --sync-binlog=0 --max-connections=300 "$@"
    is_ready() {
      mariadb --no-defaults --socket="$folder/socket" --user=root \
        --execute='CREATE DATABASE IF NOT EXISTS netmonitor' 2>"$folder/said"
    }
    shown=$folder/socket
    end=KILL
    ;;
  *)
    echo "database.sh: postgres or mariadb, not $engine" >&2
    exit 1
    ;;
esac

unprivileged "$@" </dev/null >>"$log" 2>&1 &
server=$!
# What it holds is of no use to anybody afterwards.
trap 'exec 2>/dev/null; kill -"$end" "$server"; wait "$server" || true' EXIT
until is_ready; do
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.05
done
echo "$server" >"$folder/server.pid"
echo "$shown"
# Until whoever started it closes it, or dies.
cat >/dev/null
