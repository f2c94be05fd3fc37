#!/usr/bin/env bash
# What shells do with files: descriptors that are dup'ed, inherited and closed by many processes. Each redirection is
# one PUT and one version, however many flushes it took, and no less than what was written.
# Also under the sanitizers.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

start_server --bucket b --versioned
M=$WORK/m
mount_coffer b "$M" || bail "no mount"

# Each fixture is a function that writes the file $1. In a subshell, so that no descriptor outlives it.
echo_command() { echo one >"$1"; }
external_command() { /bin/echo one >"$1"; }
shell_of_its_own() { bash -c 'echo one > "$1"' sh "$1"; }
dash_echo() { sh -c 'echo one > "$1"' sh "$1"; }
two_commands() { (/bin/echo a; /bin/echo b) >"$1"; }
group() { { echo a; /bin/echo b; echo c; } >"$1"; }
loop() { for i in 1 2 3 4 5; do /bin/echo "$i"; done >"$1"; }
loop_of_builtins() { for i in 1 2 3 4 5; do echo "$i"; done >"$1"; }
open_descriptor() {
  exec 3>"$1"
  echo a >&3
  /bin/echo b >&3
  echo c >&3
  exec 3>&-
}
pipe_into() { printf 'a\nb\n' | cat >"$1"; }
tee_into() { printf 'a\nb\n' | tee "$1" >/dev/null; }
here_document() {
  cat >"$1" <<TEXT
a
b
TEXT
}
both_streams() { bash -c 'echo a; echo b >&2' >"$1" 2>&1; }
background_child() { # waited for by who opened the file
  (
    /bin/echo parent
    { sleep 0.1; /bin/echo child; } &
    wait
  ) >"$1"
}
child_left_behind() { # still writes when the shell has closed its end, and close has promised the parent's bytes
  {
    echo parent
    { sleep 0.3; echo child; } &
  } >"$1"
  wait
}
silent_child() { # inherits the descriptor, outlives the writer and writes nothing
  {
    sleep 0.3 &
    echo parent
  } >"$1"
  wait
}
large() { head -c 1000000 /dev/zero | tr '\0' x >"$1"; }
nothing() { : >"$1"; }

versions_of() { # of key $1, without delete markers
  s3 GET "/b?prefix=$1&versions=" | grep -o '<Version>' | wc -l
}
check() { # FIXTURE CONTENT [PUTS]: into a new file and then over it
  local name=$1 content=$2 puts=${3:-1}
  ("$name" "$M/$name")
  settled "$name" "$content" "$puts" "$name > new file" "$puts"
  ("$name" "$M/$name")
  settled "$name" "$content" $((2 * puts)) "$name > old file" "$puts"
}
settled() { # KEY CONTENT VERSIONS DESCRIPTION [PUTS]
  within 5 quiet || diag "a file is still being written"
  is "$(stored b "$1" | md5sum)" "$(printf %s "$2" | md5sum)" "$4: content in the bucket"
  is "$(md5sum <"$M/$1")" "$(printf %s "$2" | md5sum)" "$4: content in the mount"
  is "$(requests_of PutObject)" "${5:-1}" "$4: ${5:-1} PUT"
  is "$(versions_of "$1")" "$3" "$4: $3 versions"
  server_forget
}
# the last close of a child that was not waited for is answered, but its RELEASE comes a moment later
quiet() { [[ $(counters "$M" .files.being_written) == 0 ]]; }

server_forget
check echo_command $'one\n'
check external_command $'one\n'
check shell_of_its_own $'one\n'
check dash_echo $'one\n'
check two_commands $'a\nb\n'
check group $'a\nb\nc\n'
check loop $'1\n2\n3\n4\n5\n'
check loop_of_builtins $'1\n2\n3\n4\n5\n'
check open_descriptor $'a\nb\nc\n'
check pipe_into $'a\nb\n'
check tee_into $'a\nb\n'
check here_document $'a\nb\n'
check both_streams $'a\nb\n'
check background_child $'parent\nchild\n'
# two closes that looked like the last one, each with bytes to promise
check child_left_behind $'parent\nchild\n' 2
check silent_child $'parent\n'
check large "$(head -c 1000000 /dev/zero | tr '\0' x)"
check nothing ''

note "appending"
echo one >>"$M/log"
settled log $'one\n' 1 ">> new file"
echo two >>"$M/log"
settled log $'one\ntwo\n' 2 ">> old file"
(/bin/echo three; /bin/echo four) >>"$M/log"
settled log $'one\ntwo\nthree\nfour\n' 3 "(a; b) >>"
(
  exec 3>>"$M/log"
  echo five >&3
  /bin/echo six >&3
)
settled log $'one\ntwo\nthree\nfour\nfive\nsix\n' 4 "exec 3>>"
echo seven | tee -a "$M/log" >/dev/null
settled log $'one\ntwo\nthree\nfour\nfive\nsix\nseven\n' 5 "tee -a"

note "a reader sees the file once the last close has returned"
wrong=0
for i in {1..50}; do
  (/bin/echo "a $i"; echo "b $i") >"$M/seen"
  [[ $(<"$M/seen") == "a $i"$'\n'"b $i" ]] || ((++wrong))
done
is "$wrong" 0 "50 times: what was written is what is read"

note "a file removed while it is open, and a new one of its name"
server_control POST faults '[{"match": {"operation": "PutObject"}, "do": {"status": 403, "code": "AccessDenied"}}]' \
  >/dev/null
# shellcheck disable=SC2016 # it is Perl
exits 0 "the close of the new one is its last" perl -e 'open my $old, ">", $ARGV[0] or die $!; syswrite $old, "old";
  unlink $ARGV[0] or die $!; open my $new, ">", $ARGV[0] or die $!; syswrite $new, "new";
  print close $new ? "stored" : "no: $!"; close $old' "$M/twice"
is "$OUTPUT" "no: Permission denied" "its failure is told by close"
server_control POST faults '[]' >/dev/null

ok "umount" umount_coffer "$M"
done_testing
