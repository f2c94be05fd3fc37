"""Random changes of files on a sealed mount, until it dies: what seals anew, and what must not.

    nonces_work.py DIRECTORY SEED [OPERATIONS]
"""
import errno
import os
import random
import sys

SMALL = [0, 1, 1000, 65_535, 65_536, 65_537, 200_000, 700_000]
STREAMED = [5_400_000, 6_000_000, 11_000_000]


class Work:
    def __init__(self, top, seed):
        self.random = random.Random(seed)
        self.top = os.path.join(top, f"w{seed}")
        os.makedirs(self.top, exist_ok=True)
        self.names = []
        self.count = 0

    def any(self):
        return os.path.join(self.top, self.random.choice(self.names))

    def fresh(self):
        self.count += 1
        self.names.append(f"f{self.count}")
        return os.path.join(self.top, self.names[-1])

    def bytes(self, size):
        return self.random.randbytes(size)

    def stream(self):
        self.create(self.random.choice(STREAMED))

    def create(self, size=None):
        if size is None:
            size = self.random.choice(SMALL if self.random.random() < 0.75 else STREAMED)
        with open(self.fresh(), "wb", buffering=0) as file:
            left = size
            while left:
                left -= file.write(self.bytes(min(left, 131_072)))
                if self.random.random() < 0.02:
                    os.fsync(file.fileno())

    def rewrite(self):
        with open(self.any(), "wb") as file:
            file.write(self.bytes(self.random.choice(SMALL)))

    def in_place(self):
        with open(self.any(), "r+b") as file:
            file.seek(self.random.randrange(1 + os.fstat(file.fileno()).st_size))
            file.write(self.bytes(100))
            file.flush()
            if self.random.random() < 0.5:
                os.fsync(file.fileno())
                file.write(self.bytes(100))

    def append(self):
        with open(self.any(), "ab") as file:
            file.write(self.bytes(self.random.choice(SMALL)))

    def truncate(self):
        name = self.any()
        os.truncate(name, self.random.randrange(1 + os.stat(name).st_size))

    def chmod(self):
        os.chmod(self.any(), self.random.choice([0o600, 0o640, 0o755]))

    def attribute(self):
        os.setxattr(self.any(), "user.note", self.bytes(20))

    def rename(self):
        old = self.random.randrange(len(self.names))
        source = os.path.join(self.top, self.names.pop(old))
        os.rename(source, self.fresh())

    def run(self, operations):
        kinds = ([self.create] * 4 + [self.append, self.in_place] * 2 +
                 [self.rewrite, self.truncate, self.chmod, self.attribute, self.rename])
        # the rewrite is what sends the attribute with a body: of one changed alone a copy is made
        first = [self.create, self.attribute, self.rewrite, self.stream, self.create]
        for number in range(operations):
            try:
                (first[number] if number < len(first) else self.random.choice(kinds))()
            except OSError as error:
                # Not every change of a closed file is possible everywhere; tried all the same.
                if error.errno != errno.ENOTSUP:
                    raise


if __name__ == "__main__":
    try:
        Work(sys.argv[1], int(sys.argv[2])).run(int(sys.argv[3]) if len(sys.argv) > 3 else 10_000)
    except OSError as error:
        print(f"{error}")  # the mount was killed
        sys.exit(3)
