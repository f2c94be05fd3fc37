#!/usr/bin/env bash
# The AWS Encryption SDK for Python and coffer. `make interop` installs the SDK and says where it is.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
. tests/interop/sdk.sh
[[ -n ${COFFER_TEST_SDK_PYTHON:-} ]] || skip_all "${COFFER_TEST_SDK_PYTHON_MISSING:-make interop installs the SDK}"
need_fuse
need_commands jq python3 openssl

sdk_start "$COFFER_TEST_SDK_PYTHON/bin/python" tests/interop/sdk.py
make_inputs
sdk_mount
sdk_opens
# its frames are multiples of 128 bytes; 0: without frames
sdk_seals 128 4096 65536 0
sdk_seals_legacy 4096 0
sdk_seals_damaged
for server in stand-in moto local-kms; do sdk_kms "$server"; done
kms_refuses local-kms
done_testing
