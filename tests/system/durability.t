#!/usr/bin/env bash
# kill -9 at random moments while files are written, replaced, renamed and removed. Whatever close, rename or unlink
# acknowledged is there after a remount with an empty cache, whole; what was under way is wholly old or wholly new.
# KILLS (20), SEED: replayable as far as the scheduler lets it.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_fuse
need_commands jq

KILLS=${KILLS:-20}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
WRITERS=3
note "SEED=$SEED"
RANDOM=$((SEED % 32768))
start_server --bucket b --latency 5
M=$WORK/m

# One writer: notes in its journal what it is about to do, and again when it was acknowledged. Ends at the first error,
# which the death of the mount is.
cat >"$WORK/writer.pl" <<'PERL'
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use POSIX qw(_exit);
my ($mount, $journal, $name, $seed) = @ARGV;
srand $seed;
open my $log, '>>', $journal or die $!;
sub note { syswrite $log, "@_\n" }
my @files;
my $count = 0;

sub store {
    my ($file) = @_;
    my $size = (0, int rand 5000, int rand 200_000, int rand 200_000, int rand 2_000_000, 5_300_000 + int rand 7_000_000)[rand 6];
    my $pattern = md5_hex("$file $seed " . $count++) x 2048;
    my $content = substr $pattern x (1 + $size / 65536), 0, $size;
    note 'store', $file, md5_hex($content), $size;
    open my $f, '>', "$mount/$file" or _exit(0);
    for (my $at = 0; $at < $size;) {
        my $n = syswrite $f, $content, 131072, $at;
        _exit(0) unless $n;
        $at += $n;
    }
    note 'sending', $file;
    close $f or _exit(0);
    note 'stored', $file;
}
while (1) {
    my $what = rand;
    if (@files < 3 || $what < 0.6) {
        push @files, "$name-$seed-" . @files . "-$count";
        store($files[-1]);
    } elsif ($what < 0.75) {
        store($files[rand @files]);
    } elsif ($what < 0.9) {
        my $old = splice @files, rand @files, 1;
        note 'rename', $old, "$old-r";
        rename "$mount/$old", "$mount/$old-r" or _exit(0);
        note 'renamed', $old, "$old-r";
        push @files, "$old-r";
    } else {
        my $old = splice @files, rand @files, 1;
        note 'remove', $old;
        unlink "$mount/$old" or _exit(0);
        note 'removed', $old;
    }
}
PERL

# Reads the journals, and looks at every file that they name. Prints what is wrong, and last how many files were
# acknowledged, and how many writers were cut off while bytes were on their way.
cat >"$WORK/verify.pl" <<'PERL'
use strict;
use warnings;
use Digest::MD5;
my ($mount, @journals) = @ARGV;
my ($checked, $cut) = (0, 0);

# undef when it is not there
sub content {
    my ($file) = @_;
    open my $f, '<', "$mount/$file" or return $!{ENOENT} ? undef : "cannot be opened: $!";
    my $md5 = eval { Digest::MD5->new->addfile($f)->hexdigest };
    return defined $md5 ? $md5 : "cannot be read: $!";
}
for my $journal (@journals) {
    my %must;     # name => the md5s it may have; '-' stands for absent
    my $pending;  # the operation that was not acknowledged
    open my $log, '<', $journal or die $!;
    while (<$log>) {
        my ($what, $file, $other) = split;
        if ($what eq 'store') {
            $pending = [store => $file, $other];
        } elsif ($what eq 'rename') {
            $pending = [rename => $file, $other];
        } elsif ($what eq 'remove') {
            $pending = [remove => $file];
        } elsif ($what eq 'sending') {
            $pending->[3] = 1;
        } else {
            $must{$file} = $pending->[2] if $what eq 'stored';
            ($must{$other}, $must{$file}) = ($must{$file}, '-') if $what eq 'renamed';
            $must{$file} = '-' if $what eq 'removed';
            undef $pending;
        }
    }
    my %may;
    if ($pending) {
        my ($what, $file, $new) = @$pending;
        ++$cut if $what eq 'store' && $pending->[3];
        $may{$file} = $new if $what eq 'store';
        $may{$file} = '-' if $what eq 'remove';
        $must{$file} //= '-';
        if ($what eq 'rename') {
            my ($here, $there) = (content($file) // '-', content($new) // '-');
            my $whole = delete $must{$file};
            ++$checked;
            print "$file, which was being renamed: $here and $there instead of $whole\n"
                unless grep({ $_ eq $whole } $here, $there) && !grep { $_ ne $whole && $_ ne '-' } $here, $there;
        }
    }
    for my $file (sort keys %must) {
        my $is = content($file) // '-';
        ++$checked;
        next if $is eq $must{$file} || defined $may{$file} && $is eq $may{$file};
        print "$file: $is instead of $must{$file}\n";
    }
}
print "$checked $cut\n";
PERL

mount_empty() { # with nothing that a former mount knew but its state directory
  rm -rf "$XDG_CACHE_HOME"
  mount_coffer b "$M" --write-part-size 5M --metadata-ttl 60
}
acknowledged() { (($(cat "$WORK/journal-$1"-* 2>/dev/null | grep -c '^stored ') >= $2)); } # in round $1 at least $2
verify() { perl "$WORK/verify.pl" "$M" "$@" >"$WORK/verdict"; }

wrong=0 cut=0
mount_empty || bail "no mount"
for ((round = 0; round < KILLS; ++round)); do
  pid=$(daemon_pid "$M") || bail "no daemon"
  writers=()
  for ((w = 0; w < WRITERS; ++w)); do
    perl "$WORK/writer.pl" "$M" "$WORK/journal-$round-$w" "w$w" $((SEED + 100 * round + w)) 2>>"$WORK/writer-errors" &
    writers+=($!)
  done
  within 10 acknowledged "$round" $((RANDOM % 12 + 1)) || fail "the writers get on"
  sleep "0.$((RANDOM % 300 + 100))"
  kill -KILL "$pid"
  wait "${writers[@]}"
  mount_empty || bail "no mount after a kill"
  verify "$WORK/journal-$round"-* || fail "the verifier works"
  [[ $(tail -n 1 "$WORK/verdict") =~ ^([0-9]+)\ ([0-9]+)$ ]] || fail "a verdict"
  ((cut += BASH_REMATCH[2] > 0))
  if [[ $(wc -l <"$WORK/verdict") != 1 ]]; then
    ((++wrong))
    diag "kill $round:" "$(<"$WORK/verdict")"
  fi
done
is "$wrong" 0 "$KILLS kills: what was acknowledged is there, what was under way is old or new"
is "$(<"$WORK/writer-errors")" "" "the writers say nothing"

# The uploads of the dead are aborted. Only the id of one whose creation was not answered any more can be known to
# nobody: no part of it was ever sent.
begun=$(server_requests '[.[] | select(.key != null and (.operation | test("^(CreateMultipartUpload|UploadPart)$")))]
  | group_by(.key) | map(max_by(.seq) | select(.operation == "UploadPart") | .key) | .[]')
left=$(server_control POST buckets/b/keys '{"prefix": ""}' | jq -r '.uploads[]')
is "$(comm -12 <(sort <<<"$begun") <(sort <<<"$left") | grep .)" "" "no unfinished upload is left that has a part"
note "unfinished, with no part: $(grep -c . <<<"$left")"
verify "$WORK"/journal-*
is "$(head -n -1 "$WORK/verdict")" "" "and all of it still is at the end"
checked=$(tail -n 1 "$WORK/verdict")
note "$checked: files checked, writers cut off while sending; $cut of $KILLS kills met bytes under way"
stored=$(cat "$WORK"/journal-* | grep -c '^stored ')
ok "enough was acknowledged to prove something ($stored files)" test "$stored" -ge $((5 * KILLS))
ok "enough kills met bytes on their way ($cut)" test $((cut * 4)) -ge "$KILLS"
ok "umount" umount_coffer "$M"

# a verifier that sees nothing would prove nothing
victim=$(keys_of b | head -n 1)
s3_put "/b/$victim" "something else"
mount_empty
verify "$WORK"/journal-*
like "$(head -n -1 "$WORK/verdict")" "^$victim(: |, which)[^"$'\n'"]*$" "a file that somebody damaged is found, and no other"
ok "umount" umount_coffer "$M"
done_testing
