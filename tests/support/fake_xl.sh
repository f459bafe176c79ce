#!/bin/bash
# A Xen host of files, in place of xl and the xenstore's tools: copied into a
# folder under each of their names, it keeps in that folder what domains there
# are. A domain's command line says how its guest behaves: `deaf`, `slow`,
# `hanging`. Files beside it break the host: `silent` (xl never answers),
# `warns` (warnings before each answer), `newer` (an unknown version), `small` (no
# memory is free), `full` (nothing can be taken in), `late` (what sends a domain
# is not known by its environment at once), `lost` (the next xenstore-watch has no
# xenstore).
dir=$(cd "$(dirname "$0")" && pwd)
domains=$dir/domains
mkdir -p "$domains"

ring() { echo "@releaseDomain" >>"$dir/bell"; }
find_domain() { # by id or name
  [ -d "$domains/$1" ] && echo "$1" && return
  for one in "$domains"/*; do
    [ "$(cat "$one/name" 2>/dev/null)" = "$1" ] && basename "$one" && return
  done
  echo "$1 is an invalid domain identifier (rc=-6)" >&2
  exit 1
}
setting() { sed -n "s/^$1 = \"\\(.*\\)\"$/\\1/p" "$2"; }

case $(basename "$0") in
xenstore-read)
  case $1 in
  /local/domain/*/console/tty | /local/domain/*/serial/0/tty) cat "$dir/tty" 2>/dev/null; exit ;;
  esac
  cat "$dir/store/${1//\//%}" 2>/dev/null || exit 1
  exit ;;
xenstore-write)
  mkdir -p "$dir/store"
  printf '%s\n' "$2" >"$dir/store/${1//\//%}"
  exit ;;
xenstore-rm) rm -f "$dir/store/${1//\//%}"; exit ;;
xenstore-watch)
  touch "$dir/bell"
  # Deaf, as where its xenstore was killed, until it is killed itself.
  if [ -e "$dir/lost" ]; then
    rm "$dir/lost"
    while [ -d "$dir" ]; do :; done
  fi
  exec tail -q -n 0 -f "$dir/bell" ;;
esac

[ -e "$dir/silent" ] && exec sleep 600
if [ -e "$dir/warns" ]; then
  echo "WARNING: something is not as it was: {}"
  echo "libxl: warning: libxl_x.c:1:f: Domain 7:odd" >&2
fi
verb=$1
shift
case $verb in
info)
  echo "xen_version            : $([ -e "$dir/newer" ] && echo 9.99-rc || echo 4.17.7)"
  echo "virt_caps              : pv hvm hap gnttab-v1"
  echo "nr_cpus                : 4"
  echo "total_memory           : 4700"
  echo "free_memory            : $([ -e "$dir/small" ] && echo 100 || echo 4000)"
  echo "xen_commandline        : dom0_mem=512M,max:512M"
  ;;
list)
  printf '%-40s %5s %5s %5s\t%5s\t%s   %-32s %s\n' Name ID Mem VCPUs State 'Time(s)' UUID 'Reason-Code	Security Label'
  echo "Domain-0                                     0   512     2     r-----     616.9 00000000-0000-0000-0000-000000000000        -                -"
  for one in $(ls "$domains" | sort -n); do
    [ -e "$domains/$one/uuid" ] || continue
    (
      cd "$domains/$one" 2>/dev/null || exit
      reason=$(cat reason 2>/dev/null || echo -)
      state="r-----"
      [ "$(cat paused 2>/dev/null || echo 0)" -gt 0 ] && state="--p---"
      [ "$reason" != - ] && state="---s--"
      [ "$reason" = 3 ] && state="---sc-"
      # It may go while it is read.
      born=$(cat born 2>/dev/null) && uuid=$(cat uuid 2>/dev/null) || exit 0
      age=$(($(date +%s%N) / 100000000 - born))
      [ -e building ] && age=0
      name=$(cat name 2>/dev/null)
      printf '%-40s %5d %5d %5d     %s  %6d.%d %s %8s %16s' "${name:-(null)}" "$one" 128 1 "$state" $((age / 10)) $((age % 10)) "$uuid" "$reason" -
      [ -e "$dir/newer" ] && printf '   a-column-of-tomorrow'
      echo
    )
  done
  exit 0
  ;;
create)
  [ "$1" = -q ] && shift
  config=$1
  name=$(setting name "$config")
  for one in "$domains"/*; do
    if [ "$(cat "$one/name" 2>/dev/null)" = "$name" ]; then
      echo "libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain 15:Domain with name \"$name\" already exists." >&2
      exit 3
    fi
  done
  (
    flock 9
    id=$(($(cat "$dir/last" 2>/dev/null || echo 0) + 1))
    echo $id >"$dir/last"
  ) 9>"$dir/lock"
  id=$(cat "$dir/last")
  mkdir "$domains/$id.new"
  cd "$domains/$id.new" || exit 3
  touch building
  echo 1 >paused
  echo $(($(date +%s%N) / 100000000)) >born
  echo "$name" >name
  setting uuid "$config" >uuid
  cp "$config" config
  cd "$dir" && mv "$domains/$id.new" "$domains/$id"
  ring
  if [ -e "$dir/small" ]; then
    echo "xc: error: panic: xg_dom_boot.c:119: xc_dom_boot_mem_init: can't allocate low memory for domain: Out of memory" >&2
    echo "libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain $id:cannot (re-)build domain: -3" >&2
    rm -rf "${domains:?}/$id"
    ring
    exit 3
  fi
  case $(setting cmdline "$config") in
  *broken*)
    echo "xc: error: panic: xg_dom_core.c:689: xc_dom_find_loader: no loader found: Invalid kernel" >&2
    echo "libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain $id:cannot (re-)build domain: -3" >&2
    rm -rf "${domains:?}/$id"
    ring
    exit 3 ;;
  *hanging*) exec sleep 600 ;;
  *slow*) sleep 1.5 ;;
  # Long enough to be seen half made.
  *reboots*) sleep 0.6 ;;
  esac
  rm "$domains/$id/building"
  echo 0 >"$domains/$id/paused"
  mkdir -p "$dir/log/console"
  echo "Linux version of $name" >>"$dir/log/console/guest-$name.log"
  ring
  # Its monitor, which does not outlive it, and makes it anew at a reboot.
  setsid bash "$0" monitor "$id" "$config" </dev/null >>"$dir/log/xl-$name.log" 2>&1 &
  ;;
monitor)
  while [ -d "$domains/$1" ] && [ ! -e "$domains/$1/reason" ] && [ -d "$dir" ]; do sleep 0.1; done
  if [ "$(cat "$domains/$1/reason" 2>/dev/null)" = 1 ]; then
    sleep 0.3
    rm -rf "${domains:?}/$1"
    ring
    # Xen's own waits two.
    sleep 1.2
    bash "$0" create -q "$2"
  fi
  ;;
destroy)
  id=$(find_domain "$1") || exit 1
  rm -rf "${domains:?}/$id"
  ring
  ;;
pause)
  id=$(find_domain "$1") || exit 1
  echo $(($(cat "$domains/$id/paused") + 1)) >"$domains/$id/paused"
  ;;
unpause)
  id=$(find_domain "$1") || exit 1
  count=$(cat "$domains/$id/paused")
  [ "$count" -gt 0 ] && echo $((count - 1)) >"$domains/$id/paused"
  ;;
shutdown)
  [ "$1" = -F ] && shift
  id=$(find_domain "$1") || exit 1
  if grep -q deaf "$domains/$id/config"; then
    sleep 1
    echo "libxl: error: libxl_domain.c:854:pvcontrol_cb: guest didn't acknowledge control request: -9" >&2
    exit 1
  fi
  echo 0 >"$domains/$id/reason"
  ring
  ;;
end) # the guest's own doing, with Xen's reason
  id=$(find_domain "$1") || exit 1
  echo "$2" >"$domains/$id/reason"
  ring
  ;;
rename)
  id=$(find_domain "$1") || exit 1
  echo "$2" >"$domains/$id/name"
  ;;
migrate) # -s "" DOMAIN COMMAND
  if [ -e "$dir/late" ] && [ -z "$LATE_MOVE" ]; then
    LATE_MOVE=$USHER_MOVE exec env -u USHER_MOVE bash -c \
      'sleep 0.5; USHER_MOVE=$LATE_MOVE exec bash "$0" migrate "$@"' "$0" "$@"
  fi
  id=$(find_domain "$3") || exit 1
  at=$domains/$id
  echo "migration target: Ready to receive domain." >&2
  coproc OTHER { exec sh -c "$4"; }
  exec 8<&"${OTHER[0]}" 7>&"${OTHER[1]}"
  eval "exec ${OTHER[0]}<&- ${OTHER[1]}>&-"
  resume() {
    exec 7>&-
    echo "Migration failed, resuming at sender." >&2
    sleep 0.2
    rm -f "$at/reason"
    exit 1
  }
  IFS= read -r banner <&8
  [ "$banner" = "xl migration receiver ready, send binary domain data." ] || exit 1
  printf '%s\n%s\n%s\n' "$(cat "$at/name")" "$(cat "$at/uuid")" "$(setting cmdline "$at/config")" >&7 || resume
  head -c 3000000 /dev/zero >&7 || resume
  echo 2 >"$at/reason"
  ring
  [ "$(head -c 34 <&8 | tr -d '\0')" = "domain received, ready to unpause" ] || resume
  # What usher must never let it come to.
  touch "$dir/decided-alone"
  rm -rf "$at"
  ;;
migrate-receive)
  echo "xl migration receiver ready, send binary domain data."
  IFS= read -r name && IFS= read -r uuid && IFS= read -r cmdline || exit 1
  [ "$(head -c 3000000 | wc -c)" = 3000000 ] || exit 1
  [ -e "$dir/full" ] && echo "libxl: error: libxl_create.c:1:f: Domain 9:no room" >&2 && exit 1
  id=$(($(cat "$dir/last" 2>/dev/null || echo 0) + 1))
  echo $id >"$dir/last"
  at=$domains/$id
  mkdir "$domains/$id.new" && cd "$domains/$id.new" || exit 1
  echo 1 >paused
  echo $(($(date +%s%N) / 100000000)) >born
  echo "$name--incoming" >name
  printf 'name = "%s"\nuuid = "%s"\ncmdline = "%s"\n' "$name" "$uuid" "$cmdline" >config
  echo "$uuid" >uuid
  cd "$dir" && mv "$domains/$id.new" "$at"
  ring
  setsid bash "$0" monitor "$id" "$at/config" </dev/null >/dev/null 2>&1 &
  printf 'domain received, ready to unpause\0'
  if [ "$(head -c 44 | tr -d '\0')" != "domain is yours, you are cleared to unpause" ]; then
    rm -rf "$at"
    ring
    exit 1
  fi
  echo "$name" >"$at/name"
  echo 0 >"$at/paused"
  printf 'my copy unpause results are as follows\0\0'
  ;;
console)
  [ "$1" = -t ] && shift 2
  # As deaf to its end, and to what is typed, as Xen's own is without a terminal.
  exec -a "$dir/xenconsole" bash -c \
    'trap "" TERM; echo here; while [ -d "$0" ]; do sleep 0.2; done' "$dir" "$1"
  ;;
*)
  echo "unknown command $verb" >&2
  exit 2
  ;;
esac
