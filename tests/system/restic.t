#!/usr/bin/env bash
# Backups under lock rules, over months of the server's clock: a restic repository whose old packs are extended as long as
# snapshots need them, and an rsync of every night onto locked files.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
. tests/lib/restic.sh
need_fuse
need_commands jq python3 restic rsync lsattr

start_server --lock-enabled --bucket b
M=$WORK/m
SOURCE=$WORK/source
REPOSITORY=repo
day() { server_control POST clock "{\"offset_s\": $(($1 * 86400))}" >/dev/null; }
# extend_locks: what the timer of examples/ does each day
extend_locks() {
  local line words
  # shellcheck disable=SC2016  # systemd's variable
  while read -r line; do
    line=${line//'${COFFER_SOURCE}'/s3://b/repo}
    read -ra words <<<"${line/#\/usr\/local\/bin\/coffer/$COFFER}"
    "${words[@]}" || return
  done < <(sed -n 's/^ExecStart=//p' examples/extend-locks/coffer-extend-locks.service)
}
# least TERM: what everything in the repository has left
least() {
  "$COFFER" lock --report s3://b/repo --require "data/**=$1" --require "keys/*=$1" --require "index/*=$1" \
    --require "snapshots/*=$1" --require "config=$1"
}

repository_rules governance:30d
mount_coffer s3://b "$M" "${RULES[@]}" --lock-rule 'files/**=governance:30d' || bail "no mount"
three_backups
FIRST=$(restic_on snapshots --json | jq -r '.[0].short_id')
packs >"$WORK/old-packs"
mkdir "$M/files" && echo "not extended" >"$M/files/control"
forget_is_refused "while the first locks run"
exits 0 "30 days of lock" least governance:29d

note "day 20: a backup needs old packs, and the timer extends their locks"
day 20
ok "backup 4" back_up 4
ok "the calls of examples/extend-locks" extend_locks
exits 0 "have given everything 30 days from now" least governance:29d
is "$(comm -23 "$WORK/old-packs" <(packs))" "" "all old packs are there"

note "day 35: the first locks would be over"
day 35
is "$(lsattr -d "$M/files/control" | cut -c5)" - "what was not extended is free"
ok "and goes" rm "$M/files/control"
sleep 1.1  # --metadata-ttl: the locks were extended by their address, not through the mount
is "$(unlocked_among_them)" "" "the repository is locked as before"
nok "an old pack does not go" rm -f "$M/repo/data/$(head -n 1 "$WORK/old-packs")"
forget_is_refused "past the first lock's end"
is "$(snapshots)" 4 "all snapshots are there"
ok "check --read-data" restic_on check --read-data
ok "the first snapshot is whole" restores "$FIRST" "$WORK/first"
ok "and the latest, of old packs and new ones" restores latest "$SOURCE"

note "day 60: nobody has extended them since"
day 60
ok "forget --prune is possible" restic_on forget --keep-last 1 --prune
is "$(snapshots)" 1 "one snapshot is left"
isnt "$(comm -23 "$WORK/old-packs" <(packs))" "" "packs that nothing needs are gone"
ok "check --read-data" restic_on check --read-data
ok "what is left is whole" restores latest "$SOURCE"
ok "and a backup goes on" back_up 5
isnt "$(lsattr "$M/repo/snapshots" | awk '$1 ~ /i/')" "" "locked as ever"
day 0
umount_coffer "$M" >/dev/null || bail "no umount"

note "rsync -a, every night"
mount_coffer s3://b "$M" --lock-rule 'files/**=governance:30d' || bail "no mount"
TREE=$WORK/tree
mkdir -p "$TREE/sub/empty" && chmod 750 "$TREE/sub"
echo one >"$TREE/one" && head -c 300000 /dev/urandom >"$TREE/sub/large" && : >"$TREE/none" && ln -s one "$TREE/link"
chmod 640 "$TREE/one" && touch -d '2020-02-02 02:02:02.123456789' "$TREE/one" "$TREE/sub/large"
touch -h -d '2020-02-02 02:02:02' "$TREE/link"
nightly() { rsync -a "$TREE/" "$M/files/tree/"; }
writing() { server_requests '[.[] | select(.operation | test("Put|Copy|Delete|Upload")) | .operation + " " + .key] | join(", ")'; }
ok "the first night" nightly
is "$(lsattr "$M/files/tree/one" "$M/files/tree/sub/large" | cut -c5 | tr -d '\n')" "ii" "what it wrote is locked"
for night in 1 2 25; do
  day $night
  umount_coffer "$M" >/dev/null || bail "no umount"
  mount_coffer s3://b "$M" --lock-rule 'files/**=governance:30d' || bail "no mount"
  server_forget
  exits 0 "night $((night + 1)): nothing has changed, exit code 0" nightly
  is "$OUTPUT$(writing)" "" "night $((night + 1)): says nothing, and writes nothing"
done
is "$(diff -r "$TREE" "$M/files/tree")" "" "all of it is there"
echo two >"$TREE/two"
ok "a new file is no change of an old one" nightly
is "$(cat "$M/files/tree/two")" two "and is there"
echo changed >"$TREE/one"
exits 23 "a change of a locked file: exit code 23" nightly
is "$(cat "$M/files/tree/one")" one "what is locked stays what it was"
is "$(find "$M/files/tree" -name '.*.??????')" "" "and nothing is left of the try"
day 31
ok "once the lock is over it goes through" nightly
is "$(cat "$M/files/tree/one") $(lsattr "$M/files/tree/one" | cut -c5)" "changed i" "and is locked anew"
day 0
umount_coffer "$M" >/dev/null || bail "no umount"
done_testing
