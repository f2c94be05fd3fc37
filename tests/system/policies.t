#!/usr/bin/env bash
# coffer policy: rules in a bucket's policy, what they say of a request, and what the server then does.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_commands curl jq python3

start_server --bucket demo --bucket plain
server_control POST buckets/demo/settings '{"versioning": "Enabled"}' >/dev/null
server_control POST tls '{"version": "1.2"}' >/dev/null
server_control POST users '{"access_key": "BARE", "secret": "secret", "allow": []}' >/dev/null
server_control POST users '{"access_key": "OTHER", "secret": "secret", "account": "999988887777"}' >/dev/null
policy() { "$COFFER" policy "$@"; }
stored_policy() { local text; text=$(s3 GET '/demo?policy=' 2>/dev/null) && printf '%s\n' "$text"; }
put_policy() { s3 PUT '/demo?policy=' -H "Content-MD5: $(printf %s "$1" | openssl md5 -binary | base64)" -H "Content-Type: application/json" --data-binary "$1" >/dev/null; }
meaning() { jq -cS '.Statement | sort_by(tojson)' <<<"$1"; }
s3_put /demo/team/a text >/dev/null
s3_put /demo/team-b/a text >/dev/null
ARN=arn:aws:s3:::demo
THEIRS='{"Sid":"Theirs","Effect":"Deny","Principal":{"AWS":["arn:aws:iam::123456789012:user/eve"]},"Action":["s3:GetObject"],"Resource":"'$ARN'/secret/*","Condition":{"StringLike":{"aws:UserAgent":["b*","a*"]}}}'

# ---- shown, asked, changed, read back
exits 0 "no policy" policy show s3://demo
like "$OUTPUT" 'there is no policy' "is said"
exits 2 "nobody can be asked" policy add s3://demo tls --lock-me-out
like "$OUTPUT" '--yes' "so it says what to add"
exits 0 "--dry-run" policy add s3://demo tls --dry-run
like "$OUTPUT" '\+ .*CofferTls"' "shows what would come"
is "$(stored_policy)" "" "and changes nothing"
exits 0 "tls" policy add s3://demo tls --yes --lock-me-out
like "$(stored_policy)" '"aws:SecureTransport":"false".*"s3:TlsVersion":"1.2"' "is in the policy"
exits 0 "a second time" policy add s3://demo tls --yes --lock-me-out
like "$OUTPUT" 'nothing to change' "there is nothing to do"
exits 0 "show" policy show s3://demo
like "$OUTPUT" 'CofferTls: deny everybody s3:\* on' "puts it into words"
exits 0 "show --json" policy show s3://demo --json
is "$(jq -r '.policy.Statement | length' <<<"$OUTPUT")" 2 "is JSON"
exits 0 "remove" policy remove s3://demo tls --yes
nok "the last statement takes the policy with it" stored_policy

# ---- what others wrote stays
put_policy "{\"Version\":\"2012-10-17\",\"Id\":\"x\",\"Statement\":$THEIRS}"
exits 0 "add beside a statement of others" policy add s3://demo versions --yes
is "$(stored_policy | jq -cS '.Statement[0]')" "$(jq -cS . <<<"$THEIRS")" "it stays as it was read"
exits 0 "replace" policy add s3://demo retention-bounds --min 1d --max 400d --yes
exits 0 "the same rule with other bounds" policy add s3://demo retention-bounds --max 30d --yes
is "$(stored_policy | jq -r '[.Statement[].Sid] | sort | join(" ")')" "CofferRetentionMax CofferVersions Theirs" "takes the place of the first"
exits 0 "remove one" policy remove s3://demo versions --yes
exits 0 "and the other" policy remove s3://demo retention-bounds --yes
is "$(meaning "$(stored_policy)")" "$(meaning "{\"Statement\":[$THEIRS]}")" "what is left is theirs alone"
s3 DELETE '/demo?policy=' >/dev/null

# ---- who would be locked out
exits 1 "only-access-points without an exception" policy add s3://demo only-access-points --yes
like "$OUTPUT" 'coffertestaccesskey1 \(you\) would be denied s3:GetObject, s3:ListBucket.*--lock-me-out' "locks the caller out, and is refused"
nok "nothing was changed" stored_policy
exits 0 "with one" policy add s3://demo only-access-points --except arn:aws:iam::123456789012:user/coffertestaccesskey1 --yes
is "$(s3 GET /demo/team/a)" text "the exception goes on"
exits 0 "or by force" policy add s3://demo only-access-points --lock-me-out --yes
nok "which does what it says" s3 GET /demo/team/a
exits 0 "and can be undone: managing the bucket is never denied" policy remove s3://demo only-access-points --yes
exits 1 "tls, asked for over http" policy add s3://demo tls --yes
like "$OUTPUT" 's3:PutBucketPolicy' "would keep the caller from mending it"

exits 1 "versions that are not kept" policy add s3://plain versions --yes
like "$OUTPUT" 'coffer versioning on plain' "are not protected by a rule, which would keep them from being turned on"
server_control POST users '{"access_key": "BLIND", "secret": "secret", "deny": ["GetBucketVersioning"]}' >/dev/null
exits 0 "who cannot see whether there are versions" env AWS_ACCESS_KEY_ID=BLIND AWS_SECRET_ACCESS_KEY=secret "$COFFER" policy add s3://plain versions --dry-run
like "$OUTPUT" 'whether the bucket has versions cannot be seen' "is warned"
put_policy "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"999988887777\"},\"Action\":\"s3:*\",\"Resource\":\"$ARN\"}}"
exits 2 "an account that is not the caller's" env AWS_ACCESS_KEY_ID=OTHER AWS_SECRET_ACCESS_KEY=secret "$COFFER" policy add s3://demo delegate --account 123456789012 --dry-run
s3 DELETE '/demo?policy=' >/dev/null
exits 5 "an account that is not the bucket's" policy add s3://demo only-access-points --account 999988887777 --lock-me-out --yes
nok "closes nothing" stored_policy

# ---- a part of the bucket
exits 0 "names of a prefix" policy add s3://demo/team names --yes
exits 0 "names of another" policy add s3://demo names --prefix other --yes
is "$(stored_policy | jq -c '[.Statement[].Resource]')" "[[\"$ARN/team/*\",\"$ARN/other/*\"],[\"$ARN/team/*\",\"$ARN/other/*\"]]" "are beside the first"
exits 2 "names of a prefix that has none" policy remove s3://demo/third names --yes
exits 0 "remove names of one prefix" policy remove s3://demo/team names --yes
is "$(stored_policy | jq -c '[.Statement[].Resource] | flatten | unique')" "[\"$ARN/other/*\"]" "leaves those of the other"
exits 2 "remove another rule of a prefix" policy remove s3://demo/other tls --yes
exits 2 "test of a prefix" policy test s3://demo/team --principal '*' --action s3:GetObject --key a
like "$OUTPUT" 'leave out the prefix team/' "does not ask of another key unseen"
exits 0 "remove names" policy remove s3://demo names --yes
nok "takes all" stored_policy
exits 2 "a prefix with a wildcard" policy add 's3://demo/te*m' names --yes
exits 2 "a prefix that is not UTF-8" policy add s3://demo/$'\xff' names --yes
exits 2 "a key by its alias" policy add s3://demo encryption --sse aws:kms --sse-kms-key-id alias/backup --yes
like "$OUTPUT" 'the ARN of the key' "is not what S3 compares"
is "$(policy test s3://demo --account 123456789012 --principal '*' --action s3:getobject --key team/a | head -c 6)" denied "an action in small letters is the same"

# ---- words
exits 2 "no such rule" policy add s3://demo tsl --yes
like "$OUTPUT" 'one of delegate, only-access-points' "names those that there are"
exits 2 "encryption needs --sse" policy add s3://demo encryption --yes
exits 2 "an option of another rule" policy add s3://demo tls --max 3d --yes
exits 2 "bounds that cross" policy add s3://demo retention-bounds --min 3d --max 2d --yes
exits 2 "a test needs a principal" policy test s3://demo --action s3:GetObject
exits 2 "that is one" policy test s3://demo --action s3:GetObject --key k --principal alice
exits 2 "objects need a key" policy test s3://demo --action s3:GetObject --principal '*'

# ---- hostile input
big=$(python3 -c 'import json; print(json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": f"S{i}", "Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::123456789012:user/eve"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::demo/" + "x" * 60} for i in range(200)]}, separators=(",", ":")))')
big=$(python3 -c 'import json,sys; d=json.load(sys.stdin)
while len(json.dumps(d, separators=(",", ":"))) > 20450: d["Statement"].pop()
print(json.dumps(d, separators=(",", ":")))' <<<"$big")
put_policy "$big" || bail "no big policy"
exits 1 "a policy that is full" policy add s3://demo versions --yes
like "$OUTPUT" '20480 bytes' "takes no more, and says so"
is "$(meaning "$(stored_policy)")" "$(meaning "$big")" "and stays"
s3 DELETE '/demo?policy=' >/dev/null
for text in '{"Statement":' '[]' '{"Statement":[{"Effect":"Maybe","Action":"s3:*"}]}' '{"Statement":[{"Effect":"Deny","Action":"s3:*","Colour":"red"}]}' \
  '{"Statement":[],"Extra":1}' '{"Statement":[{"Effect":"Deny","Action":"s3:A","Action":"s3:B"}]}' "$(printf '[%.0s' {1..5000})"; do
  server_control POST faults "$(jq -nc --arg body "$text" '[{"match": {"operation": "GetBucketPolicy"}, "do": {"status": 200, "body": $body}}]')" >/dev/null 2>&1 || break
  exits 1 "a policy such as ${text:0:40}" policy add s3://demo tls --yes
  like "$OUTPUT" 'no policy that can be changed' "is refused"
done
server_control POST faults '[]' >/dev/null

put_policy "{\"Version\":\"2012-10-17\",\"Statement\":$(jq -c '.Sid = "Theirs" | .Resource = "'$ARN'/\u009b31m"' <<<"$THEIRS")}"
unlike "$(policy show s3://demo)" $'\xc2\x9b' "no control character of theirs reaches a terminal"
server_control POST faults '[{"match": {"operation": "GetBucketPolicy", "after": 2}, "do": {"status": 200, "body": "{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:A\",\"Resource\":\"arn:aws:s3:::demo/x\"}]}"}}]' >/dev/null
exits 1 "a policy that reads back as another" policy add s3://demo versions --yes
unlike "$OUTPUT" 'x0a' "is shown line by line"
like "$OUTPUT" 'once more' "after it was written once more"
server_control POST faults '[]' >/dev/null
s3 DELETE '/demo?policy=' >/dev/null
server_control POST faults '[{"match": {"operation": "GetBucketPolicy", "after": 2}, "do": {"status": 403, "code": "AccessDenied"}}]' >/dev/null
exits 5 "a policy that cannot be read back" policy add s3://demo versions --yes
like "$OUTPUT" 'it was written, but not read back' "is said to be written"
server_control POST faults '[]' >/dev/null

# ---- two at once: both are there
for round in 1 2 3; do
  s3 DELETE '/demo?policy=' >/dev/null
  policy add s3://demo versions --yes >"$WORK/a" 2>&1 &
  first=$!
  policy add s3://demo retention-bounds --max 30d --yes >"$WORK/b" 2>&1
  second_code=$?
  wait "$first"
  first_code=$?
  there=$(stored_policy | jq -r '[.Statement[].Sid] | join(" ")')
  ((first_code + second_code == 0)) || diag "$(cat "$WORK/a" "$WORK/b")"
  for pair in "CofferVersions $first_code" "CofferRetentionMax $second_code"; do
    [[ $there == *"${pair% *}"* || ${pair#* } != 0 ]]
    is "$?" 0 "round $round: ${pair% *} is there, or its command says that it failed (${pair#* })"
  done
done
s3 DELETE '/demo?policy=' >/dev/null

# ---- the decision table
server_control POST access-points '{"name": "door", "bucket": "demo"}' >/dev/null
python3 tests/system/policy_table.py "$COFFER" "$SERVER_URL" demo >"$WORK/table" 2>"$WORK/table.err" || diag "$(cat "$WORK/table.err")"
is "$(grep '^DIFFERS' "$WORK/table")" "" "coffer policy test foretells what the server does"
at_least "$(grep -c '^same' "$WORK/table")" 300 "requests that were foretold"
for word in 'allowed, served' 'denied, refused' 'not decided here, served' 'not decided here, refused'; do
  at_least "$(grep -c "$word" "$WORK/table")" 5 "$word"
done
done_testing
