#!/usr/bin/env python3
"""Self test of the stand-in server: what it verifies, stores, refuses, and breaks on command."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_access import Access, Doors, SignatureVectors
from test_archives import Archives
from test_control import AccessPoints
from test_faults import Control, Faults, Http, Last
from test_kms import Keys, Kms
from test_locks import LockedDeletes, LockHeaders, LockQuestions, LockRules
from test_objects import Copies, Lists, Multipart, Objects, Versions
from test_settings import Settings
from test_support import WORK, Served, Tap


def main():
    loader = unittest.TestLoader()
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (
        SignatureVectors, Objects, Versions, Multipart, Copies, Lists, Doors, Access, Keys,
        LockQuestions, LockHeaders, LockRules, LockedDeletes, Archives, Kms, Faults, Control,
        Http, Settings, AccessPoints, Last))
    print(f"1..{suite.countTestCases()}", flush=True)
    result = Tap()
    suite.run(result)
    if Served.server is not None:
        Served.server.stop()
    WORK.cleanup()
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
