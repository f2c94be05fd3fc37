#!/bin/sh
# Random operations against the reference, without FUSE: SEEDS=200 runs longer, SEED=7 repeats one.
exec "${B:-build}/unit" -w NoTests -r cases "[model]"
