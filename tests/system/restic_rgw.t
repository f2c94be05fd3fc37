#!/usr/bin/env bash
# A restic repository under lock rules on Ceph RGW, a server that another party wrote; what takes months of its clock is
# in restic.t.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
. tests/lib/restic.sh
need_fuse
need_commands jq restic rsync lsattr
need_rgw

BUCKET=restic-$$
s3 PUT "/$BUCKET" -H x-amz-bucket-object-lock-enabled:true >/dev/null || bail "no bucket"
M=$WORK/m
SOURCE=$WORK/source
REPOSITORY=repo
repository_rules governance:2d
mount_coffer "s3://$BUCKET" "$M" "${RULES[@]}" --lock-rule 'files/**=governance:2d' || bail "no mount"
three_backups
forget_is_refused "while the locks run"
ok "extended" "$COFFER" lock "s3://$BUCKET/repo/data/**" --extend 3d --if-less-than 60h
exits 0 "and so reported" "$COFFER" lock --report "s3://$BUCKET/repo" --require 'data/**=governance:60h'
ok "check --read-data" restic_on check --read-data
mkdir "$M/files"
ok "rsync -a" rsync -a "$SOURCE/" "$M/files/"
ok "rsync -a again ends with 0 when nothing changed" rsync -a "$SOURCE/" "$M/files/"
is "$(lsattr -R "$M/files" | grep -c 'i-.*/passing')" 1 "over locked files"
umount_coffer "$M" >/dev/null || bail "no umount"
done_testing
