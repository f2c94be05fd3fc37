#!/usr/bin/env bash
# Whoever controls the bucket: objects that change places, lose their metadata or come back under other names, floods of
# bogus keys, and descriptors of his own. None of it is shown, KMS is asked a bounded number of times, and the rest of the
# volume works. (tests/unit/fs/sealed_store_test.cc has every bit and every cut.)
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3

start_server --bucket demo
ARN=$(server_control GET kms | jq -r '.keys[0].arn')
HIS=$(server_control POST kms/keys '{"id": "0987dcba-09fe-87dc-65ba-ab0987654321"}' | jq -r .arn)
M=$WORK/m
KMS=(--kms-endpoint-url "$SERVER_URL")
mkdir "$WORK/none"
forge() { python3 tests/system/forge.py "$@"; }
mounts() { mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes --metadata-ttl 0.1; }
unmounts() { umount_coffer "$M"; }
metadata_of() { server_control POST buckets/demo/get "$(jq -nc --arg key "$1" '{key: $key}')" | jq -c .metadata; }
# plant KEY METADATA < BYTES: past every check
plant() {
  base64 -w0 | jq -Rc --arg key "$1" --argjson metadata "$2" '{key: $key, body_b64: ., metadata: $metadata}' >"$WORK/plant"
  server_control POST buckets/demo/put "@$WORK/plant" >/dev/null
}
# refused FILE DESCRIPTION: it cannot be read, in these words, and its neighbour can
refused() {
  exits 1 "$2: refused" cat "$M/$1"
  like "$OUTPUT" 'Bad message' "$2: EBADMSG"
  is "$(cat "$M/neighbour" 2>&1)" "is well" "$2: the rest works"
}
decrypts() { server_control GET kms | jq -r '.calls.by_operation.Decrypt // 0'; }
forget_calls() { server_control POST kms/clear >/dev/null; }

exits 0 "init" "$COFFER" init s3://demo/vol "${KMS[@]}" --kms-key "$ARN" --no-recovery-key
ok "mount" mounts
for name in a b; do
  head -c 100000 /dev/urandom >"$WORK/$name.plain"
  cp "$WORK/$name.plain" "$M/$name"
  setfattr -n user.who -v "$name" "$M/$name"
done
chmod 600 "$M/b"
echo "is well" >"$M/neighbour"
ok "unmount" unmounts
for name in a b; do
  stored demo "vol/$name" >"$WORK/$name"
  metadata_of "vol/$name" >"$WORK/$name.metadata"
done
META_A=$(<"$WORK/a.metadata") META_B=$(<"$WORK/b.metadata")
like "$META_A" 'coffer-bind' "objects carry a bind tag"

# ---- objects
plant vol/a "$META_B" <"$WORK/b"
plant vol/b "$META_A" <"$WORK/a"
plant vol/again "$META_A" <"$WORK/a"
plant vol/bare '{}' <"$WORK/a"
plant vol/plain '{"mode": "33188"}' <<<"a plaintext"
plant vol/cut "$META_A" < <(head -c 66600 "$WORK/a")
mounts
refused a "two objects that changed places, the one"
refused b "the other"
refused again "one of them under a third name"
refused bare "without metadata"
refused plain "a plaintext"
refused cut "cut off"
nok "what is another's is not renamed" mv "$M/again" "$M/renamed"
nok "nor given a tag by a change of mode" bash -c "chmod 640 '$M/bare' && sync '$M/bare'"
nok "nor appended to" bash -c "echo more >>'$M/a'"
is "$(keys_of demo vol/renamed)" "" "and nothing was stored"
is "$(stored demo vol/a | md5sum)" "$(md5sum <"$WORK/b")" "anywhere"
unmounts >/dev/null
for name in a b again bare plain cut; do
  ok "the log names $name" grep -qE "error .*\"vol/$name\"" "$WORK"/log/*/*.log
done
plant vol/a "$META_B" <"$WORK/a"
plant vol/b "$META_B" <"$WORK/b"
mounts
refused a "another's metadata"
ok "and what came back as it was is read" cmp "$WORK/b.plain" "$M/b"
unmounts >/dev/null
plant vol/a "$META_A" <"$WORK/a"

# ---- keys
for i in 1 2 3 4 5; do plant "vol/flood-$i" "$META_A" < <(forge keys 8 "$ARN" "$i" <"$WORK/a"); done
plant vol/nine "$META_A" < <(forge keys 9 "$ARN" 9 <"$WORK/a")
plant vol/foreign "$META_A" < <(forge keys 8 "$HIS" 9 <"$WORK/a")
mounts
forget_calls
cat "$M/neighbour" >/dev/null # whose neighbours are looked at beside it
for i in 1 2 3 4 5; do nok "seven bogus keys, object $i: refused" cat "$M/flood-$i"; done
calls=$(decrypts)
at_most "$calls" 21 "at most four questions for each, and one for a good one"
at_least "$calls" 6 "and they were asked"
forget_calls
for _ in 1 2 3; do cat "$M"/flood-* >"$WORK/out" 2>&1; done
is "$(decrypts)" 0 "and not again, however often it is read"
is "$(grep -c . <"$WORK/out")" 5 "which fails every time"
nok "nine keys" cat "$M/nine"
nok "keys of others" cat "$M/foreign"
is "$(decrypts)" 0 "cost no question at all"
is "$(cat "$M/neighbour")" "is well" "the rest works"
unmounts >/dev/null

# ---- the descriptor
stored demo vol/.coffer/volume >"$WORK/descriptor"
META_D=$(metadata_of vol/.coffer/volume)
VOLUME=$(strings -n 36 "$WORK/descriptor" | grep -oE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' | head -n 1)
like "$VOLUME" '^[0-9a-f-]{36}$' "the volume's id stands in its context"
CONTEXT=(--encryption-context coffer=1 --encryption-context "vol=$VOLUME" --encryption-context kind=volume)
jq -nc --arg vol "$VOLUME" --arg arn "$HIS" '{format: 1, volume: $vol, header_size: 1024, frame_size: 65536,
  keys: [{type: "aws-kms", arn: $arn}], encryption_context: {}, name_binding: "off"}' >"$WORK/his.json"
exits 0 "his descriptor of our volume, under a key that we might use too" "$COFFER" seal "${KMS[@]}" --kms-key "$HIS" \
  "${CONTEXT[@]}" -i "$WORK/his.json" -o "$WORK/his"
plant vol/.coffer/volume "$META_D" <"$WORK/his"
forget_calls
exits 6 "is refused under the pin" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
like "$OUTPUT" "$HIS" "with the key that it wants"
exits 6 "and under an allow-list" "$COFFER" mount -f "${KMS[@]}" --kms-key "$ARN" --state-dir "$WORK/fresh" s3://demo/vol "$WORK/none"
is "$(decrypts)" 0 "KMS is asked nothing"
plant vol/.coffer/volume "$META_D" < <(forge keys 8 "$ARN" 1 <"$WORK/descriptor")
nok "a flood of keys in the descriptor" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
at_most "$(decrypts)" 4 "costs four questions"
plant vol/.coffer/volume '{}' <"$WORK/descriptor"
exits 4 "the descriptor without its tag" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
plant vol/.coffer/volume "$META_D" <"$WORK/a"
exits 4 "an object in the descriptor's place" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
plant vol/.coffer/volume "$META_D" < <(forge frame 4294967295 <"$WORK/descriptor"; head -c 3000000 /dev/zero)
server_forget
exits 4 "a descriptor of one frame of 4 GiB" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
at_most "$(server_requests 'map(.bytes_out) | add')" 1200000 "is not read whole"
plant vol/.coffer/volume "$META_D" <<<"no message"
exits 4 "bytes in the descriptor's place" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
s3 DELETE /demo/vol/.coffer/volume >/dev/null
exits 1 "no descriptor, under the pin" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
exits 1 "no descriptor, where sealing is asked for" "$COFFER" mount -f "${KMS[@]}" --sealed=yes --state-dir "$WORK/fresh" s3://demo/vol "$WORK/none"
exits 1 "no descriptor, where a key is named" "$COFFER" mount -f "${KMS[@]}" --kms-key "$ARN" --state-dir "$WORK/fresh" s3://demo/vol "$WORK/none"
plant vol/.coffer/volume "$META_D" <"$WORK/descriptor"
ok "and with its own descriptor it mounts" mounts
is "$(cat "$M/neighbour")" "is well" "and reads"
mkdir "$M/d"
ok "unmount" unmounts

# ---- a volume of his own, below ours
exits 0 "he makes a volume" "$COFFER" init "${KMS[@]}" --kms-key "$HIS" --no-recovery-key --state-dir "$WORK/his.state" s3://demo/his
mount_coffer s3://demo/his "$M" "${KMS[@]}" --sealed=yes --state-dir "$WORK/his.state" && echo forged >"$M/small"
unmounts >/dev/null
for name in .coffer/volume small; do
  stored demo "his/$name" >"$WORK/stolen"
  plant "vol/d/$name" "$(metadata_of "his/$name")" <"$WORK/stolen"
done
nok "copied below ours it is not mounted" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol/d "$WORK/none"
nok "nor by who never was here" "$COFFER" mount -f "${KMS[@]}" --state-dir "$WORK/new" s3://demo/vol/d "$WORK/none"
exits 4 "verify of that directory is by our keys" "$COFFER" verify "${KMS[@]}" s3://demo/vol/d/
like "$OUTPUT" 'd/small' "and names the forged file"
nok "verify by who never was here" "$COFFER" verify "${KMS[@]}" --state-dir "$WORK/new" s3://demo/vol/d/
s3 DELETE /demo/vol/.coffer/volume >/dev/null
nok "with our descriptor gone it is not mounted either" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol/d "$WORK/none"
exits 1 "verify knows that there was a volume" "$COFFER" verify "${KMS[@]}" s3://demo/vol
like "$OUTPUT" 'rebuild-descriptor' "and how to have its descriptor again"
done_testing
