#!/usr/bin/env bash
# A mount of the past on a server that another party wrote (Ceph RGW; versitygw and MinIO in `make conformance`), plain and
# sealed. RGW 16.2 moves the date that HEAD tells of a version whose lock is
# changed, but not that of the list of versions, by which a look back goes: a point here.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
. tests/lib/past.sh
need_fuse
need_commands python3 setfattr
need_server
[[ $SERVER != versitygw ]] || skip_all "versitygw 1.8 dates a version by when it was replaced, and a marker by the version below it"

BUCKET=at-$$
s3 PUT "/$BUCKET" -H x-amz-bucket-object-lock-enabled:true >/dev/null || bail "no bucket"
M=$WORK/m
# MinIO keeps no versions of directory markers
as_then() { if [[ $SERVER == minio ]]; then tree "$M" | grep -v '^d '; else tree "$M"; fi; }
for kind in plain sealed; do
  volume_of $kind "s3://$BUCKET/$kind"
  mount_coffer "s3://$BUCKET/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  fill "$M"
  as_then >"$WORK/then"
  umount_coffer "$M" >/dev/null || bail "no umount"
  next_second
  AT=@$(date +%s)
  next_second
  mount_coffer "s3://$BUCKET/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  ruin "$M"
  umount_coffer "$M" >/dev/null || bail "no umount"
  ok "$kind: a mount of the time before the ruin" mount_coffer "s3://$BUCKET/$kind" "$M" "${OPTIONS[@]}" --at "$AT"
  is "$(as_then)" "$(cat "$WORK/then")" "$kind: every name, mode, time, link and byte is as it was"
  umount_coffer "$M" >/dev/null || bail "no umount"
done

next_second
BETWEEN=@$(date +%s)
next_second
mount_coffer "s3://$BUCKET/plain" "$M" || bail "no mount"
is "$(stat -c %a "$M/docs/same")" 640 "a file's present mode"
ok "a lock is set" setfattr -n user.coffer.lock.legal-hold -v ON "$M/docs/same"
ok "and taken off" setfattr -n user.coffer.lock.legal-hold -v OFF "$M/docs/same"
umount_coffer "$M" >/dev/null || bail "no umount"
next_second
AFTER=@$(date +%s)
next_second
for at in "$BETWEEN 640 before the lock was set: RGW moves what HEAD says of a version's date, not its list" \
  "$AFTER 640 after that"; do
  read -r moment mode description <<<"$at"
  mount_coffer "s3://$BUCKET/plain" "$M" --at "$moment" || bail "no mount"
  is "$(stat -c %a "$M/docs/same")" "$mode" "$description"
  umount_coffer "$M" >/dev/null || bail "no umount"
done
done_testing
