#!/usr/bin/env bash
# What stands between plain and sealed: a sealed volume below a plain mount, sealed files outside of one, messages of other
# tools inside one, memory that cannot be locked, and what doctor and getfattr say of keys.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 openssl setpriv prlimit getfattr

start_server --bucket demo
M=$WORK/m
P=$WORK/plain
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
KEY=(--key-file "$WORK/key")
ARN=$(server_control GET kms | jq -r '.keys[0].arn')
SECOND=$(server_control POST kms/keys '{"id": "0987dcba-09fe-87dc-65ba-ab0987654321"}' | jq -r .arn)
KMS=(--kms-endpoint-url "$SERVER_URL")
put_object() { server_control POST buckets/demo/put "$1" >/dev/null; }
# put_bytes KEY FILE [METADATA JSON]
put_bytes() { put_object "$(jq -nc --arg key "$1" --arg body "$(base64 -w0 "$2")" --argjson meta "${3:-{\}}" '{key: $key, body_b64: $body, metadata: $meta}')"; }
# put_file KEY FILE: without metadata
put_file() { s3_put "/demo/$1" "@$2" >/dev/null; }
# refuses ERRNO-TEXT DESCRIPTION COMMAND...
refuses() {
  local text=$1 description=$2
  shift 2
  exits 1 "$description" "$@" && like "$OUTPUT" "$text" "$description: $text"
}
move() { perl -e 'exit 0 if rename $ARGV[0], $ARGV[1]; warn "$!\n"; exit 1' "$@"; }
metadata_of() { server_control POST buckets/demo/get "{\"key\": \"$1\"}" | jq -c .metadata; }

exits 0 "init" "$COFFER" init s3://demo/a/vol "${KEY[@]}" --allow-non-empty
VOLUME=$(grep -oE '[0-9a-f]{8}-[0-9a-f-]{27}' <<<"$OUTPUT" | head -1)
mount_coffer s3://demo/a/vol "$M" "${KEY[@]}" --sealed=yes
mkdir "$M/photos" && echo secret >"$M/photos/note" && echo other >"$M/other"
umount_coffer "$M" >/dev/null
put_object '{"key": "a/plain/f", "body": "text"}'
stored demo a/vol/photos/note >"$WORK/note"
META=$(metadata_of a/vol/photos/note)
like "$META" coffer-bind "a sealed file has a bind tag"
put_bytes stray/note "$WORK/note" "$META"
keys_of demo >"$WORK/before"

# ---- a plain mount above
ok "a plain mount above the volume" mount_coffer s3://demo "$P"
refuses 'Permission denied' "a new file in it" bash -c "echo x >'$P/a/vol/new'"
refuses 'Permission denied' "a new file below it" bash -c "echo x >'$P/a/vol/photos/new'"
refuses 'Permission denied' "a directory in it" mkdir "$P/a/vol/d"
exits 2 "ls of it" ls "$P/a/vol"
like "$OUTPUT" 'Permission denied' "ls of it: Permission denied"
refuses 'Permission denied' "a file of it" cat "$P/a/vol/photos/note"
refuses 'Permission denied' "moving it" move "$P/a/vol" "$P/b"
refuses 'Permission denied' "moving what it is in" move "$P/a" "$P/b"
refuses 'Permission denied' "moving a file into it" mv "$P/a/plain/f" "$P/a/vol/f"
nok "removing it" rm -rf "$P/a/vol"
is "$(keys_of demo)" "$(<"$WORK/before")" "nothing of that changed the bucket"
is "$(cat "$P/a/plain/f")" text "beside it all is as ever"
ok "and can be written" bash -c "echo x >'$P/a/plain/g'"
refuses 'Permission denied' "a sealed file outside" cat "$P/stray/note"
refuses 'Permission denied' "over it" bash -c "echo x >'$P/stray/note'"
refuses 'Permission denied' "its mode" chmod 600 "$P/stray/note"
refuses 'Permission denied' "its name" mv "$P/stray/note" "$P/stray/n"
is "$(stored demo stray/note | md5sum)" "$(md5sum <"$WORK/note")" "it is as it was"
is "$(counters "$P" '[.files.sealed_directories, .files.sealed_files] | join(" ")')" "1 1" "status counts both"
like "$("$COFFER" status "$P")" 'closed +1 sealed volume and 1 sealed file' "and says so"
is "$(getfattr --absolute-names --only-values -n user.coffer.sealed "$P/stray/note")" yes "getfattr: sealed"
is "$(getfattr --absolute-names --only-values -n user.coffer.sealed "$P/a/plain/f")" no "getfattr: not sealed"
ok "it can be removed" rm "$P/stray/note"
ok "umount" umount_coffer "$P"
is "$(grep -c 'a/vol/.*is a sealed volume' "$WORK"/log/plain/*.log)" 1 "the log says once what is closed"
like "$(cat "$WORK"/log/plain/*.log)" 'stray/note.*coffer open reads it' "and what to do with a sealed file"
ok "the same with what it is in listed before" mount_coffer s3://demo "$P" --metadata-ttl 600
ls -l "$P" "$P/a" >/dev/null
server_forget
refuses 'Permission denied' "a new file" bash -c "echo x >'$P/a/vol/new'"
is "$(requests_of GetObject) $(requests_of PutObject)" "1 0" "it was asked for once"
server_forget
refuses 'Permission denied' "another" bash -c "echo x >'$P/a/vol/new2'"
is "$(requests_made)" "" "and not again"
umount_coffer "$P" >/dev/null
put_bytes stray/note "$WORK/note" "$META"
put_bytes stray/other "$WORK/note" "$META"
put_bytes stray/plain "$WORK/before" '{"mode": "33152", "theirs": "kept"}'
ok "where listings alone say what files look like" mount_coffer s3://demo "$P" --attributes=list --metadata-ttl 60
ls -l "$P/stray" >/dev/null
refuses 'Permission denied' "listed only: appending to a sealed file" bash -c "echo x >>'$P/stray/note'"
refuses 'Permission denied' "listed only: over a sealed file" bash -c "echo x >'$P/stray/other'"
refuses 'Permission denied' "listed only: renaming one onto another" move "$P/stray/note" "$P/stray/other"
refuses 'Permission denied' "listed only: renaming one" move "$P/stray/other" "$P/stray/moved"
refuses 'Permission denied' "listed only: renaming a file onto one" move "$P/stray/plain" "$P/stray/note"
is "$(stored demo stray/note | md5sum) $(stored demo stray/other | md5sum)" "$(md5sum <"$WORK/note") $(md5sum <"$WORK/note")" \
  "listed only: they are as they were"
ok "listed only: a plain file is appended to" bash -c "echo x >>'$P/stray/plain'"
like "$(metadata_of stray/plain)" '"theirs": ?"kept"' "listed only: and keeps what metadata it had"
umount_coffer "$P" >/dev/null
ok "with --sealed=no" mount_coffer s3://demo "$P" --sealed=no
is "$(ls -A "$P/a/vol")" $'.coffer\nother\nphotos' "all of it shows"
ok "as it is" cmp "$P/a/vol/photos/note" "$WORK/note"
ok "so does the sealed file" cmp "$P/stray/note" "$WORK/note"
refuses 'Read-only' "nothing is written below the volume" bash -c "echo x >'$P/a/vol/photos/new'"
refuses 'Read-only' "nor removed" rm -f "$P/a/vol/.coffer/volume"
ok "beside it is" bash -c "echo x >'$P/a/plain/h'"
umount_coffer "$P" >/dev/null
exits 2 "coffer rm -r of what it is in, with nobody to ask" "$COFFER" rm -r s3://demo/a
like "$OUTPUT" 'the sealed volume at "a/vol/" among them' "says that a sealed volume is among it"

# ---- messages of other tools inside
foreign() { # FILE: as coffer seal, or an SDK, makes them: no padding, frames of its own
  "$COFFER" seal "${KEY[@]}" --encryption-context coffer=1 --encryption-context "vol=$VOLUME" -i "$1"
}
head -c 300000 /dev/urandom >"$WORK/big"
echo small >"$WORK/small"
for name in big small; do
  foreign "$WORK/$name" >"$WORK/$name.esdk" || fail "coffer seal under the volume's context"
  put_file "a/vol/theirs/$name" "$WORK/$name.esdk"
done
ok "mount" mount_coffer s3://demo/a/vol "$M" "${KEY[@]}"
ls -l "$M/theirs" >/dev/null
refuses 'Bad message' "a message of another tool" cat "$M/theirs/big"
is "$(cat "$M/photos/note")" secret "the rest works"
umount_coffer "$M" >/dev/null
like "$(cat "$WORK"/log/m/*.log)" 'theirs/big.*coffer rebind.*--name-binding=warn' "the log says what to do"
for listed in no yes; do
  ok "mount with --name-binding=warn (listed before: $listed)" mount_coffer s3://demo/a/vol "$M" "${KEY[@]}" --name-binding=warn
  [[ $listed == no ]] || ls -l "$M/theirs" >/dev/null
  ok "a large one" cmp "$M/theirs/big" "$WORK/big"
  ok "a small one" cmp "$M/theirs/small" "$WORK/small"
  is "$(stat -c %s "$M/theirs/big" "$M/theirs/small" | xargs)" "300000 6" "their sizes"
  is "$(dd if="$M/theirs/big" bs=1000 skip=123 count=2 status=none | md5sum)" \
    "$(dd if="$WORK/big" bs=1000 skip=123 count=2 status=none | md5sum)" "a range"
  umount_coffer "$M" >/dev/null
done
mount_coffer s3://demo/a/vol "$M" "${KEY[@]}" --name-binding=warn --metadata-ttl 0
ok "without a time to live" cmp "$M/theirs/big" "$WORK/big"
ok "the mode of one that was not opened" chmod 600 "$M/theirs/small"
ok "one is appended to" bash -c "echo more >>'$M/theirs/small'"
is "$(cat "$M/theirs/small")" $'small\nmore' "and is whole"
ok "one is replaced" bash -c "echo new >'$M/theirs/big'"
umount_coffer "$M" >/dev/null
ok "mount, strict again" mount_coffer s3://demo/a/vol "$M" "${KEY[@]}"
is "$(cat "$M/theirs/small" "$M/theirs/big")" $'small\nmore\nnew' "both are the volume's own now"
umount_coffer "$M" >/dev/null
head -c 5000000 /dev/zero >"$WORK/huge"
foreign "$WORK/huge" >"$WORK/huge.esdk"
put_file a/vol/theirs/huge "$WORK/huge.esdk"
mount_coffer s3://demo/a/vol "$M" "${KEY[@]}" --name-binding=warn --memory-limit 32M
refuses 'File too large' "one over an eighth of the memory limit" cat "$M/theirs/huge"
umount_coffer "$M" >/dev/null

# ---- setuid
mount_coffer s3://demo/a/vol "$M" "${KEY[@]}"
cp "$(type -P true)" "$M/tool" && chmod 4755 "$M/tool"
is "$(stat -c %a "$M/tool")" 4755 "a setuid bit that was set here shows"
umount_coffer "$M" >/dev/null
mount_coffer s3://demo/a/vol "$M" "${KEY[@]}"
is "$(stat -c %a "$M/tool")" 755 "after a remount the bucket's word is not taken for it"
cat "$M/tool" >/dev/null
sleep 1.1
is "$(stat -c %a "$M/tool")" 4755 "once the file was opened it shows"
umount_coffer "$M" >/dev/null

# ---- memory that cannot be locked
unlocked() { prlimit --memlock=0:0 setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock "$@"; }
if unlocked true 2>/dev/null; then
  exits 1 "mount --require-mlock without lockable memory" unlocked "$COFFER" mount -f --require-mlock "${KEY[@]}" s3://demo/a/vol "$M"
  like "$OUTPUT" 'RLIMIT_MEMLOCK' "says what to raise"
  exits 1 "init --require-mlock likewise" unlocked "$COFFER" init --require-mlock "${KEY[@]}" s3://demo/unlocked
  is "$(keys_of demo unlocked/)" "" "and writes nothing"
  exits 0 "without it" unlocked "$COFFER" mount "${KEY[@]}" s3://demo/a/vol "$M"
  like "$OUTPUT" 'memory for keys cannot be locked' "there is a warning"
  umount_coffer "$M" >/dev/null
else
  note "setpriv cannot drop CAP_IPC_LOCK here: the tests of --require-mlock are left out"
fi
exits 0 "mount --require-mlock with it" "$COFFER" mount --require-mlock "${KEY[@]}" s3://demo/a/vol "$M"
unlike "$OUTPUT" 'cannot be locked' "says nothing of it"
umount_coffer "$M" >/dev/null

# ---- KMS: what getfattr and doctor say
exits 0 "init under two KMS keys" "$COFFER" init s3://demo/kms "${KMS[@]}" --kms-key "$ARN" --kms-key "$SECOND"
mount_coffer s3://demo/kms "$M" "${KMS[@]}"
echo x >"$M/f"
umount_coffer "$M" >/dev/null
mount_coffer s3://demo/kms "$M" "${KMS[@]}" --metadata-ttl 600
ls -l "$M" >/dev/null
value() { getfattr --absolute-names --only-values -n "user.coffer.$1" "$2" 2>/dev/null; }
costs "the keys of a file that was not opened" "1 GetObject" value kms-key "$M/f"
is "$(value kms-key "$M/f")" "$ARN,$SECOND" "are those of its header"
is "$(value sealed "$M/f") $(value sealed "$M")" "yes yes" "file and volume are sealed"
cat "$M/f" >/dev/null
costs "of one that was opened" "" value kms-key "$M/f"
is "$(value kms-calls "$M")" "$(counters "$M" '[.sealed.keys[] | .generated + .wrapped + .unwrapped] | add')" "calls to KMS, by the root"
is "$(value kms-hits "$M")" "$(counters "$M" '.sealed.sealing.hits + .sealed.opening.hits')" "and what needed none"
is "$(getfattr -d "$M/f")" "" "none of them is listed"
umount_coffer "$M" >/dev/null
doctor() { "$COFFER" doctor s3://demo/kms "${KMS[@]}" "$@"; }
deny() { server_control POST kms/change "{\"arn\": \"$1\", \"deny\": $2}" >/dev/null; }
state() { doctor --json "${@:2}" | jq -r --arg name "$1" '.checks[] | select(.name == $name) | .state'; }
exits 3 "doctor on a sealed volume" doctor
for line in 'sealed volume +volume .* this machine knows it' "$ARN +kms:GenerateDataKey and kms:Decrypt are allowed" \
  "$SECOND +kms:Encrypt and kms:Decrypt are allowed" "policy of $SECOND +in use; the account itself may change its policy" 'KMS quota +a mount asks at most 50' 'memory for keys +is locked'; do
  like "$OUTPUT" "ok +$line" "doctor: $line"
done
rm -rf "$WORK/nobody"
is "$(state 'sealed volume' --state-dir "$WORK/nobody")" warn "doctor where the volume is not known"
nok "doctor remembers nothing" test -e "$WORK/nobody/volumes"
deny "$ARN" '["GenerateDataKey"]'
exits 5 "doctor without kms:GenerateDataKey" doctor
like "$OUTPUT" 'allow kms:GenerateDataKey' "says what to allow"
like "$OUTPUT" "\"Resource\": ?\"$ARN\"" "as a statement"
deny "$ARN" '[]'
deny "$SECOND" '["Encrypt"]'
is "$(state "$ARN") $(state "$SECOND")" "ok fail" "doctor: Encrypt of the second key"
deny "$SECOND" '["Decrypt"]'
is "$(state "$ARN") $(state "$SECOND")" "ok fail" "doctor: Decrypt of the second key"
deny "$ARN" '["Decrypt"]'
exits 5 "doctor where no key opens the descriptor" doctor
like "$OUTPUT" 'fail +sealed volume .*' "says that it does not open"
like "$OUTPUT" 'allow kms:Decrypt on a key of the volume' "and what to allow"
deny "$ARN" '[]'
deny "$SECOND" '[]'
server_control POST kms/change "{\"arn\": \"$ARN\", \"state\": \"Disabled\"}" >/dev/null
is "$(state "$ARN") $(state "$SECOND")" "fail ok" "doctor: the first key disabled"
exits 6 "which is exit code 6" doctor
server_control POST kms/change "{\"arn\": \"$ARN\", \"state\": \"Enabled\"}" >/dev/null
exits 6 "doctor where local keys are not named" "$COFFER" doctor s3://demo/a/vol
like "$OUTPUT" 'fail +sealed volume .*--key-file' "names the option"
exits 3 "doctor where they are" "$COFFER" doctor s3://demo/a/vol "${KEY[@]}"
like "$OUTPUT" 'ok +AES key coffer/[0-9a-f]+ +seals and opens' "tries them"
like "$("$COFFER" doctor s3://demo/stray)" 'ok +sealed volume +none: bytes are not encrypted' "doctor on a plain volume"
done_testing
