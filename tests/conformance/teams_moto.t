#!/usr/bin/env bash
# The story of examples/teams on moto, through access points by their host names, signatures and IAM checked: as far as it
# goes there. moto keeps policies of access points, and decides by IAM alone (nor does it know the conditions of a bucket's
# policy): so IAM allows each team here what its grant says, and who gets round the access point is a matter of
# tests/system/teams.t. It speaks http, which is why the rule tls has no place here.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq
[[ ${COFFER_TEST_SERVER:-} == moto ]] || skip_all "for moto alone: make conformance SERVERS=moto"
need_server

REGION=$COFFER_TEST_REGION
ACCOUNT=123456789012
BUCKET=teams-$$
ARN=arn:aws:s3:$REGION:$ACCOUNT:accesspoint
PORT=${COFFER_TEST_ENDPOINT##*:}
s3 PUT "/$BUCKET" >/dev/null || bail "no bucket"
# moto finds the service, the account and the access point by the name of the host
unset AWS_ENDPOINT_URL
export AWS_ENDPOINT_URL_S3=http://s3.$REGION.amazonaws.com AWS_ENDPOINT_URL_STS=http://sts.$REGION.amazonaws.com
export AWS_ENDPOINT_URL_S3_CONTROL=http://s3-control.$REGION.amazonaws.com COFFER_CONNECT_TO=:80:127.0.0.1:$PORT
DOOR=(--endpoint-url "http://s3-accesspoint.$REGION.amazonaws.com")

iam() { # ACTION PARAMETERS
  curl -sS --fail-with-body --connect-to ":80:127.0.0.1:$PORT" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    --aws-sigv4 "aws:amz:$REGION:iam" "http://iam.amazonaws.com/" -d "Action=$1&Version=2010-05-08" "${@:2}"
}
element() { sed -n "s|.*<$1>\(.*\)</$1>.*|\1|p"; }
declare -A KEYS SECRETS
# member TEAM: a user of that name, whom IAM allows what the team is granted
member() {
  local policy reply
  policy=$(jq -nc --arg b "arn:aws:s3:::$BUCKET" --arg t "$1" '{Version: "2012-10-17", Statement: [
    {Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], Resource: ($b + "/" + $t + "/*")},
    {Effect: "Allow", Action: "s3:ListBucket", Resource: $b}]}')
  iam CreateUser -d "UserName=$1" >/dev/null &&
    iam PutUserPolicy -d "UserName=$1" -d PolicyName=team --data-urlencode "PolicyDocument=$policy" >/dev/null &&
    reply=$(iam CreateAccessKey -d "UserName=$1") || return
  KEYS[$1]=$(element AccessKeyId <<<"$reply") SECRETS[$1]=$(element SecretAccessKey <<<"$reply")
  [[ -n ${KEYS[$1]} && -n ${SECRETS[$1]} ]]
}
as() { # TEAM COMMAND...
  local team=$1
  shift
  AWS_ACCESS_KEY_ID=${KEYS[$team]} AWS_SECRET_ACCESS_KEY=${SECRETS[$team]} "$@"
}

note "an access point for each team"
for team in red blue; do
  member $team || bail "no user $team"
  exits 0 "$team: create" "$COFFER" access-point create $team --bucket "$BUCKET" --yes
  like "$OUTPUT" "coffer mount $ARN/$team DIR" "$team: the line that mounts it"
  exits 0 "$team: grant" "$COFFER" access-point grant $team --principal "arn:aws:iam::$ACCOUNT:user/$team" \
    --allow read,write,list,delete --prefix $team --yes
  exits 0 "$team: show" "$COFFER" access-point show $team --json
  is "$(jq -c '.grants[0] | [.principal, (.allow | sort), .prefix]' <<<"$OUTPUT")" \
    "[\"arn:aws:iam::$ACCOUNT:user/$team\",[\"delete\",\"list\",\"read\",\"write\"],\"$team/\"]" "$team: what was granted was kept"
done
exits 0 "list" "$COFFER" access-point list --bucket "$BUCKET"
is "$(grep -cE "^(red|blue)  Internet  $ARN/" <<<"$OUTPUT")" 2 "shows both"
exits 0 "the access points decide" "$COFFER" policy add "s3://$BUCKET" delegate --yes
exits 0 "policy test" "$COFFER" policy test "s3://$BUCKET" --principal "arn:aws:iam::$ACCOUNT:user/red" --action s3:GetObject \
  --key red/f --through red
exits 3 "of the other team's" "$COFFER" policy test "s3://$BUCKET" --principal "arn:aws:iam::$ACCOUNT:user/red" \
  --action s3:GetObject --key blue/f --through red

note "each on its mount"
mkdir "$WORK/red" "$WORK/blue" "$WORK/sealed"
for team in red blue; do
  as $team mount_coffer "s3://$ARN/$team/$team" "$WORK/$team" "${DOOR[@]}" --state-dir "$WORK/state.$team" || bail "$team: no mount"
  ok "$team: writes" cp /etc/services "$WORK/$team/file"
  ok "$team: reads" cmp /etc/services "$WORK/$team/file"
  ok "$team: makes directories" mkdir "$WORK/$team/d"
  ok "$team: writes below them" sh -c "echo $team >'$WORK/$team/d/own'"
  is "$(ls "$WORK/$team")" $'d\nfile' "$team: lists, and sees its own alone"
  ok "$team: removes" rm "$WORK/$team/file"
  ok "$team: leaves" umount_coffer "$WORK/$team"
done
(umask 077 && head -c 32 /dev/urandom >"$WORK/key")
exits 0 "red: init" as red "$COFFER" init "s3://$ARN/red/red/vault" "${DOOR[@]}" --key-file "$WORK/key" --no-recovery-key
as red mount_coffer "s3://$ARN/red/red/vault" "$WORK/sealed" "${DOOR[@]}" --key-file "$WORK/key" --sealed=yes \
  --state-dir "$WORK/state.sealed" || bail "sealed: no mount"
ok "sealed: writes" cp /etc/services "$WORK/sealed/secret"
ok "sealed: reads" cmp /etc/services "$WORK/sealed/secret"
ok "sealed: leaves" umount_coffer "$WORK/sealed"

note "and what they cannot"
as red mount_coffer "s3://$ARN/blue/blue" "$WORK/red" "${DOOR[@]}" --state-dir "$WORK/state.other" || bail "red on blue: no mount"
exits 1 "red reads a file of blue" cat "$WORK/red/d/own"
like "$OUTPUT" 'Permission denied' "is refused"
exits 1 "red writes one" cp /etc/services "$WORK/red/d/foreign"
like "$OUTPUT" 'Permission denied' "is refused, too"
ok "it leaves" umount_coffer "$WORK/red"
exits 5 "a wrong secret" env AWS_SECRET_ACCESS_KEY=wrong "$COFFER" mount "s3://$ARN/red/red" "$WORK/red" "${DOOR[@]}" \
  --state-dir "$WORK/state.wrong"

note "who administers the bucket"
mount_coffer "s3://$BUCKET" "$WORK/red" --state-dir "$WORK/state.admin" || bail "admin: no mount"
is "$(ls "$WORK/red") $(cat "$WORK/red/blue/d/own")" $'blue\nred blue' "sees and reads both"
ok "leaves" umount_coffer "$WORK/red"
exits 0 "revoke" "$COFFER" access-point revoke red --principal "arn:aws:iam::$ACCOUNT:user/red" --yes
exits 0 "delete" "$COFFER" access-point delete red --yes
exits 1 "one that is gone" "$COFFER" access-point show red
done_testing
