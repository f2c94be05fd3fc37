#!/usr/bin/env bash
# A plain volume with objects of the S3 Encryption Client (tests/vectors/s3ec.json, which another implementation made):
# what --s3ec reads, what it refuses, and that nothing can be written.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3

start_server --bucket demo
ARN=$(server_control GET kms | jq -r '.keys[0].arn')
M=$WORK/m
VECTORS=tests/vectors/s3ec.json
jq -r .aes_key $VECTORS | base64 -d >"$WORK/aes"
jq -r .rsa_key $VECTORS >"$WORK/rsa.pem"
chmod 600 "$WORK/aes" "$WORK/rsa.pem"
KMS=(--kms-endpoint-url "$SERVER_URL" --kms-key "$ARN")
KEYS=("${KMS[@]}" --key-file "$WORK/aes" --rsa-key "any/name:pkcs1=$WORK/rsa.pem")
reads() { mount_coffer s3://demo/d "$M" --metadata-ttl 0.2 "$@"; }
kms_calls() { server_control GET kms | jq -r '.calls.by_operation.Decrypt // 0'; }
put() { server_control POST buckets/demo/put "$1" >/dev/null; } # JSON

# wrapped VECTOR: its data key in KMS's own wrapping
wrapped() {
  jq -c --arg arn "$ARN" '{KeyId: $arn, Plaintext: .data_key, EncryptionContext: .context}' <<<"$1" |
    curl -sS --fail-with-body "$SERVER_URL/" --data-binary @- -H 'Content-Type: application/x-amz-json-1.1' \
      -H 'X-Amz-Target: TrentService.Encrypt' --aws-sigv4 "aws:amz:$AWS_REGION:kms" \
      --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" | jq -r .CiphertextBlob
}

# put_vector KEY NAME: the object, and its instruction file; its plaintext is $WORK/p/KEY
put_vector() {
  local vector blob
  vector=$(jq -c --arg name "$2" '.objects[] | select(.name == $name)' $VECTORS)
  [[ -n $vector ]] || bail "no vector $2"
  if [[ $2 == *kms* ]]; then
    blob=$(wrapped "$vector") || bail "KMS does not wrap a key: $blob"
    vector=$(jq -c --arg blob "$blob" '.blob as $made | walk(if . == $made then $blob else . end)' <<<"$vector")
  fi
  put "$(jq -c --arg key "d/$1" '{key: $key, body_b64: .body, metadata, age_s: 1000}' <<<"$vector")"
  jq -e .instruction <<<"$vector" >/dev/null && put "$(jq -c --arg key "d/$1.instruction" '{key: $key, age_s: 1000,
    body: (.instruction | tojson), metadata: {"x-amz-crypto-instr-file": ""}}' <<<"$vector")"
  jq -r .plain <<<"$vector" | base64 -d >"$WORK/p/$1"
}

mkdir "$WORK/p"
put_vector kms3 "V3 kms+context 115 300"
put_vector kms3-file "V3 kms+context 115 300 split"
put_vector rsa3 "V3 RSA-OAEP-SHA1 115 300"
put_vector empty3 "V3 AES/GCM 115 0"
put_vector large3 "V3 AES/GCM 115 70000"
put_vector kms2 "V2 kms+context AES/GCM/NoPadding 300"
put_vector kms2-file "V2 kms+context AES/GCM/NoPadding 300 split"
put_vector aes2 "V2 AES/GCM AES/GCM/NoPadding 300"
put_vector old-kms "V2 kms AES/CBC/PKCS5Padding 300"
put_vector old-wrap "V2 AESWrap AES/GCM/NoPadding 300"
put_vector old-rsa "V2 RSA/OAEP SunJCE AES/CBC/PKCS5Padding 300"
put_vector first "V1 AES/ECB AES/CBC/PKCS5Padding 300"
put_vector first-file "V1 RSA/PKCS1 AES/CBC/PKCS5Padding 300 split"
put '{"key": "d/plain", "body": "not encrypted", "age_s": 1000}'
printf 'not encrypted' >"$WORK/p/plain"
put '{"key": "d/own.instruction", "body": "knead the dough", "age_s": 1000}'
printf 'knead the dough' >"$WORK/p/own.instruction"
V3=(kms3 kms3-file rsa3 empty3 large3)
V2=(kms2 kms2-file aes2)
V1=(old-kms old-wrap old-rsa first first-file)

# shown NAME...: they read as what was put, and have that size before and after
shown() {
  local name size
  for name; do
    size=$(stat -c %s "$M/$name")
    ok "$name is read" cmp "$M/$name" "$WORK/p/$name"
    # of CBC in an instruction file alone nothing tells the length beforehand
    [[ $name == first-file ]] || is "$size" "$(stat -c %s "$WORK/p/$name")" "$name: its size, before it was opened"
    is "$(stat -c %s "$M/$name")" "$(stat -c %s "$WORK/p/$name")" "$name: its size, afterwards"
  done
}
# not_shown TEXT NAME...: nothing of them is
not_shown() {
  local text=$1 name
  shift
  for name; do
    cat "$M/$name" >"$WORK/out" 2>"$WORK/said"
    isnt "$?" 0 "$name is refused"
    is "$(stat -c %s "$WORK/out")" 0 "$name: not a byte of it"
    like "$(<"$WORK/said")" "$text" "$name: $text"
  done
}
LOG() { cat "$WORK"/log/m/*; }

# ---- off, the default
ok "mount without --s3ec" reads
is "$(stat -c %s "$M/kms3")" 316 "shows the stored objects"
like "$(ls "$M")" 'kms3-file.instruction' "and instruction files"
ok "and writes" bash -c "echo x >'$M/new' && rm '$M/new'"
umount_coffer "$M" >/dev/null

# ---- the policies
server_forget
ok "mount with --s3ec=v3" reads --s3ec=v3 "${KEYS[@]}"
like "$(LOG)" 'mounted read-only: objects of the S3 Encryption Client' "says that it is read-only"
is "$(kms_calls)" 0 "KMS is not asked at mount"
shown "${V3[@]}" plain own.instruction
not_shown 'Permission denied' "${V2[@]}" "${V1[@]}"
like "$(LOG)" 'only --s3ec=v2 reads' "the log names the option for version 2"
like "$(LOG)" 'only --s3ec=v1 reads' "and for what is older"
is "$(server_requests 'map(select(.method != "GET" and .method != "HEAD" and .operation != "Decrypt")) | length')" 0 \
  "nothing but reading was asked of S3"
is "$(kms_calls)" 2 "KMS was asked once for each object that it has wrapped"
umount_coffer "$M" >/dev/null
ok "mount with --s3ec=v2" reads --s3ec=v2 "${KEYS[@]}"
shown "${V3[@]}" "${V2[@]}"
not_shown 'Permission denied' "${V1[@]}"
umount_coffer "$M" >/dev/null
ok "mount with --s3ec=v1" reads --s3ec=v1 "${KEYS[@]}"
shown "${V3[@]}" "${V2[@]}" "${V1[@]}" plain

# ---- listings, ranges
is "$(find "$M" -name '*.instruction' -printf '%f ')" "own.instruction " "instruction files do not show, but one that is nobody's"
nok "nor can they be named" stat "$M/kms3-file.instruction"
# shellcheck disable=SC2012  # ls itself is what is tested
is "$(ls -l "$M" | awk '$9 == "large3" || $9 == "kms2-file" {print $5}' | sort -n | paste -sd' ')" "300 70000" "ls -l shows plain sizes"
for range in "0 1" "65535 3" "69999 1" "1234 5000"; do
  read -r skip count <<<"$range"
  is "$(dd if="$M/large3" bs=1 skip="$skip" count="$count" status=none | sha256sum)" \
    "$(dd if="$WORK/p/large3" bs=1 skip="$skip" count="$count" status=none | sha256sum)" "bytes $skip+$count"
done
pid=$(daemon_pid "$M")
is "$(find "$XDG_STATE_HOME" -path '*spool/*')" "" "the spool has no names"
ok "and is there" bash -c "ls -l /proc/$pid/fd | grep -q 'spool/.*(deleted)'"

# ---- nothing is written
for change in "echo x >'$M/kms3'" "echo x >>'$M/plain'" "echo x >'$M/new'" "rm '$M/kms3'" "mv '$M/kms3' '$M/other'" \
  "chmod 600 '$M/kms3'" "mkdir '$M/dir'" "touch '$M/plain'" "ln -s a '$M/link'" "setfattr -n user.a -v b '$M/plain'"; do
  exits 1 "refused: ${change//"$M"\//}" bash -c "$change"
  like "$OUTPUT" 'Read-only file system' "EROFS: ${change//"$M"\//}"
done
umount_coffer "$M" >/dev/null

# ---- limits and keys
ok "mount with a small limit" reads --s3ec=v3 --s3ec-max-size 300 "${KEYS[@]}"
shown kms3
not_shown 'File too large' large3
like "$(LOG)" 's3ec-max-size' "the log names the option"
umount_coffer "$M" >/dev/null
ok "mount without the KMS key" reads --s3ec=v3 --key-file "$WORK/aes"
shown large3
not_shown 'Required key not available' kms3 rsa3
like "$(LOG)" 'kms-key' "the log names the option"
umount_coffer "$M" >/dev/null
SECOND=$(server_control POST kms/keys '{"id": "0987dcba-09fe-87dc-65ba-ab0987654321"}' | jq -r .arn)
ok "mount with another KMS key than the objects have" reads --s3ec=v3 --kms-endpoint-url "$SERVER_URL" --kms-key "$SECOND"
not_shown 'Bad message' kms3
umount_coffer "$M" >/dev/null
server_control POST kms/change "{\"arn\": \"$ARN\", \"deny\": [\"Decrypt\"]}" >/dev/null
ok "mount while KMS denies" reads --s3ec=v3 "${KMS[@]}"
not_shown 'Permission denied' kms3
server_control POST kms/change "{\"arn\": \"$ARN\", \"deny\": []}" >/dev/null
shown kms3
umount_coffer "$M" >/dev/null
ok "mount with a context that the objects lack" reads --s3ec=v3 "${KMS[@]}" --encryption-context a=b
not_shown 'Bad message' kms3
umount_coffer "$M" >/dev/null

# ---- damage
for change in 'body_b64 |= (.[:40] + (if .[40:41] == "A" then "B" else "A" end) + .[41:])' \
  'metadata["x-amz-d"] |= ("AAAA" + .[4:])' 'metadata["x-amz-i"] |= ("AAAA" + .[4:])' \
  'metadata["x-amz-key-v2"] = "AAAA"' 'metadata["x-amz-c"] = "116"'; do
  object=$(server_control POST buckets/demo/get '{"key": "d/large3", "body": true}' |
    jq -c "{key: \"d/bad\", body_b64, metadata, age_s: 1000} | .$change")
  put "$object"
  ok "mount" reads --s3ec=v1 "${KEYS[@]}"
  not_shown 'Bad message' bad
  umount_coffer "$M" >/dev/null
done

# ---- usage
refused() {
  local text=$1 description=$2
  shift 2
  exits 2 "$description: exit code 2" "$COFFER" mount -f s3://demo/d "$WORK/p" "$@" && like "$OUTPUT" "$text" "$description: says so"
}
refused 'needs the keys' "--s3ec without a key" --s3ec=v3
refused 'is for --s3ec' "--s3ec-max-size without it" --s3ec-max-size 1G
refused 'leave out' "a sealed volume with it" --s3ec=v3 --sealed=yes "${KEYS[@]}"
refused 'only reads' "writing with it" --s3ec=v3 --read-only=false "${KEYS[@]}"
refused 'attributes=exact' "sizes from a listing" --s3ec=v3 --attributes=list "${KEYS[@]}"
ok "init of a sealed volume" "$COFFER" init s3://demo/sealed --key-file "$WORK/aes"
mkdir "$WORK/none"
exits 2 "a sealed volume is none for --s3ec" "$COFFER" mount -f s3://demo/sealed "$WORK/none" --s3ec=v3 "${KEYS[@]}"
like "$OUTPUT" 'sealed volume' "and it says so"
done_testing
