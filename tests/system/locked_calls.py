#!/usr/bin/env python3
"""locked_calls.py DIR UID LOCK_COMMAND: what each system call says of a locked file, one line each.

Makes its files in DIR, lets LOCK_COMMAND (a shell line; the file is $1) lock three of them while
descriptors are open, and then tries everything as user UID, who owns them. The same on ext4 with
`chattr +i` and on a mount: the lines that differ are what differs.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import stat
import struct
import subprocess
import sys
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
NOREPLACE, EXCHANGE = 1, 2
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
GETFLAGS, SETFLAGS, FSGETXATTR = 0x80086601, 0x40086602, 0x801c581f
FICLONE = 0x40049409
MADE = ("f", "old", "d/inside")
LOCKED = (*MADE, "new")


def call(name, *arguments):
    """A function of libc, as an OSError when it fails."""
    ctypes.set_errno(0)
    result = getattr(LIBC, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def utimens(path, atime, mtime):
    times = (ctypes.c_long * 4)(1, atime, 1, mtime)
    call("utimensat", AT_FDCWD, path.encode(), times, 0)


def renameat2(source, target, flags):
    call("renameat2", AT_FDCWD, source.encode(), AT_FDCWD, target.encode(), flags)


def opening(flags, path="f"):
    return lambda: os.close(os.open(path, flags, 0o644))


def closing(fd, function):
    """`function` of a descriptor that is closed whatever comes."""
    try:
        return function(fd)
    finally:
        os.close(fd)


def flags_of(path):
    fd = os.open(path, os.O_RDONLY)
    return closing(fd, lambda fd: struct.unpack("I", fcntl.ioctl(fd, GETFLAGS, bytes(8))[:4])[0])


def same_flags():
    fd = os.open("f", os.O_RDONLY)
    closing(fd, lambda fd: fcntl.ioctl(fd, SETFLAGS, struct.pack("q", flags_of("f"))))


def mapped(protection, flags, store):
    def run(fd):
        with mmap.mmap(fd, 4, flags=flags, prot=protection) as view:
            if store:
                view[0] = 65
    closing(os.open("f", os.O_RDONLY), run)


def onto_empty(source):
    os.mkdir("empty2")
    there_and_back(source, "empty2")


def there_and_back(source, target):
    os.rename(source, target)
    os.rename(target, source)


def statx_says():
    buffer = ctypes.create_string_buffer(256)
    call("statx", AT_FDCWD, b"f", 0, 0xfff, buffer)
    if not struct.unpack_from("Q", buffer, 8)[0] & 0x10:
        raise OSError(errno.ENODATA, "not immutable")


def extended_flags():
    fd = os.open("f", os.O_RDONLY)
    words = closing(fd, lambda fd: fcntl.ioctl(fd, FSGETXATTR, bytes(28)))
    if not struct.unpack_from("I", words)[0] & 8:
        raise OSError(errno.ENODATA, "not immutable")


def immutable():
    if not flags_of("f") & 0x10:
        raise OSError(errno.ENODATA, "not immutable")


def opens():
    o = os
    return {
        "open(O_RDONLY)": opening(o.O_RDONLY),
        "open(O_RDONLY|O_APPEND)": opening(o.O_RDONLY | o.O_APPEND),
        "open(O_RDONLY|O_CREAT)": opening(o.O_RDONLY | o.O_CREAT),
        "open(O_RDONLY|O_NOATIME)": opening(o.O_RDONLY | o.O_NOATIME),
        "open(O_PATH)": opening(o.O_PATH),
        "open(O_WRONLY)": opening(o.O_WRONLY),
        "open(O_RDWR)": opening(o.O_RDWR),
        "open(O_WRONLY|O_APPEND)": opening(o.O_WRONLY | o.O_APPEND),
        "open(O_WRONLY|O_CREAT)": opening(o.O_WRONLY | o.O_CREAT),
        "open(O_RDWR|O_CREAT|O_APPEND)": opening(o.O_RDWR | o.O_CREAT | o.O_APPEND),
        "open(O_WRONLY|O_TRUNC)": opening(o.O_WRONLY | o.O_TRUNC),
        "open(O_RDWR|O_TRUNC)": opening(o.O_RDWR | o.O_TRUNC),
        "open(O_RDONLY|O_TRUNC)": opening(o.O_RDONLY | o.O_TRUNC),
        "open(O_WRONLY|O_CREAT|O_TRUNC)": opening(o.O_WRONLY | o.O_CREAT | o.O_TRUNC),
        "open(O_CREAT|O_EXCL)": opening(o.O_WRONLY | o.O_CREAT | o.O_EXCL),
        "open(O_WRONLY) of a link to it": opening(o.O_WRONLY, "link"),
        "open(O_RDONLY) of a link to it": opening(o.O_RDONLY, "link"),
    }


def reads():
    return {
        "stat": lambda: os.stat("f"),
        "read": lambda: closing(os.open("f", os.O_RDONLY), lambda fd: os.read(fd, 9)),
        "access(F_OK)": lambda: call("access", b"f", 0),
        "access(R_OK)": lambda: call("access", b"f", 4),
        "access(W_OK)": lambda: call("access", b"f", 2),
        "mmap(MAP_PRIVATE), a store": lambda: mapped(3, mmap.MAP_PRIVATE, True),
        "mmap(MAP_SHARED, PROT_READ)": lambda: mapped(1, mmap.MAP_SHARED, False),
        "flock": lambda: closing(os.open("f", os.O_RDONLY), lambda fd: fcntl.flock(fd, 2)),
        "fsync": lambda: closing(os.open("f", os.O_RDONLY), os.fsync),
        "getxattr": lambda: os.getxattr("f", "user.there"),
        "getxattr of one that is missing": lambda: os.getxattr("f", "user.none"),
        "listxattr": lambda: os.listxattr("f"),
        "readlink of a link to it": lambda: os.readlink("link"),
        "lsattr": immutable,
        "FS_IOC_FSGETXATTR": extended_flags,
        "statx, the immutable attribute": statx_says,
    }


def attributes():
    mode = stat.S_IMODE(os.stat("f").st_mode)
    omit, now = UTIME_OMIT, UTIME_NOW
    return {
        "truncate to 0": lambda: os.truncate("f", 0),
        "truncate to its size": lambda: os.truncate("f", os.stat("f").st_size),
        "truncate to more": lambda: os.truncate("f", 100),
        "chmod to the same mode": lambda: os.chmod("f", mode),
        "chmod": lambda: os.chmod("f", 0o600),
        "chmod u+s": lambda: os.chmod("f", 0o4755),
        "fchmod": lambda: closing(os.open("f", os.O_RDONLY), lambda fd: os.fchmod(fd, 0o600)),
        "chown to the same": lambda: os.chown("f", os.stat("f").st_uid, os.stat("f").st_gid),
        "chown of the group alone": lambda: os.chown("f", -1, os.stat("f").st_gid),
        "chown(-1, -1)": lambda: os.chown("f", -1, -1),
        "utime(NULL)": lambda: os.utime("f"),
        "utimensat": lambda: utimens("f", 0, 0),
        "utimensat(OMIT, 1)": lambda: utimens("f", omit, 0),
        "utimensat(NOW, OMIT)": lambda: utimens("f", now, omit),
        "utimensat(OMIT, OMIT)": lambda: utimens("f", omit, omit),
        "futimens": lambda: closing(os.open("f", os.O_RDONLY), lambda fd: os.utime(fd, (1, 1))),
        "setxattr": lambda: os.setxattr("f", "user.new", b"1"),
        "setxattr of one that is there": lambda: os.setxattr("f", "user.there", b"2"),
        "setxattr(XATTR_REPLACE) of none": lambda: os.setxattr("f", "user.none", b"", 2),
        "removexattr": lambda: os.removexattr("f", "user.there"),
        "removexattr of one that is missing": lambda: os.removexattr("f", "user.none"),
        "setxattr(trusted.*)": lambda: os.setxattr("f", "trusted.a", b"1"),
        "setxattr(security.*)": lambda: os.setxattr("f", "security.a", b"1"),
        "FS_IOC_SETFLAGS, unchanged": same_flags,
    }


def names():
    return {
        "link": lambda: os.link("f", "g"),
        "symlink to it": lambda: os.symlink("f", "g2"),
        "symlink over it": lambda: os.symlink("x", "f"),
        "mkdir over it": lambda: os.mkdir("f"),
        "mknod over it": lambda: os.mknod("f", stat.S_IFREG | 0o644),
        "rename onto itself": lambda: os.rename("f", "f"),
        "rename away": lambda: os.rename("f", "g"),
        "rename into another directory": lambda: os.rename("f", "d/g"),
        "rename onto it": lambda: os.rename("free", "f"),
        "rename of one locked file onto another": lambda: os.rename("f", "old"),
        "rename of it onto a file": lambda: os.rename("f", "free"),
        "renameat2(RENAME_NOREPLACE) onto it": lambda: renameat2("free", "f", NOREPLACE),
        "renameat2(RENAME_NOREPLACE) away": lambda: renameat2("f", "g", NOREPLACE),
        "renameat2(RENAME_EXCHANGE)": lambda: renameat2("f", "free", EXCHANGE),
        "rename of it onto a directory": lambda: os.rename("f", "empty"),
        "rename of a directory onto it": lambda: os.rename("empty", "f"),
        "rmdir of it": lambda: os.rmdir("f"),
        "unlink": lambda: os.unlink("f"),
        "unlink below a directory": lambda: os.unlink("d/inside"),
        "rmdir of its directory": lambda: os.rmdir("d"),
        "a new file beside it": lambda: (opening(os.O_WRONLY | os.O_CREAT, "d/new")(),
                                         os.unlink("d/new")),
        "rename of its directory": lambda: there_and_back("d", "d2"),
        "rename of its directory onto one": lambda: onto_empty("d"),
    }


def old_descriptors(append, new, read):
    source = os.open("free", os.O_RDONLY)
    return {
        "write, opened before": lambda: os.write(append, b"x"),
        "write of nothing, opened before": lambda: os.write(append, b""),
        "ftruncate to 0, opened before": lambda: os.ftruncate(append, 0),
        "ftruncate to its size, opened before":
            lambda: os.ftruncate(append, os.fstat(append).st_size),
        "fallocate, opened before": lambda: call("fallocate", append, 0, ctypes.c_long(0),
                                                 ctypes.c_long(10)),
        "write, made and opened before": lambda: os.write(new, b"x"),
        "pwrite, made and opened before": lambda: os.pwrite(new, b"x", 0),
        "copy_file_range, made and opened before": lambda: os.copy_file_range(source, new, 1),
        "sendfile, made and opened before": lambda: os.sendfile(new, source, 0, 1),
        "FICLONE, made and opened before": lambda: fcntl.ioctl(new, FICLONE, source),
        "ftruncate, made and opened before": lambda: os.ftruncate(new, 1),
        "fchmod, opened before": lambda: os.fchmod(append, 0o600),
        "fchown, opened before": lambda: os.fchown(append, os.getuid(), -1),
        "futimens, opened before": lambda: os.utime(append, (1, 1)),
        "fsetxattr, opened before": lambda: os.setxattr(append, "user.new", b"1"),
        "flock, opened before": lambda: fcntl.flock(append, fcntl.LOCK_EX),
        "fcntl(F_SETLK, F_WRLCK), opened before": lambda: fcntl.lockf(append, fcntl.LOCK_EX),
        "fsync, opened before": lambda: os.fsync(append),
        "pread, opened before": lambda: os.pread(read, 4, 0),
        "close, opened before": lambda: os.close(append),
        "close, made and opened before": lambda: os.close(new),
    }


def make_files(owner):
    for name in ("d", "empty"):
        os.mkdir(name)
    for name in (*MADE, "free"):
        with open(name, "wb") as file:
            file.write(b"content of it\n")
        os.setxattr(name, "user.there", b"1")
    os.symlink("f", "link")
    for name in (".", "d", "empty", *MADE, "free"):
        os.chown(name, owner, owner)
        closing(os.open(name, os.O_RDONLY), os.fsync)  # a mount may send a chown later


def report(table):
    for name, attempt in table.items():
        try:
            attempt()
            word = "ok"
        except OSError as error:
            word = "EOPNOTSUPP" if error.errno == errno.ENOTSUP else errno.errorcode[error.errno]
        print(f"{name}\t{word}", flush=True)


def main():
    directory, owner, command = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.umask(0o022)
    os.chdir(directory)
    make_files(owner)
    ready, opened = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setresgid(owner, owner, owner)
            os.setresuid(owner, owner, owner)
            append = os.open("old", os.O_WRONLY | os.O_APPEND)
            read = os.open("old", os.O_RDONLY)
            new = os.open("new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.write(new, b"made here\n")
            os.fsync(new)
            os.write(opened[1], b"x")
            os.read(ready[0], 1)
            for table in (opens(), reads(), attributes(), names(),
                          old_descriptors(append, new, read)):
                report(table)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(opened[1])
    if os.read(opened[0], 1):
        for name in LOCKED:
            subprocess.run(["sh", "-c", command, "sh", os.path.abspath(name)], check=True)
    os.write(ready[1], b"x")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
