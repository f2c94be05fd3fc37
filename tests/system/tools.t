#!/usr/bin/env bash
# The tools that people use, on a mount: on Ceph RGW, or on the stand-in server where there is no RGW. What cannot work
# before files can be written in place is tested for how it fails: at open, in words, and with nothing harmed.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq rsync tar git restic sha256sum

BUCKET=tools-$$
if [[ -n ${COFFER_TEST_RGW_URL:-} ]]; then
  need_rgw
  s3 PUT "/$BUCKET" >/dev/null || bail "no bucket"
  note "on Ceph RGW"
else
  start_server --bucket "$BUCKET"
  note "on the stand-in server"
fi
M=$WORK/m
mount_coffer "$BUCKET" "$M" || bail "no mount"
export XDG_CACHE_HOME=$WORK/tool-cache GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null RESTIC_PASSWORD=secret

# how many requests that write coffer has made
writes() { counters "$M" '[.requests | to_entries[] | select(.key | test("Put|Copy|Delete|Upload")) | .value.count] | add'; }

# a tree with what trees have: empty files, empty directories, deep ones, odd names, links, modes, times, one large file
TREE=$WORK/tree
mkdir -p "$TREE/deep/er/est" "$TREE/empty directory" "$TREE/ünïcode"
for i in {1..40}; do echo "file $i" >"$TREE/deep/file-$i"; done
: >"$TREE/empty"
echo odd >"$TREE/deep/er/a name with %41 & <odd> + things?"
echo ü >"$TREE/ünïcode/ä"
head -c 12000000 /dev/urandom >"$TREE/large"
echo '#!/bin/sh' >"$TREE/deep/program"
chmod 755 "$TREE/deep/program"
chmod 600 "$TREE/deep/file-1"
ln -s ../deep/file-1 "$TREE/ünïcode/link"
find "$TREE" -exec touch -h -d '2021-03-04 05:06:07' {} +
(cd "$TREE" && find . -type f -exec sha256sum {} + >"$WORK/sums")
# (rsync compares the times of directories in whole seconds; their size means nothing)
listing() {
  (cd "$1" && find . -mindepth 1 \( -type d -printf '%P %y %m %T@\n' -o -printf '%P %y %m %l %s %T@\n' \) | sed '/ d /s/[.][0-9]*$//' | sort)
}
same_tree() { diff <(listing "$TREE") <(listing "$1"); }

note "cp, tar, rsync"
ok "cp -r" cp -r "$TREE" "$M/copied"
ok "cp -r: the same" diff -r --no-dereference "$TREE" "$M/copied"
ok "cp -a" cp -a "$TREE" "$M/archived"
ok "cp -a: the same, with modes, times and links" same_tree "$M/archived"
ok "cp -r within the mount" cp -r "$M/copied/deep" "$M/copied-again"
ok "cp -r back" cp -r "$M/copied" "$WORK/back"
ok "cp -r back: the same" diff -r --no-dereference "$TREE" "$WORK/back"

ok "tar c onto the mount" tar -C "$TREE" -cf "$M/tree.tar" .
ok "tar d against it" tar -C "$TREE" -df "$M/tree.tar"
mkdir "$M/unpacked"
ok "tar x onto the mount" tar -C "$M/unpacked" -xf "$M/tree.tar"
ok "tar x: the same, with modes, times and links" same_tree "$M/unpacked"
ok "tar cz, tar xz by pipes" sh -c "tar -C '$M/unpacked' -cz . | (mkdir '$WORK/piped' && tar -C '$WORK/piped' -xz)"
ok "tar by pipes: the same" same_tree "$WORK/piped"

ok "rsync -a" rsync -a "$TREE/" "$M/synced/"
ok "rsync -a: the same, with modes, times and links" same_tree "$M/synced"
settled() { [[ $(counters "$M" .files.deferred_attribute_changes) == 0 ]]; }
ok "the last changes of attributes are sent" within 10 settled
before=$(writes)
is "$(rsync -ai "$TREE/" "$M/synced/" 2>&1)" "" "rsync -a again: transfers nothing"
is "$(writes)" "$before" "rsync -a again: and writes nothing"
umount_coffer "$M" >/dev/null
mount_coffer "$BUCKET" "$M" || bail "no mount"
is "$(rsync -ai "$TREE/" "$M/synced/" 2>&1)" "" "rsync -a after a remount: transfers nothing"
is "$(rsync -aic --dry-run "$TREE/" "$M/synced/" 2>&1)" "" "rsync -c: nothing differs"
echo changed >"$TREE/deep/file-7"
rm "$TREE/deep/file-8"
is "$(rsync -ai --delete "$TREE/" "$M/synced/" | cut -c1-11 | sort | xargs)" "*deleting .d..t...... >f.st......" \
  "rsync -a --delete: what changed and no more"
ok "rsync from the mount" rsync -a "$M/synced/" "$WORK/synced-back/"
ok "rsync from the mount: the same" same_tree "$WORK/synced-back"

note "find, grep, sha256sum, dd"
is "$(find "$M/copied" -type f | wc -l)" "$(wc -l <"$WORK/sums")" "find -type f"
is "$(find "$M/archived" -perm 600 -printf '%P')" "deep/file-1" "find -perm"
is "$(find "$M/archived" -type l -printf '%P %l')" "ünïcode/link ../deep/file-1" "find -type l"
is "$(grep -rlx 'file 17' "$M/copied" | xargs -n1 basename)" file-17 "grep -r"
ok "sha256sum -c" sh -c "cd '$M/copied' && sha256sum --quiet -c '$WORK/sums'"
ok "dd onto the mount" dd if="$TREE/large" of="$M/dd" bs=1M status=none
ok "dd onto the mount, conv=fsync" dd if="$TREE/large" of="$M/dd-fsync" bs=300k conv=fsync status=none
ok "dd: the same" cmp "$TREE/large" "$M/dd"
ok "dd conv=fsync: the same" cmp "$TREE/large" "$M/dd-fsync"
is "$(dd if="$M/dd" bs=1000 skip=3333 count=2 status=none | sha256sum)" \
  "$(dd if="$TREE/large" bs=1000 skip=3333 count=2 status=none | sha256sum)" "dd skip="
is "$(tail -c 1234 "$M/dd" | sha256sum)" "$(tail -c 1234 "$TREE/large" | sha256sum)" "tail -c"
ok "install" install -m 750 "$TREE/deep/program" "$M/installed"
is "$(stat -c %a "$M/installed")" 750 "install: the mode"
ok "mv of a tree" mv "$M/copied-again" "$M/moved"
ok "mv of a tree: the same" diff -r "$M/copied/deep" "$M/moved"
ok "rm -r" rm -r "$M/moved" "$M/copied"
mkdir -p "$M/walk/1/2/3/4/5" && echo x >"$M/walk/1/2/3/4/5/file"
# shellcheck disable=SC2016  # expanded inside
ok "mv of a directory, and rm -r of it at once" sh -c 'mv "$1/walk" "$1/walked" && rm -r "$1/walked"' _ "$M"
is "$(cd "$M" && echo *)" "archived dd dd-fsync installed synced tree.tar unpacked" "what is there after all"
ok "df" df "$M"

note "git"
ok "a repository" sh -c "
  git init -q -b main '$WORK/repository' && cd '$WORK/repository' &&
  git config user.name test && git config user.email test@localhost &&
  cp -r '$TREE/.' . && git add -A && git commit -q -m one && git rm -q empty && git commit -q -m two && git gc -q &&
  git clone -q --bare . '$WORK/bare.git'"
ok "cp of a bare repository onto the mount" cp -r "$WORK/bare.git" "$M/bare.git"
ok "git clone from the mount" git clone -q "$M/bare.git" "$WORK/cloned"
is "$(git -C "$WORK/cloned" rev-parse HEAD)" "$(git -C "$WORK/repository" rev-parse HEAD)" "git clone: the same commit"
ok "git fsck of the repository in the mount" git -C "$M/bare.git" fsck --strict
ok "git log in the mount" git -C "$M/bare.git" log --oneline --stat
ok "git clone into the mount" git clone -q "$WORK/bare.git" "$M/clone"
ok "git commit in the mount" sh -c "
  cd '$M/clone' && git config user.name test && git config user.email test@localhost &&
  sed -i s/17/seventeen/ deep/file-17 && git add -A && git commit -q -m three && git gc -q && git fsck --strict"
is "$(git -C "$M/clone" status --porcelain)" "" "git status in the mount"
ok "git pull from the mount" git -C "$WORK/cloned" pull -q "$M/clone" main

note "restic"
restic_on() { restic -q -r "$M/restic" "$@"; }
ok "restic init" restic_on init
ok "restic backup" restic_on backup "$TREE"
echo more >"$TREE/more"
ok "restic backup again" restic_on backup "$TREE"
ok "restic check --read-data" restic_on check --read-data
ok "restic restore" restic_on restore latest --target "$WORK/restored"
ok "restic restore: the same" diff -r --no-dereference "$TREE" "$WORK/restored$TREE"
ok "restic forget --prune" restic_on forget --keep-last 1 --prune
umount_coffer "$M" >/dev/null
mount_coffer "$BUCKET" "$M" || bail "no mount"
ok "restic check after a remount" restic_on check

note "what needs files to be written in place"
echo content >"$M/file"
not_yet() { # DESCRIPTION COMMAND...: refused with EOPNOTSUPP's words or EINVAL's, and the file as it was
  local description=$1 output
  shift
  output=$("$@" 2>&1) && { fail "$description: works by now; its test belongs above" ; return; }
  like "$output" 'not supported|Invalid argument' "$description: is refused"
  is "$(cat "$M/file")" content "$description: the file is as it was"
}
not_yet "dd conv=notrunc" dd if=/dev/zero of="$M/file" bs=1 count=1 seek=2 conv=notrunc status=none
# shellcheck disable=SC2016  # perl's
not_yet "sqlite's way: O_RDWR" perl -e 'open my $f, "+<", $ARGV[0] or die "$!\n"' "$M/file"
not_yet "truncate to another length" truncate -s 3 "$M/file"
not_yet "rsync --inplace" rsync --inplace "$TREE/large" "$M/file"
not_yet "sort -o" sort -o "$M/file" "$TREE/deep/file-1"
not_yet "fallocate" fallocate -l 100 "$M/file"
jump_back() { # FILE SIZE: writes SIZE bytes, then one at 10, and says how that went
  perl -e 'open my $f, ">", $ARGV[0] or die; syswrite $f, "x" x $ARGV[1]; sysseek $f, 10, 0;
    print defined syswrite($f, "y") ? "written" : $!; close $f or print "not closed: $!"' "$@"
}
is "$(jump_back "$M/jump" 100)" written "a jump back in a new file that is small"
is "$(<"$M/jump")" "$(printf 'xxxxxxxxxxy%089d' 0 | tr 0 x)" "a jump back in a new file that is small: its content"
is "$(jump_back "$M/long-jump" 20000000)" "Invalid argument" "a jump back in a stream is refused"
is "$(sha256sum <"$M/long-jump")" "$(head -c 20000000 /dev/zero | tr '\0' x | sha256sum)" \
  "a jump back in a stream: what was written in order is stored"
nok "hard links" ln "$M/file" "$M/link"
nok "a fifo" mkfifo "$M/fifo"

ok "umount" umount_coffer "$M"
done_testing
