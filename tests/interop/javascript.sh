#!/usr/bin/env bash
# The AWS Encryption SDK for JavaScript and coffer. `make interop` installs the SDK and says where it is.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
. tests/interop/sdk.sh
[[ -n ${COFFER_TEST_SDK_JAVASCRIPT:-} ]] || skip_all "${COFFER_TEST_SDK_JAVASCRIPT_MISSING:-make interop installs the SDK}"
need_fuse
need_commands jq node python3 openssl

sdk_start node tests/interop/sdk.mjs "$COFFER_TEST_SDK_JAVASCRIPT"
make_inputs
# many a node refuses to decrypt RSA with PKCS #1 v1.5 padding, so that the SDK does not open its own messages
sdk seal "$WORK/p/300" "$WORK/message" "$(rsa pkcs1 public)" '{"suite": "0478", "frame": 4096, "context": {}}'
sdk open "$WORK/message" "$WORK/opened" "$(rsa pkcs1 private)"
[[ $REPLY != '{"error"'* ]] || NO_PADDING=pkcs1 NO_PADDING_WHY="node $(node --version) does not decrypt RSA with PKCS #1 v1.5 padding"
sdk_mount
sdk_opens
sdk_seals 1 4096 65536
sdk_seals_legacy 4096
sdk_seals_damaged
for server in stand-in moto local-kms; do sdk_kms "$server"; done
done_testing
