#!/bin/sh
# Every unit test, in one TAP stream; tests/model/ runs the long random ones. UNIT_TESTS="~[model]~[serial]" leaves out what
# goes through all bits of something on one thread.
exec "${B:-build}/unit" -w NoTests -r cases "${UNIT_TESTS:-~[model]}"
