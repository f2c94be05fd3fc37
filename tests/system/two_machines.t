#!/usr/bin/env bash
# Two mounts with nothing in common but the bucket, as on two machines: what one does the other sees within the time to
# live; a reader never gets a mix of two versions; two who make the same directory, or append to the same file, never
# lose anything in silence.
# Also under the sanitizers.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

# through an access point, on a server that conditional writes are known of, as of AWS
REGION=us-west-2
POINT=s3-accesspoint.$REGION.amazonaws.com
start_server --region $REGION --bucket b --access-point ap=b
unset AWS_ENDPOINT_URL
A=$WORK/a
B2=$WORK/b
ARN=arn:aws:s3:$REGION:123456789012:accesspoint/ap
THERE=(--endpoint-url "http://$POINT" --connect-to "ap-123456789012.$POINT:80:127.0.0.1:$SERVER_PORT")
# an object tells doctor that it would leave no locked ones behind
server_control POST buckets/b/put '{"key": "readme", "body": "x"}' >/dev/null
for machine in a b; do
  export XDG_STATE_HOME=$WORK/state-$machine XDG_CACHE_HOME=$WORK/cache-$machine
  ok "doctor on machine $machine" "$COFFER" doctor "$ARN" "${THERE[@]}" --write-test
  mount_coffer "$ARN" "$WORK/$machine" "${THERE[@]}" || bail "no mount"
done
past_ttl() { sleep 1.2; } # of metadata, 1 s

note "replaced, removed, new"
mkdir "$A/d"
echo "one" >"$A/d/replaced"
echo "one" >"$A/d/removed"
past_ttl
is "$(cat "$B2/d/replaced" "$B2/d/removed")" $'one\none' "the other machine reads what was written"
ls -l "$B2/d" >/dev/null
[[ -e $B2/d/new ]] && fail "not there yet"
echo "two, and longer" >"$A/d/replaced"
rm "$A/d/removed"
echo new >"$A/d/new"
past_ttl
is "$(cat "$B2/d/replaced")" "two, and longer" "a replaced file is seen within the time to live"
is "$(stat -c %s "$B2/d/replaced")" 16 "and its size"
nok "a removed file is gone within the time to live" test -e "$B2/d/removed"
is "$(cat "$B2/d/new" 2>&1)" new "a new file is there within the time to live"
is "$(cd "$B2/d" && echo *)" "new replaced" "and in the listing"
mv "$A/d/new" "$A/d/renamed"
past_ttl
is "$(cd "$B2/d" && echo *)" "renamed replaced" "a renamed file has its new name alone"
mkdir "$A/made"
past_ttl
ok "a new directory is there within the time to live" test -d "$B2/made"
rmdir "$A/made"
past_ttl
nok "a removed directory is gone within the time to live" test -e "$B2/made"

note "an open reader"
SIZE=$((24 << 20))
head -c $SIZE /dev/zero | tr '\0' A >"$WORK/version-A"
head -c $SIZE /dev/zero | tr '\0' B >"$WORK/version-B"
cp "$WORK/version-A" "$A/large"
past_ttl
exec 7<"$B2/large"
head -c 100000 <&7 >"$WORK/head"
cp "$WORK/version-B" "$A/large"
past_ttl
# what is read from here on: old bytes, or an error, but no byte of the new version
cat <&7 >"$WORK/rest" 2>"$WORK/error"
status=$?
exec 7<&-
is "$(tr -d A <"$WORK/rest" | wc -c)" 0 "an open reader gets no byte of the version that came later"
if ((status == 0)); then
  is "$(cat "$WORK/head" "$WORK/rest" | wc -c)" $SIZE "and all bytes of its own"
else
  like "$(<"$WORK/error")" "Stale file handle" "or the error that says so"
fi
is "$(md5sum <"$B2/large")" "$(md5sum <"$WORK/version-B")" "who opens it again reads the new version"

# a writer that never rests: every full read is one version as a whole, or says that it is stale
replace() { # until $WORK/stop is there
  local v
  until [[ -e $WORK/stop ]]; do
    for v in A B; do cp "$WORK/small-$v" "$A/turning"; done
  done
}
head -c 300000 "$WORK/version-A" >"$WORK/small-A"
head -c 400000 "$WORK/version-B" >"$WORK/small-B"
cp "$WORK/small-A" "$A/turning"
past_ttl
replace &
writer=$!
end=$((SECONDS + 30)) whole=0 stale=0 mixed=0 other=
declare -A seen=()
while ((SECONDS < end && (whole < 40 || ${#seen[@]} < 2))); do
  if cat "$B2/turning" >"$WORK/got" 2>"$WORK/error"; then
    if cmp -s "$WORK/got" "$WORK/small-A"; then
      ((++whole))
      seen[A]=1
    elif cmp -s "$WORK/got" "$WORK/small-B"; then
      ((++whole))
      seen[B]=1
    else
      ((++mixed))
    fi
  elif [[ $(<"$WORK/error") == *"Stale file handle"* ]]; then
    ((++stale))
  else
    other+=$(<"$WORK/error")
  fi
done
touch "$WORK/stop"
wait "$writer"
is "$mixed" 0 "no read of a file that is being replaced is a mix"
is "$other" "" "and none fails with another word than stale"
is "${seen[*]}" "1 1" "both versions were read"
note "$whole whole, $stale stale"

note "two at once"
won=0 lost=0
for i in {1..20}; do
  mkdir "$A/race-$i" 2>"$WORK/error-a" &
  one=$!
  mkdir "$B2/race-$i" 2>"$WORK/error-b"
  two=$?
  wait "$one"
  one=$?
  ((one == 0 || two == 0)) || fail "somebody made race-$i"
  ((one == 0 && two == 0)) && fail "only one made race-$i"
  ((++won))
  [[ $(cat "$WORK/error-a" "$WORK/error-b") == *"File exists"* ]] && ((++lost))
done
is "$won $lost" "20 20" "of two who make a directory one succeeds, the other hears that it exists"

# Every line is in the file, or its writer was told, or, where the writer does not look at what close says (a shell's
# `>>`), the log says so and the bytes are rescued.
appender() { # MOUNT NAME
  local i
  for ((i = 0; i < 25; i++)); do
    (echo "$2 $i" >>"$1/log") 2>>"$WORK/errors" && echo "$2 $i" >>"$WORK/written-$2"
  done
}
: >"$A/log"
past_ttl
appender "$A" a &
one=$!
appender "$B2" b
wait "$one"
stored b log | sort >"$WORK/log-stored"
sort "$WORK/written-a" "$WORK/written-b" >"$WORK/written"
is "$(uniq -d "$WORK/log-stored" | wc -l)" 0 "two shells that append: no line is there twice"
comm -23 "$WORK/written" "$WORK/log-stored" >"$WORK/missing"
cat "$WORK"/state-?/coffer/rescue/*-log 2>/dev/null | sort -u >"$WORK/rescued"
is "$(comm -23 "$WORK/missing" "$WORK/rescued" | wc -l)" 0 "two shells that append: every missing line is rescued"
is "$(cat "$WORK"/log/?/*.log | grep -c '"log" was not written.*saved in')" "$(wc -l <"$WORK/missing")" \
  "two shells that append: and the log says so, line by line"
note "$(wc -l <"$WORK/log-stored") stored, $(wc -l <"$WORK/missing") rescued, $(wc -l <"$WORK/errors") told"

careful() {
  perl -e 'my ($file, $name, $acknowledged) = @ARGV; open my $ok, ">>", $acknowledged or die;
    my $told = 0;
    for my $i (0 .. 24) {
      my $f;
      if (open($f, ">>", $file) && print($f "$name $i\n") && close($f)) { syswrite $ok, "$name $i\n" } else { ++$told }
    }
    print $told' "$1/careful" "$2" "$WORK/careful-$2"
}
: >"$A/careful"
past_ttl
careful "$A" a >"$WORK/told-a" &
one=$!
careful "$B2" b >"$WORK/told-b"
wait "$one"
stored b careful | sort >"$WORK/careful-stored"
sort "$WORK/careful-a" "$WORK/careful-b" >"$WORK/careful"
told=$(($(<"$WORK/told-a") + $(<"$WORK/told-b")))
is "$(<"$WORK/careful-stored")" "$(<"$WORK/careful")" "two careful appenders: the lines whose close said yes, and no others"
is "$(wc -l <"$WORK/careful")" $((50 - told)) "two careful appenders: the others were told"
at_least $((told + $(wc -l <"$WORK/missing"))) 1 "they met: times"
note "$told told"

ok "umount of one" umount_coffer "$A"
ok "umount of the other" umount_coffer "$B2"
done_testing
