"""The programs that are compared: how each is mounted, so that it answers as freshly and exactly as it
can, and where its answer is less than that of the others all the same."""

import json
import os
import shutil
import subprocess
import tempfile
import time

import measure

DEFERRED = "close returns before S3 has the file"
LISTED = "no modes, owners and times but those of the listing"
NO_MODES = "no modes and owners"
WHOLE_BLOCKS = "fetches 10 MB or more around a read into a local file, and soon has all of it there"
RANDOM = ("random-4-1", "random-4-16", "random-128-1", "random-128-16")
LISTINGS = ("ls-cold", "ls-again")
WRITES = ("create-1", "create-16", "write", "cp", "tar", "restic", "mv", "rm")


class Program:
    """A file system over S3. `store` names the bucket, and so the form in which files lie there."""

    name = ""
    store = "plain"
    lesser = {}  # line: why its figure does not count
    remembers = False  # over a mount, what an `ls -l` has found out
    copies = False  # without a mount

    def __init__(self, bench):
        self.bench = bench
        self.home = os.path.join(bench.work, self.name)
        os.makedirs(self.home, exist_ok=True)
        self.environment = dict(bench.environment, HOME=self.home, TMPDIR=self.home,
                                XDG_CACHE_HOME=self.home, XDG_STATE_HOME=self.home)

    def command(self, url, directory, line):
        """What mounts it on `directory`, in the foreground."""
        raise NotImplementedError

    def unmount(self, directory):
        """The command that does."""
        return ["fusermount3", "-u", directory]

    def requests(self, _directory):
        """How many requests it has made so far, by operation, where it tells."""
        return {}

    def copy(self, local, name):
        """Copies a local directory or file into its bucket as `name`, where it `copies`."""
        raise NotImplementedError

    def get_ready(self):
        """Before its first mount."""

    def meet(self, url):
        """Before its first mount from this address."""


class Coffer(Program):
    name = "coffer"
    remembers = True
    form = ()  # options that only a mount has

    def command(self, url, directory, line):
        options = {"ls-list": ["--attributes=list"], "ls-new": ["--index-dir", self.new_index()]}
        return [self.bench.coffer, "mount", "--foreground", "--endpoint-url", url, *self.keys(),
                *self.form, *options.get(line, []), f"s3://{self.store}", directory]

    def meet(self, url):
        """Which conditional writes are honoured there: as its mount tells whoever uses a server of another
        party, and without which it looks before it writes."""
        tried = subprocess.run([self.bench.coffer, "doctor", "--write-test", "--endpoint-url", url,
                                *self.keys(), f"s3://{self.store}"], check=False, text=True,
                               env=self.environment, capture_output=True)
        if tried.returncode not in (0, 3):  # 3: warnings
            raise measure.Failed(f"coffer doctor: {tried.stdout}{tried.stderr}")

    def new_index(self):
        """An empty directory."""
        path = os.path.join(self.home, "new-index")
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def keys(self):
        """Options."""
        return []

    def unmount(self, directory):
        return [self.bench.coffer, "umount", directory]

    def requests(self, directory):
        status = subprocess.run([self.bench.coffer, "status", directory, "--json"], check=False,
                                env=self.environment, capture_output=True, text=True)
        try:
            made = json.loads(status.stdout)["requests"]
        except (ValueError, KeyError):
            return {}
        return {name: counts["count"] for name, counts in made.items() if counts["count"]}


class Sealed(Coffer):
    name = "sealed"
    store = "sealed"
    form = ("--sealed=yes",)

    def keys(self):
        return ["--key-file", os.path.join(self.home, "key")]

    def get_ready(self):
        key = os.path.join(self.home, "key")
        descriptor = os.open(key, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, os.urandom(32))
        os.close(descriptor)
        self.bench.command([self.bench.coffer, "init", "--endpoint-url", self.bench.server.url,
                            f"s3://{self.store}", "--key-file", key], self.environment)


class S3fs(Program):
    name = "s3fs"
    lesser = dict.fromkeys(RANDOM, WHOLE_BLOCKS)

    def command(self, url, directory, line):
        return ["s3fs", self.store, directory, "-f", "-o", f"url={url}", "-o",
                "use_path_request_style,endpoint=us-east-1,stat_cache_expire=1", "-o",
                f"tmpdir={self.home}"]

    def get_ready(self):
        self.environment["AWSACCESSKEYID"] = self.environment["AWS_ACCESS_KEY_ID"]
        self.environment["AWSSECRETACCESSKEY"] = self.environment["AWS_SECRET_ACCESS_KEY"]


class Rclone(Program):
    """Without its cache close waits for S3, but files can only be written from end to end."""

    name = "rclone"
    copies = True
    streams = ("create-1", "create-16", "write")
    lesser = {**dict.fromkeys(("cp", "tar", "restic"), DEFERRED), **dict.fromkeys(LISTINGS, NO_MODES),
              **dict.fromkeys(RANDOM, WHOLE_BLOCKS)}

    def remote(self):
        """Its name of the bucket."""
        return f"s3:{self.store}"

    def configure(self, url):
        """The remote, told by the environment."""
        values = {"TYPE": "s3", "PROVIDER": "Ceph", "ENV_AUTH": "true", "ENDPOINT": url}
        self.environment.update({f"RCLONE_CONFIG_S3_{name}": text for name, text in values.items()})

    def command(self, url, directory, line):
        self.configure(url)
        mode = "off" if line in self.streams else "full"
        shutil.rmtree(os.path.join(self.home, "cache"), ignore_errors=True)
        return ["rclone", "mount", self.remote(), directory, "--config", os.devnull, "--cache-dir",
                os.path.join(self.home, "cache"), "--vfs-cache-mode", mode, "--vfs-write-back", "0s",
                "--dir-cache-time", "1s"]

    def copy(self, local, name):
        self.configure(self.bench.server.url)
        verb = "copy" if os.path.isdir(local) else "copyto"
        self.bench.command(["rclone", verb, local, f"{self.remote()}/{name}", "--config", os.devnull,
                            "--transfers", "32"], self.environment)


class RcloneCrypt(Rclone):
    """Names stay readable, as in a sealed volume."""

    name = "rclone-crypt"
    store = "crypt"

    def remote(self):
        return "crypt:"

    def get_ready(self):
        obscured = subprocess.run(["rclone", "obscure", os.urandom(16).hex()], check=True,
                                  env=self.environment, capture_output=True, text=True)
        values = {"TYPE": "crypt", "REMOTE": f"s3:{self.store}", "PASSWORD": obscured.stdout.strip(),
                  "FILENAME_ENCRYPTION": "off", "DIRECTORY_NAME_ENCRYPTION": "false"}
        self.environment.update({f"RCLONE_CONFIG_CRYPT_{key}": text for key, text in values.items()})


class Geesefs(Program):
    name = "geesefs"
    lesser = {**dict.fromkeys(WRITES, DEFERRED), **dict.fromkeys(LISTINGS, LISTED)}

    def command(self, url, directory, line):
        return [os.environ["GEESEFS"], "-f", "--endpoint", url, "--stat-cache-ttl", "1s", self.store,
                directory]


class MountS3(Program):
    name = "mount-s3"
    lesser = dict.fromkeys(LISTINGS, LISTED)

    def command(self, url, directory, line):
        return [os.environ["MOUNT_S3"], "-f", "--endpoint-url", url, "--force-path-style", "--region",
                "us-east-1", "--allow-delete", "--allow-overwrite", "--metadata-ttl", "1",
                "--upload-checksums", "off", self.store, directory]


ALL = (Coffer, Sealed, S3fs, Rclone, RcloneCrypt, Geesefs, MountS3)


def chosen(bench, names):
    """Those named, or all that are there."""
    there = [kind for kind in ALL
             if not ((kind is Geesefs and not os.environ.get("GEESEFS")) or
                     (kind is MountS3 and not os.environ.get("MOUNT_S3")))]
    unknown = set(names) - {kind.name for kind in there}
    if unknown:
        raise SystemExit(f"bench: BENCH_PEERS: no {', '.join(sorted(unknown))} here; there are "
                         f"{', '.join(kind.name for kind in there)} (GEESEFS= and MOUNT_S3= name those)")
    return [kind(bench) for kind in there
            if not names or kind.name in names or issubclass(kind, Coffer)]


class Mounted:
    """A program, mounted as for `line`; unmounts at the end of `with`, whatever it takes."""

    def __init__(self, program, url, line=""):
        self.program = program
        # another one each time: a mount that died may stay in its place
        self.path = tempfile.mkdtemp(prefix="mnt.", dir=program.bench.work)
        self._log = open(os.path.join(program.home, "log"), "a+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            program.command(url, self.path, line), env=program.environment, cwd=program.home,
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def __enter__(self):
        end = time.monotonic() + 30
        while not os.path.ismount(self.path):
            if self.process.poll() is not None or time.monotonic() > end:
                measure.end(self.process)
                self._log.seek(max(0, self._log.tell() - 400))
                raise measure.Failed(f"{self.program.name} does not mount: {self._log.read()}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        for command in (self.program.unmount(self.path), ["fusermount3", "-uz", self.path]):
            try:
                done = subprocess.run(command, check=False, env=self.program.environment, timeout=60,
                                      capture_output=True)
            except subprocess.TimeoutExpired:
                continue
            if done.returncode == 0:
                break
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            measure.end(self.process)
        self._log.close()
        try:
            os.rmdir(self.path)
        except OSError:
            pass
