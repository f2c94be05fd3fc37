# sdk.sh: an official AWS Encryption SDK and coffer, each opening what the other has written. python.sh and
# javascript.sh are tests by it: they say what their SDK can do and call sdk_start, sdk_mount, sdk_opens and sdk_seals.
# shellcheck shell=bash

POLICY=require-encrypt-require-decrypt
# as jq -S prints it
CONTEXT='{"Straße":"Ærøskøbing 愛","purpose":"interop"}'
CONTEXT_OPTIONS=(--encryption-context purpose=interop --encryption-context "Straße=Ærøskøbing 愛")

# ---- talking to it -----------------------------------------------------------------------------------------
# sdk_start COMMAND...: a program that answers each line (a request in JSON) by one (sdk.py and sdk.mjs); a request is
#   {"do": "seal"|"open", "in": FILE, "out": FILE, "policy": POLICY,
#    "key": {"namespace", "name", "file", "padding": null for AES} or {"kms": ARN, "url", "id", "secret"},
#    "suite": HEX, "frame": BYTES or 0 for no frames, "context": {...}}          (these three to seal)
# and its answer {"context": the message's} or {"error": TEXT}
sdk_start() {
  coproc SDK { exec "$@" 2>"$WORK/log/sdk.log"; }
  # shellcheck disable=SC2153  # set by coproc
  sdk_pid=$SDK_PID
  exec {sdk_replies}<&"${SDK[0]}" {sdk_requests}>&"${SDK[1]}"
  read -r -t 60 REPLY <&"$sdk_replies" || bail "the SDK does not start: $(tail -n 3 "$WORK/log/sdk.log")"
  note "$REPLY"
}

# sdk DO IN OUT KEY [JSON]: its answer in $REPLY. KEY is in coffer's words, those of --kms-key (of the KMS at $KMS_URL),
# --aes-key and --rsa-key; JSON has what more there is to the request
sdk() {
  local request more='{}'
  (($# < 5)) || more=$5
  # shellcheck disable=SC2016  # jq's
  request=$(KMS_URL=${KMS_URL:-} jq -nc --arg what "$1" --arg in "$2" --arg out "$3" --arg key "$4" --arg policy "${SDK_POLICY:-$POLICY}" \
    --argjson more "$more" '{do: $what, in: $in, out: $out, policy: $policy, key: (if ($key | startswith("arn:")) then
      {kms: $key, url: env.KMS_URL, id: env.AWS_ACCESS_KEY_ID, secret: env.AWS_SECRET_ACCESS_KEY} else $key |
      capture("^(?<namespace>[^/]*)/(?<name>[^:=]*)(:(?<padding>[^=]*))?=(?<file>.*)$") end)} + $more')
  kill -0 "$sdk_pid" 2>/dev/null || bail "the SDK has ended: $(tail -n 3 "$WORK/log/sdk.log")"
  printf '%s\n' "$request" >&"$sdk_requests"
  read -r -t 200 REPLY <&"$sdk_replies" || bail "the SDK does not answer $request"
}

# sdk_reads DESCRIPTION KEY SEALED PLAIN CONTEXT: the SDK opens it, to that plaintext, and sees that context (sorted)
sdk_reads() {
  rm -f "$WORK/opened"
  sdk open "$3" "$WORK/opened" "$2"
  if ! is "$(jq -Sc '.context // .' <<<"$REPLY")" "$5" "$1"; then return 1; fi
  cmp -s "$WORK/opened" "$4" && return
  fail "$1: the bytes"
}

# ---- what the tests need -----------------------------------------------------------------------------------
# make_inputs: the keys, in AES and RSA, and plaintexts: $WORK/p/BYTES
make_inputs() {
  local bits size
  for bits in 128 192 256; do
    head -c $((bits / 8)) /dev/urandom >"$WORK/aes$bits"
    AES+=("n/aes=$WORK/aes$bits")
  done
  openssl genrsa -out "$WORK/private.pem" 3072 2>/dev/null
  openssl rsa -in "$WORK/private.pem" -pubout -out "$WORK/public.pem" 2>/dev/null
  chmod 600 "$WORK"/aes* "$WORK/private.pem"
  mkdir "$WORK/p"
  for size in 0 1 300 4096 65535 65536 65537 200000 5242880 104857600; do
    head -c "$size" /dev/urandom >"$WORK/p/$size"
  done
}
AES=()
PADDINGS=(pkcs1 oaep-sha1 oaep-sha256 oaep-sha384 oaep-sha512)
rsa() { echo "n/rsa:$1=$WORK/$2.pem"; } # PADDING private|public

# ---- what a mount wrote ------------------------------------------------------------------------------------
sdk_mount() {
  local size volume recovery context object plain
  start_server --bucket demo
  ok "init of a sealed volume" "$COFFER" init s3://demo/vol --key-file "$WORK/aes256" --recovery-key "$WORK/public.pem" \
    "${CONTEXT_OPTIONS[@]}"
  mount_coffer s3://demo/vol "$WORK/m" --sealed=yes --key-file "$WORK/aes256" || bail "no mount"
  for size in 0 1 65535 65536 65537 5242880 104857600; do
    ok "a file of $size bytes is written" cp "$WORK/p/$size" "$WORK/m/$size"
  done
  mkdir "$WORK/m/directory"
  ln -s "over/the/rainbow" "$WORK/m/link"
  ok "unmount" umount_coffer "$WORK/m"
  at_least "$(requests_of CompleteMultipartUpload)" 1 "in parts, where it is large"

  volume=$(sha256sum <"$WORK/aes256")
  recovery=$(openssl pkey -pubin -in "$WORK/public.pem" -outform DER | sha256sum)
  local aes=coffer/${volume:0:16}=$WORK/aes256 rsa=coffer-recovery/${recovery:0:16}:oaep-sha256=$WORK/private.pem
  s3 GET /demo/vol/.coffer/volume -o "$WORK/descriptor"
  sdk open "$WORK/descriptor" "$WORK/descriptor.json" "$aes"
  volume=$(jq -r .volume "$WORK/descriptor.json")
  context=$(jq -Sc --arg volume "$volume" '. + {coffer: "1", vol: $volume}' <<<"$CONTEXT")
  is "$(jq -Sc .context <<<"$REPLY")" "$(jq -Sc '. + {kind: "volume"}' <<<"$context")" "the descriptor's context"
  printf over/the/rainbow >"$WORK/p/link"
  for object in 0 1 65535 65536 65537 5242880 104857600 link directory/; do
    s3 GET "/demo/vol/$object" -o "$WORK/sealed"
    plain=$WORK/p/${object/directory\//0}
    sdk_reads "written by the mount, opened by AES: $object" "$aes" "$WORK/sealed" "$plain" "$context"
    sdk_reads "written by the mount, opened by RSA: $object" "$rsa" "$WORK/sealed" "$plain" "$context"
  done
  sdk_in_volume "$aes" "$context"
}

# sdk_in_volume KEY CONTEXT: what the SDK writes into that volume, under its key and its context
sdk_in_volume() {
  local size
  for size in 0 1 65536 200000; do
    sdk seal "$WORK/p/$size" "$WORK/message" "$1" "{\"suite\": \"0478\", \"frame\": 4096, \"context\": $2}"
    s3 PUT "/demo/vol/of-sdk-$size" --data-binary "@$WORK/message" -H 'Content-Type: application/octet-stream' >/dev/null
  done
  mount_coffer s3://demo/vol "$WORK/m" --sealed=yes --key-file "$WORK/aes256" || bail "no mount"
  for size in 0 1 65536 200000; do
    nok "the SDK's in the volume, $size bytes: refused, since nothing binds it to its name" cat "$WORK/m/of-sdk-$size"
  done
  ok "unmount" umount_coffer "$WORK/m"
  sdk_is_read "when names are not insisted on" --name-binding=warn
  ok "rebind" "$COFFER" rebind -r --yes s3://demo/vol --key-file "$WORK/aes256"
  sdk_is_read "after rebind"
}
sdk_is_read() { # WHEN [OPTION...]
  local size
  mount_coffer s3://demo/vol "$WORK/m" --sealed=yes --key-file "$WORK/aes256" "${@:2}" || bail "no mount"
  for size in 0 1 65536 200000; do
    ok "the SDK's in the volume, $size bytes: read $1" cmp "$WORK/m/of-sdk-$size" "$WORK/p/$size"
    is "$(stat -c %s "$WORK/m/of-sdk-$size")" "$size" "the SDK's in the volume, $size bytes: its size $1"
  done
  ok "unmount" umount_coffer "$WORK/m"
}

# ---- what coffer seal wrote --------------------------------------------------------------------------------
# coffer_seals SIZE OPTION...: to $WORK/sealed
coffer_seals() {
  local size=$1
  shift
  "$COFFER" seal -i "$WORK/p/$size" -o "$WORK/sealed" "$@" || fail "coffer seal $*"
}

sdk_opens() {
  local key padding size
  for key in "${AES[@]}"; do
    for size in 0 1 65536 200000; do
      coffer_seals $size --aes-key "$key" "${CONTEXT_OPTIONS[@]}"
      sdk_reads "coffer seal, ${key##*/}, $size bytes" "$key" "$WORK/sealed" "$WORK/p/$size" "$CONTEXT"
    done
  done
  for padding in "${PADDINGS[@]}"; do
    [[ " ${NO_PADDING:-} " != *" $padding "* ]] || { skip "$NO_PADDING_WHY"; continue; }
    coffer_seals 65537 --rsa-key "$(rsa "$padding" public)"
    sdk_reads "coffer seal, RSA $padding" "$(rsa "$padding" private)" "$WORK/sealed" "$WORK/p/65537" '{}'
  done
  coffer_seals 300 --aes-key "${AES[0]}" --aes-key "m/${AES[2]#*/}" --rsa-key "$(rsa oaep-sha384 public)"
  for key in "${AES[0]}" "m/${AES[2]#*/}" "$(rsa oaep-sha384 private)"; do
    sdk_reads "coffer seal under three keys, by ${key##*/}" "$key" "$WORK/sealed" "$WORK/p/300" '{}'
  done
  # that what is said above can fail
  flip "$WORK/sealed" -1
  sdk open "$WORK/sealed" "$WORK/opened" "${AES[0]}"
  like "$REPLY" '^\{"error"' "the SDK refuses a damaged one"
}

# ---- what the SDK wrote ------------------------------------------------------------------------------------
# flip FILE OFFSET: changes one bit there; from the end where negative
flip() {
  python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]), 2 if int(sys.argv[2]) < 0 else 0)
    byte = f.read(1)
    f.seek(-1, 1)
    f.write(bytes([byte[0] ^ 4]))' "$@"
}

# coffer_open CODE DESCRIPTION PLAIN OPTION...: coffer open of $WORK/message, by pipes, exits with CODE and has written
# exactly the bytes of the file PLAIN
coffer_open() {
  local code=$1 description=$2 plain=$3 status
  shift 3
  "$COFFER" open "$@" <"$WORK/message" >"$WORK/opened" 2>"$WORK/said"
  status=$?
  if ((status != code)); then
    fail "$description"
    diag "exit code $status instead of $code of: coffer open $*" $'\n'"$(<"$WORK/said")"
    return 1
  fi
  ok "$description" cmp "$WORK/opened" "$plain"
}

# sdk_seals_one SUITE FRAME SIZE KEY: to $WORK/message
sdk_seals_one() {
  sdk seal "$WORK/p/$3" "$WORK/message" "$4" "{\"suite\": \"$1\", \"frame\": $2, \"context\": $CONTEXT}"
  [[ $REPLY == '{"context"'* ]] && return
  fail "the SDK seals, suite $1, frames of $2, $3 bytes, under $4"
  diag "$REPLY"
  return 1
}

# sdk_seals FRAME...: by frames of these sizes
sdk_seals() {
  local suite frame size key padding
  for suite in 0478 0578; do
    for frame; do
      for size in 0 1 300 4096 65537 200000; do
        ((size <= 1000 * frame || frame == 0)) || continue # the SDKs take long over tiny frames
        [[ $suite != 0578 || $size == 300 || $size == 200000 ]] || continue
        sdk_seals_one "$suite" "$frame" "$size" "${AES[2]}" &&
          coffer_open 0 "the SDK's, suite $suite, frames of $frame, $size bytes" "$WORK/p/$size" --aes-key "${AES[2]}" \
            "${CONTEXT_OPTIONS[@]}"
      done
    done
  done
  sdk_seals_one 0478 65536 5242880 "${AES[2]}" &&
    coffer_open 0 "the SDK's, 5 MiB" "$WORK/p/5242880" --aes-key "${AES[2]}"
  for key in "${AES[@]}"; do
    sdk_seals_one 0478 4096 200000 "$key" &&
      coffer_open 0 "the SDK's, under ${key##*/}" "$WORK/p/200000" --aes-key "$key"
  done
  for padding in "${PADDINGS[@]}"; do
    sdk_seals_one 0578 4096 200000 "$(rsa "$padding" public)" &&
      coffer_open 0 "the SDK's, under RSA $padding" "$WORK/p/200000" --rsa-key "$(rsa "$padding" private)"
  done
}

# sdk_seals_legacy FRAME...: without commitment, which coffer opens only when told to
sdk_seals_legacy() {
  local suite frame
  local SDK_POLICY=forbid-encrypt-allow-decrypt
  for suite in 0014 0046 0078 0114 0146 0178 0214 0346 0378; do
    for frame; do
      sdk_seals_one "$suite" "$frame" 200000 "${AES[2]}" || continue
      coffer_open 0 "suite $suite, frames of $frame, when allowed" "$WORK/p/200000" --aes-key "${AES[2]}" \
        --commitment-policy require-encrypt-allow-decrypt "${CONTEXT_OPTIONS[@]}"
    done
    nok "suite $suite, when not" "$COFFER" open -i "$WORK/message" -o "$WORK/refused" --aes-key "${AES[2]}"
    nok "suite $suite: and nothing is there" test -e "$WORK/refused"
  done
}

# refuses_flips DESCRIPTION SUITE OFFSET...: a message of one frame with a bit changed there
refuses_flips() {
  local description=$1 suite=$2 offset
  shift 2
  sdk_seals_one "$suite" 4096 300 "${AES[2]}" || return
  cp "$WORK/message" "$WORK/whole"
  for offset; do
    cp "$WORK/whole" "$WORK/message"
    flip "$WORK/message" "$offset"
    coffer_open 4 "$description with byte $offset changed is damage, and nothing of it is written" /dev/null \
      --aes-key "${AES[2]}"
  done
}

sdk_seals_damaged() {
  local prefix
  # message id, tag of the frame, its content, its number; the signature
  refuses_flips "a message" 0478 5 -1 -16 -17 -200 -316 -330 -336
  refuses_flips "a signed message" 0578 5 -1 -50
  sdk_seals_one 0478 4096 300 "${AES[2]}" || return
  cp "$WORK/message" "$WORK/whole"
  head -c 32 /dev/urandom >"$WORK/other" && chmod 600 "$WORK/other"
  coffer_open 6 "a message, with another key: exit code 6, nothing is written" /dev/null --key-file "$WORK/other"
  coffer_open 6 "a message, with its key by another name" /dev/null --aes-key "n/other=$WORK/aes256"
  # whether the key or its wrapping is the wrong one cannot be told
  coffer_open 4 "a message, with another key by that name" /dev/null --aes-key "n/aes=$WORK/other"
  coffer_open 1 "a message, under another context" /dev/null --aes-key "${AES[2]}" --encryption-context purpose=other
  head -c -1 "$WORK/whole" >"$WORK/message"
  coffer_open 4 "a message cut short by a byte" /dev/null --aes-key "${AES[2]}"
  # what comes after the damage is not written, and a file does not appear
  sdk_seals_one 0478 4096 200000 "${AES[2]}" || return
  flip "$WORK/message" -100
  "$COFFER" open --aes-key "${AES[2]}" <"$WORK/message" >"$WORK/opened" 2>/dev/null
  is $? 4 "damage in the last frame"
  prefix=$(stat -c %s "$WORK/opened")
  ok "what was written before it is the beginning ($prefix bytes)" cmp -n "$prefix" "$WORK/opened" "$WORK/p/200000"
  at_most "$prefix" $((200000 / 4096 * 4096)) "and not of that frame"
  nok "no file appears" "$COFFER" open --aes-key "${AES[2]}" -i "$WORK/message" -o "$WORK/refused"
  nok "no file is there" test -e "$WORK/refused"
}

# ---- KMS ---------------------------------------------------------------------------------------------------
# kms_server NAME: sets KMS_URL and ARN, and BUCKET in an S3 beside it, to which `s3` and coffer then speak; with a reason
# in $REASON where it cannot be had
kms_server() {
  local name=$1 env
  BUCKET=kms-$name
  if [[ $name == stand-in ]]; then
    start_server --bucket "$BUCKET"
    KMS_URL=$SERVER_URL ARN=$(server_control GET kms | jq -r '.keys[0].arn')
    return
  fi
  env=$(tests/conformance-servers.sh up "$name" "$WORK/$name" 2>"$WORK/reason") || { REASON=$(tail -n 1 "$WORK/reason") && return 1; }
  eval "$env"
  KMS_URL=$COFFER_TEST_ENDPOINT ARN=$COFFER_TEST_KMS_KEY
  if [[ $name == moto ]]; then
    use_endpoint "$KMS_URL" "$COFFER_TEST_ACCESS_KEY_ID" "$COFFER_TEST_SECRET_ACCESS_KEY" "$COFFER_TEST_REGION"
    s3 PUT "/$BUCKET" >/dev/null || bail "$name: no bucket"
  else
    start_server --bucket "$BUCKET"
  fi
}

# sdk_kms NAME: a volume and messages under a key of that KMS
sdk_kms() {
  local name=$1 size object plain volume context
  kms_server "$name" || { skip "$REASON"; return; }
  local kms=(--kms-endpoint-url "$KMS_URL") source=s3://$BUCKET/vol
  ok "$name: init under its key" "$COFFER" init "$source" "${kms[@]}" --kms-key "$ARN" --recovery-key "$WORK/public.pem" \
    "${CONTEXT_OPTIONS[@]}"
  mount_coffer "$source" "$WORK/$name.m" --sealed=yes "${kms[@]}" || bail "$name: no mount"
  for size in 0 1 65535 65536 65537 5242880; do
    ok "$name: a file of $size bytes is written" cp "$WORK/p/$size" "$WORK/$name.m/$size"
  done
  ok "$name: unmount" umount_coffer "$WORK/$name.m"
  s3 GET "/$BUCKET/vol/.coffer/volume" -o "$WORK/descriptor"
  sdk open "$WORK/descriptor" "$WORK/descriptor.json" "$ARN"
  volume=$(jq -r .volume "$WORK/descriptor.json")
  context=$(jq -Sc --arg volume "$volume" '. + {coffer: "1", vol: $volume}' <<<"$CONTEXT")
  for object in 0 1 65535 65536 65537 5242880; do
    s3 GET "/$BUCKET/vol/$object" -o "$WORK/sealed"
    plain=$WORK/p/$object
    sdk_reads "$name: written by the mount, opened by KMS: $object" "$ARN" "$WORK/sealed" "$plain" "$context"
  done
  coffer_seals 65537 --kms-key "$ARN" "${kms[@]}" "${CONTEXT_OPTIONS[@]}"
  sdk_reads "$name: coffer seal" "$ARN" "$WORK/sealed" "$WORK/p/65537" "$CONTEXT"
  for size in 0 300 200000; do
    sdk_seals_one 0578 4096 $size "$ARN" &&
      coffer_open 0 "$name: the SDK's, $size bytes" "$WORK/p/$size" --kms-key "$ARN" "${kms[@]}"
  done
  coffer_open 6 "$name: the SDK's, with another key" /dev/null "${kms[@]}" \
    --kms-key "${ARN/key\/*/key\/00000000-0000-4000-8000-000000000000}"
}

kms_call() { # OPERATION [JSON MEMBERS]
  curl -sS --fail-with-body -o /dev/null --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    --aws-sigv4 "aws:amz:$AWS_REGION:kms" -H "X-Amz-Target: TrentService.$1" \
    -H 'Content-Type: application/x-amz-json-1.1' -d "{\"KeyId\": \"$ARN\"${2:-}}" "$KMS_URL/"
}

# kms_refuses NAME: a key that the KMS of sdk_kms NAME does not let be used, and lets again
kms_refuses() {
  local state source=s3://$BUCKET/vol kms=(--kms-endpoint-url "$KMS_URL")
  [[ -d $WORK/$1.m ]] || return
  for state in DisableKey ScheduleKeyDeletion; do
    ok "$1: $state" kms_call "$state" "$([[ $state != Schedule* ]] || echo ', "PendingWindowInDays": 7')"
    exits 6 "$1: $state: no mount" "$COFFER" mount "$source" "$WORK/$1.m" --sealed=yes "${kms[@]}"
    like "$OUTPUT" "$ARN" "$1: $state: which key is said"
    exits 6 "$1: $state: no new volume" "$COFFER" init "s3://$BUCKET/new" "${kms[@]}" --kms-key "$ARN" --no-recovery-key
  done
  kms_call CancelKeyDeletion
  ok "$1: it can be used again" kms_call EnableKey
  ok "$1: and the volume is mounted again" mount_coffer "$source" "$WORK/$1.m" --sealed=yes "${kms[@]}"
  ok "$1: and read" cmp "$WORK/p/65537" "$WORK/$1.m/65537"
  umount_coffer "$WORK/$1.m"
}
