#!/usr/bin/env bash
# The keys of a sealed volume change, and none of its files is lost on the way: keys are added and removed, other machines
# follow, old files are moved to the present keys, a lost descriptor is made again, and a plain bucket becomes a sealed one.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 openssl

start_server --bucket demo
FIRST=$(server_control GET kms | jq -r '.keys[0].arn')
SECOND=$(server_control POST kms/keys '{"id": "0987dcba-09fe-87dc-65ba-ab0987654321", "old_blobs": true}' | jq -r .arn)
THIRD=$(server_control POST kms/keys '{"id": "11112222-09fe-87dc-65ba-ab0987654321"}' | jq -r .arn)
M=$WORK/m
mkdir "$WORK/none" "$WORK/b" "$WORK/c" "$WORK/d"
export COFFER_KMS_ENDPOINT_URL=$SERVER_URL
VOLUME=s3://demo/vol
seals() { mount_coffer $VOLUME "$M" --sealed=yes "$@"; }
leave() { umount_coffer "$M" >/dev/null; }
faults() { server_control POST faults "$1" >/dev/null; }
# key_is ARN STATE
key_is() { server_control POST kms/change "{\"arn\": \"$1\", \"state\": \"$2\"}" >/dev/null; }
refused() { # refused CODE TEXT DESCRIPTION COMMAND...
  local code=$1 text=$2 description=$3
  shift 3
  exits "$code" "$description: exit code $code" timeout 60 "$@" && like "$OUTPUT" "$text" "$description: says so"
}
keys() { "$COFFER" key list --json $VOLUME 2>/dev/null | jq -r "$1"; }
message_id() { stored demo "$1" | head -c 35 | tail -c 32 | xxd -p -c 64; }

# a tree with everything that files have, and what it looks like
make_tree() { # DIR
  mkdir -p "$1/d/e" && chmod 750 "$1/d"
  echo small >"$1/d/small" && chmod 600 "$1/d/small" && touch -d @1500000000 "$1/d/small"
  : >"$1/d/e/empty" && touch -d @1400000000 "$1/d/e/empty"
  cp "$WORK/large" "$1/large" && chmod 640 "$1/large" && touch -d @1300000000 "$1/large"
  setfattr -n user.color -v ultramarine "$1/d/small"
  ln -s d/small "$1/link"
  sync "$1"/large "$1"/d/small
}
tree_of() { # DIR: names, types, modes, owners, times, link targets, xattrs, contents
  (cd "$1" || exit
    find . -mindepth 1 \( -type d -printf '%P %y %m %U %G\n' -o -printf '%P %y %m %U %G %T@ %l\n' \) | sort
    find . -type f -print0 | sort -z | xargs -0 sha256sum 2>/dev/null
    getfattr -R -d --absolute-names d 2>/dev/null)
}
head -c 20000001 /dev/urandom >"$WORK/large"
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
openssl genrsa -out "$WORK/rsa.pem" 2048 2>/dev/null && openssl rsa -in "$WORK/rsa.pem" -pubout -out "$WORK/rsa.pub" 2>/dev/null

# ---- list
exits 0 "init under one KMS key" "$COFFER" init $VOLUME --kms-key "$FIRST" --no-recovery-key
ok "mount" seals
make_tree "$M"
BEFORE=$(tree_of "$M")
leave
for machine in b c d; do
  exits 0 "machine $machine knows the volume" "$COFFER" key list $VOLUME --state-dir "$WORK/$machine"
done
exits 0 "key list" "$COFFER" key list $VOLUME
like "$OUTPUT" "$FIRST" "names the key"
like "$OUTPUT" 'Headers have 1024 bytes, of which [0-9]+ are used and [0-9]+ are left' "and the room for more"
is "$(keys '.keys | map([.arn, .pinned]) | tostring')" "[[\"$FIRST\",true]]" "and as JSON, that it is remembered"
is "$(keys '.header_used + .header_free == .header_size')" true "used and free make the whole header"

# ---- add
ID=$(message_id vol/.coffer/volume)
refused 2 'already' "the same key again" "$COFFER" key add $VOLUME "kms-key=$FIRST"
refused 2 'already' "the same key by its alias" "$COFFER" key add $VOLUME alias/coffer-test
refused 2 'kms-key=ARN' "a key to add that is none" "$COFFER" key add $VOLUME "kmskey=$SECOND"
server_control POST kms/change "{\"arn\": \"$SECOND\", \"deny\": [\"Encrypt\"]}" >/dev/null
refused 5 'kms:Encrypt' "a key that may not wrap" "$COFFER" key add $VOLUME "$SECOND"
like "$OUTPUT" "\"Resource\": ?\"$SECOND\"" "the missing statement names the new key"
server_control POST kms/change "{\"arn\": \"$SECOND\", \"deny\": []}" >/dev/null
is "$(message_id vol/.coffer/volume)" "$ID" "none of that wrote anything"
exits 0 "key add" "$COFFER" key add $VOLUME "$SECOND"
like "$OUTPUT" 'mounted again' "says who goes on with the old keys"
like "$OUTPUT" 'coffer reseal' "and how old files follow"
isnt "$(message_id vol/.coffer/volume)" "$ID" "the descriptor is a new message"
is "$(keys '.keys | map(.arn) | tostring')" "[\"$FIRST\",\"$SECOND\"]" "both seal from now on"
exits 0 "machine b takes the key over, since the descriptor opens under the one it knows" \
  "$COFFER" key list $VOLUME --state-dir "$WORK/b"
like "$OUTPUT" "new: +$SECOND" "and says so"
ok "mount under both" seals
echo new >"$M/new"
leave
key_is "$FIRST" Disabled
ok "mount with the first key disabled" seals
is "$(cat "$M/new")" new "a new file opens by the second"
exits 1 "an old one does not" cat "$M/d/small"
leave
key_is "$FIRST" Enabled
key_is "$SECOND" Disabled
ok "mount with the second key disabled" seals
is "$(cat "$M/new")" new "a new file opens by the first, too"
leave
key_is "$SECOND" Enabled

# ---- room
exits 0 "an RSA key is added" "$COFFER" key add $VOLUME "recovery-key=$WORK/rsa.pub"
refused 1 'bytes, and these keys need [0-9]+ more' "what does not fit" "$COFFER" key add $VOLUME "$THIRD"
is "$(keys '.keys | length')" 3 "is not added"

# ---- reseal
refused 2 'add --yes' "reseal, and nobody to ask" "$COFFER" reseal $VOLUME
exits 0 "reseal --dry-run" "$COFFER" reseal --dry-run --json $VOLUME
DRY=$OUTPUT
is "$(jq -c '[.objects.resealed.objects, .objects.current.objects // 0]' <<<"$DRY")" "[7,0]" "counts what it would seal again"
is "$(jq .estimate.data_keys <<<"$DRY")" 2 "and the data keys that KMS would open"
at_least "$(jq .objects.resealed.bytes <<<"$DRY")" 20000001 "and the bytes"
server_forget
"$COFFER" reseal --dry-run $VOLUME >"$WORK/dry"
is "$(server_requests 'map(select(.operation | test("^(Put|Post|Copy|Create|Upload|Complete|Delete)"))) | length')" 0 "a dry run writes nothing"
like "$(cat "$WORK/dry")" 'Decrypt, 1 GenerateDataKey' "and says what KMS is asked"
exits 0 "reseal" "$COFFER" reseal --yes $VOLUME
like "$OUTPUT" 'sealed again under the present keys: 7 objects' "all of them"
server_forget
exits 0 "reseal again" "$COFFER" reseal --yes $VOLUME
like "$OUTPUT" 'already: 7' "finds nothing to do"
at_most "$(requests_of GetObject)" 9 "one GET for each object, and the descriptor's"
is "$(requests_of PutObject)" 0 "and writes nothing"
key_is "$FIRST" Disabled
ok "mount with the first key disabled" seals
is "$(tree_of "$M" | grep -v '^new\|  ./new$')" "$BEFORE" "every file, its attributes and its content are as before"
leave
key_is "$FIRST" Enabled
stored demo vol/large >"$WORK/object"
exits 0 "the recovery key opens an old file, too" bash -c "'$COFFER' open -i '$WORK/object' --rsa-key 'coffer-recovery/$(openssl rsa -in "$WORK/rsa.pem" -pubout -outform DER 2>/dev/null | sha256sum | head -c 16):oaep-sha256=$WORK/rsa.pem' | cmp - '$WORK/large'"
is "$(uploads_of demo)" 0 "no upload is left"

# ---- remove
refused 2 'no key of the volume' "a key that is none of the volume's" "$COFFER" key remove --yes $VOLUME "$THIRD"
refused 2 'only be read' "to leave RSA keys alone" "$COFFER" key remove --yes $VOLUME "$FIRST" "$SECOND"
refused 2 'last key' "to leave none" "$COFFER" key remove --yes $VOLUME "$FIRST" "$SECOND" \
  "$(keys '.keys[2] | .namespace + "/" + .name')"
refused 2 'add --yes' "to remove, and nobody to ask" "$COFFER" key remove $VOLUME "$FIRST"
is "$(keys '.keys | length')" 3 "none of that removed any"
exits 0 "key remove" "$COFFER" key remove --yes $VOLUME "$FIRST"
like "$OUTPUT" "reseal --kms-key $SECOND --kms-key $FIRST" "says how to move the old files, and by which keys"
refused 2 'no-recovery-key' "to leave one KMS key alone" "$COFFER" key remove --yes $VOLUME \
  "$(keys '.keys[1] | .namespace + "/" + .name')"
exits 0 "machine b knows the second key: it follows" "$COFFER" key list $VOLUME --state-dir "$WORK/b"
like "$OUTPUT" "gone: +$FIRST" "and says so"
refused 6 'coffer mount --kms-key' "machine c knows the removed key alone" "$COFFER" mount -f $VOLUME "$WORK/none" --state-dir "$WORK/c"
like "$OUTPUT" "$SECOND" "and is told which key it is now"
ok "by naming it, it takes it over" mount_coffer $VOLUME "$M" --kms-key "$SECOND" --state-dir "$WORK/c"
leave
ok "once and for all" mount_coffer $VOLUME "$M" --state-dir "$WORK/c"
leave
refused 6 'coffer mount --kms-key' "machine d knows the removed key alone, and so do the other commands" \
  "$COFFER" key list $VOLUME --state-dir "$WORK/d"
ok "mount without the first key's name" seals
exits 0 "files under both keys open by the second" cat "$M/d/small"
leave
key_is "$SECOND" Disabled
key_is "$SECOND" Enabled
exits 0 "reseal, under fewer keys" "$COFFER" reseal --yes $VOLUME
ok "the first key is gone for good" key_is "$FIRST" PendingDeletion
ok "mount" seals
is "$(tree_of "$M" | grep -v '^new\|  ./new$')" "$BEFORE" "everything is as before"
leave
key_is "$FIRST" Enabled

# a volume whose files know the removed key alone
exits 0 "another volume" "$COFFER" init s3://demo/old --kms-key "$FIRST" --no-recovery-key
ok "with a file" bash -c "$(declare -f mount_coffer umount_coffer diag note); COFFER='$COFFER' WORK='$WORK'; mount_coffer s3://demo/old '$M' && echo old >'$M/f' && umount_coffer '$M'"
exits 0 "gets another key" "$COFFER" key add s3://demo/old "$SECOND"
exits 0 "and loses the first" "$COFFER" key remove --yes --no-recovery-key s3://demo/old "$FIRST"
exits 3 "reseal without the old key's name leaves the file" "$COFFER" reseal --yes s3://demo/old
like "$OUTPUT" "no key: old/f" "and names it"
exits 0 "with its name it does not" "$COFFER" reseal --yes --kms-key "$SECOND" --kms-key "$FIRST" s3://demo/old
key_is "$FIRST" Disabled
ok "mount" mount_coffer s3://demo/old "$M"
is "$(cat "$M/f")" old "the file opens without the old key"
leave
key_is "$FIRST" Enabled

# ---- two administrators at once: one is told
faults '[{"match": {"operation": "PutObject", "key_glob": "old/.coffer/volume", "times": 1}, "do": {"hold": "gate"}}]'
server_forget
"$COFFER" key add s3://demo/old "$FIRST" >"$WORK/one" 2>&1 &
ONE=$!
asked() { [[ $(server_control GET counters | jq '.faults_injected') -gt 0 ]]; }
ok "its write is on the way" within 20 asked
exits 0 "somebody adds a key meanwhile" "$COFFER" key add s3://demo/old "$THIRD"
server_control POST release '{"name": "gate"}' >/dev/null
wait $ONE
is $? 1 "the other's change is refused"
like "$(cat "$WORK/one")" 'somebody else has changed' "and said"
is "$("$COFFER" key list --json s3://demo/old 2>/dev/null | jq -r '.keys | map(.arn) | tostring')" "[\"$SECOND\",\"$THIRD\"]" "nothing is lost of the first one's"
faults '[]'

# ---- a recovery key whose write went unheard
exits 0 "a volume with room" "$COFFER" init s3://demo/room --kms-key "$SECOND" --kms-key "$THIRD" --header-size 2048
faults '[{"match": {"operation": "GetObject", "key_glob": "room/.coffer/volume", "after": 2}, "do": {"status": 403, "code": "AccessDenied"}}]'
nok "what was written cannot be read back" "$COFFER" key add s3://demo/room "new-recovery-key=$WORK/unheard.pem"
faults '[]'
ok "the private half is kept" test -s "$WORK/unheard.pem"
id=$(openssl pkey -in "$WORK/unheard.pem" -pubout -outform DER | sha256sum | cut -c1-16)
like "$("$COFFER" key list s3://demo/room 2>/dev/null)" "coffer-recovery/$id" "for it is a key of the volume now"
head -c 32 /dev/urandom >"$WORK/local" && chmod 600 "$WORK/local"
exits 0 "room again" "$COFFER" key remove --yes s3://demo/room "coffer-recovery/$id"
refused 2 'Every mount and command has to name its file.*add --yes' "a local key is needed by every mount: it is asked" \
  "$COFFER" key add s3://demo/room "key-file=$WORK/local"
exits 0 "and added with --yes" "$COFFER" key add --yes s3://demo/room "key-file=$WORK/local"
exits 0 "it is removed" "$COFFER" key remove --yes s3://demo/room --key-file "$WORK/local" \
  "coffer/$(sha256sum <"$WORK/local" | cut -c1-16)"
like "$OUTPUT" "coffer reseal --kms-key $SECOND --kms-key $THIRD --aes-key coffer/[0-9a-f]{16}=FILE s3://demo/room" \
  "and how old files follow names all keys"

# ---- locked files, and damaged ones
server_control POST buckets '{"name": "kept", "versioning": "Enabled", "lock_enabled": true}' >/dev/null
exits 0 "a volume in a bucket with Object Lock" "$COFFER" init s3://kept/vol --kms-key "$FIRST" --no-recovery-key
ok "mount" mount_coffer s3://kept/vol "$M"
echo locked >"$M/locked"
echo free >"$M/free"
echo broken >"$M/broken"
leave
again() { # again KEY FILE [HEADERS]: the object in the bucket "kept" once more, with other bytes or headers
  server_control POST buckets/kept/get "{\"key\": \"$1\"}" |
    jq -c --arg key "$1" --arg b "$(base64 -w0 "$2")" --argjson h "${3:-{\}}" '{key: $key, body_b64: $b, metadata, headers: (.headers + $h)}' >"$WORK/again"
  server_control POST buckets/kept/put "@$WORK/again" >/dev/null
}
stored kept vol/locked >"$WORK/locked"
again vol/locked "$WORK/locked" '{"x-amz-object-lock-legal-hold": "ON"}'
stored kept vol/broken >"$WORK/broken"
printf 'X' | dd of="$WORK/broken" bs=1 seek=1050 conv=notrunc status=none
again vol/broken "$WORK/broken"
exits 0 "gets another key" "$COFFER" key add s3://kept/vol "$SECOND"
is "$("$COFFER" reseal --dry-run --json s3://kept/vol 2>/dev/null | jq .objects.locked.objects)" 1 "says what is locked under the old key"
BROKEN=$(stored kept vol/broken | sha256sum)
exits 4 "reseal of a volume with a damaged file" "$COFFER" reseal --yes s3://kept/vol
like "$OUTPUT" 'damaged: vol/broken' "names it"
like "$OUTPUT" 'locked: vol/locked' "names the locked one, too"
like "$OUTPUT" 'old versions' "and says what becomes of old versions"
is "$(stored kept vol/broken | sha256sum)" "$BROKEN" "the damaged one was not touched"
ok "mount" mount_coffer s3://kept/vol "$M"
is "$(cat "$M/locked" "$M/free")" $'locked\nfree' "the others read"
exits 1 "and the damaged one does not" cat "$M/broken"
leave

# ---- a reseal that is interrupted again and again
exits 0 "a volume of many files" "$COFFER" init s3://demo/many --kms-key "$FIRST" --no-recovery-key
ok "mount" mount_coffer s3://demo/many "$M"
python3 - "$M" <<'PYTHON'
import sys
for i in range(150):
    with open(f"{sys.argv[1]}/{i}", "wb") as file:
        file.write((f"content {i}\n" * (1 + i * 37)).encode())
with open(f"{sys.argv[1]}/large", "wb") as file:
    file.write(bytes(range(256)) * 80000)
PYTHON
sums() { (cd "$M" && sha256sum -- * | sort -k2); }
SUMS=$(sums)
leave
exits 0 "gets another key" "$COFFER" key add s3://demo/many "$SECOND"
faults '[{"match": {"method": "PUT"}, "do": {"delay_ms": 150}}]'
before=150
for signal in TERM KILL TERM KILL; do
  "$COFFER" reseal --yes --max-threads 4 s3://demo/many >"$WORK/out" 2>&1 &
  PID=$!
  sleep 1
  kill -$signal $PID
  wait $PID 2>/dev/null
  [[ $signal == KILL ]] || like "$(cat "$WORK/out")" 'run it again' "SIGTERM: says how to go on"
  faults '[]'
  ok "SIG$signal: mount" mount_coffer s3://demo/many "$M" --read-only
  is "$(sums)" "$SUMS" "SIG$signal: every file is right"
  leave
  left=$("$COFFER" reseal --dry-run --json s3://demo/many | jq '.objects.resealed.objects // 0')
  at_most "$left" "$before" "SIG$signal: fewer are left"
  before=$left
  faults '[{"match": {"method": "PUT"}, "do": {"delay_ms": 150}}]'
done
faults '[]'
at_most "$before" 149 "the interrupted runs got on"
exits 0 "run to its end" "$COFFER" reseal --yes s3://demo/many
is "$(uploads_of demo)" 0 "no upload is left behind"
key_is "$FIRST" Disabled
ok "mount without the first key" mount_coffer s3://demo/many "$M"
is "$(sums)" "$SUMS" "every file is right"
leave
key_is "$FIRST" Enabled

# ---- a descriptor that is lost, damaged, or somebody else's
rebuild=("$COFFER" init --rebuild-descriptor "$VOLUME")
refused 1 'nothing to rebuild' "a rebuild where nothing is wrong" "${rebuild[@]}" --yes
stored demo vol/.coffer/volume >"$WORK/descriptor"
s3 DELETE /demo/vol/.coffer/volume >/dev/null
refused 1 'rebuild-descriptor' "a mount of a volume without its descriptor" "$COFFER" mount -f $VOLUME "$WORK/none"
mkdir "$WORK/stranger"
refused 2 'does not choose the keys' "a rebuild by who knows nothing" "${rebuild[@]}" --state-dir "$WORK/stranger"
refused 6 'no file of the volume opens' "a rebuild under another key" "${rebuild[@]}" --kms-key "$THIRD" --no-recovery-key --state-dir "$WORK/stranger"
is "$(keys_of demo vol/.coffer/)" "" "none of that wrote anything"
exits 0 "a rebuild under the pinned keys" "${rebuild[@]}"
is "$(keys '.keys | map(.arn // .name) | length')" 2 "has all of them"
ok "mount" seals
is "$(tree_of "$M" | grep -v '^new\|  ./new$')" "$BEFORE" "everything is as before"
leave
s3 DELETE /demo/vol/.coffer/volume >/dev/null
refused 2 'add --yes' "a rebuild elsewhere that leaves out the recovery key" "${rebuild[@]}" --kms-key "$SECOND" --no-recovery-key --state-dir "$WORK/stranger"
like "$OUTPUT" 'left out.*coffer-recovery' "names it"
exits 0 "a rebuild elsewhere with it" "${rebuild[@]}" --kms-key "$SECOND" --recovery-key "$WORK/rsa.pub" --state-dir "$WORK/stranger"
ok "which this machine finds right" seals
is "$(tree_of "$M" | grep -v '^new\|  ./new$')" "$BEFORE" "everything is as before"
leave
put_descriptor() { server_control POST buckets/demo/put "$(jq -nc --arg b "$(base64 -w0 "$1")" '{key: "vol/.coffer/volume", body_b64: $b}')" >/dev/null; }
echo 'this is no descriptor' >"$WORK/garbage"
put_descriptor "$WORK/garbage"
refused 4 'rebuild-descriptor' "a mount over garbage" "$COFFER" mount -f $VOLUME "$WORK/none"
refused 2 'begins with 74686973' "a rebuild over garbage shows it, and has to be told" "${rebuild[@]}"
exits 0 "a rebuild over garbage" "${rebuild[@]}" --yes
ok "mount" seals
is "$(tree_of "$M" | grep -v '^new\|  ./new$')" "$BEFORE" "everything is as before"
leave
mkdir "$WORK/thief"
exits 0 "somebody else's volume" "$COFFER" init s3://demo/his --kms-key "$THIRD" --no-recovery-key --state-dir "$WORK/thief"
stored demo his/.coffer/volume >"$WORK/his"
put_descriptor "$WORK/his"
refused 1 'not replaced' "a rebuild over somebody else's descriptor" "${rebuild[@]}" --yes
is "$(stored demo vol/.coffer/volume | sha256sum)" "$(sha256sum <"$WORK/his")" "leaves it"
s3 DELETE /demo/vol/.coffer/volume >/dev/null
stored demo old/f >"$WORK/foreign"
server_control POST buckets/demo/put "$(jq -nc --arg b "$(base64 -w0 "$WORK/foreign")" '{key: "vol/a", body_b64: $b}')" >/dev/null
refused 1 'do not agree' "files of two volumes, and no pin" "${rebuild[@]}" --kms-key "$SECOND" --recovery-key "$WORK/rsa.pub" --state-dir "$WORK/thief"
s3 DELETE /demo/vol/a >/dev/null
faults '[{"match": {"operation": "GetObject", "key_glob": "*/d/small"}, "do": {"status": 403, "code": "AccessDenied"}}]'
exits 0 "a rebuild at last, though one file cannot be looked at" "${rebuild[@]}"
like "$OUTPUT" 'not looked at: look at .*d/small' "which is told"
faults '[]'

# a key that was removed, and is still pinned on a machine that was away
exits 0 "one more volume" "$COFFER" init s3://demo/away --kms-key "$SECOND" --kms-key "$THIRD"
ok "a machine that knows both keys" mount_coffer s3://demo/away "$M" --state-dir "$WORK/away"
echo x >"$M/f"
leave
exits 0 "one is removed elsewhere" "$COFFER" key remove --yes --no-recovery-key s3://demo/away "$THIRD"
exits 0 "and nothing is left under it" "$COFFER" reseal --yes --kms-key "$SECOND" --kms-key "$THIRD" s3://demo/away
s3 DELETE /demo/away/.coffer/volume >/dev/null
refused 2 'was a key of the volume' "a rebuild there does not bring it back unasked" "$COFFER" init --rebuild-descriptor s3://demo/away --state-dir "$WORK/away"

# ---- a plain bucket becomes a sealed one
server_control POST buckets '{"name": "plain"}' >/dev/null
ok "a plain mount" mount_coffer s3://plain/p "$M" --sealed=auto
make_tree "$M"
PLAIN=$(tree_of "$M")
leave
s3_put /plain/p/bare 'no attributes' >/dev/null
DAY=$(date -u -d @1200000000 +%s)
server_control POST buckets/plain/put "$(jq -nc --argjson age $(($(date +%s) - DAY)) '{key: "p/aged", body: "aged", age_s: $age, storage_class: "STANDARD_IA", tags: {team: "red"}, headers: {"cache-control": "no-store"}, metadata: {other: "kept"}}')" >/dev/null
echo foreign | "$COFFER" seal --key-file "$WORK/key" >"$WORK/message"
server_control POST buckets/plain/put "$(jq -nc --arg b "$(base64 -w0 "$WORK/message")" '{key: "p/message", body_b64: $b}')" >/dev/null
refused 1 'adopt-plaintext' "init over files" "$COFFER" init s3://plain/p --key-file "$WORK/key"
exits 0 "init over files that are meant" "$COFFER" init --allow-non-empty s3://plain/p --key-file "$WORK/key"
like "$OUTPUT" 'reseal --adopt-plaintext' "says how they are taken in"
sealed() { mount_coffer s3://plain/p "$M" --key-file "$WORK/key"; }
ok "mount" sealed
exits 1 "they are refused" cat "$M/d/small"
leave
exits 3 "reseal alone leaves them" "$COFFER" reseal --yes s3://plain/p --key-file "$WORK/key"
like "$OUTPUT" 'plaintext: p/large' "and names them"
refused 2 '8 objects.*in the clear' "to adopt has to be meant" "$COFFER" reseal --adopt-plaintext s3://plain/p --key-file "$WORK/key"
faults '[{"match": {"method": "PUT"}, "do": {"delay_ms": 200}}]'
"$COFFER" reseal --adopt-plaintext --yes --max-threads 2 s3://plain/p --key-file "$WORK/key" >/dev/null 2>&1 &
PID=$!
sleep 0.8
kill -KILL $PID
wait $PID 2>/dev/null
faults '[]'
exits 3 "adopt, after it was killed once" "$COFFER" reseal --adopt-plaintext --yes s3://plain/p --key-file "$WORK/key"
like "$OUTPUT" 'foreign: p/message' "a foreign message is no plaintext"
is "$(stored plain p/message | sha256sum)" "$(sha256sum <"$WORK/message")" "and is left"
is "$(uploads_of plain)" 0 "no upload is left behind"
for key in $(keys_of plain p/); do
  [[ $(stored plain "$key" | head -c 3 | xxd -p) == 020478 ]] || fail "$key is no sealed message"
done
ok "mount" sealed
is "$(tree_of "$M" | grep -v '^aged\|^bare\|^message\|  ./aged$\|  ./bare$')" "$PLAIN" "contents, modes, times, links and xattrs are those of the plain mount"
is "$(server_control POST buckets/plain/get '{"key": "p/aged"}' | jq -c '[.storage_class, .tags.team, .headers["cache-control"], .metadata.other]')" \
  '["STANDARD_IA","red","no-store","kept"]' "storage class, tags, headers and foreign metadata are kept"
is "$(cat "$M/bare" "$M/aged")" "no attributesaged" "what had no attributes reads"
is "$(stat -c %Y "$M/aged")" "$DAY" "and keeps its time"
leave
exits 3 "once more" "$COFFER" reseal --adopt-plaintext --yes --json s3://plain/p --key-file "$WORK/key"
is "$("$COFFER" reseal --adopt-plaintext --yes --json s3://plain/p --key-file "$WORK/key" 2>/dev/null | jq '.objects.adopted.objects // 0')" 0 "there is nothing left to adopt"
done_testing
