#!/usr/bin/env bash
# The commands and the options of `coffer mount`, each by what it does to a real mount and to the requests.
# Also under the sanitizers.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

SECRET=a-secret-of-this-test-alone
start_server --region eu-central-1 --bucket demo --bucket paid --access-point ap=demo --sts-seconds 3600 \
  --user "READER:$SECRET:ro" --user "NOLIST:$SECRET:deny=ListBucket" --user "NOGET:$SECRET:deny=GetObject" \
  --user "NOPUT:$SECRET:deny=PutObject" --user "NODELETE:$SECRET:deny=DeleteObject" \
  --user "NOVERSIONING:$SECRET:deny=GetBucketVersioning,GetBucketObjectLockConfiguration"
export AWS_REGION=eu-central-1
s3_put /demo/file.txt content
s3_put /demo/dir/one 1
M=$WORK/m
as() { env AWS_ACCESS_KEY_ID="$1" AWS_SECRET_ACCESS_KEY="$SECRET" "${@:2}"; }
# has_line PATTERN DESCRIPTION: a line of the last output begins so
has_line() { like $'\n'"$OUTPUT" $'\n'"$1" "$2"; }
object() { server_control POST "buckets/${2:-demo}/get" "{\"key\": \"$1\"}"; }

# with DESCRIPTION CHECK OPTION...: mounts demo with the options, calls the function CHECK, unmounts
with() {
  local description=$1 check=$2
  shift 2
  mount_coffer demo "$M" "$@" || { fail "$description"; return; }
  "$check" "$description"
  ok "$description: unmounts" "$COFFER" umount "$M"
}
reads() { is "$(cat "$M/file.txt" 2>&1)" content "$1: reads"; }

note "--version, --help"
exits 0 "--version" "$COFFER" --version
like "$OUTPUT" '^coffer [0-9]+\.[0-9]+\.[0-9]+' "--version says it"
exits 0 "--help" "$COFFER" --help
help=$OUTPUT
for command in mount umount status doctor resolve rm; do
  like "$help" $'\n'"  $command " "--help has $command"
  exits 0 "$command --help" "$COFFER" "$command" --help
done

note "resolve: no network, exit code, and the fields that programs read"
# resolved SOURCE EXPECTED_JSON [OPTION...]
resolved() {
  local source=$1 expected=$2
  shift 2
  is "$(env -u AWS_ENDPOINT_URL -u AWS_REGION -u AWS_ACCESS_KEY_ID "$COFFER" resolve "$source" --json "$@" 2>&1 |
    jq -cS '{url, scheme, signing_name, region, region_set} | del(.[] | nulls)' 2>&1)" "$(jq -cS . <<<"$expected")" \
    "resolve $source $*"
}
E=eu-central-1
A=arn:aws:s3:$E:123456789012:accesspoint
resolved demo '{"url":"https://demo.s3.eu-central-1.amazonaws.com","scheme":"sigv4","signing_name":"s3","region":"eu-central-1"}' --region $E
resolved s3://demo/p '{"url":"https://s3.eu-central-1.amazonaws.com/demo","scheme":"sigv4","signing_name":"s3","region":"eu-central-1"}' \
  --region $E --force-path-style
resolved $A/ap '{"url":"https://ap-123456789012.s3-accesspoint.eu-central-1.amazonaws.com","scheme":"sigv4","signing_name":"s3","region":"eu-central-1"}'
resolved arn:aws:s3:us-east-1:123456789012:accesspoint/ap \
  '{"url":"https://ap-123456789012.s3-accesspoint-fips.dualstack.us-east-1.amazonaws.com","scheme":"sigv4","signing_name":"s3","region":"us-east-1"}' \
  --fips --dual-stack --region us-east-1
resolved arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/ap \
  '{"url":"https://ap-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn","scheme":"sigv4","signing_name":"s3","region":"cn-north-1"}'
resolved ap-abcdefghijklmnopqrstuvwxyz0123eucentral1a-s3alias \
  '{"url":"https://ap-abcdefghijklmnopqrstuvwxyz0123eucentral1a-s3alias.s3.eu-central-1.amazonaws.com","scheme":"sigv4","signing_name":"s3","region":"eu-central-1"}' \
  --region $E
resolved arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap \
  '{"url":"https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com","scheme":"sigv4a","signing_name":"s3","region_set":"*"}'
resolved arn:aws:s3-object-lambda:$E:123456789012:accesspoint/ol \
  '{"url":"https://ol-123456789012.s3-object-lambda.eu-central-1.amazonaws.com","scheme":"sigv4","signing_name":"s3-object-lambda","region":"eu-central-1"}'
resolved arn:aws:s3-outposts:$E:123456789012:outpost/op-01234567890123456/accesspoint/ap \
  '{"url":"https://ap-123456789012.op-01234567890123456.s3-outposts.eu-central-1.amazonaws.com","scheme":"sigv4a","signing_name":"s3-outposts","region_set":"*"}'
resolved base--use1-az4--x-s3 \
  '{"url":"https://base--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com","scheme":"sigv4-s3express","signing_name":"s3express","region":"us-east-1"}' \
  --region us-east-1
resolved demo '{"url":"http://demo.minio.example:9000","scheme":"sigv4","signing_name":"s3","region":"us-east-1"}' \
  --region us-east-1 --endpoint-url http://minio.example:9000
is "$("$COFFER" resolve $A/ap --endpoint-url "http://s3-accesspoint.$E.amazonaws.com" --json | jq -r '.capabilities | type')" object "capabilities"
is "$("$COFFER" resolve demo --json | jq '.capabilities.write')" true "a bucket can be written"
is "$(env -u AWS_ENDPOINT_URL "$COFFER" resolve arn:aws:s3-object-lambda:$E:123456789012:accesspoint/ol --json | jq .capabilities.write)" \
  false "an Object Lambda access point cannot"
for refusal in "$A/ap --force-path-style" "arn:aws:s3:us-west-2:123456789012:accesspoint/ap --region $E --no-use-arn-region" \
  "arn:aws:s3::123456789012:accesspoint/x.mrap --disable-multi-region-access-points" "$A/ap --transfer-acceleration"; do
  # shellcheck disable=SC2086  # words
  exits 2 "resolve $refusal is refused" env -u AWS_ENDPOINT_URL -u AWS_REGION "$COFFER" resolve $refusal
  isnt "$OUTPUT" "" "with a reason: $OUTPUT"
done

note "where options come from: flag, COFFER_*, --config, default"
cat >"$WORK/conf" <<CONF
# a comment
read-only = true
prefix = dir
CONF
prefixed() { is "$(cat "$M/one" 2>&1)" 1 "$1"; }
writable() { ok "$1: writes" cp /etc/hostname "$M/new" && rm "$M/new"; }
read_only() {
  exits 1 "$1: refuses" cp /etc/hostname "$M/new"
  like "$OUTPUT" 'Read-only file system' "$1: EROFS"
  reads "$1"
}
conf_counts() {
  prefixed "--config: prefix"
  exits 1 "--config: read-only" cp /etc/hostname "$M/new"
}
with "--config" conf_counts --config "$WORK/conf"
COFFER_CONFIG=$WORK/conf with "COFFER_CONFIG" conf_counts
COFFER_PREFIX='' COFFER_READ_ONLY=false with "the environment before the file" writable --config "$WORK/conf"
COFFER_READ_ONLY=true with "COFFER_READ_ONLY" read_only
COFFER_READ_ONLY=true with "a flag before the environment" writable --read-only=false
with "--read-only" read_only --read-only
with "-o ro" read_only -o ro
with "-o read_only,file_mode=0600" read_only -o read_only,file_mode=0600
mode_600() { is "$(stat -c %a:%u:%g "$M/file.txt")" 600:7:8 "$1"; }
with "-o file_mode=0600,uid=7,gid=8" mode_600 -o file_mode=0600,uid=7,gid=8
with "--file-mode 0600 --uid 7 --gid 8" mode_600 --file-mode 0600 --uid 7 --gid 8
modes() { is "$(stat -c %a "$M/file.txt" "$M/dir" | xargs)" "640 750" "$1"; }
with "--umask 027 --file-mode 0666 --dir-mode 0777" modes --umask 027 --file-mode 0666 --dir-mode 0777
exits 2 "COFFER_READONLY, misspelt" env COFFER_READONLY=1 "$COFFER" mount demo "$M"
like "$OUTPUT" 'COFFER_READONLY is no option; did you mean COFFER_READ_ONLY' "is refused, and said"
exits 0 "another program's option that needs nothing" "$COFFER" mount demo "$M" --allow-delete
like "$OUTPUT" 'allow-delete' "is accepted with a note"
ok "and unmounts" "$COFFER" umount "$M"

note "-f stays in front"
"$COFFER" mount demo "$M" -f >"$WORK/foreground.out" 2>&1 &
foreground=$!
ok "it mounts" within 20 grep -q " $M " /proc/mounts
ok "and is in front" kill -0 $foreground
reads "-f"
kill -TERM $foreground
wait $foreground
is $? 0 "SIGTERM ends it, with 0"
nok "and it is unmounted" grep -q " $M " /proc/mounts
like "$(<"$WORK/foreground.out")" 'everything is stored' "and says so on stderr"

note "status"
exec 9>"$WORK/lock-of-the-caller"
mount_coffer demo "$M"
exec 9>&-
unlike "$(find "/proc/$(daemon_pid "$M")/fd" -printf '%l\n')" lock-of-the-caller \
  "the mount keeps nothing open that its caller had"
cat "$M/file.txt" >/dev/null
exits 0 "status of a healthy mount" "$COFFER" status "$M"
like "$OUTPUT" "m: healthy" "in words"
exits 0 "status --json" "$COFFER" status "$M" --json
is "$(jq -r '[.state, .source, .mount_point, .files.hidden_keys, .files.failed_commits] | map(tostring) | join(" ")' <<<"$OUTPUT")" \
  "healthy demo $M 0 0" "the fields"
is "$(jq -r '[.requests.GetObject.count, .memory.high_water, .queue.waiting, .total.retries] | map(type) | unique | join(" ")' <<<"$OUTPUT")" \
  number "and the numbers"
OUTPUT=$("$COFFER" status) # others' mounts may be degraded
like "$OUTPUT" "$M: healthy" "names it"
server_control POST faults '[{"match": {"operation": "PutObject"}, "do": {"status": 403, "code": "AccessDenied"}}]' >/dev/null
nok "a write that fails" cp /etc/hostname "$M/denied"
exits 1 "status is degraded" "$COFFER" status "$M"
like "$OUTPUT" 'degraded' "and says so"
is "$("$COFFER" status "$M" --json | jq -r '.state + " " + (.degraded | length > 0 | tostring)')" "degraded true" "with a reason"
server_control POST faults '[]' >/dev/null
kill -KILL "$(daemon_pid "$M")"
exits 3 "status of a mount whose process died" "$COFFER" status "$M"
fusermount3 -uz "$M"
exits 3 "status of a directory that is none" "$COFFER" status "$M"

note "doctor"
exits 3 "doctor, all permitted" "$COFFER" doctor demo
for check in address credentials identity HeadBucket region ListBucket clock GetObject versioning; do
  has_line "ok +$check" "doctor: $check"
done
has_line 'not tested +PutObject' "doctor writes nothing by itself"
before=$(keys_of demo)
exits 3 "doctor --write-test" "$COFFER" doctor demo --write-test
has_line 'ok +PutObject' "PutObject was tested"
has_line 'ok +DeleteObject' "and DeleteObject"
is "$(keys_of demo)" "$before" "nothing is left of it"
is "$(uploads_of demo)" 0 "and no upload"
id=$(s3 POST "/demo/forgotten?uploads=" | sed -n 's|.*<UploadId>\(.*\)</UploadId>.*|\1|p')
exits 3 "doctor of a bucket with an unfinished upload" "$COFFER" doctor demo
has_line 'ok +unfinished uploads +1, the oldest since 0 days: forgotten' "names it"
server_control POST clock '{"offset_s": 172800}' >/dev/null
exits 3 "doctor two days later" "$COFFER" doctor demo
like "$OUTPUT" 'unfinished uploads.*since 2 days' "says how old it is"
like "$OUTPUT" '"AbortIncompleteMultipartUpload":\{"DaysAfterInitiation":7\}' "and the rule that aborts it"
server_control POST clock '{"offset_s": 0}' >/dev/null
s3 DELETE "/demo/forgotten?uploadId=$id"
exits 3 "doctor --json" "$COFFER" doctor demo --json
is "$(jq -r '[.healthy, (.checks | length > 15), (.target.url | type)] | map(tostring) | join(" ")' <<<"$OUTPUT")" "true true string" "the fields"
# without USER OPTION CHECK ACTION: the check fails, and the statement that would allow it is shown
without() {
  # shellcheck disable=SC2086  # no option or one
  exits 5 "doctor without $4" as "$1" "$COFFER" doctor demo $2
  has_line "(FAIL|fail)[A-Za-z]* +$3" "doctor without $4: $3"
  like "$OUTPUT" "\"Action\": ?\"$4\"" "doctor without $4: the statement that it takes"
}
without NOLIST "" ListBucket s3:ListBucket
without NOGET "" GetObject s3:GetObject
without NOPUT --write-test PutObject s3:PutObject
without NODELETE --write-test DeleteObject s3:DeleteObject
exits 3 "doctor of a reader, who may not write" as READER "$COFFER" doctor demo
exits 5 "doctor with a wrong secret" env AWS_SECRET_ACCESS_KEY=wrong "$COFFER" doctor demo
like "$OUTPUT" 'SignatureDoesNotMatch' "says so"
exits 1 "doctor of a bucket that is none" "$COFFER" doctor nosuch
like "$OUTPUT" 'NoSuchBucket|no such bucket' "says so"
for key in $(keys_of demo); do
  case $key in file.txt | dir/one) ;; *) s3 DELETE "/demo/$key" ;; esac
done

note "rm -r"
for i in 1 2 3 4 5; do s3_put "/demo/tree/$((i % 2))/$i" x; done
s3_put /demo/tree2 beside
exits 2 "rm of a whole bucket needs more words" "$COFFER" rm -r -y s3://demo
exits 0 "rm -r of an address" "$COFFER" rm -r -y s3://demo/tree/1
is "$(keys_of demo tree | xargs)" "tree/0/2 tree/0/4 tree2" "exactly that tree is gone"
mount_coffer demo "$M"
exits 0 "rm -r of a path" "$COFFER" rm -r -y "$M/tree"
is "$(keys_of demo tree | xargs)" tree2 "exactly that tree is gone"
ok "and the mount sees it within --metadata-ttl" within 3 test ! -e "$M/tree"
exits 0 "rm --json" "$COFFER" rm -y --json s3://demo/tree2
is "$(jq -r .removed <<<"$OUTPUT")" 1 "says how many"
nok "rm of what is not there fails" "$COFFER" rm -y "$M/none"
umount_coffer "$M" >/dev/null

note "what is written"
mount_coffer demo "$M" --storage-class STANDARD_IA --infer-content-type --sse AES256
for name in page.html picture.png data; do cp /etc/hostname "$M/$name"; done
umount_coffer "$M" >/dev/null
is "$(object page.html | jq -r '.storage_class + " " + .headers["content-type"]')" "STANDARD_IA text/html" "--storage-class, --infer-content-type"
is "$(object picture.png | jq -r '.headers["content-type"]')" image/png "by the ending"
is "$(object data | jq -r '.headers["content-type"]')" null "or none, where there is no ending"
is "$(object data | jq -r '.encryption["x-amz-server-side-encryption"]')" AES256 "--sse AES256"
mount_coffer demo "$M" --sse aws:kms --sse-kms-key-id arn:aws:kms:eu-central-1:123456789012:key/k1
cp /etc/hostname "$M/sealed"
umount_coffer "$M" >/dev/null
is "$(object sealed | jq -r '.encryption | [.["x-amz-server-side-encryption"], .["x-amz-server-side-encryption-aws-kms-key-id"]] | join(" ")')" \
  "aws:kms arn:aws:kms:eu-central-1:123456789012:key/k1" "--sse aws:kms"
# a server that ignores what was asked for: the object is there, in the clear, and the write says so
server_control POST faults '[{"match": {"operation": "PutObject"}, "do": {"status": 200, "headers": {"ETag": "\"d41d8cd98f00b204e9800998ecf8427e\""}, "body": ""}}]' >/dev/null
mount_coffer demo "$M" --sse aws:kms
exits 1 "a server that ignores --sse makes the write fail" cp /etc/hostname "$M/unsealed"
umount_coffer "$M" >/dev/null
server_control POST faults '[]' >/dev/null
like "$(cat "$WORK"/log/m/*.log)" 'did not encrypt it as asked: --sse aws:kms' "and the log says why"

note "whose bucket, and who pays"
mount_coffer demo "$M" --expected-bucket-owner 123456789012 && pass "--expected-bucket-owner: the right one" && umount_coffer "$M" >/dev/null
exits 5 "--expected-bucket-owner: another one" "$COFFER" mount demo "$M" --expected-bucket-owner 210987654321
like "$OUTPUT" 'or the bucket is not that of account 210987654321 \(--expected-bucket-owner\)' "says so"
server_control POST buckets/paid/settings '{"requester_pays": true}' >/dev/null
server_control POST buckets/paid/put '{"key": "file.txt", "body": "content"}' >/dev/null
exits 5 "a bucket that lets the requester pay refuses who has not agreed" "$COFFER" mount paid "$M"
mount_coffer paid "$M" --requester-pays && pass "--requester-pays" && reads "--requester-pays" && umount_coffer "$M" >/dev/null

note "credentials"
server_control POST buckets '{"name": "open", "region": "eu-central-1", "public": true}' >/dev/null
server_control POST buckets/open/put '{"key": "file.txt", "body": "content"}' >/dev/null
ok "--no-sign-request" env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$COFFER" mount open "$M" --no-sign-request --read-only
reads "--no-sign-request"
umount_coffer "$M" >/dev/null
KEY=$AWS_ACCESS_KEY_ID KEY_SECRET=$AWS_SECRET_ACCESS_KEY
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
ROLE=arn:aws:iam::123456789012:role/coffer-test
cat >"$AWS_SHARED_CREDENTIALS_FILE" <<INI
[base]
aws_access_key_id = $KEY
aws_secret_access_key = $KEY_SECRET
INI
chmod 600 "$AWS_SHARED_CREDENTIALS_FILE"
cat >"$WORK/process" <<SH
#!/bin/sh
echo '{"Version": 1, "AccessKeyId": "$KEY", "SecretAccessKey": "$KEY_SECRET"}'
SH
chmod 700 "$WORK/process"
echo coffer-test-web-identity-token >"$WORK/token"
cat >"$AWS_CONFIG_FILE" <<INI
[profile base]
region = eu-central-1
[profile assumed]
region = eu-central-1
role_arn = $ROLE
source_profile = base
role_session_name = session-of-the-test
[profile process]
region = eu-central-1
credential_process = $WORK/process
[profile web]
region = eu-central-1
role_arn = $ROLE
web_identity_token_file = $WORK/token
[profile broken]
region = eu-central-1
credential_process = /bin/false
INI
export AWS_ENDPOINT_URL_STS=$SERVER_URL
for profile in base assumed process web; do
  server_forget
  ok "--profile $profile" mount_coffer demo "$M" --profile $profile
  reads "--profile $profile"
  umount_coffer "$M" >/dev/null
  case $profile in
    assumed) is "$(requests_of AssumeRole)" 1 "assumed: one question to STS" ;;
    web) is "$(requests_of AssumeRoleWithWebIdentity)" 1 "web: one question to STS" ;;
    *) is "$(server_requests '[.[] | select(.operation | startswith("Assume"))] | length')" 0 "$profile: none to STS" ;;
  esac
done
AWS_PROFILE=process mount_coffer demo "$M" && pass "AWS_PROFILE" && umount_coffer "$M" >/dev/null
exits 5 "a process that fails" "$COFFER" mount demo "$M" --profile broken
like "$OUTPUT" 'credential_process|/bin/false' "is named"
echo wrong >"$WORK/token"
exits 5 "a token that is refused" "$COFFER" mount demo "$M" --profile web
like "$OUTPUT" 'InvalidIdentityToken' "says so"

done_testing
