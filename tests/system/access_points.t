#!/usr/bin/env bash
# coffer access-point: doors are made, shown, granted through and removed; what each grant opens, the server then serves.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_commands curl jq python3 openssl

make_certificate "*.s3-accesspoint.us-east-1.amazonaws.com" "*.s3-control.us-east-1.amazonaws.com" "*.s3.us-east-1.amazonaws.com" \
  "sts.us-east-1.amazonaws.com" >/dev/null || bail "no certificate"
start_server --bucket demo --bucket other
server_control POST tls '{"version": "1.2"}' >/dev/null
server_control POST users '{"access_key": "ANN", "secret": "secret", "allow": []}' >/dev/null
server_control POST users '{"access_key": "HELPER", "secret": "secret", "deny": ["CreateAccessPoint", "GetAccessPointPolicy"]}' >/dev/null
ACCOUNT=123456789012
ARN=arn:aws:s3:us-east-1:$ACCOUNT:accesspoint/team
ANN=arn:aws:iam::$ACCOUNT:user/ann
ME=arn:aws:iam::$ACCOUNT:user/coffertestaccesskey1
point() { "$COFFER" access-point "$@"; }
policy() { "$COFFER" policy "$@"; }
control_calls() { server_requests '[.[] | select(.operation | test("AccessPoint")) | .operation] | join(" ")'; }
writes() { server_requests '[.[] | select(.method != "GET" and (.operation | test("AccessPoint"))) | .operation] | join(" ")'; }
stored_policy() { point policy team --json | jq -cS .policy; }
# through METHOD KEY [QUERY]: what Ann gets through the access point; its status
through() {
  curl -sS -o "$WORK/reply" -w '%{http_code}' -X "$1" --connect-to "::127.0.0.1:$SERVER_PORT" \
    -H x-amz-content-sha256:UNSIGNED-PAYLOAD --aws-sigv4 aws:amz:us-east-1:s3 --user ANN:secret \
    ${3:+-H "$3"} "http://team-$ACCOUNT.s3-accesspoint.us-east-1.amazonaws.com$2"
}
for key in team/a team-b/a; do s3_put "/demo/$key" "$key" >/dev/null; done

note "made, listed, shown"
exits 0 "list of none" point list --bucket demo
like "$OUTPUT" 'there is no access point' "says so"
exits 2 "nobody can be asked" point create team --bucket demo
like "$OUTPUT" 'fixed for ever: its bucket, its network' "what is fixed for ever is said before asking"
server_forget
exits 0 "--dry-run" point create team --bucket s3://demo --dry-run
like "$OUTPUT" '\+ .*"network": "Internet"' "shows what would come"
is "$(writes)" "" "and makes nothing"
exits 0 "create" point create team --bucket demo --yes
like "$OUTPUT" "arn: +$ARN"$'\n' "tells the ARN"
like "$OUTPUT" 'alias: +team-[0-9a-f]+-s3alias' "the alias"
like "$OUTPUT" "coffer mount $ARN DIR" "and the mount line"
exits 0 "once more" point create team --bucket demo --yes
like "$OUTPUT" 'nothing to change' "has nothing to do"
is "$(point create other --bucket demo --json --yes 2>/dev/null | jq '.alias | test("^other-[0-9a-f]+-s3alias$")')" true \
  "create --json has the alias, too"
exits 0 "and it goes" point delete other --yes
exits 1 "the same name otherwise" point create team --bucket other --yes
like "$OUTPUT" 'cannot be changed' "is refused, with the reason"
exits 0 "one of a VPC" point create inner --bucket demo --vpc vpc-1a2b --block-public-access BlockPublicAcls,IgnorePublicAcls --yes
exits 0 "list" point list --bucket demo
is "$(grep -cE '^(team  Internet|inner  vpc-1a2b)  arn:' <<<"$OUTPUT")" 2 "shows both, and their networks"
exits 0 "list --json" point list --bucket demo --json
is "$(jq -r 'map(.name) | join(" ")' <<<"$OUTPUT")" "inner team" "is JSON"
exits 0 "show" point show inner
like "$OUTPUT" 'from vpc-1a2b alone' "the network, in words"
like "$OUTPUT" 'NOT blocked by BlockPublicPolicy,RestrictPublicBuckets' "what is not blocked"
like "$OUTPUT" 'IAM alone decides' "that there is no policy"
exits 0 "show of an ARN, --json" point show "$ARN" --json
is "$(jq -r '[.bucket, .network, .policy, .public, .block_public_access.BlockPublicPolicy] | map(tostring) | join(" ")' <<<"$OUTPUT")" \
  "demo Internet null false true" "has it all"
exits 1 "show of none" point show nobody
like "$OUTPUT" "account $ACCOUNT has no access point nobody in us-east-1" "names where it was looked for"

note "pages of a listing"
server_control POST settings '{"access_points_per_page": 1}' >/dev/null
is "$(point list --bucket demo | wc -l)" 2 "all pages are read"
server_control POST settings '{"access_points_per_page": 1000}' >/dev/null

note "grants"
exits 2 "nobody can be asked" point grant team --principal "$ANN" --allow read
like "$OUTPUT" "policy add s3://demo delegate" "what is still needed is said first"
exits 0 "grant below a prefix" point grant team --principal "$ANN" --allow read,list --prefix team --yes
like "$OUTPUT" "user/ann +read,list +team/" "shows the table"
is "$(through GET /team/a)" 403 "the bucket does not delegate: not yet"
exits 0 "delegate" policy add s3://demo delegate --yes
exits 0 "taking it away" policy remove s3://demo delegate --dry-run
like "$OUTPUT" 'by no IAM policy of their own, is then denied' "says who is shut out then"
is "$(through GET /team/a)" 200 "now it opens"
is "$(through GET /team-b/a)" 403 "a name that begins the same is not meant"
is "$(through GET '/?list-type=2&prefix=team%2F')" 200 "the listing of the prefix"
is "$(through GET '/?list-type=2&prefix=team')" 403 "and of nothing shorter"
is "$(through PUT /team/new "Content-Length: 0")" 403 "what was not granted is denied"
exits 0 "more, to the same" point grant team --principal "$ANN" --allow write --prefix team/ --yes
like "$OUTPUT" 'read,write,list +team/' "is one grant with the first"
unlike "$OUTPUT" 'delegate' "nothing more is needed now"
is "$(through PUT /team/new "Content-Length: 0")" 200 "it opens as well"
is "$(through DELETE /team/new)" 403 "delete is apart"
exits 0 "a second one" point grant team --principal "$ACCOUNT" --allow lock --yes
exits 0 "the table" point show team
is "$(grep -cE '(user/ann +read,write,list +team/|:root +lock +everywhere)$' <<<"$OUTPUT")" 2 "has both"
exits 0 "show --json" point show team --json
is "$(jq -c '.grants[0]' <<<"$OUTPUT")" "{\"principal\":\"$ANN\",\"allow\":[\"read\",\"write\",\"list\"],\"prefix\":\"team/\"}" "and JSON"
exits 0 "to another account" point grant team --principal arn:aws:iam::999988887777:user/eve --allow read --yes
like "$OUTPUT" 'IAM policies of account 999988887777 must allow it, too' "needs its IAM, too: said"
exits 0 "revoke one kind" point revoke team --principal "$ANN" --allow write --prefix team --yes
like "$OUTPUT" 'read,list +team/' "leaves the others"
is "$(through PUT /team/new "Content-Length: 0")" 403 "and closes at once"
exits 0 "revoke" point revoke team --principal "$ANN" --yes
is "$(through GET /team/a)" 403 "all of it is gone"
exits 0 "nothing to revoke" point revoke team --principal "$ANN" --yes
like "$OUTPUT" 'nothing to change' "is said"
exits 0 "the others" point revoke team --principal "$ACCOUNT" --yes
exits 0 "to the last" point revoke team --principal arn:aws:iam::999988887777:user/eve --yes
is "$(stored_policy)" null "the last grant takes the policy with it"

note "doctor finds the bucket behind"
# doctor_says NAME: the state of a line of doctor's, and the command that changes it
doctor_says() { jq -r --arg name "$1" '.checks[] | select(.name == $name) | "\(.state) \(.change // "")"' <<<"$CHECKS"; }
look() { CHECKS=$("$COFFER" doctor "s3://$(point show team --json | jq -r .alias)" --json 2>"$WORK/err"); }
look
is "$(doctor_says "around access points")" "warn coffer policy add demo only-access-points" "who gets around the access point" ||
  diag "$CHECKS" "$(cat "$WORK/err")"
is "$(doctor_says TLS)" "warn coffer policy add demo tls" "and without TLS"
is "$(doctor_says "default encryption")" "ok " "and the bucket's settings"
exits 0 "the bucket is closed" policy add s3://demo only-access-points --except "$ME" --yes
look
is "$(doctor_says "around access points")" "ok " "then nobody does"
like "$(jq -r '.checks[] | select(.name == "around access points").detail' <<<"$CHECKS")" "but by $ME" "but who is excepted"
exits 0 "and opened again" policy remove s3://demo only-access-points --yes

note "a policy of one's own; what others wrote stays"
cat >"$WORK/theirs" <<JSON
{"Version": "2012-10-17", "Id": "x", "Statement": {"Sid": "Theirs", "Effect": "Deny", "Principal": {"AWS": ["arn:aws:iam::$ACCOUNT:user/eve"]},
 "Action": ["s3:GetObject"], "Resource": "$ARN/object/secret/*", "Condition": {"StringLike": {"aws:UserAgent": ["b*", "a*"]}}}}
JSON
exits 2 "nobody can be asked" point policy team --set "$WORK/theirs"
exits 0 "--set" point policy team --set "$WORK/theirs" --yes
exits 0 "show of it" point policy team
like "$OUTPUT" 'Theirs: deny arn:aws:iam::123456789012:user/eve s3:GetObject' "in words"
exits 0 "a grant beside it" point grant team --principal "$ANN" --allow read --yes
is "$(stored_policy | jq -cS '.Statement[0]')" "$(jq -cS .Statement "$WORK/theirs")" "theirs stays as it was read"
exits 0 "and away" point revoke team --principal "$ANN" --yes
is "$(stored_policy | jq -cS '.Statement')" "$(jq -cS '[.Statement]' "$WORK/theirs")" "what is left is theirs alone"
jq --arg arn "$ARN" '.Statement.Principal = "*" | .Statement.Action = "s3:*" | .Statement.Resource = [$arn, $arn + "/object/*"]
  | del(.Statement.Condition)' "$WORK/theirs" >"$WORK/out"
exits 1 "what would lock the caller out" point policy team --set "$WORK/out" --yes
like "$OUTPUT" 'coffertestaccesskey1 \(you\) would be denied s3:GetObject, s3:ListBucket, s3:GetAccessPointPolicy.*--lock-me-out' "is refused"
exits 0 "--dry-run of it" point policy team --set "$WORK/out" --dry-run
is "$(stored_policy | jq -r '.Statement[0].Sid')" Theirs "nothing was changed"
jq --arg arn "$ARN" '.Statement.Effect = "Allow" | .Statement.Principal = "*" | .Statement.Resource = $arn + "/object/*" | del(.Statement.Condition)' \
  "$WORK/theirs" >"$WORK/public"
exits 5 "a public policy where those are blocked" point policy team --set "$WORK/public" --yes
like "$OUTPUT" 'PutAccessPointPolicy: AccessDenied' "is AWS's to refuse, and is passed on"
exits 1 "a principal with a typo" point grant team --principal alice --allow read --yes
like "$OUTPUT" 'MalformedPolicy.*Invalid principal' "what the service says is passed on"

note "test through it"
jq -n --arg arn "$ARN" --arg ann "$ANN" '{Version: "2012-10-17", Statement: [
  {Sid: "In", Effect: "Allow", Principal: {AWS: $ann}, Action: "s3:GetObject", Resource: ($arn + "/object/*")},
  {Sid: "Not", Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: ($arn + "/object/secret/*")}]}' >"$WORK/both"
exits 0 "a policy" point policy team --set "$WORK/both" --yes
asked=(policy test s3://demo --principal "$ANN" --action s3:GetObject)
exits 3 "by the bucket's name" "${asked[@]}" --key a
exits 0 "through the access point" "${asked[@]}" --key a --through team
like "$OUTPUT" '^allowed' "is allowed"
exits 5 "what it denies" "${asked[@]}" --key secret/a --through "$ARN"
like "$OUTPUT" "denied by Not of the access point's policy" "names statement and policy"
exits 5 "over http" "${asked[@]}" --key a --through team --insecure
exits 3 "one of a VPC" "${asked[@]}" --key a --through inner
like "$OUTPUT" 'aws:SourceVpc=vpc-1a2b' "says how to ask from there"
exits 5 "from another network" "${asked[@]}" --key a --through inner --header aws:SourceVpc=vpc-9
like "$OUTPUT" 'vpc-1a2b alone' "is refused at the door"
exits 2 "of another bucket" policy test s3://other --principal "$ANN" --action s3:GetObject --key a --through team
exits 2 "--through elsewhere" policy show s3://demo --through team

note "a SOURCE that is an access point"
alias=$(point show team --json | jq -r .alias)
exits 0 "its alias" policy show "s3://$alias"
like "$OUTPUT" "is an access point of the bucket demo, which is meant here.*CofferDelegate" "leads to the bucket, and that is said"
exits 0 "another command" "$COFFER" versioning show "s3://$alias"
like "$OUTPUT" 'bucket demo' "as well"
exits 5 "who may not ask" env AWS_ACCESS_KEY_ID=ANN AWS_SECRET_ACCESS_KEY=secret "$COFFER" versioning show "s3://$alias"
like "$OUTPUT" 'find the bucket of s3://team.*or name the bucket itself.*s3:ListAccessPoints' "is told what is missing, and the way round"

note "words, and rights"
exits 2 "no such action" point open team
exits 2 "create needs a bucket" point create team
exits 2 "a name that is none" point create Team_A --bucket demo --yes
exits 2 "a prefix of a bucket" point create team --bucket s3://demo/team --yes
exits 2 "no such block" point create t3x --bucket demo --block-public-access most --yes
exits 2 "grant needs --allow" point grant team --principal "$ANN"
exits 2 "that is one" point grant team --principal "$ANN" --allow read,everything --yes
exits 2 "a pattern as prefix" point grant team --principal "$ANN" --allow read --prefix 'a*' --yes
exits 2 "no Region" env -u AWS_REGION "$COFFER" access-point show team
exits 2 "an endpoint of its own, and no S3 Control" env -u AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3="$SERVER_URL" "$COFFER" access-point show team --account $ACCOUNT
like "$OUTPUT" '--control-endpoint-url' "says what to add"
exits 0 "with it" env -u AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3="$SERVER_URL" "$COFFER" access-point show team --account $ACCOUNT --control-endpoint-url "$SERVER_URL"
exits 0 "or its variable" env -u AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3="$SERVER_URL" AWS_ENDPOINT_URL_S3_CONTROL="$SERVER_URL" \
  "$COFFER" access-point show team --account $ACCOUNT
exits 5 "who may not create" env AWS_ACCESS_KEY_ID=HELPER AWS_SECRET_ACCESS_KEY=secret "$COFFER" access-point create t3x --bucket demo --yes
like "$OUTPUT" 'CreateAccessPoint: AccessDenied' "is told what was denied"
exits 3 "who may not see the policy" env AWS_ACCESS_KEY_ID=HELPER AWS_SECRET_ACCESS_KEY=secret "$COFFER" access-point show team
like "$OUTPUT" 'its policy is not known.*s3:GetAccessPointPolicy' "sees the rest"
is "$(env AWS_ACCESS_KEY_ID=HELPER AWS_SECRET_ACCESS_KEY=secret "$COFFER" access-point grant team --principal x --allow read --json --yes 2>/dev/null | jq -r '.error | test("AccessDenied")')" true \
  "--json of a failure is JSON"

note "hostile answers"
for body in '' '<html>' '<GetAccessPointResult/>' '<GetAccessPointResult><Name>x</Name>' '<ListBucketResult/>' \
  '<GetAccessPointResult><Name>team</Name><Bucket>demo</Bucket><NetworkOrigin>VPC</NetworkOrigin></GetAccessPointResult>'; do
  server_control POST faults "$(jq -nc --arg body "$body" '[{"match": {"operation": "GetAccessPoint"}, "do": {"status": 200, "body": $body}}]')" >/dev/null
  exits 1 "an answer such as ${body:0:50}" point show team
done
for text in '{"Statement":' '[]' '{"Statement":[{"Effect":"Allow","Action":"s3:*","Colour":"red"}]}'; do
  body="<GetAccessPointPolicyResult><Policy>$text</Policy></GetAccessPointPolicyResult>"
  server_control POST faults "$(jq -nc --arg body "$body" '[{"match": {"operation": "GetAccessPointPolicy"}, "do": {"status": 200, "body": $body}}]')" >/dev/null
  exits 1 "a policy such as ${text:0:40}" point grant team --principal "$ANN" --allow read --yes
  like "$OUTPUT" 'no policy that can be changed' "is refused"
done
server_control POST faults '[]' >/dev/null

note "two at once: what is lost is reported"
for round in 1 2 3; do
  point policy team --set "$WORK/both" --yes >/dev/null 2>&1
  point grant team --principal "$ANN" --allow delete --yes >"$WORK/a" 2>&1 &
  first=$!
  point grant team --principal "$ME" --allow lock --yes >"$WORK/b" 2>&1
  second_code=$?
  wait "$first"
  first_code=$?
  there=$(stored_policy)
  for pair in "s3:DeleteObject\" $first_code" "s3:PutObjectLegalHold $second_code"; do
    [[ $there == *"${pair% *}"* || ${pair#* } != 0 ]]
    is "$?" 0 "round $round: ${pair% *} is there, or its command says that it failed (${pair#* })"
  done
done

note "removed"
exits 2 "nobody can be asked" point delete team
like "$OUTPUT" 'its policy goes with it' "what goes with it is said first"
exits 0 "delete" point delete team --yes
exits 1 "gone" point show team
is "$(s3 GET /demo/team/a)" team/a "what is in the bucket stays"
is "$(server_control GET counters | jq .crashes)" 0 "the stand-in had no trouble"
stop_server

note "by AWS's host names"
start_server --tls "$WORK/tls/server.crt" "$WORK/tls/server.key" --bucket demo
unset AWS_ENDPOINT_URL
export COFFER_CONNECT_TO=":443:127.0.0.1:$SERVER_PORT" COFFER_CA_BUNDLE=$WORK/tls/ca.pem
server_forget
exits 0 "create, the account found out" point create team --bucket demo --yes
is "$(server_requests '[.[] | select(.operation == "CreateAccessPoint") | .host] | unique | join(" ")')" \
  "$ACCOUNT.s3-control.us-east-1.amazonaws.com" "the host is the account's own"
exits 0 "a bucket's setting by the ARN" "$COFFER" versioning show "$ARN"
like "$OUTPUT" 'bucket demo' "says which bucket"
done_testing
