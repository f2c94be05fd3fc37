#!/bin/sh
# Everything of a bucket that s3fs filled, into a sealed volume, with modes, owners, times, links and attributes.
#
#   coffer init NEW --kms-key ARN --new-recovery-key FILE
#   from-s3fs.sh OLD NEW
#
# OLD and NEW are addresses: a bucket, s3://BUCKET/PREFIX, an access-point ARN. OLD is only read. It can be run again:
# what is there already is not copied again. Needs rsync.
set -eu
[ $# -eq 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
work=$(mktemp -d)
mkdir "$work/old" "$work/new"
clean_up() {
  for dir in "$work/old" "$work/new"; do ! mountpoint -q "$dir" || coffer umount "$dir"; done
  rmdir "$work/old" "$work/new" "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

env -u COFFER_KMS_KEY -u COFFER_KEY_FILE -u COFFER_AES_KEY coffer mount --read-only --sealed=no "$1" "$work/old"
coffer mount --sealed=yes "$2" "$work/new"
rsync -aX --inplace --whole-file "$work/old/" "$work/new/"
# unmounted, so that all of it is in S3; then everything is read back and compared
coffer umount "$work/new"
coffer mount --sealed=yes --read-only "$2" "$work/new"
# the time of a bucket's top is when it was mounted
different=$(rsync -naXcOi "$work/old/" "$work/new/")
[ -z "$different" ] || { echo "not the same:" && echo "$different"; } >&2
[ -z "$different" ]
