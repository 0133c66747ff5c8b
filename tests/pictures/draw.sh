#!/bin/sh
# Draws pictures of the dashboards from a Prometheus and a bridge that run: draw.sh [OPTION…]
# [DASHBOARD…], with the options of pictures.mjs. What it needs of npm is installed once, and
# with our own code made into one file, because parts of Grafana's library are modules of a kind
# that Node alone does not load.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=${here%/tests/pictures}/target/pictures
mkdir -p "$work"
if ! cmp -s "$here/package.json" "$work/package.json"; then
  cp "$here/package.json" "$work/package.json.new"
  mv "$work/package.json.new" "$work/package.json"
  # Taken back when it fails, so that the next time tries again.
  npm install --prefix "$work" --no-audit --no-fund --no-package-lock --ignore-scripts --silent \
    || { rm -f "$work/package.json"; exit 1; }
fi
NODE_PATH="$work/node_modules" "$work/node_modules/.bin/esbuild" "$here/pictures.mjs" \
  --bundle --platform=node --format=esm --target=node18 --log-level=warning \
  --banner:js='import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' \
  --outfile="$work/pictures.mjs"
exec node "$work/pictures.mjs" "$@"
