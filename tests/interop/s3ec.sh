#!/usr/bin/env bash
# The Amazon S3 Encryption Client for Python writes, coffer mount --s3ec reads. `make interop` installs the client and says
# where it is.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
[[ -n ${COFFER_TEST_SDK_S3EC:-} ]] || skip_all "${COFFER_TEST_SDK_S3EC_MISSING:-make interop installs the client}"
need_fuse
need_commands jq python3

start_server --bucket demo
ARN=$(server_control GET kms | jq -r '.keys[0].arn')
M=$WORK/m
mkdir "$WORK/p"
export AWS_ENDPOINT_URL_KMS=$SERVER_URL AWS_REQUEST_CHECKSUM_CALCULATION=when_required
export AWS_DEFAULT_REGION=$AWS_REGION
ok "the client writes, and reads its own" "$COFFER_TEST_SDK_S3EC/bin/python" tests/interop/s3ec.py demo d/ "$ARN" "$WORK/p" ||
  bail "the client does not work here"
KMS=(--kms-endpoint-url "$SERVER_URL" --kms-key "$ARN")

# same FILE...: as the client wrote them
same() {
  local file
  for file; do
    is "$(stat -c %s "$M/$file")" "$(stat -c %s "$WORK/p/$file")" "$file: its size"
    ok "$file: its bytes" cmp "$M/$file" "$WORK/p/$file"
  done
}
mapfile -t new < <(cd "$WORK/p" && find v3 -type f | sort)
mapfile -t old < <(cd "$WORK/p" && find v2 -type f | sort)
ok "mount with --s3ec=v3" mount_coffer s3://demo/d "$M" --s3ec=v3 "${KMS[@]}"
same "${new[@]}"
nok "version 2 is not read" cat "$M/v2/16"
umount_coffer "$M" >/dev/null
ok "mount with --s3ec=v2" mount_coffer s3://demo/d "$M" --s3ec=v2 "${KMS[@]}"
same "${new[@]}" "${old[@]}"
is "$(find "$M" -name '*.instruction')" "" "no instruction file shows"
for file in bound/v2 bound/v3; do nok "$file needs its context" cat "$M/$file"; done
umount_coffer "$M" >/dev/null
ok "mount with a context" mount_coffer s3://demo/d "$M" --s3ec=v2 "${KMS[@]}" --encryption-context purpose=interop \
  --encryption-context 'where=a "quoted" \ place'
same bound/v2 bound/v3
umount_coffer "$M" >/dev/null
skip "the client for Python has no raw AES and RSA keyring: tests/vectors/s3ec.py makes those objects"
skip "the client for Python takes no context beyond ASCII: tests/vectors/s3ec.py makes one"
skip "the client for Python writes no instruction files: what it wrote was split by hand, and it read that, too"
done_testing
