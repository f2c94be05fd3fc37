#!/usr/bin/env bash
# A mount of the past (--at): the tree of that time, plain and sealed, after everything below it was overwritten, moved or
# removed; what it refuses, and what it costs.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
. tests/lib/past.sh
need_fuse
need_commands jq python3

start_server --lock-enabled --bucket demo
server_control POST buckets '{"name": "unversioned"}' >/dev/null
M=$WORK/m
KEY=(--key-file "$WORK/key")

for kind in plain sealed; do
  note "$kind"
  volume_of $kind "s3://demo/$kind"
  next_second
  BEFORE=@$(date +%s)
  next_second
  ok "$kind: mount" mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}"
  fill "$M"
  tree "$M" >"$WORK/then"
  ok "$kind: umount" umount_coffer "$M"
  next_second
  AT=@$(date +%s)
  next_second
  mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  ruin "$M"
  tree "$M" >"$WORK/now"
  umount_coffer "$M" >/dev/null

  server_forget
  ok "$kind: a mount of the time before the ruin" mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}" --at "$AT"
  at_most "$(server_requests length)" 10 "$kind: it costs a few requests"
  note "$(requests_made)"
  tree "$M" >"$WORK/past"
  is "$(cat "$WORK/past")" "$(cat "$WORK/then")" "$kind: every name, mode, link and byte is as it was"

  nok "$kind: what was made since is not there" test -e "$M/new"
  nok "$kind: nor under its new name" test -e "$M/moved/c"
  like "$( (printf x >"$M/docs/same") 2>&1)" 'Read-only file system' "$kind: writing is EROFS"
  like "$(rm -f "$M/docs/deleted" 2>&1)" 'Read-only file system' "$kind: removing is EROFS"
  like "$(mkdir "$M/d" 2>&1)" 'Read-only file system' "$kind: mkdir is EROFS"
  like "$(chmod 777 "$M/docs/same" 2>&1)" 'Read-only file system' "$kind: chmod is EROFS"
  server_forget
  tree "$M" >"$WORK/past"
  is "$(requests_of ListObjectVersions) $(requests_of HeadObject)" "0 0" "$kind: what was does not change: it is not asked again"
  is "$(server_requests 'map(select(.method != "GET" and .method != "HEAD")) | length')" 0 "$kind: and nothing is written"
  umount_coffer "$M" >/dev/null

  mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}" --at "$BEFORE" || bail "no mount"
  is "$(ls -A "$M")" "" "$kind: before there was anything, there is nothing"
  umount_coffer "$M" >/dev/null

  mount_coffer "s3://demo/$kind" "$M" "${OPTIONS[@]}" || bail "no mount"
  tree "$M" >"$WORK/past"
  is "$(cat "$WORK/past")" "$(cat "$WORK/now")" "$kind: the present is what it was"
  umount_coffer "$M" >/dev/null
done

note "a descriptor that was removed"
"$COFFER" rm -y s3://demo/sealed/.coffer/volume >"$WORK/rm" 2>&1 || bail "not removed: $(cat "$WORK/rm")"
nok "without it there is no volume now" mount_coffer s3://demo/sealed "$M" "${KEY[@]}" --sealed=yes
ok "but there was" mount_coffer s3://demo/sealed "$M" "${KEY[@]}" --sealed=yes --at "$AT"
is "$(tree "$M")" "$(cat "$WORK/then")" "and it opens"
umount_coffer "$M" >/dev/null

note "what is refused"
exits 1 "a bucket without versions" "$COFFER" mount s3://unversioned "$M" --at "1h"
like "$OUTPUT" 'keeps no versions' "in words"
exits 2 "no time" "$COFFER" mount s3://demo/plain "$M" --at "tea time"
like "$OUTPUT" '2026-11-29T16:00:00Z' "shows how one is written"
exits 2 "a time that is not over" "$COFFER" mount s3://demo/plain "$M" --at "@$(($(date +%s) + 3600))"
like "$OUTPUT" 'not over yet' "says so"
exits 2 "--at for writing" "$COFFER" mount s3://demo/plain "$M" --at 1h --read-only=false
done_testing
