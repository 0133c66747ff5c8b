#!/bin/sh
# Draws pictures of the dashboards from a Prometheus and a bridge that run: draw.sh [OPTION…]
# [DASHBOARD…], with the options of pictures.mjs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
"$here/install.sh" pictures
exec node "${here%/tests/pictures}/target/pictures/pictures.mjs" "$@"
