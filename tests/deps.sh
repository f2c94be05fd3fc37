#!/usr/bin/env bash
# tests/deps.sh build|demo|test|bench|fuzz|conformance|interop|browser|lint...: installs the Debian packages these need,
# if any is missing, and prints nothing if none is. Says what it will download; asks on a terminal unless YES=1.
# RGW=0 leaves out Ceph.
set -euo pipefail

die() {
  echo "deps: $*" >&2
  exit 1
}

packages_for() {
  case $1 in
    build) echo g++ make pkgconf libfuse3-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libtinyxml2-dev libspdlog-dev \
      libfmt-dev libsqlite3-dev libcli11-dev nlohmann-json3-dev ca-certificates ;;
    demo) echo fuse3 python3 curl e2fsprogs ;;
    test) echo catch2 perl fuse3 python3 curl jq openssl attr e2fsprogs procps rsync restic git strace faketime
      [[ ${RGW:-1} == 0 ]] || echo ceph-mon ceph-osd radosgw ceph-common ;;
    bench) echo fuse3 python3 curl jq openssl s3fs rclone restic
      [[ ${RGW:-1} == 0 ]] || echo ceph-mon ceph-osd radosgw ceph-common ;;
    conformance) echo python3-venv ;;
    interop) echo python3-venv s3fs rclone ;;
    browser) echo chromium chromium-driver ;;
    fuzz) echo clang libclang-rt-dev ;;
    lint) echo clang clang-format clang-tidy shellcheck pyflakes3 groff-base ;;
    *) die "unknown set $1" ;;
  esac
}

# missing PACKAGE...: those that are not installed
missing() {
  local package
  for package; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

# downloads: one line "PACKAGES BYTES" of what apt would fetch; fails when the package lists do not know a name
downloads() {
  local uris
  uris=$(apt-get install -qq --no-install-recommends --print-uris "${need[@]}" 2>/dev/null) || return
  awk 'NF { n++; bytes += $3 } END { print n + 0, bytes + 0 }' <<<"$uris"
}

update_lists() { as_root apt-get update -qq || die "apt-get update failed: is there a network?"; }

install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${need[@]}"; }

wanted=$(for set; do packages_for "$set"; done)
if ! command -v dpkg-query >/dev/null; then
  echo "deps: this is not Debian; the equivalents of these must be there:" "${wanted//$'\n'/ }" >&2
  exit 0
fi
# shellcheck disable=SC2086  # words are wanted
mapfile -t need < <(missing $wanted | sort -u)
((${#need[@]})) || exit 0

# one question for the password, and one clear end for those who may not install
((EUID == 0)) || sudo true || die "root is needed. As root: apt-get install --no-install-recommends ${need[*]}"
if ! plan=$(downloads); then
  update_lists
  plan=$(downloads) || die "the package lists do not have all of: ${need[*]}"
fi
read -r count bytes <<<"$plan"
echo "To install from Debian: ${need[*]}"
echo "($count packages to download with what they need, $(((bytes + 999999) / 1000000)) MB)"
if [[ ${YES:-0} != 1 && -t 0 && -t 1 ]]; then
  read -r -p "Install them now? [Y/n] " answer
  [[ $answer == "" || $answer == [yY]* ]] || die "nothing installed, and without these it does not go on"
fi
# lists that are out of date name files which the mirror no longer has
install >/dev/null || { update_lists && install >/dev/null; } || die "apt-get install failed"
