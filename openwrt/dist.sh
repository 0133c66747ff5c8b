#!/bin/sh
# Makes everything that a release has for routers, in target/dist: packages, the bundle with
# install.sh, and SHA256SUMS over them. The programs are those that build-static.sh has built,
# for all CPUs; `make dist` builds and tries them first.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dist=$(dirname "$here")/target/dist

for target in $("$here/package.sh" targets); do
    [ -f "$here/../target/static/$target/release/netmonitor-exporter" ] || {
        echo "dist.sh: no program for $target yet: run make dist, or openwrt/build-static.sh $target" >&2
        exit 1
    }
done
# What an earlier version has left does not belong to this one.
rm -rf "$dist"
"$here/package.sh" packages
"$here/package.sh" bundle
cd "$dist"
sums=$(find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum)
echo "$sums" >SHA256SUMS
echo "$(wc -l <SHA256SUMS) files in target/dist"
