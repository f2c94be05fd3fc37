#!/bin/sh
# Every unit test, in one TAP stream.
exec "${B:-build}/unit" -r tap
