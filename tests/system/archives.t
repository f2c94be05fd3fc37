#!/usr/bin/env bash
# Archived objects: what a mount says of them and refuses, and coffer restore: by path and by address, of one version and
# of a whole tree, until they can be read.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 getfattr

start_server --bucket b --user UNABLE:secret:deny=RestoreObject --user PARTLY:secret:deny=RestoreObject@part/b*
M=$WORK/m
DAY=86400
# put_archived KEY [CLASS]: into bucket b, an hour old
put_archived() {
  server_control POST buckets/b/put "{\"key\": \"$1\", \"body\": \"content of $1\", \"age_s\": 3600,
    \"storage_class\": \"${2:-GLACIER}\"}" >/dev/null
}
tier_of() { server_control POST buckets/b/archive "{\"key\": \"$1\", \"access\": \"$2\"}" >/dev/null; }
# ends KEY...: the restores that are under way have ended
ends() { local key; for key; do server_control POST buckets/b/archive "{\"key\": \"$key\"}" >/dev/null || diag "no restore of $key"; done; }
archive_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq -r '.archive // {} | "\(.ongoing // false) \(.tier // "") \(.days // 0)"'; }
clock() { server_control POST clock "{\"offset_s\": $1}" >/dev/null; }
remount() { # SOURCE OPTION...
  umount_coffer "$M" >/dev/null || bail "no umount"
  mount_coffer "$1" "$M" "${@:2}" || bail "no mount"
}
state_of() { getfattr --only-values -n user.coffer.restore "$1" 2>/dev/null; }
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=secret "${@:2}"; }
refused() { # CODE TEXT DESCRIPTION COMMAND...
  local code=$1 text=$2 description=$3
  shift 3
  exits "$code" "$description: exit code $code" "$@" && like "$OUTPUT" "$text" "$description: says so"
}
# told TEXT COMMAND...: how many lines of the mount's log have TEXT after the command, which fails; what it said is in $WORK/output
told() {
  local log lines
  log=$(find "$WORK/log/m" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
  lines=$(wc -l <"$log")
  "${@:2}" >"$WORK/output" 2>&1 && { echo "no failure"; return; }
  tail -n +$((lines + 1)) "$log" | grep -cE "$1"
}

note "mistakes on the command line"
put_archived f
refused 2 'none of .*Bulk|Bulk, Standard' "no tier" "$COFFER" restore s3://b/f --tier Fast
refused 2 'days' "no days" "$COFFER" restore s3://b/f --days 0
refused 2 'one file' "a version of several" "$COFFER" restore s3://b/f s3://b/g --version x
refused 2 'one file' "a version of a tree" "$COFFER" restore -r s3://b/f --version x
refused 2 'nothing to --wait for' "a dry run that waits" "$COFFER" restore s3://b/f --dry-run --wait
refused 2 'not in a mount' "a file that is no mount's" "$COFFER" restore "$WORK"
refused 1 'no such file' "a missing object" "$COFFER" restore s3://b/missing
refused 2 'add -r' "a directory without -r" "$COFFER" restore s3://b/dir/
refused 5 's3:RestoreObject' "who may not" as UNABLE "$COFFER" restore s3://b/f
is "$(archive_of f)" "false  0" "none of that restored anything"

note "one file by its address"
server_forget
exits 0 "--dry-run" "$COFFER" restore s3://b/f --dry-run
like "$OUTPUT" 'would restore f \(GLACIER, 12 B\).*would order 1 file, 12 B' "says what it would do"
is "$(requests_of RestoreObject)" 0 "and does nothing"
exits 0 "restore" "$COFFER" restore s3://b/f
like "$OUTPUT" 'ordered 1 file, 12 B: tier Standard, readable for 7 days once they are there' "says so"
is "$(archive_of f)" "true Standard 7" "is ordered"
exits 0 "and again" "$COFFER" restore s3://b/f
like "$OUTPUT" 'ordered 0 files.*1 on the way already' "is on the way"
ends f
exits 0 "when it is there" "$COFFER" restore s3://b/f --days 6
like "$OUTPUT" '1 restored before' "needs nothing"
exits 0 "--days" "$COFFER" restore s3://b/f --days 30
like "$OUTPUT" '1 stay readable for longer' "are more days"
is "$(stored b f)" "content of f" "(the content)"
put_archived deep DEEP_ARCHIVE
refused 2 'InvalidArgument.*Retrieval option' "a tier that its class does not have" "$COFFER" restore s3://b/deep --tier Expedited
exits 0 "--tier" "$COFFER" restore s3://b/deep --tier Bulk --days 2
is "$(archive_of deep)" "true Bulk 2" "is sent"
put_archived tiering INTELLIGENT_TIERING
exits 0 "Intelligent-Tiering" "$COFFER" restore s3://b/tiering
like "$OUTPUT" 'ordered 0 files.*1 not archived' "that is not archived"
tier_of tiering DEEP_ARCHIVE_ACCESS
exits 0 "and that is" "$COFFER" restore s3://b/tiering
is "$(archive_of tiering)" "true Standard 0" "comes back for good: no days"
server_control POST faults '[{"match": {"operation": "RestoreObject"}, "do": {"status": 503, "code": "GlacierExpeditedRetrievalNotAvailable"}}]' >/dev/null
put_archived full
refused 1 'try --tier Standard' "no room for a tier" "$COFFER" restore s3://b/full --tier Expedited
server_control POST faults '[]' >/dev/null

note "a tree"
for name in a1 a2 b1 sub/x; do put_archived "part/$name"; done
server_control POST buckets/b/fill '{"count": 300, "prefix": "part/plain/", "size": 1, "age_s": 3600}' >/dev/null
server_forget
as PARTLY "$COFFER" restore -r s3://b/part >"$WORK/part" 2>&1
is "$?" 3 "recursive, with what may not be restored: exit code 3"
like "$(<"$WORK/part")" 'not restored: part/b1: .*AccessDenied' "names it"
like "$(<"$WORK/part")" 'ordered 3 files, .*; 300 not archived; 1 could not be' "sums up"
is "$(requests_of HeadObject)" 5 "asks only of those that may be archived, and whether there is a file of that name"
is "$(archive_of part/sub/x) $(archive_of part/b1)" "true Standard 7 false  0" "did the others"
is "$(as PARTLY "$COFFER" restore -r --json s3://b/part 2>/dev/null |
  jq -c '[.ordered, .in_progress, .not_archived, .failed_count, .complete, (.failed | map(.file)), (.files | sort_by(.file)[0] | [.file, .storage_class, .state])]')" \
  '[0,3,300,1,true,["part/b1"],["part/a1","GLACIER","in progress"]]' "--json"

note "--wait"
"$COFFER" restore -r s3://b/part --wait >"$WORK/wait" 2>&1 &
WAITER=$!
is_ordered() { [[ $(archive_of "$1") == true* ]]; }
within 20 is_ordered part/b1 || fail "is ordered"
ends part/a1 part/a2 part/sub/x
sleep 1.5
ok "waits while one is on the way" kill -0 $WAITER
ends part/b1
wait $WAITER
is "$?" 0 "ends when all of them are there"
like "$(<"$WORK/wait")" '4 archived files can be read' "says so"
put_archived slow
"$COFFER" restore s3://b/slow --wait >"$WORK/wait" 2>&1 &
WAITER=$!
within 20 is_ordered slow || fail "is ordered"
sleep 0.3
kill -TERM $WAITER
wait $WAITER
is "$?" 3 "SIGTERM while it waits: exit code 3"
like "$(<"$WORK/wait")" 'stopped before the end: told to end.*ordered 1 file' "says what was ordered"
"$COFFER" restore s3://b/slow --wait >"$WORK/wait" 2>&1 &
WAITER=$!
sleep 1
server_control POST buckets/b/archive '{"key": "slow", "success": false}' >/dev/null
wait $WAITER
is "$?" 3 "a restore that fails: exit code 3"
like "$(<"$WORK/wait")" 'not restored: slow: its restore ended without success' "is told"

note "an old version"
server_control POST buckets/b/settings '{"versioning": "Enabled"}' >/dev/null
OLD=$(server_control POST buckets/b/put '{"key": "v", "body": "old", "age_s": 3600, "storage_class": "GLACIER"}' | jq -r .version_id)
server_control POST buckets/b/put '{"key": "v", "body": "new", "age_s": 60}' >/dev/null
exits 0 "--version" "$COFFER" restore s3://b/v --version "$OLD"
is "$(server_requests "[.[] | select(.operation == \"RestoreObject\")][-1].query | tostring | test(\"$OLD\")")" true "is the one that is asked for"
refused 1 "coffer restore --version $OLD" "coffer versions --restore of it" "$COFFER" versions s3://b/v --restore "$OLD"

note "a mount"
for name in f append chmod move; do put_archived "d/$name"; done
put_archived d/tiering INTELLIGENT_TIERING && tier_of d/tiering ARCHIVE_ACCESS
server_control POST buckets/b/put '{"key": "d/plain", "body": "plain", "age_s": 3600}' >/dev/null
mount_coffer s3://b "$M" --metadata-ttl 600 || bail "no mount"
ls -l "$M/d" >/dev/null
is "$(stat -c %s "$M/d/f") $(state_of "$M/d/f") $(state_of "$M/d/plain")" "14 archived not archived" "stat works; user.coffer.restore"
is "$(told 'd/f.*coffer restore' cat "$M/d/f")" 1 "a read is one line of the log that names coffer restore"
like "$(<"$WORK/output")" 'Input/output error' "and EIO"
is "$(told 'd/append.*coffer restore' bash -c "echo more >>'$M/d/append'")" 1 "so is an append"
like "$(<"$WORK/output")" 'Input/output error' "and EIO, too"
is "$(told 'd/chmod.*coffer restore' chmod 600 "$M/d/chmod")" 1 "and a chmod"
like "$(<"$WORK/output")" 'Input/output error' "EIO at once"
ok "a chmod that changes nothing" chmod 644 "$M/d/f"
is "$(told 'd/move.*coffer restore' mv "$M/d/move" "$M/d/moved")" 1 "and a rename, which copies"
like "$(<"$WORK/output")" 'Input/output error' "EIO, too"
is "$(told 'd/tiering.*coffer restore' cat "$M/d/tiering")" 1 "Intelligent-Tiering's archives are no other"
exits 0 "restore by path" "$COFFER" restore "$M/d/f" "$M/d/plain" "$M/d/tiering"
like "$OUTPUT" 'ordered 2 files.*1 not archived' "orders it"
is "$(state_of "$M/d/f") $(state_of "$M/d/tiering")" "in progress in progress" "user.coffer.restore: in progress"
ends d/f d/tiering
is "$(cat "$M/d/f")" "content of d/f" "it can be read"
is "$(cat "$M/d/tiering") $(state_of "$M/d/tiering")" "content of d/tiering not archived" "so can what was in an archive tier, for good"
like "$(state_of "$M/d/f")" '^restored until 20[0-9-]*T00:00:00Z$' "user.coffer.restore: until when"
ok "an append to what was restored" bash -c "echo more >>'$M/d/f'"
is "$(cat "$M/d/f")" "content of d/fmore" "is there"
put_archived d/again
"$COFFER" restore s3://b/d/again >/dev/null && ends d/again
remount s3://b --metadata-ttl 600
ls -l "$M/d" >/dev/null
ok "a chmod of what was restored" chmod 600 "$M/d/again"
remount s3://b
is "$(stat -c %a "$M/d/again") $(state_of "$M/d/again")" "600 archived" "is a new object of its class: archived again"
exits 0 "by path, recursive" "$COFFER" restore -r "$M/d"
like "$OUTPUT" 'ordered 4 files' "finds it among the others"
ends d/again
clock $((9 * DAY))
is "$(told 'd/again.*coffer restore' cat "$M/d/again")" 1 "when its days are over it is archived again"
clock 0
ok "rm needs no restore" rm "$M/d/again"
ok "nor does an overwrite" bash -c "echo new >'$M/d/chmod'"
umount_coffer "$M" >/dev/null || bail "no umount"

note "a sealed volume, without its key"
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
"$COFFER" init s3://b/vault --key-file "$WORK/key" >/dev/null 2>&1 || fail "init"
mount_coffer s3://b/vault "$M" --key-file "$WORK/key" --sealed=yes --storage-class GLACIER || bail "no mount"
echo secret >"$M/f"
remount s3://b/vault --key-file "$WORK/key" --sealed=yes
is "$(stat -c %s "$M/f") $(state_of "$M/f")" "7 archived" "stat works, user.coffer.restore"
is "$(told 'vault/f.*coffer restore' cat "$M/f")" 1 "a read names coffer restore"
exits 0 "restore by path" "$COFFER" restore "$M/f"
ends vault/f
is "$(cat "$M/f")" secret "it can be read"
umount_coffer "$M" >/dev/null || bail "no umount"

note "doctor"
put_archived cold/a
like "$("$COFFER" doctor s3://b/cold 2>&1)" "archived \(GLACIER\).*'coffer restore'" "says what makes it readable"
done_testing
