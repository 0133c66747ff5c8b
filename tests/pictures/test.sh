#!/bin/sh
# Tests of the parts that are ours and no drawing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
"$here/install.sh" pictures.test
exec node --test --test-reporter=spec "${here%/tests/pictures}/target/pictures/pictures.test.mjs"
