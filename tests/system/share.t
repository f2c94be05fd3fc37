#!/usr/bin/env bash
# coffer share: whoever has the link gets the file, nobody else gets more. Fetched by curl, from the stand-in and, where
# there is one, from Ceph RGW.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands curl jq python3 getfattr setfattr

fetch() { curl -sS -o "$WORK/got" -w '%{http_code}' "$@"; }
code_of() { sed -n 's/.*<Code>\([A-Za-z]*\)<.*/\1/p' "$WORK/got"; }
share() { "$COFFER" share "$@" 2>"$WORK/err"; }
# signed_out COMMAND...: without the credentials of the environment
signed_out() { env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$@"; }

# ---- what is the same on every server: BUCKET is there, and its files are at $M
links() { # SERVER
  local url put
  printf 'shared\n' >"$M/ä b+c.txt"
  url=$(share "$M/ä b+c.txt")
  like "$url" '^http://[^ ]+\?[^ ]+X-Amz-Signature=[0-9a-f]+$' "$1: the link, and nothing else, is on standard output"
  is "$(fetch "$url") $(cat "$WORK/got")" "200 shared" "$1: anybody fetches the file by it"
  is "$(fetch -I "$url")" 403 "$1: but does not use it for another method"
  is "$(fetch "${url/X-Amz-Expires=3600/X-Amz-Expires=7200}")" 403 "$1: nor for longer"
  is "$(fetch "${url/c.txt/d.txt}")" 403 "$1: nor for another file"
  is "$(fetch "${url%?}$([[ $url == *0 ]] && echo 1 || echo 0)")" 403 "$1: nor with another signature"
  is "$(fetch "$(share "s3://$BUCKET/ä b+c.txt")")" 200 "$1: an address is shared as well"
  put=$(share --method PUT --expires 60s "s3://$BUCKET/dropped")
  echo "dropped in" >"$WORK/drop"
  is "$(fetch -T "$WORK/drop" "$put")" 200 "$1: a link to put by"
  is "$(cat "$M/dropped")" "dropped in" "$1: puts"
  isnt "$(fetch "$put")" 200 "$1: and does not fetch"
  exits 1 "$1: a link to nothing is not made" "$COFFER" share "s3://$BUCKET/none"
  exits 2 "$1: nor one to a directory" "$COFFER" share "$M"
  fetch "$(share --download-as 'Größe "1".txt' "$M/dropped")" -D "$WORK/head" >/dev/null
  like "$(tr -d '\r' <"$WORK/head")" $'ontent-[Dd]isposition: attachment; filename="Gr__+e _1_.txt"; filename\\*=UTF-8\'\'Gr%C3%B6%C3%9Fe%20%221%22.txt' \
    "$1: --download-as names what a browser saves"
}

start_server --bucket demo --access-point door=demo
BUCKET=demo M=$WORK/m
mount_coffer s3://demo "$M" || bail "no mount"
links "stand-in"
server_control POST clock '{"offset_s": 3700}' >/dev/null
url=$(AWS_REGION=us-east-1 share --expires 1h "$M/dropped")
is "$(fetch "$url")" 200 "the server's clock counts, not this machine's"
server_control POST clock '{"offset_s": 7400}' >/dev/null
is "$(fetch "$url") $(code_of)" "403 AccessDenied" "a link ends"
like "$(cat "$WORK/got")" 'Request has expired' "when it said it would"
server_control POST clock '{"offset_s": 0}' >/dev/null

# ---- refusals
exits 2 "more than 7 days" "$COFFER" share --expires 169h "$M/dropped"
like "$OUTPUT" '7 days' "is refused, and says so"
exits 0 "7 days are not" "$COFFER" share --expires 7d "$M/dropped"
exits 2 "--download-as takes no path" "$COFFER" share --download-as ../x "$M/dropped"
exits 2 "PUT with --version" "$COFFER" share --method PUT --version x s3://demo/dropped
exits 2 "another method" "$COFFER" share --method DELETE s3://demo/dropped
server_control POST users "{\"access_key\": \"ASIATEMPORARY\", \"secret\": \"secret\", \"token\": \"token\", \"expires\": $(($(date +%s) + 1800))}" >/dev/null
temporary() {
  AWS_ACCESS_KEY_ID=ASIATEMPORARY AWS_SECRET_ACCESS_KEY=secret AWS_SESSION_TOKEN=token \
    AWS_CREDENTIAL_EXPIRATION=$(date -u -d '+30 minutes' +%FT%TZ) "$@"
}
exits 5 "credentials that end before the link" temporary "$COFFER" share --expires 1h s3://demo/dropped
like "$OUTPUT" "credentials end at $(date -u +%Y)-.*, before the link" "are refused, and says when they end"
exits 0 "and make one that ends before them" temporary "$COFFER" share --expires 10m s3://demo/dropped
is "$(fetch "$OUTPUT")" 200 "with their token in it"
exits 5 "no credentials: nobody signs, the mount's daemon least" signed_out "$COFFER" share "$M/dropped"
server_control POST users '{"access_key": "READONLY", "secret": "x", "deny": ["PutObject"]}' >/dev/null
is "$(fetch "$(AWS_ACCESS_KEY_ID=READONLY AWS_SECRET_ACCESS_KEY=x share "$M/dropped")")" 200 "who shares is who calls"
is "$(server_requests 'last | .user')" READONLY "by name"
json=$(share --json --expires 5m "$M/dropped")
is "$(fetch "$(jq -r .url <<<"$json")") $(jq -r .key <<<"$json")" "200 dropped" "--json"

echo x >"$WORK/fake"
if setfattr -n user.coffer.source -v s3://demo "$WORK/fake" && setfattr -n user.coffer.key -v dropped "$WORK/fake"; then
  exits 2 "a file elsewhere that says it were in a bucket" "$COFFER" share "$WORK/fake"
  like "$OUTPUT" 'not in a mount of coffer' "is not believed"
else
  skip "no user attributes in $WORK"
fi

# ---- versions, access points
server_control POST buckets/demo/settings '{"versioning": "Enabled"}' >/dev/null
echo one >"$M/v"
first=$(getfattr --only-values -n user.coffer.version-id "$M/v" 2>/dev/null)
echo two >"$M/v"
is "$(fetch "$(share --version "$first" "$M/v")") $(cat "$WORK/got")" "200 one" "--version shares an old one"
is "$(fetch "$(share "$M/v")") $(cat "$WORK/got")" "200 two" "the current one without"
umount_coffer "$M" >/dev/null
alias=$(server_control GET access-points | jq -r '.. | .alias? // empty' | head -n 1)
mount_coffer "s3://$alias" "$M" || bail "no mount through the access point"
url=$(share "$M/v")
like "$url" "$alias" "a link goes through the access point that it was mounted by"
is "$(fetch "$url")" 200 "and works"
umount_coffer "$M" >/dev/null

# ---- sealed files
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
"$COFFER" init s3://demo/vol --key-file "$WORK/key" >/dev/null 2>&1 || bail "no sealed volume"
mount_coffer s3://demo/vol "$M" --sealed=yes --key-file "$WORK/key" || bail "no mount"
echo secret >"$M/s"
exits 1 "a sealed file is not shared" "$COFFER" share "$M/s"
like "$OUTPUT" 'sealed.*--ciphertext' "says why, and what to do"
exits 1 "not by its address either" "$COFFER" share s3://demo/vol/s
exits 1 "nothing is put in the clear into its volume" "$COFFER" share --method PUT s3://demo/vol/d/new
exits 2 "--ciphertext of what is not sealed" "$COFFER" share --ciphertext s3://demo/v
url=$(share --ciphertext "$M/s")
is "$(fetch "$url")" 200 "--ciphertext shares the message"
like "$(cat "$WORK/err")" 'coffer open -i DOWNLOADED -o FILE --aes-key coffer/[^ ]+=KEYFILE' "and prints what opens it"
line=$(sed -n 's/.*\(--aes-key [^ ]*\)=KEYFILE/\1/p' "$WORK/err")
# shellcheck disable=SC2086  # two words
is "$("$COFFER" open -i "$WORK/got" $line="$WORK/key")" secret "which opens it"
umount_coffer "$M" >/dev/null

# ---- a server of another party
if [[ -n ${COFFER_TEST_RGW_URL:-} ]]; then
  need_rgw
  BUCKET=share-$$
  s3 PUT "/$BUCKET" >/dev/null || bail "no bucket"
  mount_coffer "s3://$BUCKET" "$M" || bail "no mount"
  links "RGW"
  umount_coffer "$M" >/dev/null
else
  skip "no Ceph RGW"
fi
done_testing
