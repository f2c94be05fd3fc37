#!/usr/bin/env bash
# coffer cors: which page may load a file. What `check` predicts is held against what the server answers to curl, asking as
# a browser does.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_commands curl jq openssl

cors() { "$COFFER" cors "$@"; }
rules() { cors show --json s3://demo | jq -c "${1:-.rules}"; }
# answers ORIGIN METHOD [HEADERS]: the status of a preflight, and whom it allows
answers() {
  curl -sS -o /dev/null -D "$WORK/head" -X OPTIONS -H "Origin: $1" -H "Access-Control-Request-Method: $2" \
    ${3:+-H "Access-Control-Request-Headers: $3"} "$S3_URL/$BUCKET/file"
  tr -d '\r' <"$WORK/head" | awk '/^HTTP/ { s = $2 } tolower($1) == "access-control-allow-origin:" { o = $2 } END { print s, o }'
}
PAGE=https://www.example.com
BUCKET=demo

start_server --bucket demo --access-point door=demo
s3_put /demo/file content >/dev/null

# ---- none
exits 0 "show" cors show s3://demo
like "$OUTPUT" 'no CORS rules' "says that there are none"
is "$(answers $PAGE GET)" "403 " "and the server allows nobody"
exits 5 "check says so" cors check s3://demo/file --origin $PAGE
like "$OUTPUT" 'has no CORS rules' "and why"
exits 0 "the bucket's own origin needs none" cors check s3://demo/file --origin "$S3_URL"
like "$OUTPUT" 'needs no CORS' "and is told so"

# ---- allow: shown, asked, sent, read back
server_forget
exits 0 "--dry-run" cors allow s3://demo --origin $PAGE --dry-run
like "$OUTPUT" '\+ +"https://www.example.com"' "shows what would come"
exits 2 "nobody to ask, no --yes" cors allow s3://demo --origin $PAGE
like "$OUTPUT" '--yes' "is a usage error that says what to add"
is "$(server_requests 'map(select(.method == "PUT")) | length')" 0 "neither sent anything"
exits 0 "--yes" cors allow s3://demo --origin $PAGE --header range --expose ETag --expose Content-Range --max-age 1h --yes
is "$(rules '.rules[0] | [.origins, .methods, .headers, .expose, .max_age_s]')" \
  '[["https://www.example.com"],["GET"],["range"],["content-range","etag"],3600]' "the rule is there"
like "$(rules '.rules[0].id')" '^"coffer-[0-9a-f]+"$' "under a name of coffer's"
exits 0 "again: nothing to change" cors allow s3://demo --origin $PAGE --header range --expose ETag --expose Content-Range --max-age 3600
like "$OUTPUT" 'nothing to change' "and nobody is asked"
exits 0 "once more, with another method: in its place" cors allow s3://demo --origin $PAGE --method GET --method PUT --header range --yes
is "$(rules '.rules | length')" 1 "not beside it"

# ---- check predicts what the server answers
foreign='<CORSConfiguration><CORSRule><ID>theirs</ID><AllowedOrigin>http://*.example.org</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>x-*</AllowedHeader></CORSRule><CORSRule><AllowedOrigin>https://open.example</AllowedOrigin><AllowedOrigin>https://www.example.net:8443</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>DELETE</AllowedMethod><AllowedHeader>*</AllowedHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>'
put_rules() { s3 PUT "/demo?cors=" --data-binary "$1" -H "Content-MD5: $(printf %s "$1" | openssl md5 -binary | base64)" -H Content-Type:application/xml; }
cors remove s3://demo --yes >/dev/null
ok "rules of somebody else's" put_rules "$foreign"
exits 0 "allow beside them" cors allow s3://demo --origin $PAGE --header range --yes
is "$(rules '[.rules[] | .id // ""] | map(ltrimstr("coffer-") | length)')" '[6,0,16]' "they stay, in their order"
predicts() { # EXPECTED REASON ORIGIN METHOD [HEADER...]: check, the server and we agree
  local expected=$1 reason=$2 origin=$3 method=$4 headers code said
  shift 4
  headers=$(IFS=,; printf %s "$*")
  said=$(cors check "s3://$BUCKET/file" --origin "$origin" --method "$method" ${1:+--header "$1"} ${2:+--header "$2"})
  code=$?
  is "$code $(answers "$origin" "$method" "$headers" | cut -d' ' -f1)" "$expected" "$origin $method $headers"
  like "$said" "$reason" "because: $reason"
  unlike "$said" 'answered otherwise' "the rules read as they are answered"
}
predicts "0 200" 'rule coffer-[0-9a-f]+ \(number 3\) matches' $PAGE GET
predicts "0 200" 'number 3\) matches' $PAGE GET Range
predicts "5 403" 'not the header x-other' $PAGE GET X-Other
predicts "5 403" 'not the method PUT' $PAGE PUT
predicts "5 403" 'it is for https, and the page comes by http' http://www.example.com GET
predicts "5 403" 'the port differs' https://www.example.com:8080 GET
predicts "5 403" 'its origins are others' https://example.com GET
predicts "0 200" 'rule theirs \(number 1\) matches' http://a.b.example.org GET
predicts "0 200" 'rule theirs' http://a.example.org GET x-one X-Two
predicts "5 403" 'not the header y-one' http://a.example.org GET x-one y-one
predicts "5 403" 'it is for http' https://a.example.org GET
predicts "0 200" 'rule 2 matches' https://open.example DELETE any-thing
predicts "0 200" 'rule 2 matches' https://www.example.net:8443 GET
predicts "5 403" 'the port differs' https://www.example.net GET
exits 0 "a refused object is refused all the same" cors check s3://demo/none --origin $PAGE
like "$OUTPUT" 'CORS gives nobody access' "and check says so"
for wrong in www.example.com https://www.example.com/ https://www.example.com/page 'https://*.*.example.com' https://WWW.example.com https://www.example.com:443 ''; do
  exits 2 "no origin: '$wrong'" cors allow s3://demo --origin "$wrong" --yes
done
exits 2 "check takes no pattern" cors check s3://demo/file --origin 'https://*.example.com'
exits 0 "allow takes one" cors allow s3://demo --origin 'https://*.example.edu' --yes
exits 0 "which holds" cors check s3://demo/file --origin https://x.example.edu

# ---- through the access point: asked, not changed
alias=$(server_control GET access-points | jq -r '.. | .alias? // empty' | head -n 1)
exits 0 "an access point answers" cors show "s3://$alias"

# ---- remove: ours alone
exits 2 "remove what coffer did not write" cors remove s3://demo --origin https://open.example --yes
exits 0 "remove" cors remove s3://demo --origin $PAGE --yes
is "$(rules '[.rules[] | .origins[0]]')" '["http://*.example.org","https://open.example","https://*.example.edu"]' "takes that rule"
exits 5 "and the page is out again" cors check s3://demo/file --origin $PAGE
exits 0 "remove without --origin" cors remove s3://demo --yes
is "$(rules '[.rules[] | .id // ""]')" '["theirs",""]' "takes all of coffer's, and no other"

# ---- what is broken, foreign or changes meanwhile
broken() { # DESCRIPTION DO
  server_control POST faults "[{\"match\": {\"operation\": \"GetBucketCors\"}, \"do\": $2}]" >/dev/null
  server_forget
  nok "$1: show fails" timeout 60 "$COFFER" cors show s3://demo
  nok "$1: allow fails" timeout 60 "$COFFER" cors allow s3://demo --origin $PAGE --yes
  is "$(server_requests 'map(select(.operation == "PutBucketCors")) | length')" 0 "$1: and nothing is written"
}
xml() { jq -nc --arg body "$1" '{status: 200, body: $body}'; }
broken "another document" "$(xml '<ListBucketResult/>')"
broken "an element that coffer does not know" "$(xml '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><Later>1</Later></CORSRule></CORSConfiguration>')"
broken "text where elements belong" "$(xml '<CORSConfiguration><CORSRule><AllowedOrigin><b/></AllowedOrigin></CORSRule></CORSConfiguration>')"
broken "a document cut short" "$(xml '<CORSConfiguration><CORSRule>')"
broken "an entity" "$(xml '<!DOCTYPE a [<!ENTITY b "c">]><CORSConfiguration/>')"
broken "no number" "$(xml '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>many</MaxAgeSeconds></CORSRule></CORSConfiguration>')"
server_control POST faults '[{"match": {"operation": "GetBucketCors", "nth": 3}, "do": {"status": 404, "code": "NoSuchCORSConfiguration"}}, {"match": {"operation": "GetBucketCors", "after": 3}, "do": {"status": 404, "code": "NoSuchCORSConfiguration"}}]' >/dev/null
exits 1 "a rule that does not stay" cors allow s3://demo --origin $PAGE --yes
like "$OUTPUT" 'read back as something else' "is told"
server_control POST faults '[]' >/dev/null
server_control POST users '{"access_key": "READONLY", "secret": "x", "deny": ["PutBucketCORS"]}' >/dev/null
exits 5 "who may not" env AWS_ACCESS_KEY_ID=READONLY AWS_SECRET_ACCESS_KEY=x "$COFFER" cors remove s3://demo --yes
exits 0 "who may, takes it away" cors remove s3://demo --yes
exits 5 "who may not allow" env AWS_ACCESS_KEY_ID=READONLY AWS_SECRET_ACCESS_KEY=x "$COFFER" cors allow s3://demo --origin $PAGE --yes
like "$OUTPUT" 's3:PutBucketCORS' "is told which right is missing"
is "$(server_control GET counters | jq .crashes)" 0 "the stand-in never crashed"

# ---- a server of another party
if [[ -n ${COFFER_TEST_RGW_URL:-} ]]; then
  need_rgw
  BUCKET=cors-$$
  s3 PUT "/$BUCKET" >/dev/null || bail "no bucket"
  s3_put "/$BUCKET/file" content >/dev/null
  exits 5 "RGW: no rules" cors check "s3://$BUCKET/file" --origin $PAGE
  exits 0 "RGW: allow" cors allow "s3://$BUCKET" --origin $PAGE --header range --expose ETag --yes
  like "$OUTPUT" 'changed, and read back' "RGW: reads it back"
  predicts "0 200" 'number 1\) matches' $PAGE GET
  predicts "0 200" 'number 1\) matches' $PAGE GET range
  predicts "5 403" 'not the header other' $PAGE GET other
  predicts "5 403" 'not the method PUT' $PAGE PUT
  predicts "5 403" 'it is for https' http://www.example.com GET
  exits 0 "RGW: remove" cors remove "s3://$BUCKET" --yes
  exits 5 "RGW: and the page is out again" cors check "s3://$BUCKET/file" --origin $PAGE
else
  skip "no Ceph RGW"
fi
done_testing
