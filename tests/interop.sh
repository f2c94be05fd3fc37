#!/usr/bin/env bash
# Official AWS Encryption SDKs open what coffer has sealed and the other way round, by local keys and by the KMS of
# three servers; published messages are opened; what the S3 Encryption Client wrote is read; what s3fs and rclone stored
# comes in: tests/interop/. The last line is "N passed, N failed, N skipped".
#
# The SDKs come from the registries of their languages and are kept in ${XDG_CACHE_HOME:-~/.cache}/coffer-interop; one
# that cannot be had is a loud skip. SDKS="python javascript s3ec" narrows.
set -u
cd "$(dirname "$0")/.." || exit 1
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/coffer-interop

python_sdk() {
  python3 -m venv --clear "$1" && timeout 300 "$1/bin/pip" install -q aws-encryption-sdk cryptography
}
cli_sdk() {
  python3 -m venv --clear "$1" && timeout 300 "$1/bin/pip" install -q aws-encryption-sdk-cli
}
javascript_sdk() {
  command -v node npm >/dev/null || { echo "there is no node or no npm on PATH"; return 1; }
  mkdir -p "$1" && timeout 300 npm install --prefix "$1" --no-audit --no-fund --ignore-scripts @aws-crypto/client-node
}
s3ec_sdk() {
  python3 -m venv --clear "$1" && timeout 300 "$1/bin/pip" install -q amazon-s3-encryption-client-python
}

# install NAME: into $CACHE/NAME, once. A half of one is none
install() {
  local log=$CACHE/$1.log
  [[ ! -f $CACHE/$1/complete ]] || return 0
  echo "# fetching the official client: $1"
  mkdir -p "$CACHE" && rm -rf "${CACHE:?}/$1" || return
  "$1_sdk" "$CACHE/$1" >"$log" 2>&1 && touch "$CACHE/$1/complete" && return
  reason="the official client ($1) cannot be had: $(grep -v 'complete log' "$log" | tail -n 1) (all of it in $log)"
  return 1
}

export COFFER_TEST_SDK_PYTHON='' COFFER_TEST_SDK_JAVASCRIPT='' COFFER_TEST_SDK_CLI='' COFFER_TEST_SDK_S3EC=''
tests=(tests/interop/vectors.sh tests/interop/leave.sh tests/interop/arrive.sh)
for sdk in ${SDKS:-python cli javascript s3ec}; do
  [[ $sdk =~ ^(python|cli|javascript|s3ec)$ ]] || { echo "interop: no SDK for $sdk" >&2; exit 2; }
  [[ $sdk == cli ]] || tests+=("tests/interop/$sdk.sh")
  if install "$sdk"; then
    export "COFFER_TEST_SDK_${sdk^^}=$CACHE/$sdk"
  else
    export "COFFER_TEST_SDK_${sdk^^}_MISSING=$reason"
  fi
done
# 100 MiB, several times over, in Python and in JavaScript
export TEST_TIMEOUT=${TEST_TIMEOUT:-900}
exec tests/check.sh "${tests[@]}"
