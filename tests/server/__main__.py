"""`python3 tests/server`: see coffer_server.py."""

import sys

import coffer_server

sys.exit(coffer_server.main(sys.argv[1:]))
