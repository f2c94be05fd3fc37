#!/usr/bin/env bash
# Lock rules of a mount: which files are locked, in which request, at what cost, and what is refused where a lock could
# not be kept. The server is taken for AWS, of which conditional writes are known: its host names lead to the stand-in
# by an /etc/hosts that only this test sees.
. "${0%/*}/../lib/private-hosts.sh"
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 lsattr chattr getfattr setfattr rsync unshare

REGION=us-west-2
S3=s3.$REGION.amazonaws.com
POINT=s3-accesspoint.$REGION.amazonaws.com
names_lead_here "$S3" "b.$S3" "plain.$S3" "default.$S3" "ap-123456789012.$POINT" "apl-123456789012.$POINT"
start_server --region $REGION --lock-enabled --bucket b --access-point apl=b \
  --user BLIND:secret:deny=GetObjectRetention,GetObjectLegalHold --user UNABLE:secret:deny=PutObjectRetention
server_control POST buckets "{\"name\": \"plain\", \"region\": \"$REGION\"}" >/dev/null
server_control POST access-points '{"name": "ap", "bucket": "plain"}' >/dev/null
server_control POST buckets "{\"name\": \"default\", \"region\": \"$REGION\", \"lock_enabled\": true,
  \"default_retention\": {\"mode\": \"GOVERNANCE\", \"days\": 10}}" >/dev/null
unset AWS_ENDPOINT_URL
export AWS_REGION=$REGION
# what went over the wire is kept until the end
server_forget() {
  server_requests '.[].lock | select(. != {}) | keys[]' >>"$WORK/traffic"
  server_control POST requests/clear >/dev/null
}
M=$WORK/m
# a mount under which nothing is asked twice, so that requests can be counted
mount_at() { # SOURCE OPTION...
  mount_coffer "$1" "$M" --endpoint-url "http://$S3:$SERVER_PORT" --rescue-dir "$WORK/rescue" --metadata-ttl 600 \
    "${@:2}" || bail "no mount"
}
unmount() { umount_coffer "$M" >/dev/null || bail "no umount"; }
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=secret "${@:2}"; }
# refuses DESCRIPTION EXIT PATTERN SOURCE OPTION...: a mount that is refused, in these words
refuses() {
  local description=$1 code=$2 pattern=$3
  mkdir -p "$M"
  exits "$code" "$description" "$COFFER" mount "$4" "$M" --endpoint-url "http://$S3:$SERVER_PORT" "${@:5}"
  like "$OUTPUT" "$pattern" "$description: says why"
}
lock_of() { server_control POST "buckets/${2:-b}/get" "{\"key\": \"$1\"}" | jq -c '.lock // "none"'; }
mode_of() { lock_of "$@" | jq -r 'if type == "object" then .mode else "none" end'; }
versions_of() { server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq .versions; }
# days_of KEY: how long from now, in days
days_of() { lock_of "$@" | jq -r '((.until - now) / 8640 | round) / 10'; }
# locks_sent: OPERATION of every request that carried a lock
locks_sent() { server_requests '[.[] | select(.lock != {}) | .operation] | join(" ")'; }
write() { printf '%s' "$1" >"$2"; }
# what a program is told that looks at what close() says
told() { printf '%s' "$1" | dd of="$2" status=none 2>&1; }
refused() { # DESCRIPTION COMMAND...
  local description=$1 output
  shift
  output=$("$@" 2>&1) && { fail "$description"; diag "succeeded: $*"; return 1; }
  like "$output" 'Operation not permitted' "$description"
}
RULES=(--lock-rule 'free/**=none' --lock-rule '**/*.iso=governance:2d' --lock-rule 'data/**=governance:30d')

note "in the request that makes the file"
mount_at s3://b "${RULES[@]}"
mkdir "$M/data" "$M/free" "$M/other"
ls "$M/data" "$M/free" "$M/other" >/dev/null
costs "a file with a rule: one look back" "1 HeadObject, 1 PutObject" write x "$M/data/f"
is "$(locks_sent)" "PutObject" "the lock rode on the PUT"
is "$(mode_of data/f) $(days_of data/f)" "GOVERNANCE 30" "it is the rule's"
costs "a file without a rule" "1 PutObject" write x "$M/other/f"
costs "a file that a rule exempts" "1 PutObject" write x "$M/free/x.iso"
is "$(mode_of other/f) $(mode_of free/x.iso)" "none none" "they are not locked"
write x "$M/data/x.iso"
is "$(days_of data/x.iso)" 2 "the first rule that matches decides"
is "$(lsattr "$M/data/f" | cut -c5) $(stat -c %a "$M/data/f")" "i 444" "shown as locked at once"
refused "and refused from the next open on" bash -c "echo more >>'$M/data/f'"
refused "and not removed" rm -f "$M/data/f"
costs "mkdir below a rule: directories are not locked" "1 PutObject" mkdir "$M/data/sub"
is "$(mode_of data/sub/)" none "nor is their marker"
unmount

note "whatever makes a version"
mount_at s3://b "${RULES[@]}" --write-part-size 5M
ls "$M/data" "$M/other" >/dev/null
head -c 12000000 /dev/urandom >"$WORK/large"
costs "a streamed file: one look back" "1 CompleteMultipartUpload, 1 CreateMultipartUpload, 1 HeadObject, 3 UploadPart" \
  cp "$WORK/large" "$M/data/large"
is "$(locks_sent)" "CreateMultipartUpload" "the lock rode on CreateMultipartUpload"
is "$(mode_of data/large) $(days_of data/large)" "GOVERNANCE 30" "and is there"
ok "cp -p of a streamed file: attributes that come late are the writer's own" cp -p "$WORK/large" "$M/data/large-p"
unmount
is "$(server_control POST buckets/b/get '{"key": "data/large-p"}' | jq -r .metadata.mtime | cut -d. -f1) $(versions_of data/large-p)" \
  "$(stat -c %Y "$WORK/large") 2" "they are stored, as a second version"
is "$(mode_of data/large-p)" "GOVERNANCE" "which is locked as the first"
mount_at s3://b "${RULES[@]}"
ls "$M/data" "$M/other" >/dev/null
write x "$M/other/g"
costs "rename into a rule: a look before, a look back" "1 CopyObject, 1 DeleteObject, 2 HeadObject" mv "$M/other/g" "$M/data/g"
is "$(locks_sent) $(mode_of data/g)" "CopyObject GOVERNANCE" "the lock rode on the copy"
refused "and it stays there" mv "$M/data/g" "$M/other/g"
mkdir "$M/other/dir" && write x "$M/other/dir/a" && write y "$M/other/dir/b"
ok "rename of a directory into a rule" mv "$M/other/dir" "$M/data/dir"
is "$(mode_of data/dir/a) $(mode_of data/dir/b)" "GOVERNANCE GOVERNANCE" "locks each file"
ln -s target "$M/data/link"
is "$(mode_of data/link)" "GOVERNANCE" "a symbolic link is locked, too"
refused "and cannot be given another time later" bash -c "sleep 1.5; touch -h -d 2020-02-02 '$M/data/link'"
ln -s target "$WORK/link" && touch -h -d 2020-02-02 "$WORK/link"
ok "cp -a of one gives it its time at once" cp -a "$WORK/link" "$M/data/copied"
settled() { [[ $(versions_of data/copied) == 2 ]]; }
ok "which is stored, as a version over the first" within 10 settled
is "$(mode_of data/copied) $(stat -c %Y "$M/data/copied")" "GOVERNANCE $(stat -c %Y "$WORK/link")" "which is locked as the first is"
nok "it is not removed, though" rm -f "$M/data/copied"
ok "several commits by one writer" bash -c "exec 3>'$M/data/log' && echo one >&3 && sync '$M/data/log' && echo two >&3 && exec 3>&-"
is "$(cat "$M/data/log") $(versions_of data/log)" $'one\ntwo 2' "are its own to make"
is "$(server_requests '[.[] | select(.operation == "PutObject" and .key == "data/log") | .lock | length] | join(" ")')" "2 2" \
  "each locked in its own request"
refused "and the next open is refused" bash -c "echo three >>'$M/data/log'"
renamed() { # FROM TO OPEN: written on through a handle whose file gets its lock by a rename
  exec {open}>"$M/$3" && echo one >&"$open" && sync "$M/$3" && mv "$M/$1" "$M/$2" && echo two >&"$open" && exec {open}>&-
}
ok "a writer goes on when a rename locks its file" renamed other/log data/later other/log
is "$(cat "$M/data/later") $(mode_of data/later)" $'one\ntwo GOVERNANCE' "and what it writes is locked"
mkdir "$M/other/open"
ok "and when its directory's does" renamed other/open data/open other/open/log
is "$(cat "$M/data/open/log") $(mode_of data/open/log)" $'one\ntwo GOVERNANCE' "and what it writes there, too"
server_control POST clock '{"offset_s": 2678400}' >/dev/null # 31 days
ls "$M/data" >/dev/null
is_free() { [[ $(lsattr "$M/data/f" 2>/dev/null | cut -c5) == - ]]; }
ok "a month later the lock is over" within 20 is_free
ok "and the file can be written" bash -c "echo more >>'$M/data/f'"
is "$(mode_of data/f)" "GOVERNANCE" "and is locked anew"
server_control POST clock '{"offset_s": 0}' >/dev/null
unmount

note "temporary names"
mount_at s3://b "${RULES[@]}"
ls "$M/data" >/dev/null
mkdir -p "$WORK/source/sub" && echo one >"$WORK/source/one" && echo two >"$WORK/source/sub/two"
ok "rsync -a, which writes under a temporary name" rsync -a "$WORK/source/" "$M/data/copy/"
is "$(mode_of data/copy/one) $(mode_of data/copy/sub/two)" "GOVERNANCE GOVERNANCE" "its files are locked under their names"
is "$(keys_of b data/copy/ | grep -c '/\.')" 0 "and nothing else is left"
ok "rsync -a again ends with 0 when nothing changed" rsync -a "$WORK/source/" "$M/data/copy/"
ls "$M/data" >/dev/null
# the times of the directories are sent a moment later
nothing_waits() { [[ $(counters "$M" .files.deferred_attribute_changes) == 0 ]]; }
ok "the times of rsync's directories are stored" within 10 nothing_waits
costs "a temporary name costs nothing" "1 PutObject" write x "$M/data/a-tmp-1"
write x "$M/data/b-tmp-2"
is "$("$COFFER" status --json "$M" | jq -cS .owed_locks)" '{"failing":0,"given_up":0,"locked":0,"waiting":2}' "status counts what is to be locked"
ok "one can be removed" rm "$M/data/b-tmp-2"
like "$("$COFFER" status "$M")" 'locks +1 file to be locked later, 0 that were' "status says so to people"
is "$(mode_of data/a-tmp-1)" none "it is not locked yet"
unmount
is "$(mode_of data/a-tmp-1)" GOVERNANCE "what is left at unmount is locked then"
mount_at s3://b "${RULES[@]}" --no-builtin-exemptions
write x "$M/data/c-tmp-1"
is "$(mode_of data/c-tmp-1)" GOVERNANCE "--no-builtin-exemptions locks it at once"
unmount

mount_at s3://b "${RULES[@]}"
write x "$M/data/d-tmp-1"
kill -9 "$("$COFFER" status --json "$M" | jq .pid)"
OUTPUT=$("$COFFER" mount s3://b "$M" --endpoint-url "http://$S3:$SERVER_PORT" 2>&1 </dev/null)
like "$OUTPUT" 'ended before 1 file was locked: this one does it' "a mount takes over what a dead one owed"
is "$(mode_of data/d-tmp-1)" none "not at once"
unmount
is "$(mode_of data/d-tmp-1)" GOVERNANCE "and locks it, although it has no rules of its own"
waiting() { "$COFFER" status --json "$M" | jq .owed_locks.waiting; }
mount_at s3://b "${RULES[@]}"
write x "$M/data/e-tmp-1"
kill -9 "$("$COFFER" status --json "$M" | jq .pid)"
mount_at s3://b
is "$(waiting)" 1 "a mount without rules owes what a dead one did"
ok "which may be removed" rm "$M/data/e-tmp-1"
is "$(waiting)" 0 "and is forgotten then"
unmount

note "--autolock"
mount_at s3://b "${RULES[@]}" --autolock 1s=governance:3d
ls "$M/other" "$M/free" >/dev/null
write x "$M/free/rests"
costs "what rests costs nothing at first" "1 PutObject" write x "$M/other/rests"
is_locked() { [[ $(mode_of other/rests) == GOVERNANCE ]]; }
ok "it is locked after its time" within 60 is_locked
is "$(days_of other/rests) $(mode_of free/rests)" "3 none" "as the option says, and not where a rule decides"
refused "and refused to be written" bash -c "echo more >>'$M/other/rests'"
unmount
refuses "--autolock without Object Lock" 1 'the bucket has no Object Lock' s3://plain --autolock 1h=governance:1d
refuses "--autolock that is none" 2 'the time to rest is no duration' s3://b --autolock 30=governance:1d

note "--worm=snaplock and --locked=versioned"
mount_at s3://b --worm=snaplock --worm-atime
write x "$M/worm"
WHEN=$(date -u -d '+3 hours' +%FT%TZ)
ok "touch -a sets the date" touch -a -d "$WHEN" "$M/worm"
ok "chmod a-w commits it" chmod a-w "$M/worm"
is "$(mode_of worm) $(getfattr --only-values -n user.immutable.until "$M/worm" 2>/dev/null)" "GOVERNANCE $WHEN" "it is locked until then"
is "$(stat -c %x "$M/worm" | cut -d. -f1)" "$(date -d "$WHEN" '+%F %T')" "as its time of last access shows"
write x "$M/retried" && touch -a -d "$WHEN" "$M/retried"
server_control POST faults '[{"match": {"operation": "PutObjectRetention", "times": 1}, "do": {"status": 403, "code": "AccessDenied"}}]' \
  >/dev/null
exits 1 "a chmod that cannot lock" chmod a-w "$M/retried"
is "$(stat -c %a "$M/retried")" 644 "leaves the write bits"
server_control POST faults '[]' >/dev/null
ok "so that it can be tried again" chmod a-w "$M/retried"
is "$(mode_of retried) $(stat -c %a "$M/retried")" "GOVERNANCE 444" "and locks then"
write x "$M/held" && chattr +i "$M/held"
refused "a hold has no date to be moved" touch -a -d "$WHEN" "$M/held"
is "$(lock_of held | jq -r .mode)" "" "and gets none"
chattr -i "$M/held"
refused "a shorter time" touch -a -d "$(date -u -d '+1 hour' +%FT%TZ)" "$M/worm"
ok "a longer one" touch -a -d "$(date -u -d '+4 hours' +%FT%TZ)" "$M/worm"
refused "chmod u+w" chmod u+w "$M/worm"
refused "rm" rm -f "$M/worm"
unmount
mount_at s3://b "${RULES[@]}" --locked=versioned
write over "$M/worm"
ok "--locked=versioned: what is locked is written over" [ "$(cat "$M/worm")" = over ]
is "$(versions_of worm) $(mode_of worm)" "3 none" "by a new version"
ok "and removed" rm "$M/worm" "$M/data/x.iso"
unmount

note "a server that loses locks"
lose() { # HOW OPERATION...
  server_control POST faults "$(jq -nc --arg how "$1" '[{match: {operation: $ARGS.positional}, do: {lose_lock: $how}}]' \
    --args "${@:2}")" >/dev/null
}
mount_at s3://b "${RULES[@]}" --write-part-size 5M
ls "$M/data" "$M/other" >/dev/null
lose dropped CreateMultipartUpload CopyObject
costs "dropped with an upload: repaired" "1 CompleteMultipartUpload, 1 CreateMultipartUpload, 1 GetObjectRetention, \
1 HeadObject, 1 PutObjectRetention, 3 UploadPart" cp "$WORK/large" "$M/data/dropped"
is "$(mode_of data/dropped) $(days_of data/dropped)" "GOVERNANCE 30" "and locked"
write x "$M/other/h"
ok "dropped with a copy" mv "$M/other/h" "$M/data/h"
is "$(mode_of data/h)" GOVERNANCE "repaired, too"
lose dropped PutObject PutObjectRetention
like "$(told x "$M/data/never")" 'Input/output error' "a lock that does not come to be is EIO"
is "$(mode_of data/never)" none "and indeed there is none"
server_control POST faults '[]' >/dev/null
unmount
lose wrapped PutObject PutObjectRetention
mount_at s3://b --lock-rule '**=governance:100y' --lock-max 200y
like "$(told x "$M/far")" 'Input/output error' "a date that the server stores as another is EIO"
server_control POST faults '[]' >/dev/null
unmount

note "what is refused"
refuses "no Object Lock" 1 'the bucket has no Object Lock' s3://plain "${RULES[@]}"
mkdir -p "$M"
exits 1 "no Object Lock, behind an access point" "$COFFER" mount "s3://arn:aws:s3:$REGION:123456789012:accesspoint/ap" "$M" \
  --endpoint-url "http://$POINT:$SERVER_PORT" "${RULES[@]}"
like "$OUTPUT" 'the bucket has no Object Lock' "found out by asking for the lock of a name"
mount_coffer "s3://arn:aws:s3:$REGION:123456789012:accesspoint/apl" "$M" --endpoint-url "http://$POINT:$SERVER_PORT" "${RULES[@]}" ||
  bail "no mount"
write x "$M/data/by-point"
is "$(mode_of data/by-point)" GOVERNANCE "an access point in front of a bucket that has it will do"
unmount
as BLIND refuses "locks that cannot be read back" 5 '--lock-unverified=allow' s3://b "${RULES[@]}"
as BLIND mount_at s3://b "${RULES[@]}" --lock-unverified=allow --lock-unknown=unlocked
ls "$M/data" >/dev/null
costs "--lock-unverified=allow: no look back" "1 PutObject" write x "$M/data/unseen"
is "$(mode_of data/unseen)" GOVERNANCE "and a lock"
unmount
as UNABLE mount_at s3://b "${RULES[@]}"
like "$(told x "$M/data/unable")" 'Permission denied' "who may not lock may not store what is to be locked"
is "$(keys_of b data/unable)" "" "and does not"
unmount
refuses "--strict-excl" 2 'leave out --strict-excl' s3://b "${RULES[@]}" --strict-excl
refuses "a rule that is weaker than the bucket's default in one thing" 2 'make it as strict and as long' s3://default \
  --lock-rule '**=compliance:2d' --allow-compliance
refuses "compliance" 2 '--allow-compliance' s3://b --lock-rule '**=compliance:2d'
refuses "too long" 2 '--lock-max' s3://b --lock-rule '**=governance:2y'
mount_at s3://b --lock-rule 'strict/**=compliance:1m' --allow-compliance
write x "$M/strict"
mkdir "$M/s" && mv "$M/strict" "$M/s/x" && mkdir "$M/strict" && write x "$M/strict/x"
is "$(mode_of strict/x)" COMPLIANCE "--allow-compliance"
like "$(setfattr -n user.coffer.lock.retain-until -v 2099-01-01T00:00:00Z "$M/s/x" 2>&1)" 'Invalid argument' \
  "--lock-max bounds setfattr, too"
unmount
mount_at s3://default --lock-rule '**=governance:5d'
server_forget
write x "$M/f"
is "$(mode_of f default) $(days_of f default)" "GOVERNANCE 10" "a default that is longer stays"
is "$(locks_sent)" "" "and no lock is sent that would be less"
ok "when the default is taken away" "$COFFER" lock-default set s3://default none --yes --endpoint-url "http://$S3:$SERVER_PORT"
write x "$M/g"
is "$(mode_of g default) $(days_of g default)" "GOVERNANCE 5" "the rule still holds: what comes back is looked at"
unmount

note "a sealed volume has rules of its own"
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
KEY=(--key-file "$WORK/key")
init() { "$COFFER" init "$1" --endpoint-url "http://$S3:$SERVER_PORT" "${KEY[@]}" "${@:2}" 2>&1 </dev/null; }
ok "init --lock-rule" init s3://b/vault --lock-rule 'free/**=none' --lock-rule 'data/**=governance:30d' --lock-rule '*=governance:60d'
is "$(mode_of vault/.coffer/volume) $(days_of vault/.coffer/volume)" "GOVERNANCE 60" "the descriptor is locked under the longest"
mount_at s3://b/vault "${KEY[@]}" --sealed=yes --lock-rule '**=governance:2d' --write-part-size 5M
mkdir "$M/data" "$M/free" "$M/more"
ls "$M/data" >/dev/null
costs "sealed: one look back" "1 HeadObject, 1 PutObject" write secret "$M/data/f"
cp "$WORK/large" "$M/data/large"
write x "$M/free/f"
write x "$M/more/f"
is "$(days_of vault/data/f) $(days_of vault/data/large) $(mode_of vault/free/f) $(days_of vault/more/f)" "30 30 none 2" \
  "its own rules come first, the mount's add to them"
ok "the large file is whole" cmp "$WORK/large" "$M/data/large"
refused "and locked" rm -f "$M/data/large"
unmount
ok "key add writes a new descriptor" "$COFFER" key add --endpoint-url "http://$S3:$SERVER_PORT" "${KEY[@]}" s3://b/vault \
  "new-recovery-key=$WORK/recovery"
is "$(versions_of vault/.coffer/volume) $(days_of vault/.coffer/volume)" "2 60" "which is locked as the first was"
ok "and mounts" mount_at s3://b/vault "${KEY[@]}" --sealed=yes
is "$(cat "$M/data/f")" secret "and shows what there was"
unmount
exits 2 "init: too long" "$COFFER" init s3://b/v2 "${KEY[@]}" --lock-rule '**=governance:2y'
exits 1 "init: no Object Lock" init s3://plain/v2 --lock-rule '**=governance:2d'
exits 2 "init: compliance asks" init s3://b/v2 --lock-rule '**=compliance:1m' --allow-compliance
like "$OUTPUT" 'nobody can undo this' "and says why"
ok "init: --yes" init s3://b/v2 --lock-rule '**=compliance:1m' --allow-compliance --yes
is "$(mode_of v2/.coffer/volume)" COMPLIANCE "the descriptor is locked in compliance mode"
refuses "a mount of it without --allow-compliance" 2 'nobody can undo compliance' s3://b/v2 "${KEY[@]}"

note "restic"
if command -v restic >/dev/null; then
  export RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$WORK/cache
  mount_at s3://b/restic --lock-rule 'repo/locks/**=none' --lock-rule 'repo/data/**=governance:30d' \
    --lock-rule 'repo/keys/**=governance:30d' --lock-rule 'repo/index/**=governance:30d' \
    --lock-rule 'repo/snapshots/**=governance:30d' --lock-rule 'repo/config=governance:30d'
  head -c 3000000 /dev/urandom >"$WORK/source/bytes"
  ok "init" restic -q -r "$M/repo" init
  for n in 1 2 3; do
    head -c 2000000 /dev/urandom >"$WORK/source/more-$n"
    ok "backup $n" restic -q -r "$M/repo" backup "$WORK/source"
  done
  ok "check --read-data" restic -q -r "$M/repo" check --read-data
  ok "restore" restic -q -r "$M/repo" restore latest --target "$WORK/restored"
  ok "what was restored is what was there" diff -r "$WORK/source" "$WORK/restored$WORK/source"
  nok "forget --prune is refused while locks run" restic -q -r "$M/repo" forget --keep-last 1 --prune
  is "$(for key in $(keys_of b restic/repo/); do [[ $key == */locks/* || $key == */ ]] || mode_of "$key"; done | sort | uniq -c |
    awk '{print $2}')" GOVERNANCE "every file of the repository is locked, but for restic's own locks"
  ok "and they can be taken off" restic -q -r "$M/repo" unlock
  is "$(keys_of b restic/repo/ | grep -c -e -tmp-)" 0 "no temporary file is left"
  unmount
else
  skip "restic: not installed"
fi

server_forget
unlike "$(<"$WORK/traffic")" bypass "in all of that no request went past governance"
done_testing
