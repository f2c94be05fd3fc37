#!/usr/bin/env bash
# The end of a mount: what is unsent is stored first, or the exit code says that it is not; no unfinished upload stays
# in the bucket; and what a killed process left is put right by the next mount.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

start_server --bucket b
M=$WORK/m
mkdir "$M"
mounted() { grep -qF " $M fuse.coffer " /proc/mounts; }
not_mounted() { ! mounted; }
ended() { ! kill -0 "$1" 2>/dev/null; }
slow() { server_control POST settings "{\"latency_ms\": ${1:-0}, \"bandwidth\": ${2:-0}}" >/dev/null; }
mode_in_bucket() { # of key $1, as octal permission bits
  printf '%o' $(($(server_control POST buckets/b/get "{\"key\": \"$1\"}" | jq -r '.metadata.mode // 0') & 07777))
}
# a mount in front, so that its exit code can be seen: $DAEMON, its words in $WORK/front
mount_in_front() {
  "$COFFER" mount b "$M" -f "$@" >"$WORK/front" 2>&1 &
  DAEMON=$!
  within 20 mounted || bail "no mount: $(<"$WORK/front")"
}
# a process that has written $1 bytes to the file $2 and keeps it open, until it is told through $WORK/go: $WRITER
start_writer() {
  rm -f "$WORK/written" "$WORK/go" "$WORK/closed"
  perl -e 'open my $f, ">", $ARGV[1] or die $!; my $left = $ARGV[0];
    while ($left > 0) { my $n = syswrite $f, "x" x ($left < 65536 ? $left : 65536); defined $n or die $!; $left -= $n }
    open my $w, ">", $ARGV[2]; close $w;
    until (-e $ARGV[3]) { select undef, undef, undef, 0.02 }
    my $said = close $f; open $w, ">", $ARGV[4]; print $w $said ? "yes" : "no: $!"; close $w' \
    "$1" "$2" "$WORK/written" "$WORK/go" "$WORK/closed" 2>"$WORK/writer" &
  WRITER=$!
  within 30 test -e "$WORK/written" || bail "the writer does not write: $(<"$WORK/writer")"
}
finish_writer() {
  touch "$WORK/go"
  wait "$WRITER"
}
xs() { head -c "$1" /dev/zero | tr '\0' x | md5sum; }

note "coffer umount"
mount_coffer b "$M" || bail "no mount"
for i in {1..8}; do echo "$i" >"$M/f$i"; done
slow 1000
chmod 600 "$M"/f?
exits 0 "coffer umount of a mount with changes to send" "$COFFER" umount "$M"
like "$OUTPUT" '8 changes of attributes' "it shows what it waits for"
nok "the mount is gone" mounted
for i in 1 8; do is "$(mode_in_bucket f$i)" 600 "change of f$i was sent before it ended"; done
is "$(daemon_pid "$M")" "" "the process is gone"
slow

mount_coffer b "$M" || bail "no mount"
start_writer 3000000 "$M/open"
exits 1 "coffer umount of a mount in use" "$COFFER" umount "$M"
like "$OUTPUT" "is in use by perl \\($WRITER\\).*nothing was changed" "it says who uses it"
ok "the mount is still there" mounted
finish_writer
is "$(<"$WORK/closed")" yes "the writer's close is answered"
ok "coffer umount when it is free" umount_coffer "$M"
is "$(stored b open | md5sum)" "$(xs 3000000)" "what was written meanwhile is stored"
exits 1 "coffer umount of what is no mount" "$COFFER" umount "$M"

note "SIGTERM"
mount_in_front
echo old >"$M/small"
chmod 640 "$M/small"
slow 300
kill "$DAEMON"
wait "$DAEMON"
is "$?" 0 "SIGTERM with changes to send: exit code"
is "$(mode_in_bucket small)" 640 "SIGTERM: they were sent"
nok "SIGTERM: nothing is mounted" mounted
slow

mount_in_front
start_writer 3000000 "$M/held"
slow 0 2000000
kill "$DAEMON"
within 20 not_mounted || fail "SIGTERM: the mount goes at once"
wait "$DAEMON"
is "$?" 0 "SIGTERM while a file is open: exit code"
is "$(stored b held | md5sum)" "$(xs 3000000)" "SIGTERM while a file is open: what was written is stored"
finish_writer
slow

mount_in_front --write-part-size 5M
start_writer 12000000 "$M/streamed"
is "$(uploads_of b)" 1 "an upload is under way"
kill "$DAEMON"
wait "$DAEMON"
is "$?" 0 "SIGTERM during a multipart upload: exit code"
is "$(uploads_of b)" 0 "SIGTERM during a multipart upload: none is unfinished"
is "$(stored b streamed | md5sum)" "$(xs 12000000)" "SIGTERM during a multipart upload: what was written is stored"
finish_writer

note "SIGTERM twice"
mount_in_front --rescue-dir "$WORK/rescued"
start_writer 3000000 "$M/stuck"
server_control POST faults '[{"match": {"operation": "PutObject"}, "do": {"hold": "stuck"}}]' >/dev/null
touch "$WORK/go"
put_held() { (($(server_control GET counters | jq .faults_injected) > 0)); }
within 20 put_held || fail "SIGTERM twice: the writer's close is under way"
kill "$DAEMON"
within 20 not_mounted || fail "SIGTERM twice: the mount goes at once"
told_progress() { grep -qF "storing: 1 files" "$WORK/front"; }
ok "the first one waits, and says for what" within 20 told_progress
kill "$DAEMON"
ok "the second one does not wait" within 20 ended "$DAEMON"
wait "$DAEMON"
is "$?" 1 "SIGTERM twice: exit code"
wait "$WRITER"
like "$(<"$WORK/closed")" "^no: " "SIGTERM twice: the writer is told"
like "$(<"$WORK/front")" '"stuck" was not written.*saved in' "SIGTERM twice: the log names the file"
is "$(cat "$WORK"/rescued/*-stuck | md5sum)" "$(xs 3000000)" "SIGTERM twice: its bytes are rescued"
server_control POST faults '[]' >/dev/null
server_control POST release '{"name": "stuck"}' >/dev/null

note "fusermount3 -u"
mount_coffer b "$M" || bail "no mount"
PID=$(daemon_pid "$M")
slow 1000
chmod 604 "$M"/f?
ok "fusermount3 -u does not wait" fusermount3 -u "$M"
nok "the mount is gone" mounted
ended "$PID" && fail "the process drains on"
within 30 ended "$PID" || fail "the process ends"
slow
is "$(mode_in_bucket f1) $(mode_in_bucket f8)" "604 604" "after fusermount3 -u the daemon drains on"
like "$(cat "$WORK/log/m"/*.log)" "unmounted $M, everything is stored" "and its log says that all is stored"

mount_coffer b "$M" --write-part-size 5M || bail "no mount"
PID=$(daemon_pid "$M")
start_writer 12000000 "$M/lazy"
ok "fusermount3 -uz of a mount in use" fusermount3 -uz "$M"
finish_writer
is "$(<"$WORK/closed")" yes "who still has a file open closes it as ever"
within 30 ended "$PID" || fail "the process ends after the last user"
is "$(stored b lazy | md5sum)" "$(xs 12000000)" "and the file is stored"
is "$(uploads_of b)" 0 "no upload is unfinished"

note "a writer that dies"
mount_coffer b "$M" --write-part-size 5M || bail "no mount"
start_writer 12000000 "$M/killed"
kill -KILL "$WRITER"
wait "$WRITER" 2>/dev/null
ok "umount" umount_coffer "$M"
is "$(uploads_of b)" 0 "no upload is unfinished when its writer was killed"

note "kill -9, and the next mount"
s3 POST "/b/of-somebody-else?uploads=" >/dev/null
mount_coffer b "$M" --write-part-size 5M || bail "no mount"
PID=$(daemon_pid "$M")
start_writer 12000000 "$M/lost"
is "$(uploads_of b)" 2 "an upload of ours and one of somebody else"
kill -KILL "$PID"
within 10 ended "$PID"
touch "$WORK/go"
wait "$WRITER" 2>/dev/null
is "$(stat "$M" 2>&1 | grep -c 'not connected')" 1 "a dead mount answers ENOTCONN"
exits 0 "the next mount" "$COFFER" mount b "$M" --log-directory "$WORK/log/m"
like "$OUTPUT" "$M.*dead|dead.*$M" "it says that it detached a dead one"
like "$OUTPUT" "aborted 1 " "it says that it aborted what was unfinished"
is "$(grep -cF " $M fuse.coffer " /proc/mounts)" 1 "one mount is there, not two"
is "$(server_control POST buckets/b/keys '{"prefix": ""}' | jq -r '.uploads[]')" of-somebody-else \
  "the upload of somebody else stays"
nok "what was never acknowledged is not there" test -e "$M/lost"
is "$(cat "$M/f1")" 1 "and the rest is"
ok "umount" umount_coffer "$M"

note "the server goes"
mount_coffer b "$M" --deadline 1 --connect-timeout 1 || bail "no mount"
echo kept >"$M/f1"
chmod 666 "$M/f1"
stop_server
exits 1 "coffer umount when a change cannot be sent" "$COFFER" umount "$M"
like "$OUTPUT" 'not everything could be stored' "it says so"
nok "the mount is gone all the same" mounted

start_server --bucket b
mount_in_front --deadline 1 --connect-timeout 1 --rescue-dir "$WORK/rescue"
start_writer 3000000 "$M/unsent"
stop_server
kill "$DAEMON"
wait "$DAEMON"
isnt "$?" 0 "SIGTERM when a file cannot be stored: exit code"
finish_writer
is "$(cat "$WORK"/rescue/*-unsent | md5sum)" "$(xs 3000000)" "its bytes are rescued"
like "$(<"$WORK/front")" '"unsent" was not written.*saved in' "and the log names them"

done_testing
