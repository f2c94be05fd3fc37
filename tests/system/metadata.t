#!/usr/bin/env bash
# What a bucket's metadata can make a mount show: what s3fs, rclone and DataSync wrote is understood; what is hostile
# (devices, setuid, absurd times, owners and sizes) is refused or clamped, and nothing of it ends the mount.
# Also under the sanitizers.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

start_server --bucket demo
M=$WORK/m

# put KEY METADATA_JSON [MORE_FIELDS]: an object past every check; Last-Modified is AGE seconds ago
AGE=1000000
put() {
  server_control POST buckets/demo/put "$(jq -nc --arg key "$1" --argjson metadata "$2" --argjson age $AGE \
    --argjson more "${3:-{\}}" '{$key, body: "12345", $metadata, age_s: $age} + $more | with_entries(select(.value != null))' |
    sed 's/"2^62"/4611686018427387904/; s/"2^63"/9223372036854775808/')" >/dev/null # jq counts to 2^53
}
# shows KEY FORMAT EXPECTED DESCRIPTION: stat(1) of it
shows() { is "$(stat -c "$2" "$M/$1" 2>&1)" "$3" "$4"; }
declare -A row_format row_expected row_description
rows=()
# row DESCRIPTION METADATA FORMAT EXPECTED [KEY [MORE]]: put now, looked at when it is mounted
row() {
  local key=${5:-$(printf 'k%03d' ${#rows[@]})}
  put "$key" "$2" "${6:-{\}}"
  rows+=("$key")
  row_format[$key]=$3 row_expected[$key]=$4 row_description[$key]=$1
}
modified() { date -u -d "@$(($(date +%s) - AGE))" +%F; }

TYPE=%F:%a
row "no metadata at all" '{}' "$TYPE:%u:%g:%s" "regular file:644:0:0:5"
row "s3fs's fields" '{"mode": "33188", "uid": "1000", "gid": "1001", "mtime": "1700000000", "ctime": "1700000001", "atime": "1700000002"}' \
  "$TYPE:%u:%g:%Y:%Z:%X" "regular file:644:1000:1001:1700000000:1700000001:1700000002"
row "s3fs: a fraction of a second" '{"mtime": "1700000000.25"}' %.Y 1700000000.250000000
row "rclone's: octal mode, RFC 3339" '{"mode": "100640", "uid": "5", "gid": "6", "mtime": "2023-11-14T22:13:20.5+00:00"}' \
  "$TYPE:%u:%g:%.Y" "regular file:640:5:6:1700000000.500000000"
row "DataSync's" '{"file-permissions": "0751", "file-owner": "7", "file-group": "8", "file-mtime": "1700000000000000000ns", "file-atime": "1700000001000000000ns"}' \
  "$TYPE:%u:%g:%Y" "regular file:751:7:8:1700000000"
row "s3fs's before DataSync's" '{"uid": "1", "file-owner": "2"}' %u 1
row "setuid is not shown" '{"mode": "35309"}' "$TYPE" "regular file:755"
row "setgid and sticky neither" '{"mode": "36847"}' "$TYPE" "regular file:757"
row "mode 07777" '{"mode": "36863"}' "$TYPE" "regular file:777"
for type in "a block device:25008" "a character device:8624" "a fifo:4516" "a socket:49572" "a directory, as a file:16877"; do
  row "${type%%:*} is none" "{\"mode\": \"${type##*:}\"}" %F "regular file"
done
row "a directory's marker cannot be a file" '{"mode": "33188"}' %F directory marker/
row "a marker's own mode and owner" '{"mode": "16832", "uid": "42"}' "$TYPE:%u" directory:700:42 marked/
row "a mode that is no number" '{"mode": "rwxr-xr-x"}' "$TYPE" "regular file:644"
row "a mode beyond every type" '{"mode": "99999999999999999999"}' "$TYPE" "regular file:644"
row "a negative mode" '{"mode": "-1"}' "$TYPE" "regular file:644"
row "uid 0 is shown as it is" '{"uid": "0"}' %u 0
row "a uid of 2^32 - 1 is nobody's" '{"uid": "4294967295"}' %u 0
row "a uid of 2^64" '{"uid": "18446744073709551616", "gid": "-5"}' %u:%g 0:0
row "an mtime of 10^18 is clamped" '{"mtime": "1000000000000000000"}' %Y 9223372035
row "an mtime of -10^18 is clamped" '{"mtime": "-1000000000000000000"}' %Y -2147483648
row "an mtime that is no number" '{"mtime": "yesterday"}' %y "$(modified)"
row "an mtime of 10,000 digits" "{\"mtime\": \"$(printf '9%.0s' {1..1500})\"}" %Y 9223372035
row "NaN and exponents are no times" '{"mtime": "nan", "ctime": "1e9"}' %y "$(modified)"
row "xattrs that are no JSON" '{"xattr": "%7B%22user.a%22%3A"}' %s 5
row "a size of 2^62" '{}' %s 4611686018427387904 huge '{"body": null, "size": "2^62"}'
row "a symbolic link" '{"mode": "41471"}' %F "symbolic link" link
row "a link of another length is a file" '{"mode": "41471"}' %F "regular file" longlink '{"body": null, "size": 5000}'
put xattrs '{"xattr": "%7B%22user.color%22%3A%22cmVk%22%2C%22security.capability%22%3A%22AAAA%22%2C%22trusted.x%22%3A%22AAAA%22%7D"}'
put foreign '{"owner-of-this": "somebody", "mode": "33188"}' '{"headers": {"Content-Type": "text/x-own", "Cache-Control": "no-cache"}}'
put sizes/absurd '{}' '{"body": null, "size": "2^63"}'
put sizes/good '{}'
python3 - "$SERVER_URL" <<'PYTHON'
import json, sys, urllib.request
metadata = {f"h{i}": "v" for i in range(200)}
urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/-/buckets/demo/put", json.dumps(
    {"key": "many", "body": "12345", "metadata": metadata}).encode(), method="POST"))
PYTHON

mount_coffer demo "$M" || bail "no mount"
for key in "${rows[@]}"; do
  got=$(stat -c "${row_format[$key]}" "$M/$key" 2>&1)
  [[ ${row_format[$key]} == %y ]] && got=${got%% *}
  is "$got" "${row_expected[$key]}" "${row_description[$key]}"
done
like "$(findmnt -no OPTIONS "$M")" 'nosuid,nodev' "the mount is nosuid and nodev"
is "$(readlink "$M/link")" 12345 "the link's target is its content"
# no service has one: the row is not believed, and hides nothing but its own name
is "$(cat "$M/sizes/good")" 12345 "a size of 2^63 does not hide the rest of its directory"
is "$(ls "$M/sizes")" good "a size of 2^63 is not shown"
exits 1 "a size of 2^63 cannot be read" cat "$M/sizes/absurd"
is "$(python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.color").decode(), os.listxattr(sys.argv[1]))' "$M/xattrs")" \
  "red ['user.color']" "of xattrs only the user's are shown"
is "$(wc -c <"$M/many")" 5 "200 headers of metadata do no harm"
python3 - "$M/huge" <<'PYTHON'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
assert len(os.pread(fd, 10, size - 5)) == 5
assert os.pread(fd, 10, size) == b""
PYTHON
is "$?" 0 "the end of a file of 2^62 bytes can be read"

note "what is changed keeps what others wrote"
chmod 600 "$M/foreign" && sync -f "$M" && python3 -c 'import os, sys; fd = os.open(sys.argv[1], os.O_RDONLY); os.fsync(fd)' "$M/foreign"
umount_coffer "$M" >/dev/null
foreign=$(server_control POST buckets/demo/get '{"key": "foreign"}')
is "$(jq -r '.metadata["owner-of-this"]' <<<"$foreign")" somebody "foreign metadata"
is "$(jq -r '.headers["content-type"] + " " + .headers["cache-control"]' <<<"$foreign")" "text/x-own no-cache" "and headers"
is "$(jq -r '.metadata.mode' <<<"$foreign")" 33152 "and the new mode, as s3fs writes it"

note "--special-bits, --umask, --uid, --file-mode, --dir-mode, --attributes=list"
mount_coffer demo "$M" --special-bits --umask 022 --uid 9 --gid 10 --file-mode 0666 --dir-mode 0777 || bail "no mount"
put implicit/x '{}'
shows k006 %a 4755 "--special-bits shows setuid"
shows k000 %a:%u:%g 644:9:10 "--file-mode without the bits of --umask, --uid, --gid"
shows implicit %a:%u 755:9 "--dir-mode without the bits of --umask"
shows k001 %u:%g 1000:1001 "an owner that is named stays"
umount_coffer "$M" >/dev/null
mount_coffer demo "$M" --attributes list || bail "no mount"
server_forget
ls -l "$M" >/dev/null
shows k001 "%a:%u:%s" 644:0:5 "--attributes=list: defaults"
is "$(requests_of HeadObject)" 0 "--attributes=list: no HEAD"
umount_coffer "$M" >/dev/null
is "$(server_control GET counters | jq .crashes)" 0 "the server has not seen anything odd"

done_testing
