#!/bin/bash
# A machine with a libvirt of its own, for root: virtlogd and libvirtd in a
# namespace of mounts and processes, where the folders that they know by fixed
# paths are those of DIR. All of it, guests too, goes with this program, which
# also takes leave of the dead: libvirt waits for that.
#
#   DIR/sock/libvirt-sock   where libvirtd listens
#   DIR/down                while it is there, libvirtd is not started again
#   DIR/run/qemu-hook       shell that is read before each QEMU runs
#
# There is no /dev/kvm: there are machines where it opens and nothing runs, and
# with one that does not work libvirt tries all of QEMU anew at each start.
#
# usage: libvirt_machine.sh DIR CACHE
set -eu
dir="$1"
cache="$2"
qemu="$(command -v qemu-system-x86_64)"

if [ "${USHER_LIBVIRT_MACHINE:-}" != inside ]; then
  # In a chroot "/" is no mount that could be made private; none is shared then.
  propagation=private
  unshare --mount true 2>/dev/null || propagation=unchanged
  exec env USHER_LIBVIRT_MACHINE=inside unshare --mount --pid --fork \
    --kill-child --mount-proc --propagation "$propagation" "$0" "$@"
fi

mkdir -p "$dir"/{etc/qemu,etc/hooks,run,lib,log,sock} "$cache"
for pair in etc:/etc/libvirt run:/run/libvirt lib:/var/lib/libvirt log:/var/log/libvirt; do
  mkdir -p "${pair#*:}"
  mount --bind "$dir/${pair%%:*}" "${pair#*:}"
done
mkdir -p /var/cache/libvirt
mount --bind "$cache" /var/cache/libvirt
if [ -e /dev/kvm ]; then
  mkdir "$dir/dev"
  mount -t tmpfs -o mode=755 tmpfs "$dir/dev"
  for device in null zero full random urandom tty ptmx; do
    cp --archive "/dev/$device" "$dir/dev/"
  done
  ln -s /proc/self/fd "$dir/dev/fd"
  mkdir "$dir"/dev/{pts,shm}
  mount --bind /dev/pts "$dir/dev/pts"
  mount -t tmpfs tmpfs "$dir/dev/shm"
  mount --rbind "$dir/dev" /dev
fi

# QEMU by way of a script that tests can have do more. libvirt remembers what a
# QEMU can do by the file's times, so the script is kept with what it remembers.
touch "$dir/run/real-qemu"
mount --bind "$qemu" /run/libvirt/real-qemu
if [ ! -x "$cache/qemu-by-hook" ]; then
  cat >"$cache/qemu-by-hook.$$" <<'END'
#!/bin/sh
hook=/run/libvirt/qemu-hook
if [ -e "$hook" ]; then . "$hook"; fi
# Away from its place it does not find what lies beside that.
for modules in /usr/lib/*/qemu; do export QEMU_MODULE_DIR="$modules"; done
exec /run/libvirt/real-qemu -L /usr/share/seabios -L /usr/share/qemu "$@"
END
  chmod 755 "$cache/qemu-by-hook.$$"
  ln "$cache/qemu-by-hook.$$" "$cache/qemu-by-hook" 2>/dev/null || true
  rm "$cache/qemu-by-hook.$$"
fi
mount --bind "$cache/qemu-by-hook" "$qemu"

cat >/etc/libvirt/libvirtd.conf <<END
unix_sock_dir = "$dir/sock"
auth_unix_rw = "none"
END
cat >/etc/libvirt/qemu.conf <<'END'
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
END
# There may be another libvirt on the machine, whose files these are by default.
virtlogd --pid-file "$dir/virtlogd.pid" &
while :; do
  while [ -e "$dir/down" ]; do sleep 0.05; done
  libvirtd --pid-file "$dir/libvirtd.pid" &
  wait $! || sleep 0.2
done
