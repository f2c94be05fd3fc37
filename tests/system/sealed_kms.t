#!/usr/bin/env bash
# A sealed volume under KMS: what it is asked and how often, and what becomes of files when it refuses, is throttled, or is
# gone.
# Also under the sanitizers.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 openssl

FILES=${COFFER_TEST_FILES:-2000} # COFFER_TEST_FILES=10000: as many as the promise names
start_server --bucket demo --kms-per-second 5
server_control POST settings '{"kms_latency_ms": 50}' >/dev/null
ARN=$(server_control GET kms | jq -r '.keys[0].arn')
SECOND=$(server_control POST kms/keys '{"id": "0987dcba-09fe-87dc-65ba-ab0987654321", "old_blobs": true}' | jq -r .arn)
M=$WORK/m
KMS=(--kms-endpoint-url "$SERVER_URL")
mkdir "$WORK/none"
seals() { mount_coffer s3://demo/vol "$M" "${KMS[@]}" --sealed=yes --metadata-ttl 0.2 "$@"; }
# calls OPERATION: that succeeded
calls() { server_control GET kms | jq -r ".calls.by_success[\"$1\"] // 0"; }
forget_calls() { server_control POST kms/clear >/dev/null; }
# key_is STATE: of the first key
key_is() { server_control POST kms/change "{\"arn\": \"$ARN\", \"state\": \"$1\"}" >/dev/null; }
deny() { server_control POST kms/change "{\"arn\": \"$ARN\", \"deny\": $1}" >/dev/null; }

# ---- init
exits 2 "one KMS key and no recovery key must be meant" "$COFFER" init s3://demo/vol "${KMS[@]}" --kms-key "$ARN"
like "$OUTPUT" 'no-recovery-key' "and how to mean it is said"
deny '["Decrypt"]'
exits 5 "init under a key that may not decrypt" "$COFFER" init s3://demo/vol "${KMS[@]}" --kms-key "$ARN" --no-recovery-key
like "$OUTPUT" 'kms:Decrypt' "the missing statement is printed"
deny '[]'
key_is Disabled
exits 6 "init under a disabled key" "$COFFER" init s3://demo/vol "${KMS[@]}" --kms-key "$ARN" \
  --new-recovery-key "$WORK/recovery.pem"
nok "a recovery key of no volume is not left behind" test -e "$WORK/recovery.pem"
key_is Enabled
exits 1 "init with KMS out of reach says so while a person waits, not after --deadline" timeout 60 "$COFFER" init \
  s3://demo/vol --kms-endpoint-url http://127.0.0.1:1 --kms-key "$ARN" --no-recovery-key
like "$OUTPUT" 'GenerateDataKey' "and what was tried"
is "$(keys_of demo)" "" "none of that wrote anything"
exits 0 "init under two KMS keys and a new recovery key" "$COFFER" init s3://demo/vol "${KMS[@]}" --kms-key alias/coffer-test \
  --kms-key "$SECOND" --new-recovery-key "$WORK/recovery.pem"
like "$OUTPUT" "$ARN" "an alias becomes the key's ARN"
is "$(stat -c %a "$WORK/recovery.pem")" 600 "the recovery key is 0600"
exits 1 "a recovery key is not overwritten" "$COFFER" init s3://demo/other "${KMS[@]}" --kms-key "$ARN" --new-recovery-key "$WORK/recovery.pem"

exits 1 "a mount takes no alias for the volume's key" "$COFFER" mount s3://demo/vol "$WORK/none" "${KMS[@]}" --kms-key alias/coffer-test
like "$OUTPUT" 'give --kms-key the ARN' "and says what to give"

# ---- quota: 5 calls a second
forget_calls
ok "mount" seals
ok "$FILES files are written" python3 - "$M" "$FILES" <<'PYTHON'
import concurrent.futures, os, sys
top, count = sys.argv[1], int(sys.argv[2])
os.mkdir(f"{top}/d")
def write(i):
    with open(f"{top}/d/{i}", "w") as file:
        file.write(f"content {i}\n")
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    list(pool.map(write, range(count)))
PYTHON
at_most "$(calls GenerateDataKey)" $((FILES / 1000 + 2)) "GenerateDataKey: one for 1,000 files, and one more"
at_least "$(calls GenerateDataKey)" $((FILES / 1000)) "GenerateDataKey: and as many"
at_most "$(calls Encrypt)" $((FILES / 1000 + 2)) "Encrypt, for the second key: as many"
is "$(counters "$M" .sealed.kms.throttled)" 0 "nothing was throttled"
at_most "$(counters "$M" .sealed.kms.waited)" 2 "at most two waited for their turn"
ok "unmount" umount_coffer "$M"
forget_calls
ok "mount again" seals
ok "they are read, in random order" python3 - "$M" "$FILES" <<'PYTHON'
import concurrent.futures, random, sys
top, count = sys.argv[1], int(sys.argv[2])
def read(i):
    with open(f"{top}/d/{i}") as file:
        assert file.read() == f"content {i}\n", i
order = list(range(count))
random.shuffle(order)
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    list(pool.map(read, order))
PYTHON
at_most "$(calls Decrypt)" $((FILES / 1000 + 4)) "Decrypt: one for each data key, and the descriptor's"
at_least "$(calls Decrypt)" $((FILES / 1000)) "Decrypt: and as many"
like "$("$COFFER" status "$M")" 'sealed +volume [0-9a-f-]+; keys asked' "status tells"

# ---- a bad day
echo before >"$M/before"
deny '["GenerateDataKey", "Decrypt", "Encrypt"]'
ok "denied: a data key at hand goes on sealing" bash -c "echo on >'$M/on'"
ok "and opening" bash -c "[[ \$(cat '$M/d/7') == 'content 7' ]]"
umount_coffer "$M" >/dev/null
exits 0 "denied on the first key: the second opens the volume" "$COFFER" mount "${KMS[@]}" s3://demo/vol "$M"
exits 1 "but nothing is sealed without the first" bash -c "echo x >'$M/new'"
like "$OUTPUT" 'Permission denied' "denied: EACCES at open"
is "$(cat "$M/before" "$M/on")" $'before\non' "and what was written reads back"
umount_coffer "$M" >/dev/null
deny '[]'
for state in Disabled PendingDeletion; do
  key_is $state
  ok "$state: mount" mount_coffer s3://demo/vol "$M" "${KMS[@]}"
  exits 1 "$state: nothing is sealed" bash -c "echo x >'$M/new'"
  [[ $state == Disabled ]] && text='Key has been revoked' || text='Required key not available'
  like "$OUTPUT" "$text" "$state: $text"
  umount_coffer "$M" >/dev/null
done
key_is Enabled
ok "all is well again" seals
ok "and files are written" bash -c "echo well >'$M/well'"
umount_coffer "$M" >/dev/null

# ---- KMS is gone for good
exits 0 "a mount by the recovery key, without KMS" "$COFFER" mount --recovery-private-key "$WORK/recovery.pem" \
  --kms-endpoint-url http://127.0.0.1:1 s3://demo/vol "$M"
is "$(cat "$M/before" "$M/well" "$M/d/99")" $'before\nwell\ncontent 99' "everything opens"
exits 1 "it is read-only" bash -c "echo x >'$M/new'"
like "$OUTPUT" 'Read-only' "and says so"
umount_coffer "$M" >/dev/null
stored demo vol/well >"$WORK/message"
exits 0 "coffer open, by the recovery key" "$COFFER" open -i "$WORK/message" --recovery-private-key "$WORK/recovery.pem"
is "$OUTPUT" well "opens a file without a mount"
exits 0 "coffer open, by KMS" "$COFFER" open -i "$WORK/message" "${KMS[@]}" --kms-key "$SECOND"
is "$OUTPUT" well "opens it too"

# ---- the bucket does not choose the keys
mkdir "$WORK/thief"
exits 0 "somebody else's volume under a key of his own" "$COFFER" init s3://demo/his "${KMS[@]}" --kms-key "$SECOND" \
  --no-recovery-key --state-dir "$WORK/thief"
stored demo his/.coffer/volume >"$WORK/his"
server_control POST buckets/demo/put "$(jq -nc --arg body "$(base64 -w0 "$WORK/his")" '{key: "vol/.coffer/volume", body_b64: $body}')" >/dev/null
exits 1 "his descriptor in our place" "$COFFER" mount -f "${KMS[@]}" s3://demo/vol "$WORK/none"
like "$OUTPUT" 'another volume' "is refused"
done_testing
