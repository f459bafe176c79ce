#!/bin/sh
# Runs a program on a machine that booted again: /proc shows it another boot id.
#
# usage: other_boot.sh BOOT-ID PROGRAM [ARGUMENT…]
set -eu

if [ "${USHER_OTHER_BOOT:-}" != inside ]; then
  # As in in_namespace.sh: root needs no map of users, and "/" may be no mount.
  if [ "$(id -u)" = 0 ]; then root=; else root=--map-root-user; fi
  propagation=private
  unshare $root --mount true 2>/dev/null || propagation=unchanged
  exec env USHER_OTHER_BOOT=inside unshare $root --mount \
    --propagation "$propagation" "$0" "$@"
fi
unset USHER_OTHER_BOOT
file="$(mktemp)"
echo "$1" >"$file"
mount --bind "$file" /proc/sys/kernel/random/boot_id
rm "$file"
shift
exec "$@"
