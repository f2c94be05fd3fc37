#!/usr/bin/env bash
# A ransomware drill: does what is locked survive an intruder who is root on the backup machine and has its credentials?
#
#   drill.sh SOURCE [MODE:TIME]
#
# SOURCE is a bucket with Object Lock, s3://BUCKET/PREFIX or an access point; MODE:TIME is the lock, governance:1h if
# left out. The drill makes a new sealed volume SOURCE/drill-DATE, fills it, attacks that and nothing else, and brings
# it back. Exit code 0: all that was locked is still there and was restored; 1: it is not, or the drill could not be
# held. What it leaves behind is locked for TIME and can be removed after that.
# Needs restic, curl, openssl, python3, chattr and setfattr; credentials as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and,
# with temporary ones, AWS_SESSION_TOKEN.
set -euo pipefail

die() {
  echo "drill: $*" >&2
  exit 1
}
[[ $# == [12] ]] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
for name in coffer restic curl openssl python3 chattr setfattr; do
  command -v "$name" >/dev/null || die "$name is not installed"
done
[[ -n ${AWS_ACCESS_KEY_ID:-} && -n ${AWS_SECRET_ACCESS_KEY:-} ]] || die "set AWS_ACCESS_KEY_ID and" \
  "AWS_SECRET_ACCESS_KEY, for instance by: eval \"\$(aws configure export-credentials --format env)\""

LOCK=${2:-governance:1h}
SOURCE=${1%/}/drill-$(date -u +%Y%m%dT%H%M%SZ)
COMPLIANCE=()
[[ $LOCK != compliance:* ]] || COMPLIANCE=(--allow-compliance)
WORK=$(mktemp -d)
MOUNT=$WORK/mount
mkdir "$MOUNT" "$WORK/reply" "$WORK/before" "$WORK/after"
clean_up() {
  cd /
  ! mountpoint -q "$MOUNT" || coffer umount "$MOUNT"
  rm -rf --one-file-system "$WORK"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
export RESTIC_PASSWORD=drill RESTIC_CACHE_DIR=$WORK/cache

# ---- raw requests, of which coffer knows nothing ----------------------------------------------------------------
quote() { python3 -c 'import sys, urllib.parse as u; print(u.quote(sys.argv[1], safe=sys.argv[2]))' "$@"; }
resolved() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <"$WORK/resolved"; }
find_bucket() {
  coffer resolve --json "$SOURCE" >"$WORK/resolved"
  [[ $(resolved scheme) == sigv4 ]] || die "this kind of address takes signatures that curl does not make"
  REGION=$(resolved region) PREFIX=$(resolved key_prefix) BUCKET_URL=$(resolved url)
  PREFIX_URL=$BUCKET_URL/$(quote "$PREFIX" /)
}

# s3_each METHOD [CURL OPTION...]: one signed request for each line "URL FILE" of stdin, whose reply goes to FILE;
# prints "STATUS URL". The secrets reach curl by a pipe, not by its command line.
s3_each() {
  local method=$1 url file
  shift
  {
    printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
    [[ -z ${AWS_SESSION_TOKEN:-} ]] || printf 'header = "x-amz-security-token: %s"\n' "$AWS_SESSION_TOKEN"
    while read -r url file; do printf 'url = "%s"\noutput = "%s"\n' "$url" "$file"; done
  } | curl -sS -X "$method" --aws-sigv4 "aws:amz:$REGION:s3" -H x-amz-content-sha256:UNSIGNED-PAYLOAD \
    -w '%{http_code} %{url}\n' "$@" -K -
}
# s3_put_each BODY [CURL OPTION...]: the same, PUT with the file BODY
s3_put_each() {
  s3_each PUT --data-binary "@$1" -H Content-Type:application/octet-stream \
    -H "Content-MD5: $(openssl dgst -md5 -binary "$1" | base64)" "${@:2}"
}

# list_versions: "NAME VERSION", percent-encoded, of every version of the volume that is no marker
list_versions() {
  local status
  status=$(s3_each GET <<<"$BUCKET_URL/?prefix=$(quote "$PREFIX" '')&versions= $WORK/list")
  [[ $status == 200* ]] || die "the versions cannot be listed: $(<"$WORK/list")"
  python3 - "$WORK/list" "$PREFIX" <<'PYTHON'
import sys, urllib.parse, xml.etree.ElementTree as xml
root = xml.parse(sys.argv[1]).getroot()
space = root.tag[:root.tag.index("}") + 1] if root.tag.startswith("{") else ""
if root.findtext(space + "IsTruncated") == "true":
    sys.exit("drill: more than one page of versions")
for version in root.findall(space + "Version"):
    key, number = version.findtext(space + "Key"), version.findtext(space + "VersionId")
    print(urllib.parse.quote(key[len(sys.argv[2]):], safe="/-_.~"), urllib.parse.quote(number, safe="-_.~"))
PYTHON
}
# requests DIR [SUFFIX] <VERSIONS: the lines for s3_each, one for each version, with a file in DIR for each reply
requests() {
  local name version n=0
  while read -r name version; do echo "$PREFIX_URL$name?${2:-}versionId=$version $1/$((++n))"; done
}
# names DIR <VERSIONS: the same for each name
names() {
  local name n=0
  cut -d' ' -f1 | sort -u | while read -r name; do echo "$PREFIX_URL$name $1/$((++n))"; done
}

# ---- what is to survive -----------------------------------------------------------------------------------------
# shellcheck disable=SC2119,SC2120  # options come by way of expect
mount_it() { coffer mount --sealed=yes --key-file "$WORK/key" "${COMPLIANCE[@]}" "$@" "$SOURCE" "$MOUNT"; }

make_volume() {
  local rules=() glob
  (umask 077 && head -c 32 /dev/urandom >"$WORK/key")
  for glob in 'repo/data/**' 'repo/keys/**' 'repo/index/**' 'repo/snapshots/**' repo/config 'files/**'; do
    rules+=(--lock-rule "$glob=$LOCK")
  done
  coffer init --key-file "$WORK/key" "${COMPLIANCE[@]}" "${COMPLIANCE[@]/#*/--yes}" --lock-rule 'repo/locks/**=none' "${rules[@]}" "$SOURCE"
}

fill_volume() {
  local n
  mkdir -p "$MOUNT/files/letters" "$MOUNT/not-locked" "$WORK/tree/home"
  for n in 1 2 3; do
    echo "Dear reader, this is letter $n." >"$MOUNT/files/letters/$n.txt"
    head -c 300000 /dev/urandom >"$MOUNT/files/picture $n.raw"
    echo "nothing locks this" >"$MOUNT/not-locked/$n"
  done
  : >"$MOUNT/files/empty"
  restic -q -r "$MOUNT/repo" init
  for n in 1 2; do
    head -c 1500000 /dev/urandom >"$WORK/tree/home/disk-$n"
    echo "note $n" >"$WORK/tree/home/note-$n"
    restic -q -r "$MOUNT/repo" backup "$WORK/tree"
  done
}

# locked_files: the files of the mount that rules lock, NUL between them
locked_files() { (cd "$MOUNT" && find files repo -type f ! -path 'repo/locks/*' -print0 | sort -z); }

# ---- the intruder on the mount ----------------------------------------------------------------------------------
# shellcheck disable=SC2016  # for another shell
# each takes a file, $1, and has the ransom note in $NOTE; all of them succeed on a file that is not locked
ATTACKS=(
  'cat "$NOTE" >"$1"' # over it
  'cat "$NOTE" >>"$1"'
  'truncate -s 1 "$1"'
  'dd if="$NOTE" of="$1" conv=notrunc status=none'
  'openssl enc -aes-256-ctr -pass pass:x -pbkdf2 -in "$1" -out "$NOTE.enc" && cat "$NOTE.enc" >"$1"'
  'openssl enc -aes-256-ctr -pass pass:x -pbkdf2 -in "$1" -out "$NOTE.enc" && cp "$NOTE.enc" "$1.enc" && mv -f "$1.enc" "$1"'
  'mv -f "$1" "$1.stolen"'
  'mv -f "$1" "${1%/*}/../stolen"'
  'shred -n 1 "$1"'
  'setfattr -n user.coffer.lock.retain-until -v 2001-01-01T00:00:00Z "$1"'
  'rm -f "$1"'
)
# attack_mount: tries each on each locked file, then on whole directories; prints what succeeded
attack_mount() {
  local file attack directory
  export NOTE=$WORK/note
  echo "YOUR FILES ARE ENCRYPTED" >"$NOTE"
  tries=0
  while IFS= read -r -d '' file; do
    for attack in "${ATTACKS[@]}"; do
      tries=$((tries + 1))
      ! bash -c "$attack" - "$MOUNT/$file" >>"$WORK/refused" 2>&1 || echo "$attack: $file" >>"$WORK/succeeded"
    done
  done < <(locked_files)
  for directory in files repo repo/data repo/keys; do
    tries=$((tries + 1))
    ! mv "$MOUNT/$directory" "$MOUNT/stolen" 2>>"$WORK/refused" || echo "mv $directory" >>"$WORK/succeeded"
  done
  chattr -R -i "$MOUNT" >>"$WORK/refused" 2>&1 || true # a legal hold would end by it, which retention does not
  rm -rf "${MOUNT:?}"/* 2>>"$WORK/refused" || true
}

# ---- the intruder with the credentials --------------------------------------------------------------------------
attack_bucket() {
  local sooner=$WORK/sooner bypass=(-H x-amz-bypass-governance-retention:true)
  printf '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>GOVERNANCE</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>' \
    "$(date -u -d '+1 minute' +%FT%TZ)" >"$sooner"
  {
    requests "$WORK/reply" "retention=&" <"$WORK/locked" | s3_put_each "$sooner"
    requests "$WORK/reply" "retention=&" <"$WORK/locked" | s3_put_each "$sooner" "${bypass[@]}"
    requests "$WORK/reply" <"$WORK/versions" | s3_each DELETE
    requests "$WORK/reply" <"$WORK/versions" | s3_each DELETE "${bypass[@]}"
    names "$WORK/reply" <"$WORK/versions" | s3_put_each "$NOTE"
    names "$WORK/reply" <"$WORK/versions" | s3_each DELETE
  } >"$WORK/statuses"
}

# keep DIR: the bytes of each locked version, or the error that came in their place
keep() { requests "$1" <"$WORK/locked" | s3_each GET >"$1.statuses"; }
# count PATTERN FILE: lines that match
count() { grep -cE "$1" "$2" || true; }
# now: the server's time, once it is over
now() {
  local date
  date=$(curl -sSI "$BUCKET_URL" | tr -d '\r' | sed -n 's/^[Dd]ate: //p')
  sleep 1.1
  date -u -d "$date" +%FT%TZ
}
step() { printf '\n== %s\n' "$*"; }
failed=0
# expect DESCRIPTION COMMAND...: it succeeds, or the drill has failed
expect() {
  local result=yes
  "${@:2}" >>"$WORK/log" 2>&1 || result=NO failed=1
  printf '%-70s %s\n' "$1" "$result"
}

# ---- the drill --------------------------------------------------------------------------------------------------
find_bucket
step "A sealed volume with lock rules ($LOCK): $SOURCE"
make_volume
mount_it
fill_volume
(cd "$MOUNT" && locked_files | xargs -0 sha256sum) >"$WORK/sums"
coffer umount "$MOUNT"
sleep 1.1
THEN=$(now)
list_versions >"$WORK/versions"
# not directories, and not what restic wrote under temporary names: the rename into place locks
grep -vE '^(not-locked/|repo/locks/)|/ |-tmp-[0-9]* ' "$WORK/versions" >"$WORK/locked"
grep -q '^\.coffer/volume ' "$WORK/locked" || die "the volume has no descriptor"
keep "$WORK/before"
(($(count '^200' "$WORK/before.statuses") == $(wc -l <"$WORK/locked"))) || die "not everything can be read before it begins"
coffer lock --report "$SOURCE" | tail -n 1

step "The intruder is $(id -un) on the mount: overwrite, truncate, encrypt, rename, delete"
mount_it
attack_mount
echo "$tries attempts on $(wc -l <"$WORK/sums") files that are locked, then chattr -R -i and rm -rf of everything"
expect "not one of them succeeded" test ! -e "$WORK/succeeded"
expect "what is locked is there, byte for byte" bash -c "cd '$MOUNT' && sha256sum --quiet -c '$WORK/sums'"
expect "what is not locked is gone (or there was no attack)" test ! -e "$MOUNT/not-locked"
coffer umount "$MOUNT"

step "The intruder has the credentials: every version deleted, every name written over and deleted"
attack_bucket
echo "$(wc -l <"$WORK/statuses") raw requests, $(count '^403' "$WORK/statuses") of them refused"
keep "$WORK/after"
expect "all $(wc -l <"$WORK/locked") locked versions are there, byte for byte" diff -r "$WORK/before" "$WORK/after"
expect "what is not locked is gone (or there was no attack)" bash -c "! grep -q '^2.*/not-locked/' <<<\"\$0\"" \
  "$(grep '^not-locked/' "$WORK/versions" | requests "$WORK/reply" | s3_each GET)"
expect "the volume as it stands cannot be mounted any more" bash -c '! "$@"' - coffer mount --sealed=yes \
  --key-file "$WORK/key" "$SOURCE" "$MOUNT"

step "Back to $THEN: coffer mount --at"
expect "the volume can be mounted as it was" mount_it --at "$THEN"
expect "every locked file is there, byte for byte" bash -c "cd '$MOUNT' && sha256sum --quiet -c '$WORK/sums'"
expect "restic check --read-data" restic -r "$MOUNT/repo" --no-lock check --read-data
expect "restic restore" restic -r "$MOUNT/repo" --no-lock restore latest --target "$WORK/restored"
expect "what was restored is what was backed up" diff -r "$WORK/tree" "$WORK/restored$WORK/tree"

if ((failed)); then
  printf '\nNot everything that was locked has survived.\n'
  [[ ! -e $WORK/succeeded ]] || { echo "On the mount this went through:" && sort "$WORK/succeeded"; }
  diff -rq "$WORK/before" "$WORK/after" >/dev/null ||
    echo "These credentials can delete locked versions: take s3:BypassGovernanceRetention from them, or lock by compliance."
  tail -n 20 "$WORK/log"
  exit 1
fi
printf '\nAll that was locked has survived.\n'
