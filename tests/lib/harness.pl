#!/usr/bin/perl
# harness.pl FILE...: prove, with three things more: every skip and its reason again at the end, the output
# of a failing test point in place, and "N passed, N failed, N skipped" alone on the last line.
#
# JOBS (3) test files run at a time, each at most TEST_TIMEOUT (300) seconds. Where COFFER_TEST_RUN is set the
# process group of each running file is noted in it, so that whoever started us can end them.
use strict;
use warnings;
use TAP::Harness;

$SIG{INT} = 'DEFAULT';    # a shell starts its background jobs with INT ignored, and the tests would inherit it

my %skips;       # "file: reason" => count
my $skipped = 0;
my $broken = 0;    # files that died, timed out or broke the protocol beside their counted points

# Prints what belongs to a failing point: the comments before it (Catch2 names the test case there) and after it.
sub watch {
    my ($parser, $file) = @_;
    my (@before, $failing);
    $parser->callback(ALL => sub {
        my $result = shift;
        if ($result->is_test) {
            $failing = !$result->is_ok;
            print STDERR map { "$_\n" } "# $file:", @before, $result->raw if $failing;
            @before = ();
            note_skip($file, $result->explanation) if $result->has_skip;
        } elsif ($failing) {
            print STDERR $result->raw, "\n";
        } else {
            push @before, $result->raw if $result->is_comment;
            shift @before if @before > 20;
        }
    });
}

sub note_skip {
    my ($file, $reason) = @_;
    $skips{"$file: " . ($reason || 'no reason given')}++;
    $skipped++;
}

my @command = ('sh', '-c', '[ -z "$COFFER_TEST_RUN" ] || : > "$COFFER_TEST_RUN/running/$$"; '
      . 'exec timeout -k 20 "${TEST_TIMEOUT:-300}" "$@"', 'sh');
my $harness = TAP::Harness->new({
    verbosity => $ENV{VERBOSE} ? 1 : 0,
    jobs => $ENV{JOBS} || 3,
    timer => 1,
    exec => sub { [@command, $_[1] =~ m{^/} ? $_[1] : "./$_[1]"] },
});
$harness->callback(made_parser => sub { watch($_[0], $_[1]->[1]) });
$harness->callback(after_test => sub {
    my ($job, $parser) = @_;
    note_skip($job->[0], $parser->skip_all) if $parser->skip_all;
    $broken++ if $parser->has_problems && !$parser->failed;
});

my $result = $harness->runtests(@ARGV);
my $passed = $result->passed - $result->skipped;
my $failed = $result->failed + $broken;
if (%skips) {
    print "\nSKIPPED, not tested:\n";
    print "  $_", ($skips{$_} > 1 ? " ($skips{$_} times)" : ''), "\n" for sort keys %skips;
}
print "$passed passed, $failed failed, $skipped skipped\n";
exit($failed || !$result->all_passed ? 1 : 0);
