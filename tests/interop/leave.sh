#!/usr/bin/env bash
# examples/leave: everything of a sealed volume comes back without coffer.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
[[ -n ${COFFER_TEST_SDK_PYTHON:-} ]] || skip_all "${COFFER_TEST_SDK_PYTHON_MISSING:-make interop installs the SDK}"
need_fuse
need_commands jq python3 openssl

start_server --bucket demo
ARN=$(server_control GET kms | jq -r '.keys[0].arn')
KMS=(--kms-endpoint-url "$SERVER_URL")
ok "init" "$COFFER" init s3://demo/vol "${KMS[@]}" --kms-key "$ARN" --new-recovery-key "$WORK/recovery.pem"
ok "mount" mount_coffer s3://demo/vol "$WORK/m" --sealed=yes "${KMS[@]}"
cd "$WORK/m" || bail "no mount"
mkdir -p "a/b c"
: >empty
echo "with umlauts" >"a/b c/$(printf 'gr\303\274n')"
head -c 20000000 /dev/urandom >a/large
touch -d "2001-02-03 04:05:06 UTC" a/large
ln -s "b c" a/link
ln -s /nowhere a/dangling
cd - >/dev/null || exit 1
cp -a "$WORK/m" "$WORK/expected"
ok "unmount" umount_coffer "$WORK/m"

leaves() { # DIR KEY...
  mkdir "$WORK/$1" && "$COFFER_TEST_SDK_PYTHON/bin/python" examples/leave/leave.py demo vol/ "$WORK/$1" "${@:2}" 2>&1
}
same_as_mount() {
  is "$(diff -r --no-dereference "$WORK/expected" "$WORK/$1" 2>&1)" "Only in $WORK/$1: .coffer" "$2: every file and link, and nothing else"
  is "$(stat -c %Y "$WORK/$1/a/large")" "$(date -d "2001-02-03 04:05:06 UTC" +%s)" "$2: times"
}
ok "by KMS" leaves kms "$ARN"
same_as_mount kms "by KMS"
if [[ -n ${COFFER_TEST_SDK_CLI:-} ]]; then
  s3 GET "/demo/vol/a/large" -o "$WORK/sealed"
  # shellcheck disable=SC2016  # expanded inside
  ok "one file, by the SDK's command" bash -c '"$1" --decrypt --input - --output "$3" --wrapping-keys "key=$4" \
    --commitment-policy require-encrypt-require-decrypt --suppress-metadata <"$2"' sh \
    "$COFFER_TEST_SDK_CLI/bin/aws-encryption-cli" "$WORK/sealed" "$WORK/opened" "$ARN"
  ok "it is that file" cmp "$WORK/opened" "$WORK/expected/a/large"
else
  skip "${COFFER_TEST_SDK_CLI_MISSING:-make interop installs the command line tool of the SDK}" 2
fi
id=$(openssl pkey -in "$WORK/recovery.pem" -pubout -outform DER | sha256sum | cut -c1-16)
server_control POST kms/change "{\"arn\": \"$ARN\", \"state\": \"PendingDeletion\"}" >/dev/null
nok "by KMS, when the key is gone" leaves refused "$ARN"
ok "by the recovery key, when the KMS key is gone" leaves recovery "$WORK/recovery.pem" "$id"
same_as_mount recovery "by the recovery key"
done_testing
