#!/usr/bin/env bash
# Real VMs on this machine, from nothing: installs what is missing, builds
# usher, starts a controller and two nodes, and starts three QEMU guests that
# it lists, looks at and stops. Cleans up after itself; may be run again.
#
#   scripts/demo.sh
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

if [ $# -gt 0 ]; then
  echo "demo: Unknown argument \"$1\": there is none" >&2
  exit 64
fi

scripts/setup.sh --to-try
scripts/deno task --quiet compile

# How long a step may take: a guest is up in two seconds, or in forty where
# the machine is slow.
patience=300

state="$(mktemp -d "${TMPDIR:-/tmp}/usher-demo.XXXXXX")"
dev=
stop() {
  trap - EXIT INT TERM
  if [ -n "$dev" ] && kill -TERM "$dev" 2>/dev/null; then
    # Without a terminal, dev powers its guests off before it ends.
    wait "$dev" || true
  fi
  rm -rf "$state"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
guest="$PWD/.cache/guest"

# Prints a command as a person would type it.
say() {
  local words=() word
  for word in "$@"; do
    case "$word" in
      *' '*) words+=("$word") ;; # a whole line, or what needs no quotes
      *[*?]*) words+=("'$word'") ;;
      *) words+=("${word//"$guest"/\$guest}") ;;
    esac
  done
  printf '\n%s$ %s%s\n' "$bold" "${words[*]}" "$plain"
}

# Shows a command, then runs it. Its lines go where this script's go, in order.
show() {
  say "$@"
  timeout --foreground "$patience" "$@" 2>&1
}

# What the guest has printed, as plain text.
console() {
  timeout --foreground "$patience" usher vm console "$@" 2>&1 |
    tr -d '\r' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g'
}

fail() {
  echo "demo: $1" >&2
  cat "$state/dev.log" >&2
  exit 1
}

# Waits until COMMAND says yes.
await() { # await WHAT COMMAND...
  local what=$1 end=$((SECONDS + patience))
  shift
  until "$@"; do
    kill -0 "$dev" 2>/dev/null || fail "usher dev ended before $what"
    ((SECONDS < end)) || fail "$patience s have passed before $what"
    sleep 0.2
  done
}

is_ready() { grep -q '^ready' "$state/dev.log"; }
is_up() { grep -q 'usher-guest ready' <<<"$(console web-1 </dev/null)"; }

# In words that a person can copy: usher is the executable just built.
PATH="$PWD/dist:$PATH"
export USHERCLI_CONFIG="$state/cli.yaml"

printf '\n%s$ guest=%s%s\n' "$bold" "$guest" "$plain"
say "usher dev --nodes 2 --driver qemu --state $state &"
usher dev --nodes 2 --driver qemu --state "$state" \
  </dev/null >"$state/dev.log" 2>&1 &
dev=$!
await 'the site was ready' is_ready
grep -m 1 '^ready' "$state/dev.log"

show usher node list
show usher vm start web -n 3 --memory 128MiB \
  --kernel "$guest/vmlinuz" --initrd "$guest/initrd" --cmdline console=ttyS0
show usher vm list
show usher vm show web-1

say "echo 'uname -a' | usher vm console web-1"
await 'the guest was up' is_up
echo 'uname -a' | console web-1 --history 0

show usher vm shutdown web-1
show usher vm list -o wide --columns name,state,node,cpu,used
show usher vm destroy 'web-*'

printf '\nThat was a controller, two nodes and three real VMs.\n'
