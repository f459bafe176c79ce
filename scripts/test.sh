#!/usr/bin/env bash
# Passes the tests on a machine that has Node, npm and apt: installs what is
# missing (see setup.sh), then runs `deno task test`. May be run again.
#
#   scripts/test.sh [STAGE...]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
scripts/setup.sh --quiet
exec scripts/deno task --quiet test "$@"
