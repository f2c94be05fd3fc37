#!/usr/bin/env bash
# examples/arrive: what s3fs and rclone crypt have stored comes into a sealed volume, whole.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_rgw
need_commands jq python3 s3fs rclone rsync openssl getfattr setfattr
PATH=$B:$PATH

OLD=old-$$ NEW=new-$$
for bucket in "$OLD" "$NEW"; do s3 PUT "/$bucket" >/dev/null || bail "no bucket"; done
old_keys() { s3 GET "/$OLD?list-type=2&prefix=$1" | grep -o '<Key>[^<]*'; }
head -c 32 /dev/urandom >"$WORK/key" && chmod 600 "$WORK/key"
export COFFER_KEY_FILE=$WORK/key
mkdir "$WORK/old" "$WORK/m"

tree() { # DIR: what may come from another tool
  mkdir -p "$1/a/b c" "$1/empty"
  : >"$1/nothing"
  echo "with umlauts" >"$1/a/b c/$(printf 'gr\303\274n')"
  head -c 12000000 /dev/urandom >"$1/a/large"
  touch -d "2001-02-03 04:05:06 UTC" "$1/a/large"
}
# contents DIR: names, types and bytes of all below it
contents() { (cd "$1" && find . -mindepth 1 -printf '%P %y %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# ---- s3fs
echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" >"$WORK/passwd" && chmod 600 "$WORK/passwd"
s3fs "$OLD" "$WORK/old" -o "url=$S3_URL,use_path_request_style,passwd_file=$WORK/passwd,use_xattr,sigv4" || bail "no s3fs"
within 20 mountpoint -q "$WORK/old"
tree "$WORK/old"
ln -s "b c" "$WORK/old/a/link"
chmod 600 "$WORK/old/nothing"
chmod 750 "$WORK/old/a"
setfattr -n user.color -v blue "$WORK/old/a/large"
contents "$WORK/old" >"$WORK/expected"
ok "s3fs: unmount" fusermount3 -u "$WORK/old"
ok "a sealed volume for it" "$COFFER" init "s3://$NEW/s3fs"
ok "from-s3fs.sh" examples/arrive/from-s3fs.sh "$OLD" "s3://$NEW/s3fs"
ok "mount" mount_coffer "s3://$NEW/s3fs" "$WORK/m" --sealed=yes
is "$(contents "$WORK/m")" "$(<"$WORK/expected")" "every file, link and directory of s3fs"
is "$(cd "$WORK/m" && stat -c '%n %a' nothing a && stat -c %Y a/large)" $'nothing 600\na 750\n981173106' "modes and times of s3fs"
is "$(getfattr --only-values -n user.color "$WORK/m/a/large" 2>/dev/null)" blue "attributes of s3fs"
ok "unmount" umount_coffer "$WORK/m"
ok "again, with nothing to do" examples/arrive/from-s3fs.sh "$OLD" "s3://$NEW/s3fs"
is "$(old_keys '' | grep -c coffer)" 0 "nothing was written into the old bucket"

# ---- rclone crypt
export RCLONE_CONFIG=$WORK/rclone.conf
rclone config create s3 s3 provider=Other env_auth=true "endpoint=$S3_URL" region=us-east-1 >/dev/null
rclone config create secret crypt remote=s3:$OLD/crypt "password=$(rclone obscure secret)" >/dev/null
mkdir "$WORK/clear"
tree "$WORK/clear"
rmdir "$WORK/clear/empty" # S3 remotes of rclone have no empty directories
ok "rclone crypt is filled" rclone copy "$WORK/clear" secret:
nok "with sealed names" grep -q large <(old_keys crypt)
ok "a sealed volume for it" "$COFFER" init "s3://$NEW/crypt"
ok "from-rclone-crypt.sh" examples/arrive/from-rclone-crypt.sh secret: "s3://$NEW/crypt"
ok "mount" mount_coffer "s3://$NEW/crypt" "$WORK/m" --sealed=yes
is "$(contents "$WORK/m")" "$(contents "$WORK/clear")" "every file and directory of rclone crypt"
is "$(stat -c %Y "$WORK/m/a/large")" 981173106 "times of rclone crypt"
ok "unmount" umount_coffer "$WORK/m"
exits 1 "a remote that is not there is told" examples/arrive/from-rclone-crypt.sh nothing: "s3://$NEW/crypt"
done_testing
