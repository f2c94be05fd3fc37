# system.sh: what the tests of a real mount on the stand-in share, on top of tap.sh.
# shellcheck shell=bash

# requests_made [-v OPERATION]...: the requests since server_forget as "2 GetObject, 1 PutObject", by name; empty if none
requests_made() {
  server_requests '[.[].operation] | group_by(.) | map("\(length) \(.[0])") | join(", ")'
}
# requests_of OPERATION: how many of these since server_forget
requests_of() { server_requests "map(select(.operation == \"$1\")) | length"; }

# costs DESCRIPTION EXPECTED COMMAND...: the command succeeds, and the server saw exactly these requests
costs() {
  local description=$1 expected=$2 output made
  shift 2
  server_forget
  if ! output=$("$@" 2>&1); then
    fail "$description"
    diag "failed: $*" $'\n'"$output"
    return 1
  fi
  made=$(requests_made)
  is "$made" "$expected" "$description: ${expected:-no request}"
}

# stored BUCKET KEY: the bytes that the stand-in holds, without a request
stored() { server_control POST "buckets/$1/get" "$(jq -nc --arg key "$2" '{key: $key, body: true}')" | jq -r .body_b64 | base64 -d; }
# keys_of BUCKET [PREFIX]: its live keys, one a line
keys_of() { server_control POST "buckets/$1/keys" "{\"prefix\": \"${2:-}\"}" | jq -r '.keys[]'; }
# uploads_of BUCKET: how many multipart uploads are unfinished in it
uploads_of() { server_control POST "buckets/$1/keys" '{"prefix": ""}' | jq '.uploads | length'; }
# volume_of KIND SOURCE: a volume there that is plain or sealed; sets OPTIONS to mount it with
# shellcheck disable=SC2034  # OPTIONS is for the test
volume_of() {
  OPTIONS=()
  [[ $1 == sealed ]] || return 0
  [[ -e $WORK/key ]] || (umask 077 && head -c 32 /dev/urandom >"$WORK/key")
  OPTIONS=(--key-file "$WORK/key" --sealed=yes)
  "$COFFER" init "$2" --key-file "$WORK/key" >"$WORK/init" 2>&1 || bail "no volume: $(cat "$WORK/init")"
}
