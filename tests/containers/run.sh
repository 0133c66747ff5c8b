#!/bin/sh
# `make test-compose`: the containers with a real engine, in a network of its own that reaches
# nothing else. Where no engine can be started, it says so and leaves the test out. PROFILE=release
# takes programs as they are released, for figures of size and memory; they take minutes to build.
set -eu

work=target/containers
profile=${PROFILE:-dev}

leave_out() {
  echo "test-compose: NOT RUN: $1" >&2
  exit 0
}

[ "$(id -u)" -eq 0 ] || leave_out 'an engine needs root'
tests/containers/install.sh engine || leave_out 'see above'

# Does an engine start here, and a container in it?
try_engine() {
  mkdir "$try/image"
  cp "$(command -v busybox)" "$try/image/"
  printf 'FROM scratch\nCOPY busybox /\n' >"$try/image/Dockerfile"
  setpriv --pdeathsig TERM unshare --net dockerd --data-root "$try/data" --exec-root "$try/exec" \
    --pidfile "$try/pid" -H "unix://$try/socket" >"$try/log" 2>&1 &
  engine=$!
  DOCKER_HOST=unix://$try/socket
  export DOCKER_HOST
  well=no
  tries=300
  until docker version >/dev/null 2>&1 || ! kill -0 "$engine" 2>/dev/null || [ "$tries" -eq 0 ]; do
    tries=$((tries - 1))
    sleep 0.2
  done
  if docker build -q "$try/image" -t try >>"$try/log" 2>&1 \
    && docker run --rm --read-only --cap-drop ALL --user 65534 --memory 64m try /busybox true \
      >>"$try/log" 2>&1; then
    well=yes
  fi
  kill "$engine" 2>/dev/null || true
  wait "$engine" || true
  unset DOCKER_HOST
  [ "$well" = yes ]
}

try=$(mktemp -d)
if ! try_engine; then
  tail -n 5 "$try/log" >&2
  rm -rf "$try"
  leave_out 'no container runs here, see above'
fi
rm -rf "$try"

# Static, as the images need them; only the last step of linking is another one than elsewhere.
build() { # PACKAGE PROGRAM
  cargo rustc --locked --profile "$profile" -p "$1" --bin "$2" -- -C target-feature=+crt-static
  # What a debugger wants would be a hundred megabytes in each image.
  strip -o "$work/programs/$2" "target/$folder/$2"
}

folder=$profile
[ "$profile" != dev ] || folder=debug
mkdir -p "$work/programs"
build netmonitor-bridge netmonitor-bridge
build netmonitor-exporter netmonitor-exporter
build netmonitor-tests fake-router

cargo test --locked -p netmonitor-tests --features containers --test containers --no-run
# The router has an address of this network, outside of the containers'.
exec unshare --net sh -c 'ip link set lo up && ip address add 192.0.2.1/32 dev lo \
  && exec cargo test --locked --offline -p netmonitor-tests --features containers --test containers \
    -- --nocapture --test-threads 1'
