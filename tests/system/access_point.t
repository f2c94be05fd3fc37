#!/usr/bin/env bash
# Through an access point, by host name: its ARN, its alias, a multi-Region one, a directory bucket's session; over TLS
# on the stand-in, and on Ceph RGW, where a bucket NAME-ACCOUNT stands for the access point.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq openssl

REGION=us-west-2
ACCOUNT=123456789012
ARN=arn:aws:s3:$REGION:$ACCOUNT:accesspoint
SOURCE_ARN=arn%3Aaws%3As3%3A$REGION%3A$ACCOUNT%3Aaccesspoint
POINT=my-ap-$ACCOUNT.s3-accesspoint.$REGION.amazonaws.com
MRAP=mfzwi23gnjvgw.mrap
DIRECTORY_BUCKET=fast--usw2-az1--x-s3
M=$WORK/m
head -c 20000000 /dev/urandom >"$WORK/large"
echo "one line" >"$WORK/line"

# through HOST: the option that sends what is meant for HOST to the server of this test
through() { OPTIONS=(--connect-to "$1:443:127.0.0.1:$SERVER_PORT" --ca-bundle "$WORK/tls/ca.pem"); }
open_door() { # SOURCE [OPTION...]
  mount_coffer "$1" "$M" "${OPTIONS[@]}" --state-dir "$(mktemp -d "$WORK/state.XXXXXX")" "${@:2}" || bail "no mount of $1"
}
leave() { ok "$1: umount, with nothing unsent" umount_coffer "$M"; }
appended() { dd if="$1" of="$2" oflag=append conv=notrunc status=none; }
same() { is "$(sha256sum <"$1")" "$(sha256sum <"$2")" "$3"; }
copy_sources() { server_requests '[.[].copy_source | select(. != "")] | unique | join(" ")'; }
hosts() { server_requests '[.[].host] | unique | join(" ")'; }

# What people do with files, through whichever door; DOOR is for the titles.
work_through() { # DOOR SOURCE_PREFIX HOST
  local door=$1 prefix=$2 host=$3 i
  server_forget
  ok "$door: write" cp "$WORK/large" "$M/large"
  same "$M/large" "$WORK/large" "$door: read"
  is "$(stored data large | sha256sum)" "$(sha256sum <"$WORK/large")" "$door: it is in the bucket behind"
  is "$(copy_sources)" "" "$door: no copy so far"
  ok "$door: rename" mv "$M/large" "$M/a b"
  is "$(copy_sources)" "$prefix/large" "$door: rename: the copy source is in the door's form"
  server_forget
  ok "$door: append to a large file" appended "$WORK/line" "$M/a b"
  cat "$WORK/large" "$WORK/line" >"$WORK/expected"
  same "$M/a b" "$WORK/expected" "$door: append: content"
  is "$(requests_of UploadPartCopy | sed 's/[1-9].*/some/') $(copy_sources)" "some $prefix/a%20b" \
    "$door: append: the old bytes are copied, the source in the door's form"
  mkdir "$M/from"
  for i in {1..12}; do echo "$i" >"$M/from/$i"; done
  server_forget
  ok "$door: rename of a directory" mv "$M/from" "$M/to"
  is "$(cat "$M/to/"{1..12} | tr '\n' ' ')" "$(echo {1..12}) " "$door: rename of a directory: content"
  is "$(server_requests '[.[].copy_source | select(. != "")] | length')" 13 "$door: rename of a directory: 13 copies"
  is "$(server_requests "[.[].copy_source | select(. != \"\" and (startswith(\"$prefix/from/\") | not))] | length")" 0 \
    "$door: ... each in the door's form"
  is "$(keys_of data from/)" "" "$door: ... and no old name is left"
  ok "$door: chmod" chmod 600 "$M/to/1"
  ok "$door: rm" rm -r "$M/to" "$M/a b"
  is "$(hosts)" "$host" "$door: every request went to that host"
}

# ---- the stand-in, over TLS ------------------------------------------------------------------------------------------
make_certificate "*.s3-accesspoint.$REGION.amazonaws.com" "*.s3.$REGION.amazonaws.com" "$MRAP.accesspoint.s3-global.amazonaws.com" \
  "$DIRECTORY_BUCKET.s3express-usw2-az1.$REGION.amazonaws.com" >/dev/null || bail "no certificate"
start_server --tls "$WORK/tls/server.crt" "$WORK/tls/server.key" --region "$REGION" --bucket data --bucket kept \
  --bucket "$DIRECTORY_BUCKET" --access-point my-ap=data --access-point kept=kept --mrap "$MRAP=data"
unset AWS_ENDPOINT_URL AWS_REGION
export AWS_REGION=eu-central-1 # the ARN says the Region

through "$POINT"
server_forget
open_door "$ARN/my-ap"
note "asked when mounting: $(requests_made)"
is "$(requests_of GetBucketVersioning) $(server_requests '[.[] | select(.status >= 500)] | length')" "0 0" \
  "ARN: nothing is asked that an access point does not answer"
work_through ARN "$SOURCE_ARN/my-ap/object" "$POINT"
leave ARN

export AWS_REGION=$REGION
alias=$(server_control GET access-points | jq -r '.[] | select(.name == "my-ap") | .alias')
like "$alias" '^my-ap-.*-s3alias$' "the access point has an alias"
through "$alias.s3.$REGION.amazonaws.com"
open_door "$alias"
work_through alias "$alias" "$alias.s3.$REGION.amazonaws.com"
is "$(server_requests '[.[].address] | unique | join(" ")')" alias "alias: the service took it for one"
leave alias

note "what the access point does not say is told by objects"
server_control POST buckets/kept/settings '{"versioning": "Enabled"}' >/dev/null
server_control POST buckets/kept/put '{"key": "there", "body": "x"}' >/dev/null
through "kept-$ACCOUNT.s3-accesspoint.$REGION.amazonaws.com"
server_forget
exits 0 "doctor of an access point" "$COFFER" doctor "$ARN/kept" "${OPTIONS[@]}"
like "$OUTPUT" 'versioning' "doctor speaks of versioning"
is "$(server_requests '[.[] | select(.method != "GET" and .method != "HEAD" and .operation != "GetCallerIdentity")] | length')" \
  0 "doctor of an access point writes nothing"
open_door "$ARN/kept"
echo one >"$M/f" && echo two >"$M/f"
ok "access point, versions: rename" mv "$M/f" "$M/g"
ok "access point, versions: rm" rm "$M/g"
leave "access point, versions"
is "$(s3 GET "/kept?versions=" | grep -oE '<(Version|DeleteMarker)>' | sort | uniq -c | tr -d '\n ')" \
  "2<DeleteMarker>4<Version>" "access point, versions: three contents and two markers beside what was there"

note "a multi-Region access point"
through "$MRAP.accesspoint.s3-global.amazonaws.com"
server_control POST buckets/data/put '{"key": "far/k", "body": "far away"}' >/dev/null
server_forget
open_door "arn:aws:s3::$ACCOUNT:accesspoint/$MRAP"
is "$(cat "$M/far/k")" "far away" "multi-Region: read"
is "$(ls "$M")" far "multi-Region: ls"
is "$(server_requests '[.[].signed] | unique | join(" ")')" AWS4-ECDSA-P256-SHA256 "multi-Region: signed with SigV4A"
nok "multi-Region: read-only unless asked for otherwise" touch "$M/new"
ok "multi-Region: why is said" grep -rqE 'mounted read-only: a multi-Region.*--read-only=false' "$WORK/log"
leave multi-Region
open_door "arn:aws:s3::$ACCOUNT:accesspoint/$MRAP" -o rw
nok "multi-Region: what mount(8) always says is not asking" touch "$M/new"
leave multi-Region
open_door "arn:aws:s3::$ACCOUNT:accesspoint/$MRAP" --read-only=false
ok "multi-Region: --read-only=false: write" cp "$WORK/line" "$M/far/line"
is "$(stored data far/line)" "one line" "multi-Region: --read-only=false: it is in the bucket behind"
ok "multi-Region: --read-only=false: that there is a risk is said" grep -rq 'of two writers one may be lost' "$WORK/log"
leave "multi-Region: --read-only=false"

note "a directory bucket"
through "$DIRECTORY_BUCKET.s3express-usw2-az1.$REGION.amazonaws.com"
server_control POST settings '{"session_seconds": 300}' >/dev/null
server_forget
open_door "$DIRECTORY_BUCKET"
mkdir "$M/d" && cp "$WORK/line" "$M/d/file" && cp "$WORK/large" "$M/d/large"
same "$M/d/large" "$WORK/large" "directory bucket: read"
is "$(cd "$M/d" && printf '%s ' *)" "file large " "directory bucket: ls"
is "$(requests_of CreateSession)" 1 "directory bucket: one session"
server_forget
ok "directory bucket: rename of a file" mv "$M/d/large" "$M/d/a b+c"
is "$(requests_of RenameObject) $(requests_of CopyObject) $(requests_of DeleteObject)" "1 0 0" \
  "directory bucket: rename: one request, and no copy"
same "$M/d/a b+c" "$WORK/large" "directory bucket: rename: content"
cp "$WORK/line" "$M/d/other"
ok "directory bucket: rename onto a file" mv -f "$M/d/other" "$M/d/file"
same "$M/d/file" "$WORK/line" "directory bucket: rename onto a file: content"
is "$(cd "$M/d" && printf '%s ' *)" "a b+c file " "directory bucket: what is left"
ok "directory bucket: rename of a directory" mv "$M/d" "$M/e"
same "$M/e/a b+c" "$WORK/large" "directory bucket: rename of a directory: content"
is "$(requests_of CreateSession)" 0 "directory bucket: no further session"
leave "directory bucket"
is "$(server_control GET counters | jq .crashes)" 0 "the stand-in had no trouble"
stop_server

# ---- Ceph RGW: a server that knows the host name, but neither the ARN in a copy source nor all conditions --------------
if [[ -z ${COFFER_TEST_RGW_URL:-} ]]; then
  skip "no Ceph RGW (make check starts one, unless RGW=0)"
  done_testing
  exit
fi
use_endpoint "$COFFER_TEST_RGW_URL" "$COFFER_TEST_RGW_ACCESS_KEY_ID" "$COFFER_TEST_RGW_SECRET_ACCESS_KEY" "$REGION"
unset AWS_ENDPOINT_URL
BUCKET=my-ap-$ACCOUNT
ALIAS=my-ap-0123456789abcdefghijklmnopqrstuvwxyz-s3alias
s3 PUT "/$BUCKET" >/dev/null || bail "RGW: no bucket"
s3 PUT "/$ALIAS" >/dev/null || bail "RGW: no bucket"
# at_rgw HOST
at_rgw() { OPTIONS=(--connect-to "$1:443:127.0.0.1:$COFFER_TEST_RGW_TLS_PORT" --ca-bundle "$COFFER_TEST_RGW_CA"); }
two_mounts() { timeout 60 python3 tests/lib/two_mounts.py "$@" 2>&1; }

at_rgw "$POINT"
open_door "$ARN/my-ap"
mount_coffer "$ARN/my-ap" "$WORK/other" "${OPTIONS[@]}" --state-dir "$WORK/other.state" || bail "RGW: no second mount"
ok "RGW: write" cp "$WORK/large" "$M/large"
is "$(s3 GET "/$BUCKET/large" | sha256sum)" "$(sha256sum <"$WORK/large")" "RGW: it is in the bucket behind"
same "$WORK/other/large" "$WORK/large" "RGW: read on another machine"
# a name of AWS is not AWS: RGW answers 412 to every quoted If-Match, and ignores it at the end of an upload
ok "RGW: overwrite" cp "$WORK/line" "$M/large"
ok "RGW: append" appended "$WORK/line" "$M/large"
is "$(s3 GET "/$BUCKET/large")" "$(cat "$WORK/line" "$WORK/line")" "RGW: overwrite and append: content"
echo old >"$M/lost"
is "$(two_mounts last "$M/lost" "$WORK/other/lost" update)" "ok ESTALE" "RGW: a lost update is told"
is "$(s3 GET "/$BUCKET/lost")" "update of a" "RGW: a lost update: the winner's content"
ok "RGW: that there is a window is said" grep -rq "conditional writes are not known to work on this server" "$WORK/log"
exits 1 "RGW: knows no copy source of an access point" mv "$M/lost" "$M/moved"
is "$(s3 GET "/$BUCKET/lost")" "update of a" "RGW: a refused rename leaves the file"
ok "RGW: rm" rm "$M/lost" "$M/large"
ok "RGW: umount of the second" umount_coffer "$WORK/other"
leave RGW

at_rgw "$ALIAS.s3.$REGION.amazonaws.com"
open_door "$ALIAS"
ok "RGW, alias: write" cp "$WORK/large" "$M/large"
ok "RGW, alias: rename" mv "$M/large" "$M/a b"
ok "RGW, alias: append to a large file" appended "$WORK/line" "$M/a b"
cat "$WORK/large" "$WORK/line" >"$WORK/expected"
is "$(s3 GET "/$ALIAS/a%20b" | sha256sum)" "$(sha256sum <"$WORK/expected")" "RGW, alias: rename and append: content"
mkdir "$M/from" && echo x >"$M/from/x"
ok "RGW, alias: rename of a directory" mv "$M/from" "$M/to"
is "$(cat "$M/to/x")" x "RGW, alias: rename of a directory: content"
ok "RGW, alias: rm" rm -r "$M/to" "$M/a b"
leave "RGW, alias"
s3 DELETE "/$BUCKET" && s3 DELETE "/$ALIAS"
done_testing
