#!/bin/sh
# What the tests of the containers need. `install.sh compose`: Compose of Debian's next release, in
# target/containers/docker/, where it is a plug-in of the client. `install.sh engine`: Debian's
# engine as well. Quiet when it is there; ends with 1, and the reason, where it cannot be had.
set -eu

place=$PWD/target/containers/docker
plugins=$place/cli-plugins

if [ ! -x "$plugins/docker-buildx" ]; then
  tests/next-debian.sh trixie target/containers/next docker-compose docker-buildx
  mkdir -p "$plugins"
  for plugin in docker-compose docker-buildx; do
    # The name appears when all of it is there.
    mv "target/containers/next/usr/libexec/docker/cli-plugins/$plugin" "$plugins/"
  done
  rm -rf target/containers/next
fi
[ "$1" != engine ] || tests/install-tools.sh containers
