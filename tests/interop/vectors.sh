#!/usr/bin/env bash
# Published messages of AWS Encryption SDKs (raw keys; awses-decrypt manifest, version 4) through `coffer open`, from a
# pipe to a pipe. The folder is that of COFFER_TEST_VECTORS, else ../shared/vectors.
. "${0%/*}/../lib/tap.sh"
need_commands jq
VECTORS=$(realpath -m "${COFFER_TEST_VECTORS:-../shared/vectors}")/esdk
[[ -f $VECTORS/manifest.json ]] || skip_all "$VECTORS is not there"

mkdir "$WORK/keys"
while IFS=$'\t' read -r name encoding material; do
  if [[ $encoding == pem ]]; then base64 -d <<<"$material"; else base64 -d <<<"$material" | base64 -d; fi >"$WORK/keys/$name"
  chmod 600 "$WORK/keys/$name"
done < <(jq -r '.keys | to_entries[] | [.key, .value.encoding,
  (.value | .["line-separator"] as $line | .material | if type == "array" then join($line) else . end | @base64)] | @tsv' \
  "$VECTORS/keys.json")

# one line a test: name, message, plaintext (- if it must fail), and the options of coffer open
tests() {
  # shellcheck disable=SC2016  # jq's
  jq -r --arg keys "$WORK/keys" --slurpfile names "$VECTORS/keys.json" '
    def file: sub("^file://"; "");
    def padding: if .["padding-algorithm"] == "pkcs1" then "pkcs1" else "oaep-" + .["padding-hash"] end;
    def option: .key as $key | (.["provider-id"] + "/" + $names[0].keys[$key]["key-id"]) as $name |
      if .["encryption-algorithm"] == "aes" then "--aes-key", "\($name)=\($keys)/\($key)"
      else "--rsa-key", "\($name):\(padding)=\($keys)/\($key)" end;
    .tests | to_entries[] | select(.value.ciphertext) | [.key, (.value.ciphertext | file),
      (.value.result.output.plaintext // "-" | file),
      (.value["master-keys"][] | option),
      (.value["encryption-context"] | to_entries[] | "--encryption-context", "\(.key)=\(.value)")] | @tsv' \
    "$VECTORS/manifest.json"
}

OPEN=(open --commitment-policy require-encrypt-allow-decrypt)
while IFS=$'\t' read -ra test; do
  name=${test[0]} plain=$VECTORS/${test[2]} expected=0
  [[ ${test[2]} != - ]] || plain=/dev/null expected=4
  "$COFFER" "${OPEN[@]}" "${test[@]:3}" <"$VECTORS/${test[1]}" >"$WORK/opened" 2>"$WORK/said"
  is $? "$expected" "$name: exit code $expected" || diag "$(<"$WORK/said")"
  ok "$name: the plaintext" cmp "$WORK/opened" "$plain"
done < <(tests)
at_least $((tap_count / 2)) 132 "messages of the manifest"
done_testing
