#!/bin/sh
# What the pictures need of npm goes into target/pictures, once; then a program of this folder is
# made into one file there, with all that it imports: install.sh NAME. Parts of Grafana's library
# are modules of a kind that Node alone does not load.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=${here%/tests/pictures}/target/pictures
mkdir -p "$work"
if ! cmp -s "$here/package.json" "$work/installed.json"; then
  cp "$here/package.json" "$work/package.json"
  npm install --prefix "$work" --no-audit --no-fund --no-package-lock --ignore-scripts --silent
  # Only now: whatever interrupts it, the next time tries again.
  cp "$here/package.json" "$work/installed.json"
fi
NODE_PATH="$work/node_modules" "$work/node_modules/.bin/esbuild" "$here/$1.mjs" \
  --bundle --platform=node --format=esm --target=node18 --log-level=warning --loader:.css=text \
  --banner:js='import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' \
  --outfile="$work/$1.mjs"
