#!/usr/bin/env bash
# A sealed volume, end to end: made, mounted, used by real tools, and nothing of it in the bucket in the clear. Under a
# local key here; tests/system/sealed_kms.t does the same under KMS.
# Also under the sanitizers.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq python3 openssl

start_server --bucket demo
M=$WORK/m
mkdir "$WORK/none"
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
KEY=(--key-file "$WORK/key")
seals() { mount_coffer s3://demo/vol "$M" "${KEY[@]}" --sealed=yes "$@"; }
refused() { # refused CODE TEXT DESCRIPTION COMMAND...
  local code=$1 text=$2 description=$3
  shift 3
  exits "$code" "$description: exit code $code" "$@" && like "$OUTPUT" "$text" "$description: says so"
}

# ---- init
refused 2 'no key is named' "init without a key" "$COFFER" init s3://demo/vol
chmod 644 "$WORK/key"
refused 5 'chmod' "init with a key that others can read" "$COFFER" init s3://demo/vol "${KEY[@]}"
chmod 600 "$WORK/key"
refused 1 'coffer init makes one' "a mount of what is no volume" "$COFFER" mount -f --sealed=yes s3://demo/vol "$WORK/none"
is "$(keys_of demo)" "" "all of that wrote nothing"
exits 0 "init" "$COFFER" init s3://demo/vol "${KEY[@]}"
like "$OUTPUT" 'sealed volume [0-9a-f-]{36}' "init names the volume"
is "$(keys_of demo)" "vol/.coffer/volume" "init wrote the descriptor and nothing else"
refused 1 'already' "init twice" "$COFFER" init s3://demo/vol "${KEY[@]}"
s3_put /demo/full/f x >/dev/null
refused 1 'allow-non-empty' "init over files" "$COFFER" init s3://demo/full "${KEY[@]}"
unlike "$(keys_of demo full/)" coffer "and wrote nothing there"

# ---- files
ok "mount" seals
mkdir -p "$M/photos/2024"
TEXT="the quick brown fox $RANDOM"
echo "$TEXT" >"$M/photos/2024/note"
head -c 3000000 /dev/urandom >"$WORK/big" && cp "$WORK/big" "$M/big"
head -c 20000001 /dev/urandom >"$WORK/huge" && cp "$WORK/huge" "$M/huge"
: >"$M/empty"
chmod 640 "$M/big"
echo more >>"$M/photos/2024/note"
mv "$M/photos" "$M/pictures"
ln -s pictures/2024/note "$M/link"
setfattr -n user.color -v ultramarine "$M/big"
sync "$M/big"
ok "unmount" umount_coffer "$M"
for key in $(keys_of demo vol/); do
  stored demo "$key" >"$WORK/object"
  [[ $(head -c 3 "$WORK/object" | xxd -p) == 020478 ]] || fail "$key is no sealed message"
  ! grep -aqF "quick brown" "$WORK/object" || fail "$key is in the clear"
done
unlike "$(server_control POST buckets/demo/get '{"key": "vol/big"}')" 'ultramarine|dWx0cmFtYXJpbmU' "xattrs are sealed"
is "$(uploads_of demo)" 0 "no upload is left"

ok "mount again" seals
ls -lR "$M" >/dev/null
costs "a small sealed file, listed, is read with" "1 GetObject" cat "$M/pictures/2024/note"
is "$(cat "$M/pictures/2024/note")" "$TEXT"$'\n'more "an appended file"
ok "a file of 3 MB is the same" cmp "$WORK/big" "$M/big"
ok "a streamed file is the same" cmp "$WORK/huge" "$M/huge"
is "$(stat -c %s "$M/huge" "$M/empty" | xargs)" "20000001 0" "sizes are those of the plaintext"
is "$(cat "$M/link")" "$TEXT"$'\n'more "a symbolic link"
is "$(stat -c %a "$M/big")" 640 "a mode"
is "$(getfattr --only-values -n user.color "$M/big")" ultramarine "an extended attribute"
is "$(ls -A "$M")" $'big\nempty\nhuge\nlink\npictures' "the volume's own directory does not show"
nok "nor can it be made" mkdir "$M/.coffer"
is "$(dd if="$M/huge" bs=1000 skip=12345 count=3 status=none | md5sum)" \
  "$(dd if="$WORK/huge" bs=1000 skip=12345 count=3 status=none | md5sum)" "a range in the middle"
ok "a random tree: tar in" tar -C / -cf "$M/etc.tar" etc/ssl
ok "and out" bash -c "mkdir '$M/out' && tar -C '$M/out' -xf '$M/etc.tar' && diff -r --no-dereference /etc/ssl '$M/out/etc/ssl'"
ok "status" bash -c "'$COFFER' status '$M' | grep -q 'sealed *volume'"
ok "unmount again" umount_coffer "$M"

# ---- what must not fail open
exits 1 "init inside a sealed volume" "$COFFER" init s3://demo/vol/pictures/none "${KEY[@]}"
like "$OUTPUT" 'inside the sealed volume' "init inside a sealed volume: says so"
many=()
for i in 1 2 3 4 5 6 7 8; do many+=(--aes-key "ns/$i=$WORK/key"); done
refused 2 'at most 7 keys' "init under eight keys" "$COFFER" init s3://demo/many "${many[@]}"
exits 0 "init under seven" "$COFFER" init s3://demo/many "${many[@]:0:14}"
ok "which a mount accepts" mount_coffer s3://demo/many "$M" "${many[@]:0:14}"
echo x >"$M/x" && mkdir "$M/d" && echo y >"$M/d/y"
ok "coffer rm -r of all that is mounted" "$COFFER" rm -r --yes "$M"
is "$(keys_of demo many/)" many/.coffer/volume "leaves the descriptor, without which the next mount would be refused"
umount_coffer "$M" >/dev/null
ok "so it mounts again" mount_coffer s3://demo/many "$M" "${many[@]:0:14}"
umount_coffer "$M" >/dev/null
refused 6 'key-file' "a mount without the key" "$COFFER" mount -f s3://demo/vol "$WORK/none"
head -c 32 /dev/urandom >"$WORK/other" && chmod 600 "$WORK/other"
exits 6 "a mount with another key" "$COFFER" mount -f --key-file "$WORK/other" s3://demo/vol "$WORK/none"
exits 0 "a mount inside, as it is" "$COFFER" mount --sealed=no s3://demo/vol/pictures "$WORK/none"
nok "is read-only" touch "$WORK/none/x"
umount_coffer "$WORK/none" >/dev/null
refused 2 'only be read' "init under a recovery key alone" "$COFFER" init s3://demo/ro --new-recovery-key "$WORK/r.pem"
nok "leaves no key behind" test -e "$WORK/r.pem"
ln -s "$WORK/behind" "$WORK/sealed-link" && head -c 99999 /dev/zero >"$WORK/behind"
exits 0 "coffer seal through a link" bash -c "echo short | '$COFFER' seal --key-file '$WORK/key' -o '$WORK/sealed-link'"
exits 0 "coffer open" "$COFFER" open --key-file "$WORK/key" -i "$WORK/behind"
is "$OUTPUT" short "what was sealed through a link is whole"
refused 1 'inside the sealed volume' "a mount inside" "$COFFER" mount -f s3://demo/vol/pictures "$WORK/none"
stored demo vol/.coffer/volume >"$WORK/descriptor"
s3 DELETE /demo/vol/.coffer/volume >/dev/null
refused 1 'put back an older version' "a descriptor that is gone, under its pin" "$COFFER" mount -f s3://demo/vol "$WORK/none"
exits 0 "another volume in its place" "$COFFER" init --allow-non-empty s3://demo/vol --key-file "$WORK/other" --state-dir "$WORK/elsewhere"
refused 1 'another volume' "is refused" "$COFFER" mount -f "${KEY[@]}" s3://demo/vol "$WORK/none"

done_testing
