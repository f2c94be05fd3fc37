#!/usr/bin/env bash
# coffer encryption, logging, versioning, lock-default and lifecycle: shown, changed, read back, refused.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_commands jq openssl

encryption() { "$COFFER" encryption "$@"; }
logging() { "$COFFER" logging "$@"; }
versioning() { "$COFFER" versioning "$@"; }
lock_default() { "$COFFER" lock-default "$@"; }
writes() { server_requests 'map(select(.method == "PUT" or .method == "DELETE") | .operation) | join(" ")'; }
stored_setting() { s3 GET "/$1?$2=" | sed 's/<?xml[^>]*>//; s/ xmlns="[^"]*"//' | tr -d '\n'; }
# unchanged DESCRIPTION COMMAND...: refused without --yes, and shown without a change by --dry-run
unchanged() {
  local description=$1
  shift
  server_forget
  exits 2 "$description: nobody to ask, no --yes" "$@"
  exits 0 "$description: --dry-run" "$@" --dry-run
  like "$OUTPUT" $'(^|\n)\\+ ' "$description: shows what would come"
  is "$(writes)" "" "$description: neither writes"
}

# refuses_prefix COMMAND...: a setting is the whole bucket's
refuses_prefix() {
  exits 2 "$1 $2 of a part of the bucket" "$COFFER" "$@" --yes
  like "$OUTPUT" 'leave out the prefix team/' "$1: is refused, not made for all of it"
}

start_server --bucket demo --bucket logs --access-point door=demo
KEY=$(server_control GET kms | jq -r '.keys[0].arn')

# doctor_says NAME: the state of a line of doctor's, and the command that changes it
doctor_check() { "$COFFER" doctor s3://demo --json "${@:2}" | jq -r --arg name "$1" '.checks[] | select(.name == $name) | "\(.state) \(.detail)"'; }
doctor_says() { "$COFFER" doctor s3://demo --json | jq -r --arg name "$1" '.checks[] | select(.name == $name) | "\(.state) \(.change // "")"'; }

# ---- what was not meant
server_forget
refuses_prefix encryption set s3://demo/team --sse aws:kms
refuses_prefix versioning on s3://demo/team
refuses_prefix lock-default set s3://demo/team governance:1d
refuses_prefix logging off s3://demo/team
refuses_prefix cors allow s3://demo --prefix team --origin https://a.example
echo "yes = true" >"$WORK/conf"
exits 2 "a yes of the environment" env COFFER_YES=true "$COFFER" versioning on s3://demo
exits 2 "a yes of a file" versioning on s3://demo --config "$WORK/conf"
like "$OUTPUT" 'on the command line' "is no consent"
is "$(writes)" "" "none of these wrote anything"

# ---- doctor, before
is "$(doctor_says "default encryption")" "ok " "doctor: default encryption"
is "$(doctor_says "access log")" "warn coffer logging set demo --to s3://LOGBUCKET/demo/" "doctor: no access log, and what makes one"
is "$(doctor_says CORS)" "ok " "doctor: CORS"
is "$(doctor_says "old versions")" "warn coffer versioning on demo" "doctor: nothing is kept, and what keeps it"
is "$(doctor_says TLS)" "warn coffer policy add demo tls" "doctor: requests without TLS, and what denies them"
is "$(doctor_says "around access points")" "ok " "doctor: a bucket without access points"

# ---- encryption
exits 0 "encryption show" encryption show s3://demo
like "$OUTPUT" 'AES256' "tells what every bucket has"
unchanged "encryption set" encryption set s3://demo --sse aws:kms --sse-kms-key-id "$KEY"
exits 0 "encryption set --yes" encryption set s3://demo --sse aws:kms --sse-kms-key-id "$KEY" --bucket-key --yes
like "$OUTPUT" $'changed, and read back' "is read back"
is "$(encryption show s3://demo --json | jq -c .)" "{\"sse\":\"aws:kms\",\"kms_key_id\":\"$KEY\",\"bucket_key\":true}" "and told by --json"
s3_put /demo/object x >/dev/null
like "$(s3 HEAD /demo/object -I)" 'x-amz-server-side-encryption: aws:kms' "and is what a new object gets"

# ---- the key of the default encryption
change_key() { server_control POST kms/change "$(jq -n --arg arn "$KEY" "$@" '{arn: $arn} + $ARGS.named')" >/dev/null; }
key_check() { doctor_check "default KMS key" --kms-endpoint-url "$SERVER_URL"; }
server_forget
like "$(key_check)" '^ok in use; the account itself may change its policy' "doctor: the key of the default encryption"
is "$(server_requests 'map(select(.operation == "DescribeKey" or .operation == "GetKeyPolicy") | .operation) | join(" ")')" "DescribeKey GetKeyPolicy" "takes two requests"
like "$(doctor_check "default KMS key")" '^not tested .*--kms-endpoint-url' "doctor: no KMS of a server of its own is guessed"
change_key --arg policy '{"Version":"2012-10-17","Statement":[{"Sid":"Web","Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}'
like "$(key_check)" '^warn its policy lets everybody in.*\(Web\)' "doctor: a key that everybody may use"
change_key --arg state PendingDeletion
like "$(key_check)" '^fail .* is PendingDeletion: it is deleted in 10 days' "doctor: a key that is about to be deleted"
exits 6 "doctor: what it will not encrypt" "$COFFER" doctor s3://demo --kms-endpoint-url "$SERVER_URL"
change_key --arg state Disabled
like "$(key_check)" '^fail .* is Disabled' "doctor: a key that is off"
change_key --arg state Enabled --arg manager AWS
like "$(key_check)" "^ok AWS's own" "doctor: a key that AWS manages"
change_key --argjson deny '["DescribeKey"]'
like "$(key_check)" '^not tested .*kms:DescribeKey' "doctor: a key that nobody may look at"
change_key --argjson deny '[]' --arg manager CUSTOMER
exits 0 "a key that does not exist" "$COFFER" encryption set s3://demo --sse aws:kms --sse-kms-key-id "${KEY%/*}/none" --yes
like "$(key_check)" '^fail .*there is no such key' "doctor: says so"
exits 0 "the one from before" "$COFFER" encryption set s3://demo --sse aws:kms --sse-kms-key-id "$KEY" --bucket-key --yes
exits 0 "set again" encryption set s3://demo --sse aws:kms --sse-kms-key-id "$KEY" --bucket-key
like "$OUTPUT" 'nothing to change' "changes nothing, and asks nobody"
exits 2 "--bucket-key without KMS" encryption set s3://demo --sse AES256 --bucket-key --yes
exits 2 "a key without KMS" encryption set s3://demo --sse AES256 --sse-kms-key-id "$KEY" --yes
exits 2 "set without --sse" encryption set s3://demo --yes
server_control POST faults '[{"match": {"operation": "GetBucketEncryption"}, "do": {"status": 200, "body": "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>"}}]' >/dev/null
exits 0 "what stands beside it in the document" encryption set s3://demo --sse aws:kms --dry-run
like "$OUTPUT" $'\n +"SSE-C"' "is kept"
server_control POST faults '[]' >/dev/null

# ---- versioning
is "$(versioning show s3://demo --json | jq -r .status)" "never enabled" "versioning show"
unchanged "versioning on" versioning on s3://demo
exits 0 "versioning on --yes" versioning on s3://demo --yes
like "$OUTPUT" 'never undone' "says that it cannot be undone"
like "$OUTPUT" 'conditional writes' "and what it may cost where the server is not AWS's"
is "$(stored_setting demo versioning)" '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' "is on"

# ---- lock-default
exits 0 "lock-default show" lock_default show s3://demo
like "$OUTPUT" 'no Object Lock' "tells that there is none"
server_forget
exits 1 "no Object Lock, no --enable-object-lock" lock_default set s3://demo governance:30d --yes
like "$OUTPUT" '--enable-object-lock.*cannot be undone' "is refused, and says what would do it"
exits 1 "without versioning" lock_default set s3://logs governance:30d --enable-object-lock --yes
like "$OUTPUT" 'coffer versioning on' "is refused, and says what comes first"
is "$(writes)" "" "nothing was written"
unchanged "lock-default set" lock_default set s3://demo governance:30d --enable-object-lock
exits 0 "lock-default set --yes" lock_default set s3://demo governance:30d --enable-object-lock --yes
like "$OUTPUT" 'cannot be turned off' "says what cannot be undone"
is "$(lock_default show s3://demo --json | jq -c .)" '{"object_lock":true,"default":"governance:30d"}' "is there"
exits 0 "compliance" lock_default set s3://demo compliance:1y --dry-run
like "$OUTPUT" "before $(date -u -d '+365 days' +%F), by nobody" "says until when, and that nobody can undo it"
exits 0 "years" lock_default set s3://demo governance:2y --yes
is "$(lock_default show s3://demo --json | jq -r .default)" governance:2y "are years"
exits 0 "none" lock_default set s3://demo none --yes
is "$(lock_default show s3://demo --json | jq -c .)" '{"object_lock":true,"default":"none"}' "ends the default, not Object Lock"
for wrong in governance 30d governance:30 governance:0d governance:36501d governance:101y GOVERNANCE:1d governance:1m governance:-1d governance:1dd ''; do
  exits 2 "'$wrong'" lock_default set s3://demo "$wrong" --yes
done

# ---- logging
exits 0 "logging show" logging show s3://demo
like "$OUTPUT" 'no access log' "tells that there is none"
unchanged "logging set" logging set s3://demo --to s3://logs/demo/
exits 0 "logging set --yes" logging set s3://demo --to s3://logs/demo --yes
like "$OUTPUT" '"Service":"logging.s3.amazonaws.com".*arn:aws:s3:::logs/demo/\*.*arn:aws:s3:::demo' "prints what the log's bucket must allow"
is "$(stored_setting demo logging)" \
  '<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>demo/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>' "is set"
server_forget
no_log() { # REASON SETTINGS-OF-THE-LOG-BUCKET
  server_control POST buckets "{\"name\": \"log-$1\", $2}" >/dev/null
  exits 1 "a log bucket with $3" logging set s3://demo --to "s3://log-$1" --yes
  like "$OUTPUT" "$4" "is refused: $4"
}
exits 1 "into the bucket itself" logging set s3://demo --to s3://demo/log --yes
like "$OUTPUT" 'the bucket itself' "is refused"
no_log lock '"lock_enabled": true' "Object Lock" "has Object Lock"
no_log payer '"requester_pays": true' "requesters who pay" "requesters pay"
exits 0 "(a log bucket under KMS)" encryption set s3://logs --sse aws:kms --yes
exits 1 "a log bucket under KMS" logging set s3://demo --to s3://logs/other --yes
like "$OUTPUT" 'coffer encryption set logs --sse AES256' "is refused, and says what mends it"
server_control POST buckets '{"name": "far", "region": "eu-west-1"}' >/dev/null
exits 1 "a log bucket elsewhere" logging set s3://demo --to s3://far --yes
like "$OUTPUT" 'it is in eu-west-1' "is refused"
exits 1 "a log bucket that is not there" logging set s3://demo --to s3://nowhere --yes
is "$(server_requests 'map(select(.operation == "PutBucketLogging")) | length')" 0 "none of these was sent"
put_policy() { # BUCKET STATEMENT
  local text="{\"Version\":\"2012-10-17\",\"Statement\":[$2]}"
  s3 PUT "/$1?policy=" -H "Content-MD5: $(printf %s "$text" | openssl md5 -binary | base64)" -H "Content-Type: application/json" --data-binary "$text" >/dev/null
}
server_control POST buckets '{"name": "log-two"}' >/dev/null
exits 0 "a log bucket without a policy" logging set s3://demo --to s3://log-two/a --dry-run
like "$OUTPUT" 'the policy of log-two does not let the log in; this statement' "is said to lack one"
statement=$(sed -n 's/.*lets the log in (--add-statement adds it): //p' <<<"$OUTPUT")
put_policy log-two '{"Sid":"Theirs","Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::log-two/*"}'
exits 2 "--add-statement" logging set s3://demo --to s3://log-two/a --add-statement
like "$OUTPUT" 'the policy of log-two, where the log is to go.*CofferAccessLog.*nobody can be asked' "asks first"
exits 0 "--add-statement --yes" logging set s3://demo --to s3://log-two/a --add-statement --yes --json
like "$OUTPUT" 'changed, and read back' "adds it"
is "$("$COFFER" policy show s3://log-two --json | jq -r '[.policy.Statement[].Sid | .[0:15]] | join(" ")')" "Theirs CofferAccessLog" "beside what others wrote"
is "$(logging show s3://demo --json | jq -r .bucket)" log-two "and sets the log"
exits 0 "a log bucket with that statement" logging set s3://demo --to s3://log-two/a --add-statement --dry-run
unlike "$OUTPUT" 'lets the log in|the policy of' "needs no other"
exits 0 "off again" logging off s3://demo --yes
put_policy log-two "$statement"
exits 0 "under another prefix" logging set s3://demo --to s3://log-two/b --dry-run
like "$OUTPUT" 'does not let the log in' "it does"
put_policy log-two "$statement,{\"Sid\":\"Sealed\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::log-two/*\",\"Condition\":{\"StringNotEquals\":{\"s3:x-amz-server-side-encryption\":\"aws:kms\"}}}"
exits 1 "a log bucket that denies what is not encrypted by name" logging set s3://demo --to s3://log-two/a --yes
like "$OUTPUT" 'by Sealed' "is refused, and says which statement it is"
server_control POST faults '[{"match": {"operation": "GetBucketLogging"}, "do": {"status": 200, "body": "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>a</TargetPrefix><TargetGrants><Grant/></TargetGrants></LoggingEnabled></BucketLoggingStatus>"}}]' >/dev/null
exits 1 "a log that others were granted" logging set s3://demo --to s3://logs/x --yes
like "$OUTPUT" 'TargetGrants' "is not set without them"
exits 0 "off" logging off s3://demo --dry-run
like "$OUTPUT" $'\n- +"TargetGrants"' "shows them go"
server_control POST faults '[{"match": {"operation": "GetBucketLogging"}, "do": {"status": 200, "body": "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>a</TargetPrefix><TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>EventTime</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat></LoggingEnabled></BucketLoggingStatus>"}}]' >/dev/null
put_policy log-two "$statement"
exits 0 "a log by the date of events" logging set s3://demo --to s3://log-two/b --dry-run
like "$OUTPUT" $'\n  +"partition_by": "EventTime"' "stays so"
server_control POST faults '[]' >/dev/null
exits 0 "logging off" logging off s3://demo --yes
is "$(logging show s3://demo --json | jq -c .)" '{"enabled":false}' "is off"

# ---- doctor, after
is "$(doctor_says "old versions")" "warn coffer lock-default set demo governance:30d" "doctor: versions that may be deleted"
is "$(doctor_says lifecycle)" "warn coffer lifecycle suggest demo" "doctor: versions that nothing bounds"
"$COFFER" cors allow s3://demo --origin '*' --yes >/dev/null 2>&1
like "$(doctor_says CORS)" '^warn coffer cors show demo' "doctor: every page of the web"
lock_default set s3://demo governance:1d --yes >/dev/null 2>&1
is "$(doctor_says "old versions")" "ok " "doctor: versions that are locked by default"

# ---- lifecycle suggest
server_forget
exits 0 "lifecycle suggest" "$COFFER" lifecycle suggest s3://demo/team
like "$OUTPUT" '"NoncurrentDays": 30' "bounds old versions"
like "$OUTPUT" '"Prefix": "team/"' "below the prefix"
is "$(writes)" "" "and sets nothing"
rule='<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>'
s3 PUT "/demo?lifecycle=" --data-binary "$rule" -H "Content-MD5: $(printf %s "$rule" | openssl md5 -binary | base64)" -H Content-Type:application/xml
exits 0 "where a rule is" "$COFFER" lifecycle suggest s3://demo/team
like "$OUTPUT" 'bounded by a rule that is there' "none is suggested"

exits 2 "of a prefix that no rule can name" "$COFFER" lifecycle suggest s3://demo/$'\xff'

# ---- who may not, what is no answer, through an access point
server_control POST users '{"access_key": "READONLY", "secret": "x", "deny": ["PutBucketVersioning", "PutEncryptionConfiguration"]}' >/dev/null
exits 5 "who may not" env AWS_ACCESS_KEY_ID=READONLY AWS_SECRET_ACCESS_KEY=x "$COFFER" versioning on s3://logs --yes
like "$OUTPUT" 's3:PutBucketVersioning' "is told which right is missing"
exits 5 "wrong keys" env AWS_SECRET_ACCESS_KEY=x "$COFFER" encryption show s3://demo
alias=$(server_control GET access-points | jq -r '.. | .alias? // empty' | head -n 1)
for command in "encryption show" "logging show" "versioning show"; do
  server_control POST faults "[{\"match\": {\"method\": \"GET\", \"operation\": [\"GetBucketEncryption\", \"GetBucketLogging\", \"GetBucketVersioning\"]}, \"do\": {\"status\": 200, \"body\": \"<ListBucketResult/>\"}}]" >/dev/null
  # shellcheck disable=SC2086  # two words
  exits 1 "$command: something else and status 200" "$COFFER" $command s3://demo
  like "$OUTPUT" 'does not answer' "$command: is no answer"
  server_control POST faults '[]' >/dev/null
  # shellcheck disable=SC2086  # two words
  ok "$command: of an access point it is its bucket's" "$COFFER" $command "s3://$alias"
done
server_control POST faults '[{"match": {"operation": "PutBucketVersioning"}, "do": {"status": 200}}]' >/dev/null
exits 1 "a server that says yes and does nothing" versioning on s3://logs --yes
like "$OUTPUT" 'read back as something else' "is found out"
server_control POST faults '[]' >/dev/null
is "$(server_control GET counters | jq .crashes)" 0 "the stand-in never crashed"
done_testing
