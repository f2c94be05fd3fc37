#!/usr/bin/env bash
# What a mount promises, on a real server: one suite for all of them, for plain and for sealed volumes. By itself it runs
# on the stand-in and on Ceph RGW; with COFFER_TEST_SERVER (tests/conformance-servers.sh) on that one. "Machines" are
# mounts with directories of their own. What a server does otherwise than AWS stands in one table.
. "${0%/*}/lib/tap.sh"
need_fuse
need_commands jq setfattr getfattr python3 openssl

# SERVER:TOPIC: how this server differs from AWS. What then happens instead is tested where anything can.
declare -A DIFFERENCE=(
  [rgw:conditions-versioned]="Ceph RGW 16.2 ignores If-None-Match in a bucket with versions, and refuses every If-Match"
  [versitygw-sealed:markers]="versitygw 1.8 keeps no bytes in a directory marker, and a sealed one has some"
  [versitygw:name control%01]="versitygw 1.8 lists control characters as U+FFFD"
  [moto:name new%0Aline]="moto 5.2 takes no line feed in a key"
  [moto-access-point:copies]="moto 5.2 does not know a copy source in the form of an access point (404 NoSuchBucket)"
)
differs() {
  REASON=${DIFFERENCE[$SERVER:$1]:-${DIFFERENCE[${SERVER%-sealed}:$1]:-}}
  [[ -n $REASON ]]
}
# unless TOPIC TITLE COMMAND...: a skip with the reason where the server differs
unless() {
  if differs "$1"; then skip "$SERVER: $REASON"; else "${@:2}"; fi
}

# ---- the server ------------------------------------------------------------------------------------------------------
# Sets SERVER, BUCKET, VERSIONS (a bucket with versions), SOURCE and OPTIONS to mount BUCKET with, and VERSIONED to mount
# VERSIONS; TOP is what the mount's keys begin with, KEY the key of a sealed volume or "".
use_server() {
  SERVER=$1 TOP='' KEY='' BUCKET=conformance-$$ VERSIONS=conformance-$$-versions OPTIONS=()
  AT=$WORK/$SERVER
  mkdir -p "$AT"
  # shellcheck disable=SC2119  # the stand-in needs no options here
  case $SERVER in
    stand-in) start_server ;;
    rgw) use_endpoint "$COFFER_TEST_RGW_URL" "$COFFER_TEST_RGW_ACCESS_KEY_ID" "$COFFER_TEST_RGW_SECRET_ACCESS_KEY" ;;
    *)
      use_endpoint "$COFFER_TEST_ENDPOINT" "$COFFER_TEST_ACCESS_KEY_ID" "$COFFER_TEST_SECRET_ACCESS_KEY" \
        "$COFFER_TEST_REGION"
      ;;
  esac
  SOURCE=$BUCKET VERSIONED=$VERSIONS
  s3 PUT "/$BUCKET" >/dev/null || bail "$SERVER: no bucket"
  s3 PUT "/$VERSIONS" >/dev/null || bail "$SERVER: no bucket"
  s3 PUT "/$VERSIONS?versioning=" -H 'Content-Type: application/xml' -d '<VersioningConfiguration
    xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>' >/dev/null ||
    bail "$SERVER: no versions"
}
# The same server by the host name of an access point.
use_access_point() {
  SERVER+=-access-point
  AT=$WORK/$SERVER
  mkdir -p "$AT"
  BUCKET=$COFFER_TEST_ACCESS_POINT_BUCKET SOURCE=$COFFER_TEST_ACCESS_POINT
  OPTIONS=(--endpoint-url "http://${COFFER_TEST_ACCESS_POINT_HOST#*.}" --connect-to "$COFFER_TEST_CONNECT_TO")
}
# Sealed volumes in both buckets of the same server.
use_sealed() {
  SERVER+=-sealed TOP=vault/ KEY=$WORK/$SERVER.key
  AT=$WORK/$SERVER
  mkdir -p "$AT"
  SOURCE=s3://$BUCKET/vault VERSIONED=s3://$VERSIONS/vault OPTIONS=(--sealed=yes --key-file "$KEY")
  (umask 077 && head -c 32 /dev/urandom >"$KEY")
  ok "$SERVER: init" "$COFFER" init "$SOURCE" --key-file "$KEY"
  ok "$SERVER: init, in a bucket with versions" "$COFFER" init "$VERSIONED" --key-file "$KEY"
}
sealed() { [[ -n $KEY ]]; }

# machine NAME [OPTION...]: mounts SOURCE at $AT/NAME, as a machine that has never been here
machine() {
  local name=$1
  shift
  mount_coffer "$SOURCE" "$AT/$name" "${OPTIONS[@]}" --state-dir "$AT/$name.state" --index-dir "$AT/$name.index" "$@" ||
    bail "$SERVER: no mount"
}
gone() { ok "$SERVER: umount of $1" umount_coffer "$AT/$1"; } # what is unsent, unfinished or failed shows here

two_mounts() { timeout 120 python3 tests/lib/two_mounts.py "$@" 2>&1; }
escaped() { python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], "/~"))' "$1"; }
# object KEY: its plaintext
object() { s3 GET "/$BUCKET/$(escaped "$TOP$1")" | opened; }
opened() { if sealed; then "$COFFER" open --key-file "$KEY"; else cat; fi; }
no_object() { ! s3 HEAD "/$BUCKET/$(escaped "$TOP$1")" --head >/dev/null 2>&1; }
# stored_as KEY FILE TITLE: the object holds the bytes of the local FILE
stored_as() { is "$(object "$1" | sha256sum)" "$(sha256sum <"$2")" "$SERVER: $3: the object"; }
# reads_as PATH FILE TITLE: so does the file
reads_as() { is "$(sha256sum <"$1")" "$(sha256sum <"$2")" "$SERVER: $3: the file"; }
# soon COMMAND...: within --metadata-ttl and a margin
soon() { within 8 "$@"; }
says() { [[ $(cat "$1" 2>&1) == "$2" ]]; }

# ---- content ---------------------------------------------------------------------------------------------------------
test_content() {
  local size
  for size in empty one small large; do
    ok "$SERVER: cp of a file: $size" cp "$WORK/$size" "$AT/a/$size"
    stored_as "$size" "$WORK/$size" "$size"
    soon test -e "$AT/b/$size"
    reads_as "$AT/b/$size" "$WORK/$size" "$size, on the other machine"
  done
  is "$(stat -c '%s %F' "$AT/b/large")" "$(stat -c '%s %F' "$WORK/large")" "$SERVER: size"
  is "$(two_mounts ranges "$AT/b/large" "$WORK/large" 60)" same "$SERVER: ranges at random"
  ok "$SERVER: large over small" cp "$WORK/large" "$AT/a/small"
  stored_as small "$WORK/large" "large over small"
  ok "$SERVER: small over large" cp "$WORK/small" "$AT/a/large"
  stored_as large "$WORK/small" "small over large"
  is "$(two_mounts fsync "$AT/a/synced" "$AT/b/synced" 1000)" ok "$SERVER: fsync, and writing goes on"
  ok "$SERVER: truncate to nothing" python3 -c 'import os, sys; os.truncate(sys.argv[1], 0)' "$AT/a/synced"
  is "$(object synced | wc -c)" 0 "$SERVER: truncate to nothing: the object"
}

test_append() {
  cp "$WORK/small" "$AT/a/log" && cp "$WORK/large" "$AT/a/log-large"
  cat "$WORK/small" "$WORK/one" >"$WORK/expected"
  ok "$SERVER: append to a small file" appended "$WORK/one" "$AT/a/log"
  stored_as log "$WORK/expected" "append to a small file"
  cat "$WORK/large" "$WORK/small" >"$WORK/expected"
  ok "$SERVER: append to a large file" appended "$WORK/small" "$AT/a/log-large"
  stored_as log-large "$WORK/expected" "append to a large file"
  reads_as "$AT/a/log-large" "$WORK/expected" "append to a large file"
  sealed || isnt "$(counters "$AT/a" '.requests.UploadPartCopy.count // 0')" 0 "$SERVER: its old bytes are copied by the server"
  is "$(two_mounts fsync "$AT/a/synced-large" "$AT/b/synced-large" 9000000)" ok "$SERVER: fsync inside a stream"
}
appended() { dd if="$1" of="$2" oflag=append conv=notrunc status=none; } # FROM TO; says when close fails

# ---- names -----------------------------------------------------------------------------------------------------------
# Names that need care in a URL, in a signature or in XML.
NAMES=('with space' $'new\nline' '100%' '%41' 'a+b' $'caf\u00e9' $'\u65e5\u672c' '"double"' "it's" '#?&=;' '<tag>' 'back\slash'
  '*[x]' ' ends ' '~' $'control\x01' "$(printf 'n%.0s' {1..255})")

test_names() {
  local name title served=()
  mkdir "$AT/a/names"
  for name in "${NAMES[@]}"; do
    title=$(escaped "${name:0:20}")
    if differs "name $title"; then
      skip "$SERVER: $REASON" 2
      continue
    fi
    served+=("$name")
    # shellcheck disable=SC2016  # expanded inside
    ok "$SERVER: name $title: written and renamed" \
      bash -c 'cp "$1" "$2/$3" && mv "$2/$3" "$2/names/$3"' sh "$WORK/small" "$AT/a" "$name"
    stored_as "names/$name" "$WORK/small" "name $title"
  done
  soon test -d "$AT/b/names"
  is "$(find "$AT/b/names" -mindepth 1 -printf '%f\0' | sort -z | tr '\0' /)" \
    "$(printf '%s\0' "${served[@]}" | sort -z | tr '\0' /)" "$SERVER: names on the other machine"
  is "$(cat "$AT/b/names/"* | sha256sum)" "$(for name in "${served[@]}"; do cat "$WORK/small"; done | sha256sum)" \
    "$SERVER: ... and their content"
  exits 1 "$SERVER: a name that is too long" touch "$AT/a/$(printf 'n%.0s' {1..256})"
  like "$OUTPUT" 'File name too long' "$SERVER: a name that is too long: ENAMETOOLONG"
}

test_deep_directories() {
  local deep
  deep=$(printf 'level/%.0s' {1..40})
  ok "$SERVER: 40 directories deep" mkdir -p "$AT/a/deep/$deep"
  ok "$SERVER: 40 directories deep: a file" cp "$WORK/small" "$AT/a/deep/${deep}file"
  soon test -d "$AT/b/deep"
  reads_as "$AT/b/deep/${deep}file" "$WORK/small" "40 directories deep, on the other machine"
  is "$(find "$AT/b/deep" -type d | wc -l)" 41 "$SERVER: 40 directories deep: find"
  is "$(cat "$AT/a/deep/"*"/${deep#*/}file" | sha256sum)" "$(sha256sum <"$WORK/small")" "$SERVER: 40 directories deep: a glob"
  ok "$SERVER: 40 directories deep: removed" rm -r "$AT/a/deep"
}

test_directories() {
  local a=$AT/a/dirs
  ok "$SERVER: mkdir" mkdir "$a"
  is "$(s3 HEAD "/$BUCKET/${TOP}dirs/" --head -o /dev/null -w '%{http_code}')" 200 "$SERVER: mkdir: its marker"
  exits 1 "$SERVER: mkdir again" mkdir "$a"
  like "$OUTPUT" 'File exists' "$SERVER: mkdir again: EEXIST"
  mkdir "$a/sub" && cp "$WORK/small" "$a/sub/file"
  exits 1 "$SERVER: rmdir of a full one" rmdir "$a/sub"
  like "$OUTPUT" 'not empty' "$SERVER: rmdir of a full one: ENOTEMPTY"
  ok "$SERVER: unlink" rm "$a/sub/file"
  ok "$SERVER: unlink: the object is gone" no_object dirs/sub/file
  ok "$SERVER: rmdir" rmdir "$a/sub"
  ok "$SERVER: rmdir: the marker is gone" no_object dirs/sub/
  is "$(ls "$a")" "" "$SERVER: and the directory is empty"
  sealed || test_implicit_directory "$a"
}
test_implicit_directory() { # DIR
  local a=$1
  s3_put "/$BUCKET/dirs/implicit/file" implicit
  ok "$SERVER: a directory without a marker, seen after a moment" soon says "$a/implicit/file" implicit
}

test_rename() {
  local i a=$AT/a/rename
  mkdir -p "$a/from/sub" "$a/to"
  cp "$WORK/small" "$a/f" && cp "$WORK/one" "$a/g"
  ok "$SERVER: rename onto a file" mv -f "$a/f" "$a/g"
  stored_as rename/g "$WORK/small" "rename onto a file"
  ok "$SERVER: rename: the old object is gone" no_object rename/f
  cp "$WORK/large" "$a/large"
  ok "$SERVER: rename of a large file" mv "$a/large" "$a/to/large"
  stored_as rename/to/large "$WORK/large" "rename of a large file"
  ok "$SERVER: symlink" ln -s to/large "$a/link"
  soon test -L "$AT/b/rename/link"
  is "$(readlink "$AT/b/rename/link")" to/large "$SERVER: symlink on the other machine"
  reads_as "$AT/b/rename/link" "$WORK/large" "through the symlink"
  for i in {1..25}; do echo "$i" >"$a/from/sub/$i"; done
  ok "$SERVER: rename of a directory" mv "$a/from" "$a/to/from"
  soon test -d "$AT/b/rename/to/from"
  is "$(cd "$AT/b/rename/to/from/sub" && cat {1..25} | tr '\n' ' ')" "$(echo {1..25}) " \
    "$SERVER: rename of a directory, on the other machine"
  is "$(s3 GET "/$BUCKET?list-type=2&prefix=${TOP/\//%2F}rename%2Ffrom%2F" | grep -o '<Key>' | wc -l)" 0 \
    "$SERVER: rename of a directory: nothing of the old names is left"
}

# ---- attributes ------------------------------------------------------------------------------------------------------
test_attributes() {
  local f=$AT/a/attributes
  cp "$WORK/small" "$f"
  # shellcheck disable=SC2016  # expanded inside
  ok "$SERVER: chmod, chown, utimens, setxattr" bash -c 'chmod 640 "$1" && touch -d "2001-02-03 04:05:06.789 UTC" "$1" &&
    { ((EUID)) || chown 1234:5678 "$1"; } && setfattr -n user.color -v "dark blue" "$1"' sh "$f"
  mkdir "$AT/a/attributes-dir" && chmod 751 "$AT/a/attributes-dir"
  describe "$f" "seen at once"
  gone a
  machine a
  describe "$f" "after a remount"
  stored_as attributes "$WORK/small" "with attributes"
  is "$(stat -c %a "$AT/a/attributes-dir")" 751 "$SERVER: chmod of a directory, after a remount"
  ok "$SERVER: removexattr" setfattr -x user.color "$f"
  nok "$SERVER: removexattr: it is gone" getfattr --absolute-names -n user.color "$f"
  like "$(getfattr --absolute-names --only-values -n user.coffer.etag "$f")" '^"?[0-9a-f]{32}' "$SERVER: user.coffer.etag"
}
describe() { # FILE TITLE
  local owner=1234:5678
  ((EUID)) && owner=$(id -u):$(id -g)
  is "$(TZ=UTC stat -c '%a %u:%g %y' "$1")" "640 $owner 2001-02-03 04:05:06.789000000 +0000" "$SERVER: attributes $2"
  is "$(getfattr --absolute-names --only-values -n user.color "$1")" "dark blue" "$SERVER: xattr $2"
}

test_listing() {
  if sealed; then
    mkdir "$AT/b/many" && two_mounts many "$AT/b/many" 1100
    soon test -e "$AT/a/many/1100"
  else
    s3 PUT "/$BUCKET/many/[0001-1100]" --data-binary x -H 'Content-Type: text/plain' -Z --parallel-max 8 >/dev/null 2>&1
  fi
  # shellcheck disable=SC2012  # ls itself is tested
  is "$(ls "$AT/a/many" | md5sum)" "$(printf '%04d\n' {1..1100} | md5sum)" "$SERVER: ls of 1,100 names"
  is "$(find "$AT/a/many" -type f | wc -l)" 1100 "$SERVER: find of 1,100 files"
  ok "$SERVER: coffer rm -r" "$COFFER" rm -r --yes "$AT/a/many"
  is "$(s3 GET "/$BUCKET?list-type=2&prefix=${TOP/\//%2F}many%2F" | grep -o '<Key>' | wc -l)" 0 "$SERVER: coffer rm -r: nothing is left"
}

# ---- two machines ----------------------------------------------------------------------------------------------------
test_seen_elsewhere() {
  local result
  echo one >"$AT/a/seen"
  ok "$SERVER: a new file is seen" soon says "$AT/b/seen" one
  echo two >"$AT/b/seen"
  ok "$SERVER: a replaced one is seen" soon says "$AT/a/seen" two
  rm "$AT/a/seen"
  ok "$SERVER: a removed one is not" soon nothing_at "$AT/b/seen"
  cp "$WORK/large" "$AT/a/open" && cp "$WORK/large" "$WORK/other" && printf 'something else' >>"$WORK/other"
  result=$(two_mounts reader "$AT/b/open" "$AT/a/open" "$WORK/other")
  like "$result" '^(old|told)$' "$SERVER: an open reader gets one version, or is told"
  ok "$SERVER: and who opens anew the new one" soon same "$AT/b/open" "$WORK/other"
}
nothing_at() { [[ ! -e $1 ]]; }
same() { cmp -s "$1" "$2"; }

# One after the other: also where the server's conditions do not count, Coffer looks before it writes.
test_lost_updates() {
  is "$(two_mounts last "$AT/a/excl" "$AT/b/excl" excl)" "ok EEXIST" "$SERVER: O_EXCL of two machines: one is told"
  is "$(object excl)" "excl of a" "$SERVER: O_EXCL: the winner's content"
  echo old >"$AT/a/lost"
  is "$(two_mounts last "$AT/a/lost" "$AT/b/lost" update)" "ok ESTALE" "$SERVER: a lost update is told"
  is "$(object lost)" "update of a" "$SERVER: a lost update: the winner's content"
  ok "$SERVER: a lost update: the bytes are rescued" rescued "update of b" "$AT/b.state/rescue"
  echo old >"$AT/a/lines"
  is "$(two_mounts last "$AT/a/lines" "$AT/b/lines" append)" "ok ESTALE" "$SERVER: a lost append is told"
  is "$(object lines | tr '\n' ' ')" "old append of a " "$SERVER: a lost append: the winner's content"
  ok "$SERVER: the window is said" grep -rq "conditional writes are not known to work on this server" "$WORK/log/a" "$WORK/log/b"
}

rescued() { # TEXT DIR
  local file
  while read -r file; do [[ $(opened <"$file" 2>/dev/null) != "$1" ]] || return 0; done < <(find "$2" -type f)
  return 1
}

# At once: the server's own conditions decide.
test_races() {
  local appended
  is "$(two_mounts race "$AT/a" "$AT/b" excl 15)" "15 of 15" "$SERVER: O_EXCL at once: one winner each time"
  is "$(two_mounts race "$AT/a" "$AT/b" update 15)" "15 of 15" "$SERVER: updates at once: one winner each time"
  : >"$AT/a/journal"
  soon test -e "$AT/b/journal"
  appended=$(two_mounts append "$AT/a/journal" "$AT/b/journal" 25 "$WORK/acknowledged")
  is "$appended" ok "$SERVER: two appenders: a line is taken, or its writer is told ESTALE"
  is "$(object journal | sort)" "$(cat "$WORK/acknowledged")" "$SERVER: two appenders: what was taken is there, once"
  ok "$SERVER: two appenders: some lines were taken" test "$(wc -l <"$WORK/acknowledged")" -ge 2
}

# ---- other mounts ----------------------------------------------------------------------------------------------------
versions_of() { s3 GET "/$VERSIONS?prefix=${TOP/\//%2F}$1&versions=" | grep -oE "<$2>" | wc -l; }
versioned_mount() { # NAME
  mount_coffer "$VERSIONED" "$AT/$1" "${OPTIONS[@]}" --state-dir "$AT/$1.state" --index-dir "$AT/$1.index" || bail "$SERVER: no mount"
}
test_versions() {
  versioned_mount va
  versioned_mount vb
  echo one >"$AT/va/file" && echo two >"$AT/va/file"
  dd if="$WORK/one" of="$AT/va/file" oflag=append conv=notrunc status=none
  is "$(versions_of file Version)" 3 "$SERVER: versions: one for each write"
  ok "$SERVER: versions: rename" mv "$AT/va/file" "$AT/va/moved"
  is "$(versions_of file Version) $(versions_of file DeleteMarker)" "3 1" "$SERVER: versions: rename leaves a marker"
  is "$(cat "$AT/vb/moved")" "two"$'\n'"$(cat "$WORK/one")" "$SERVER: versions: renamed, on the other machine"
  rm "$AT/va/moved"
  is "$(versions_of moved Version) $(versions_of moved DeleteMarker)" "1 1" "$SERVER: versions: unlink leaves a marker"
  echo again >"$AT/va/moved"
  is "$(cat "$AT/va/moved")" again "$SERVER: versions: a removed name is used again"
  is "$(two_mounts last "$AT/va/excl" "$AT/vb/excl" excl)" "ok EEXIST" "$SERVER: versions: O_EXCL of two machines"
  is "$(two_mounts last "$AT/va/excl" "$AT/vb/excl" update)" "ok ESTALE" "$SERVER: versions: a lost update is told"
  unless conditions-versioned is "$(two_mounts race "$AT/va" "$AT/vb" update 10)" "10 of 10" \
    "$SERVER: versions: updates at once: one winner each time"
  gone va
  gone vb
}

test_prefix() {
  machine p --prefix some/prefix
  ok "$SERVER: prefix: written" cp "$WORK/small" "$AT/p/below"
  stored_as some/prefix/below "$WORK/small" "prefix"
  is "$(ls "$AT/p")" below "$SERVER: prefix: nothing else is seen"
  gone p
}

test_read_only() {
  machine r --read-only
  reads_as "$AT/r/log-large" "$AT/a/log-large" "read-only"
  exits 1 "$SERVER: read-only: no new file" touch "$AT/r/new"
  like "$OUTPUT" 'Read-only file system' "$SERVER: read-only: EROFS"
  nok "$SERVER: read-only: nothing is removed" rm -f "$AT/r/log-large"
  is "$(stat -f -c '%s %l %b %a' "$AT/r")" "4096 255 274877906944 274877906944" "$SERVER: statfs"
  gone r
}

run_suite() { # SERVER
  use_server "$1"
  run_all
  use_sealed
  run_all
}
run_all() {
  local began=$SECONDS
  machine a
  machine b
  test_content
  test_append
  if differs markers; then test_no_markers; else test_trees; fi
  leave
  note "$SERVER: $((SECONDS - began)) s"
}
# All that needs directories.
test_trees() {
  test_names
  test_deep_directories
  test_directories
  test_rename
  test_attributes
  test_listing
  test_seen_elsewhere
  test_lost_updates
  test_races
  test_versions
  sealed || test_prefix
  test_read_only
}
# A directory that the server cannot hold is refused, and nothing of it is left.
test_no_markers() {
  skip "$SERVER: $REASON"
  like "$(mkdir "$AT/a/refused" 2>&1)" 'Operation not supported$' "$SERVER: mkdir is refused"
  nok "$SERVER: a refused mkdir: no directory" test -e "$AT/a/refused"
  ok "$SERVER: a refused mkdir: no object" no_object refused/
}
# What a server of others can show of access points by host name.
run_access_point() {
  use_access_point
  machine a
  machine b
  test_content
  test_directories
  test_listing
  test_seen_elsewhere
  test_lost_updates
  test_races
  test_prefix
  test_copies_refused
  leave
}
test_copies_refused() {
  differs copies || return
  note "$SERVER: $REASON"
  cp "$WORK/small" "$AT/a/stays"
  exits 1 "$SERVER: a rename is refused" mv "$AT/a/stays" "$AT/a/goes"
  stored_as stays "$WORK/small" "a refused rename"
  ok "$SERVER: a refused rename: no new name" no_object goes
}
leave() {
  gone a
  gone b
  is "$(s3 GET "/$BUCKET?uploads=" | grep -o '<Upload>' | wc -l)" 0 "$SERVER: no unfinished upload is left"
}

export -n COFFER_TEST_CONNECT_TO # coffer takes COFFER_ names that look like an option for a mistake
: >"$WORK/empty"
echo 1 >"$WORK/one"
head -c 100000 /dev/urandom >"$WORK/small"
head -c 20000000 /dev/urandom >"$WORK/large"
if [[ -n ${COFFER_TEST_SERVER:-} ]]; then
  run_suite "$COFFER_TEST_SERVER"
  [[ -z ${COFFER_TEST_ACCESS_POINT:-} ]] || run_access_point
else
  run_suite stand-in
  stop_server
  if [[ -n ${COFFER_TEST_RGW_URL:-} ]]; then run_suite rgw; else skip "no Ceph RGW (make check starts one, unless RGW=0)"; fi
fi
done_testing
