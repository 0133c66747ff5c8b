#!/bin/sh
# What the tests of the containers need. `install.sh compose`: Compose of Debian's next release, in
# target/containers/docker/, where it is a plug-in of the client. `install.sh engine`: Debian's
# engine as well. Quiet when it is there; ends with 1, and the reason, where it cannot be had.
set -eu

place=$PWD/target/containers/docker
plugins=$place/cli-plugins

# The machine's own, where they are packages of it.
for folder in /usr/libexec/docker/cli-plugins /usr/lib/docker/cli-plugins; do
  if [ ! -x "$plugins/docker-buildx" ] && [ -x "$folder/docker-compose" ] && [ -x "$folder/docker-buildx" ]; then
    mkdir -p "$plugins"
    ln -sf "$folder/docker-compose" "$folder/docker-buildx" "$plugins/"
  fi
done
if [ ! -x "$plugins/docker-buildx" ]; then
  tests/next-debian.sh trixie target/containers/next docker-compose docker-buildx || {
    echo "install.sh: install Compose 2 and buildx (on Ubuntu docker-compose-v2 and docker-buildx)" >&2
    exit 1
  }
  mkdir -p "$plugins"
  for plugin in docker-compose docker-buildx; do
    # The name appears when all of it is there.
    mv "target/containers/next/usr/libexec/docker/cli-plugins/$plugin" "$plugins/"
  done
  rm -rf target/containers/next
fi
[ "$1" = engine ] || exit 0
tests/install-tools.sh containers
# From Debian 13 on the client is a package of its own.
command -v docker >/dev/null 2>&1 \
  || DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends docker-cli >/dev/null
