#!/bin/sh
# Everything of an rclone remote of the type crypt, into a sealed volume: names and content in the clear come from rclone,
# and go through memory, not over a disk.
#
#   coffer init NEW --kms-key ARN --new-recovery-key FILE
#   from-rclone-crypt.sh REMOTE: NEW
#
# NEW is an address: a bucket, s3://BUCKET/PREFIX, an access-point ARN. REMOTE: is only read. It can be run again: what is
# there already is not copied again. Empty directories come along, modes and owners are not in an rclone remote.
set -eu
[ $# -eq 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
work=$(mktemp -d)
clean_up() {
  ! mountpoint -q "$work" || coffer umount "$work"
  rmdir "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

coffer mount --sealed=yes "$2" "$work"
# written under its own name at once, as every rclone did before 1.63: a rename costs a copy
RCLONE_INPLACE=true rclone copy --local-no-preallocate --create-empty-src-dirs "$1" "$work"
coffer umount "$work"
coffer mount --sealed=yes --read-only "$2" "$work"
# reads both sides whole
rclone check --download "$1" "$work"
