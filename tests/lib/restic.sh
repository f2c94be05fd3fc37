# shellcheck shell=bash
# For tests of a restic repository under lock rules: which rules, what is backed up, and what must hold whatever the server.
# M is the mount, REPOSITORY a directory of it that is not there yet, SOURCE what is backed up.
export RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$WORK/restic-cache
restic_on() { restic -q -r "$M/$REPOSITORY" "$@"; }

# repository_rules MODE:DURATION: sets RULES, the options of a mount that locks all but restic's own locks
# shellcheck disable=SC2034  # RULES is for the test
repository_rules() {
  local name
  RULES=(--lock-rule "$REPOSITORY/locks/**=none")
  for name in 'data/**' 'keys/**' 'index/**' 'snapshots/**' config; do RULES+=(--lock-rule "$REPOSITORY/$name=$1"); done
}
# back_up N: the source with something new, something that goes with the next one, and what every snapshot needs
back_up() {
  head -c 700000 /dev/urandom >"$SOURCE/new-$1"
  head -c 700000 /dev/urandom >"$SOURCE/passing"
  restic_on backup "$SOURCE"
}
# restores SNAPSHOT DIR: exactly the tree that DIR is
restores() {
  rm -rf "$WORK/restored"
  restic_on restore "$1" --target "$WORK/restored" && diff -r "$2" "$WORK/restored$SOURCE"
}
# snapshots: how many; packs: their names
snapshots() { restic_on snapshots --json | jq length; }
packs() { find "$M/$REPOSITORY/data" -type f -printf '%P\n' | sort; }
# locked_files: every file of the repository but restic's locks; unlocked_among_them: those that lsattr does not show as locked
locked_files() { find "$M/$REPOSITORY" -type f ! -path "$M/$REPOSITORY/locks/*"; }
unlocked_among_them() { locked_files | xargs lsattr -d | awk '$1 !~ /i/'; }

# three_backups: a repository made, filled, read and restored, while its locks run
three_backups() {
  local n
  mkdir -p "$SOURCE/sub"
  head -c 1500000 /dev/urandom >"$SOURCE/bytes" && echo old >"$SOURCE/sub/old"
  ok "init" restic_on init
  for n in 1 2 3; do
    ok "backup $n" back_up $n
    [[ $n != 1 ]] || cp -a "$SOURCE" "$WORK/first"
  done
  ok "check --read-data" restic_on check --read-data
  ok "restore of the latest snapshot" restores latest "$SOURCE"
  is "$(unlocked_among_them)" "" "every file of the repository is locked, but for restic's own locks"
  is "$(find "$M/$REPOSITORY" -name '*-tmp-*')" "" "no temporary file is left"
}
# forget_is_refused WHEN: and takes nothing
forget_is_refused() {
  local before
  before=$(locked_files | sort)
  nok "$1: forget --prune is refused" restic_on forget --keep-last 1 --prune
  is "$(locked_files | sort | comm -23 <(echo "$before") -)" "" "$1: and no file is gone"
  ok "$1: restic's own locks can be taken off" restic_on unlock
}
