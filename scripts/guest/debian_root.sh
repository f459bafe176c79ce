# Sourced by what makes a root of Debian's own packages: debian.sh and
# xen_lab/build.sh. Packages are fetched and verified by apt as if nothing were
# installed, and unpacked; none of their scripts is run
# (docs/decisions/0020-a-base-debian-unpacked.md).
#
# Wants $work, a folder to work in, and `die`. What apt fetched before lies in
# $archives, when that is set.
# shellcheck shell=bash

archives=${archives:-$work/archives}
apt_options=()

# How apt is asked. Its own lists serve while they are as new as the mirror.
prepare_apt() {
  mkdir -p "$archives/partial" "$work/lists/partial"
  : >"$work/status"
  apt_options=(
    -o quiet=2 -o APT::Get::Assume-Yes=true -o Debug::NoLocking=true -o Acquire::Retries=3
    -o APT::Sandbox::User=root -o "Dir::State::status=$work/status"
    -o "Dir::Cache::archives=$archives"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
  )
}

# From now on with lists of its own: this machine's are missing, or older than
# what the mirror has.
renew_lists() {
  apt_options+=(-o "Dir::State::lists=$work/lists")
  apt-get "${apt_options[@]}" update
}

# Fetches $@ and all that they need.
fetch_packages() {
  apt-get "${apt_options[@]}" --download-only --no-install-recommends install "$@"
}

# Unpacks the files that are given into $1, a root; without what nobody reads.
unpack_packages() { # unpack_packages ROOT FILE...
  local root=$1 directory package
  shift
  for directory in bin sbin lib lib64; do
    mkdir -p "$root/usr/$directory"
    ln -sfn "usr/$directory" "$root/$directory"
  done
  for package; do
    dpkg-deb --fsys-tarfile "$package" |
      tar -x -C "$root" --keep-directory-symlink --exclude='./usr/share/doc/*' \
        --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
        --exclude='./usr/share/i18n/*' --exclude='./usr/lib/x86_64-linux-gnu/gconv/*'
  done
}

# The accounts that every Debian has.
add_accounts() { # add_accounts ROOT
  local name
  for name in passwd group; do
    cp "$1/usr/share/base-passwd/$name.master" "$1/etc/$name"
  done
}
