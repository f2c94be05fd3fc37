"""Keeps every request body as it came over the wire, whole or not: what an eavesdropper has."""

import itertools
import json
import os
import threading


class Recorder:
    """Writes into a directory: N.json says what request number N was, N.body has what came of its body."""

    def __init__(self, directory):
        self._directory = directory
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def begin(self, request):
        """A Record of a request that has a body; None for one without."""
        if not request.content_length:
            return None
        with self._lock:
            path = os.path.join(self._directory, f"{next(self._numbers):06}")
        facts = {"method": request.method, "path": request.path, "query": request.query,
                 "length": request.content_length, "headers": request.headers}
        with open(f"{path}.json", "w", encoding="utf-8") as file:
            json.dump(facts, file)
        return Record(f"{path}.body")


class Record:
    """One body. Used by the connection's thread only; nothing is buffered, so that a kill loses nothing."""

    def __init__(self, path):
        self._path = path

    def write(self, data):
        """More of the body."""
        with open(self._path, "ab") as file:
            file.write(data)
