#!/usr/bin/env bash
# Locked files on a server that another party wrote (Ceph RGW; versitygw and MinIO in `make conformance`): shown, refused,
# set and read back. Where RGW 16.2 is known to differ from AWS the difference is a point here: a date after 2106 is stored
# as another, and told.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq lsattr chattr getfattr setfattr rsync
need_server

BUCKET=locks-$$
s3 PUT "/$BUCKET" -H x-amz-bucket-object-lock-enabled:true >/dev/null || bail "no bucket"
M=$WORK/m
mount_coffer "s3://$BUCKET" "$M" --allow-compliance --lock-max 200y || bail "no mount"
xattr_of() { getfattr --only-values -n "user.coffer.lock.$1" "$2" 2>/dev/null; }
flags() { lsattr -d "$1" | cut -d' ' -f1 | tr -d -; }
refused() { # DESCRIPTION COMMAND...
  local description=$1 output
  shift
  output=$("$@" 2>&1) && { fail "$description"; return 1; }
  like "$output" 'Operation not permitted' "$description"
}
version_of() { s3 HEAD "$1" -I | tr -d '\r' | sed -n 's/^x-amz-version-id: //Ip'; }
in_future() { date -u -d "$1" +%FT%TZ; }
head -c 20000000 /dev/urandom >"$WORK/large"

echo one >"$M/f"
cp "$WORK/large" "$M/large"
for name in f large; do
  ok "chattr +i $name" chattr +i "$M/$name"
  is "$(flags "$M/$name") $(stat -c %a "$M/$name") $(xattr_of legal-hold "$M/$name")" "i 444 ON" "$name: shown"
  for command in "rm -f '$M/$name'" "mv '$M/$name' '$M/moved'" "echo x >'$M/$name'" "echo x >>'$M/$name'" \
    "truncate -s 0 '$M/$name'" "chmod 600 '$M/$name'" "touch '$M/$name'" "setfattr -n user.a -v b '$M/$name'"; do
    refused "$name: ${command//$M\//}" sh -c "$command"
  done
  nok "$name: the server would not delete the version either" \
    s3 DELETE "/$BUCKET/$name?versionId=$(version_of "/$BUCKET/$name")"
  ok "chattr -i $name" chattr -i "$M/$name"
done
ok "the large file is whole" cmp "$WORK/large" "$M/large"
ok "free again, f can be moved" mv "$M/f" "$M/g"

ok "retention" setfattr -n user.coffer.lock.retain-until -v "$(in_future '+1 hour')" "$M/g"
is "$(xattr_of mode "$M/g") $(flags "$M/g")" "GOVERNANCE i" "is governance"
refused "and cannot be shortened" setfattr -n user.coffer.lock.retain-until -v "$(in_future '+1 minute')" "$M/g"
ok "but extended" setfattr -n user.coffer.lock.retain-until -v "$(in_future '+2 hours')" "$M/g"
mkdir "$M/d" && echo x >"$M/d/f" && echo y >"$M/d/free"
chattr +i "$M/d/f"
refused "a directory with a locked file stays" mv -T "$M/d" "$M/e"
is "$(ls "$M/d")" $'f\nfree' "whole"
chattr -i "$M/d/f"
ok "and moves when it has none" mv -T "$M/d" "$M/e"
mkdir "$WORK/source" && echo 1 >"$WORK/source/1"
ok "rsync -a" rsync -a "$WORK/source/" "$M/copy/"
chattr +i "$M/copy/1"
ok "rsync -a of what is locked and unchanged" rsync -a "$WORK/source/" "$M/copy/"
chattr -i "$M/copy/1"

FAR=2120-01-01T00:00:00Z
echo late >"$M/late"
far_away() { setfattr -n user.coffer.lock.retain-until -v "$FAR" "$M/late" 2>&1; }
if [[ $SERVER == rgw ]]; then
  like "$(far_away)" 'Input/output error' "a date after 2106, which RGW stores as another, is told"
  is "$(flags "$M/late")" "" "and the file is not shown as locked"
  UNTIL=$(in_future '+1 hour')
  setfattr -n user.coffer.lock.retain-until -v "$UNTIL" "$M/late"
  like "$(far_away)" 'Input/output error' "on a locked file too"
  is "$(flags "$M/late") $(xattr_of retain-until "$M/late")" "i $UNTIL" "which keeps the lock that it had"
else
  is "$(far_away)" "" "a date after 2106"
  is "$(flags "$M/late") $(xattr_of retain-until "$M/late")" "i $FAR" "is stored as it was said"
fi

echo brief >"$M/brief"
ok "a lock for some seconds" setfattr -n user.coffer.lock.retain-until -v "$(in_future '+6 seconds')" "$M/brief"
refused "holds" rm -f "$M/brief"
is_over() { [[ -z $(flags "$M/brief") ]]; }
ok "and is over" within 30 is_over
# what a server says of the time may be a second old
ok "then the file goes" within 5 rm "$M/brief"
ok "umount" umount_coffer "$M"

note "rules: RGW 16.2 drops the lock of an upload and of a copy, and wraps dates after 2106"
mount_coffer "s3://$BUCKET/rules" "$M" --lock-rule 'free/**=none' --lock-rule '**=governance:1d' || bail "no mount"
mkdir "$M/d" "$M/free"
echo one >"$M/f" && cp -p "$WORK/large" "$M/large" && echo two >"$M/free/g" && mv "$M/free/g" "$M/d/g"
for name in f large d/g; do
  is "$(xattr_of mode "$M/$name") $(flags "$M/$name")" "GOVERNANCE i" "$name is locked"
  refused "$name is not removed" rm -f "$M/$name"
  nok "$name: nor would the server delete the version" \
    s3 DELETE "/$BUCKET/rules/$name?versionId=$(version_of "/$BUCKET/rules/$name")"
done
ok "the large file is whole" cmp "$WORK/large" "$M/large"
ok "rsync -a into a rule" rsync -a "$WORK/source/" "$M/copy/"
is "$(flags "$M/copy/1")" i "locks under the final name"
ok "rsync -a again" rsync -a "$WORK/source/" "$M/copy/"
ok "umount" umount_coffer "$M"
mount_coffer "s3://$BUCKET/far" "$M" --lock-rule '**=governance:100y' --lock-max 200y || bail "no mount"
if [[ $SERVER == rgw ]]; then
  like "$(dd if="$WORK/source/1" of="$M/far" status=none 2>&1)" 'Input/output error' "a date after 2106 is EIO"
  nok "umount says that not all went well" umount_coffer "$M"
  like "$(cat "$WORK"/log/m/*.log)" '"far/far" could not be locked when it was made, and is not locked yet' "and the log that a lock is owed"
else
  ok "a rule with a date after 2106" dd if="$WORK/source/1" of="$M/far" status=none
  is "$(flags "$M/far")" i "locks"
  ok "umount" umount_coffer "$M"
fi
done_testing
