#!/bin/sh
# Every unit test, in one TAP stream; tests/model/ runs the long random ones.
exec "${B:-build}/unit" -r cases "~[model]"
