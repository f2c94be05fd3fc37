#!/usr/bin/env bash
# A volume is looked at as a whole: verify names each object that is not what it should be, and no other, and changes
# nothing; inspect says what an object is; rebind takes what was moved on purpose.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 openssl

start_server --bucket demo
ARN=$(server_control GET kms | jq -r '.keys[0].arn')
M=$WORK/m
KMS=(--kms-endpoint-url "$SERVER_URL")
verify() { "$COFFER" verify "${KMS[@]}" "$@"; }
# what it found, as "KIND KEY" lines
found() { jq -r '.findings[] | "\(.kind) \(.key)"' <<<"$1" | sort; }
# change FROM TO PYTHON: the object FROM, with `body` (bytes) and `metadata` changed by PYTHON, is put as TO past every check
change() {
  server_control POST buckets/demo/get "$(jq -nc --arg key "$1" '{key: $key, body: true}')" |
    python3 -c '
import base64, json, sys
object = json.load(sys.stdin)
body, metadata = bytearray(base64.b64decode(object["body_b64"])), object["metadata"]
exec(sys.argv[2])
print(json.dumps({"key": sys.argv[1], "metadata": metadata, "body_b64": base64.b64encode(bytes(body)).decode()}))
' "$2" "$3" >"$WORK/changed.json"
  curl -sSf --data-binary "@$WORK/changed.json" "$SERVER_URL/-/buckets/demo/put" >/dev/null
}
# nothing that writes, since server_forget
writes() { requests_made | tr , '\n' | grep -vE ' (GetObject|HeadObject|ListObjectsV2|HeadBucket|GetBucket.*|Decrypt|GetObjectLockConfiguration)$'; }

ok "init" "$COFFER" init s3://demo/vol "${KMS[@]}" --kms-key "$ARN" --new-recovery-key "$WORK/recovery.pem"
ok "init another" "$COFFER" init s3://demo/other "${KMS[@]}" --kms-key "$ARN" --no-recovery-key
ok "mount" mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes
mkdir -p "$M/d/e"
head -c 9000000 /dev/urandom >"$WORK/big"
cp "$WORK/big" "$M/big"
cp "$WORK/big" "$M/d/big too"
for i in one two three four five six seven eight; do echo "content of $i" >"$M/d/$i"; done
: >"$M/empty"
ln -s d/one "$M/link"
setfattr -n user.color -v blue "$M/d/eight"
sync "$M/d/eight"
ok "unmount" umount_coffer "$M"
ok "mount another" mount_coffer s3://demo/other "$M" "${KMS[@]}" --sealed=yes
echo theirs >"$M/theirs"
ok "unmount it" umount_coffer "$M"

# ---- all is well
server_forget
exits 0 "a volume without damage" verify s3://demo/vol
like "$OUTPUT" 'verified 15 objects, .*: 15 good' "its objects are counted, the descriptor too"
is "$(writes)" "" "nothing was written"
server_control POST buckets/demo/put '{"key": "vol/bare/", "body": ""}' >/dev/null
server_control POST buckets/demo/put "{\"key\": \"vol/old_\$folder\$\", \"body\": \"\"}" >/dev/null
exits 0 "markers of other tools are no damage" verify s3://demo/vol
like "$OUTPUT" '2 markers of other tools' "and are told"
exits 0 "a part of it, by address" verify s3://demo/vol/d/
like "$OUTPUT" 'verified 11 objects' "only that part"
for nothing in vol/typo vol/typo/ vol/d/one vol/d//; do
  exits 1 "that there is nothing below $nothing is no \"all is well\"" verify "s3://demo/$nothing"
done
exits 1 "nor is it for rebind" "$COFFER" rebind "${KMS[@]}" --yes -r s3://demo/vol/typo
ok "mount again" mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes
exits 0 "a part of it, by a directory of a mount" verify "$M/d"
like "$OUTPUT" 'verified 11 objects' "the same part"
umount_coffer "$M" >/dev/null
exits 2 "a plain bucket has nothing to authenticate" verify s3://demo/no/volume
like "$OUTPUT" 'no sealed volume' "and that is said"

# ---- inspect
exits 0 "inspect without a key" "$COFFER" inspect --json --state-dir "$WORK/none" s3://demo/vol/big
is "$(jq -r '.kind, .message.suite, .message.frame_length, .message.frames, .message.plaintext_size,
  .message.encrypted_data_keys[0].key, .checked.bind_tag' <<<"$OUTPUT" | xargs -d '\n')" \
  "message 0x0478 65536 138 9000000 $ARN present, not checked: needs a key" "it tells what is public"
exits 0 "inspect with the pinned key" "$COFFER" inspect "${KMS[@]}" --json s3://demo/vol/big
is "$(jq -rc .checked <<<"$OUTPUT")" '{"bind_tag":"proved","sealed_xattrs":"absent","header":"proved","final_frame":"proved"}' \
  "it proves"
exits 0 "inspect for people" "$COFFER" inspect "${KMS[@]}" s3://demo/vol/d/eight
like "$OUTPUT" 'encrypted data key +aws-kms arn:aws:kms:' "names the key"
like "$OUTPUT" 'bind tag +proved' "and what is true"
like "$OUTPUT" 'sealed xattrs +proved' "also of attributes"
unlike "$OUTPUT" 'blue|content of' "and nothing of what is inside"
stored demo vol/d/one >"$WORK/message"
exits 0 "inspect of a local file" "$COFFER" inspect --json "$WORK/message"
is "$(jq -r '.message.frames, .message.plaintext_size' <<<"$OUTPUT" | xargs)" "1 15" "by its size"
exits 0 "and of a pipe, with a key" bash -c "'$COFFER' inspect --json --kms-endpoint-url '$SERVER_URL' --kms-key '$ARN' - <'$WORK/message'"
is "$(jq -rc .checked <<<"$OUTPUT")" '{"header":"proved","all_frames":"proved"}' "proved as a whole"
head -c -1 "$WORK/message" >"$WORK/cut"
exits 4 "one that was cut off" "$COFFER" inspect "${KMS[@]}" --kms-key "$ARN" "$WORK/cut"
ok "mount for a path" mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes
exits 0 "inspect of a path in a mount" "$COFFER" inspect "${KMS[@]}" --json "$M/d/one"
is "$(jq -r .object.key <<<"$OUTPUT")" vol/d/one "is the object behind it"
umount_coffer "$M" >/dev/null
echo hello >"$WORK/plain"
exits 0 "what is no message is told as that" "$COFFER" inspect --json "$WORK/plain"
is "$(jq -r .kind <<<"$OUTPUT")" plain "kind: plain"
exits 1 "what is not there" "$COFFER" inspect s3://demo/vol/nothing

# ---- every kind of damage
server_control POST buckets/demo/snapshot '{"name": "good"}' >/dev/null
change vol/big vol/big 'body[5000000] ^= 1'
change "vol/d/big too" "vol/d/big too" 'del body[-100000:]'
change vol/d/one "$(printf 'vol/d/spare')" ''
change vol/d/two vol/d/one ''
change vol/d/spare vol/d/two ''
server_control POST buckets/demo/put '{"key": "vol/d/spare", "body": "plain text"}' >/dev/null
change vol/d/three vol/d/copy ''
change vol/d/four vol/d/four 'metadata.clear()'
change vol/d/five vol/d/five 'metadata["mode"] = "35309"'
change other/theirs vol/d/theirs ''
change vol/d/six vol/d/six 'body[200] ^= 4'
change vol/d/eight vol/d/eight 'metadata["xattr"] = metadata["xattr"][:-8] + "AAAAAAA="'
server_forget
exits 4 "a damaged volume" verify --json s3://demo/vol
is "$(found "$OUTPUT")" "damaged vol/big
damaged vol/d/big too
damaged vol/d/six
foreign vol/d/spare
foreign vol/d/theirs
moved vol/d/copy
moved vol/d/eight
moved vol/d/five
moved vol/d/one
moved vol/d/two
unbound vol/d/four" "each damaged object is named, and no other"
is "$(jq -r '.complete, .counts.good' <<<"$OUTPUT" | xargs)" "true 7" "the others are good"
like "$(jq -r '.findings[] | select(.key == "vol/big").reason' <<<"$OUTPUT")" 'frame 77|authenticate' "and the reason says where"
is "$(writes)" "" "nothing was written"
exits 4 "for people" verify s3://demo/vol
like "$OUTPUT" 'damaged: vol/big: ' "the same"
exits 4 "--name-binding=warn: what was moved is told" verify --name-binding=warn --json s3://demo/vol/d/
like "$(found "$OUTPUT")" 'moved vol/d/copy' "as moved"
exits 4 "inspect of a swapped object" "$COFFER" inspect "${KMS[@]}" s3://demo/vol/d/one
like "$OUTPUT" "bind tag +it has another's name" "says that it is another's"

# ---- a fault of transport is none of the object
server_control POST buckets/demo/restore '{"name": "good"}' >/dev/null
server_control POST faults '[{"match": {"operation": "GetObject", "key_glob": "vol/big", "times": 1}, "do": {"flip_at": 0.5}}]' >/dev/null
exits 0 "a bit that flipped on the way is no damage" verify s3://demo/vol
server_control POST faults '[]' >/dev/null

# ---- --name-binding
change vol/d/three vol/d/copy ''
exits 4 "strict: a copy under another name" verify s3://demo/vol
exits 0 "warn: told, and no damage" verify --name-binding=warn s3://demo/vol
like "$OUTPUT" 'moved: vol/d/copy' "warn: told"
exits 0 "off: not looked at" verify --name-binding=off s3://demo/vol
unlike "$OUTPUT" 'copy' "off: not told"
server_control POST buckets/demo/restore '{"name": "good"}' >/dev/null

# ---- could not read
server_control POST faults '[{"match": {"operation": "GetObject", "key_glob": "vol/d/one"}, "do": {"status": 403, "code": "AccessDenied"}}]' >/dev/null
exits 3 "an object that may not be read" verify s3://demo/vol
like "$OUTPUT" 'could not read: vol/d/one: .*AccessDenied' "is not damaged"
unlike "$OUTPUT" 'damaged' "in other words"
change vol/d/two vol/d/two 'body[-1] ^= 1'
exits 4 "damage counts more" verify s3://demo/vol
server_control POST faults '[]' >/dev/null
server_control POST buckets/demo/restore '{"name": "good"}' >/dev/null
exits 6 "KMS out of reach" verify --kms-endpoint-url http://127.0.0.1:1 s3://demo/vol
exits 0 "but the recovery key opens everything" "$COFFER" verify --kms-endpoint-url http://127.0.0.1:1 \
  --recovery-private-key "$WORK/recovery.pem" s3://demo/vol
server_control POST kms/change "{\"arn\": \"$ARN\", \"state\": \"Disabled\"}" >/dev/null
exits 6 "a disabled key" verify s3://demo/vol
server_control POST kms/change "{\"arn\": \"$ARN\", \"state\": \"Enabled\"}" >/dev/null

# ---- interrupted, and gone on with
ok "mount for many" mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes
mkdir "$M/many"
ok "400 files" bash -c "for i in \$(seq -w 400); do echo \$i >'$M/many/'\$i; done"
umount_coffer "$M" >/dev/null
KEYS=$(keys_of demo vol/ | wc -l)
# the 300th waits until the run has been told to end
server_control POST faults '[{"match": {"operation": "GetObject", "key_glob": "vol/many/300"}, "do": {"hold": "gate"}}]' >/dev/null
server_forget
"$COFFER" verify "${KMS[@]}" --max-threads 4 --json s3://demo/vol >"$WORK/first.json" 2>"$WORK/first.err" &
RUN=$!
read_so_far() { server_requests '[.[] | select(.operation == "GetObject") | .key] | unique | .[]' | grep -c '^vol/many/'; }
is_far() { (($(read_so_far) >= 380)); }
within 60 is_far
kill -TERM $RUN
ok "SIGTERM ends it, though a request hangs" within 10 tap_gone $RUN
wait $RUN
is "$?" 1 "exit code 1"
server_control POST release '{"name": "gate"}' >/dev/null
server_control POST faults '[]' >/dev/null
like "$(<"$WORK/first.err")" 'resume' "it says how to go on"
is "$(jq -r '.complete, .can_resume' "$WORK/first.json" | xargs)" "false true" "its report says that it is not complete"
FIRST=$(jq .objects "$WORK/first.json")
server_forget
exits 0 "--resume" verify --resume --json s3://demo/vol
is "$(jq .objects <<<"$OUTPUT")" "$KEYS" "the two runs together have looked at everything"
is "$(jq -r .complete <<<"$OUTPUT")" true "and that is the end"
at_most "$(read_so_far)" $((KEYS - FIRST + 1)) "the second run did not read what the first had counted"
at_least "$FIRST" 200 "which was something"
exits 0 "--resume with nothing to go on with" verify --resume s3://demo/vol
like "$OUTPUT" "verified $KEYS objects" "begins at the beginning"
is "$(find "$HOME/state" -path '*walks*' -type f)" "" "a finished run leaves nothing behind"
server_control POST faults '[{"match": {"after": 200}, "do": {"reset": "before_headers"}}]' >/dev/null
exits 1 "a network that goes away" verify --deadline 2 --max-threads 4 s3://demo/vol
like "$OUTPUT" 'stopped before the end: .*; the same with --resume goes on there' "ends the run, and is no object's fault"
unlike "$OUTPUT" 'could not read' "no object is named for it"
server_control POST faults '[]' >/dev/null
exits 2 "--resume with another --name-binding" verify --resume --name-binding=off s3://demo/vol
exits 0 "--resume when the network is back" verify --resume s3://demo/vol
like "$OUTPUT" "verified $KEYS objects" "has looked at everything"

# ---- rebind
s3 PUT "/demo/vol/moved" -H 'x-amz-copy-source: /demo/vol/d/one' >/dev/null
server_control POST buckets/demo/get '{"key": "vol/d/seven"}' | jq .metadata >"$WORK/before.json"
change vol/d/seven vol/d/seven 'metadata["mode"] = "33056"'
ok "mount what was moved" mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes
exits 1 "a mount refuses it" cat "$M/moved"
like "$OUTPUT" 'Bad message' "EBADMSG"
umount_coffer "$M" >/dev/null
server_forget
exits 0 "--dry-run" "$COFFER" rebind -r -n "${KMS[@]}" s3://demo/vol
like "$OUTPUT" 'rebind: vol/moved' "shows what"
like "$OUTPUT" 'would rebind 2 objects' "and how many"
exits 2 "nobody can be asked" "$COFFER" rebind -r "${KMS[@]}" s3://demo/vol
like "$OUTPUT" 'add --yes' "and it says so"
is "$(writes)" "" "nothing was written"
exits 2 "a directory without -r" "$COFFER" rebind -y "${KMS[@]}" s3://demo/vol/
exits 1 "what is not there" "$COFFER" rebind -y "${KMS[@]}" s3://demo/vol/nothing
server_forget
exits 0 "rebind of one" "$COFFER" rebind -y "${KMS[@]}" s3://demo/vol/moved
is "$(writes)" "1 CopyObject" "costs one copy"
exits 0 "rebind of all" bash -c "'$COFFER' rebind -ry --json --kms-endpoint-url '$SERVER_URL' s3://demo/vol 2>'$WORK/err'"
is "$(jq -r '.rebound, .failed_count' <<<"$OUTPUT" | xargs)" "1 0" "the other one"
server_forget
exits 0 "rebind again" "$COFFER" rebind -ry "${KMS[@]}" s3://demo/vol
is "$(writes)" "" "leaves everything alone"
ok "mount what was rebound" mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes
is "$(cat "$M/moved")" "content of one" "it is read"
is "$(stat -c %a "$M/d/seven")" 440 "an attribute that was changed on purpose is taken"
is "$(cat "$M/d/seven")" "content of seven" "with its content"
change vol/d/two vol/d/taken ''
exits 0 "rebind by a path in a mount" "$COFFER" rebind -y "${KMS[@]}" "$M/d/taken"
is "$(cat "$M/d/taken")" "content of two" "it is read, too"
umount_coffer "$M" >/dev/null
# everything else about the object stays
server_control POST buckets/demo/put "$(server_control POST buckets/demo/get '{"key": "vol/d/two", "body": true}' |
  jq -c '{key: "vol/full", body_b64, metadata: (.metadata + {"other": "kept"}), storage_class: "STANDARD_IA", tags: {a: "b"},
    headers: {"cache-control": "no-store", "content-type": "text/x-own"}}')" >/dev/null
exits 0 "rebind of an object with more to it" "$COFFER" rebind -y "${KMS[@]}" s3://demo/vol/full
HEAD=$(s3 HEAD /demo/vol/full -I)
like "$HEAD" 'x-amz-meta-other: kept' "metadata of others stays"
like "$HEAD" 'STANDARD_IA' "the storage class stays"
like "$HEAD" 'no-store' "headers stay"
like "$HEAD" 'x-amz-tagging-count: 1' "tags stay"
# messages of other tools, under the volume's keys and context
mapfile -t CONTEXT < <("$COFFER" inspect --json s3://demo/vol/d/one | jq -r '.message.encryption_context | to_entries | map("--encryption-context=\(.key)=\(.value)") | .[]')
ok "a message of another tool" bash -c "echo by another tool | '$COFFER' seal --kms-endpoint-url '$SERVER_URL' --kms-key '$ARN' ${CONTEXT[*]} >'$WORK/sealed'"
server_control POST buckets/demo/put "$(jq -nc --arg body "$(base64 -w0 "$WORK/sealed")" '{key: "vol/tool", body_b64: $body}')" >/dev/null
exits 4 "has no bind tag" verify --json s3://demo/vol
is "$(found "$OUTPUT")" "unbound vol/tool" "and is named for that"
exits 0 "rebind of it" "$COFFER" rebind -y "${KMS[@]}" s3://demo/vol/tool
exits 0 "then all is well" verify s3://demo/vol
# what is no message of this volume is not adopted
change vol/big vol/d/broken 'body[-1] ^= 1'
change other/theirs vol/d/theirs ''
server_control POST buckets/demo/put '{"key": "vol/d/plain", "body": "plain text"}' >/dev/null
server_forget
exits 3 "rebind of what it cannot be" "$COFFER" rebind -ry "${KMS[@]}" s3://demo/vol
like "$OUTPUT" 'not possible: vol/d/broken: damaged' "names what is damaged"
like "$OUTPUT" 'not possible: vol/d/theirs: foreign: .*another sealed volume' "and what is another's"
is "$(writes)" "" "and writes nothing"
exits 4 "one that is foreign" "$COFFER" rebind -y "${KMS[@]}" s3://demo/vol/d/plain
done_testing
