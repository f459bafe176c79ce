#!/bin/sh
# Runs a program in a network of its own: a bridge br0 with the address
# 10.9.0.1, and a tap device tap7 that is a port of it. All of it goes with the
# program. QEMU's bridge helper reads whom it may let in from /etc/qemu, which
# lies over the machine's own /etc, for this program only.
#
# usage: in_namespace.sh PROGRAM [ARGUMENT…]
set -eu

if [ "${USHER_NAMESPACE:-}" != inside ]; then
  # Root needs no map of users, and can make none in a chroot. There "/" is
  # no mount that could be made private either; none is shared then.
  if [ "$(id -u)" = 0 ]; then root=; else root=--map-root-user; fi
  propagation=private
  unshare $root --mount true 2>/dev/null || propagation=unchanged
  exec env USHER_NAMESPACE=inside unshare $root --net --mount \
    --propagation "$propagation" "$0" "$@"
fi
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
mkdir -p /etc/qemu
echo 'allow br0' >/etc/qemu/bridge.conf
ip link set lo up
ip link add br0 type bridge
ip address add 10.9.0.1/24 dev br0
ip link set br0 up
ip tuntap add tap7 mode tap
ip link set tap7 master br0 up
exec "$@"
