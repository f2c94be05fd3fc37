# shellcheck shell=bash
# For tests of --at: a tree, what becomes of it, and how two states of it are compared.
# tree DIR: every name below it with what it is
tree() {
  (cd "$1" && find . -mindepth 1 -printf '%y %m %T@ %p %l\n' | sort && find . -type f -exec sha256sum {} + | sort -k2)
}
# S3's dates are whole seconds
next_second() { python3 -c 'import time; now = time.time(); time.sleep(int(now) + 1.05 - now)'; }
fill() { # DIR
  mkdir -p "$1/docs/sub/deep" "$1/moved" "$1/removed/inner"
  printf old >"$1/docs/overwritten"
  printf 'stays the same' >"$1/docs/same"
  printf gone >"$1/docs/deleted"
  : >"$1/docs/empty"
  printf deep >"$1/docs/sub/deep/file"
  ln -s overwritten "$1/docs/link"
  printf a >"$1/moved/a"
  printf b >"$1/moved/b"
  printf x >"$1/removed/inner/x"
  chmod 600 "$1/docs/same"
  head -c 300000 /dev/urandom >"$WORK/random"
  cp "$WORK/random" "$1/docs/large"
}
ruin() { # DIR
  printf 'YOUR FILES ARE ENCRYPTED' >"$1/docs/overwritten"
  head -c 1000 /dev/urandom >"$1/docs/large"
  chmod 640 "$1/docs/same"
  rm "$1/docs/deleted" "$1/docs/link" "$1/docs/empty"
  mv "$1/docs/sub" "$1/docs/elsewhere"
  mv "$1/moved/a" "$1/moved/c"
  rm -r "$1/removed"
  mkdir "$1/new"
  printf ransom >"$1/new/note"
}
