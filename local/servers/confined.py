"""Starts a program with the least rights that this system can give it; stands alone, as it runs by its path.

    python -I confined.py --folder DATA --port 9092 [--user UID:GID] -- PROGRAM ARGUMENT…

The program works in `folder`, the only one in which it can write; of everything else it reads the system's libraries
only. It listens on `port` and where the system lets it, connects to nothing by TCP, and signals no other process.
Landlock sees to that: on Linux since 5.13, for the network since 6.7, for signals since 6.12
(https://docs.kernel.org/userspace-api/landlock.html). Where root starts it, it runs as `user`.
"""

import argparse
import ctypes
import os
import resource
import struct
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every processor
_PATH_BENEATH, _NET_PORT = 1, 2
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many kinds of access each version knows; 16 since 5
_BIND_TCP, _CONNECT_TCP = 1, 2
_ANY_PORT = 0  # one that the system chooses, on which the development broker listens too
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_NO_NEW_PRIVILEGES = 38

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_READ = ("/etc/ld.so.cache", "/dev/urandom", "/dev/null")


def landlock_version() -> int:
    """What of Landlock this system has; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, 1)))


def confine(folder: str, program: int, port: int) -> None:
    """Give up, for this process and those after it, all access but what the module says. Does nothing without Landlock.

    `program`: the open file that may be executed. Raises `OSError`.
    """
    version = landlock_version()
    if version == 0:
        return
    libc = _libc()
    everything = (1 << _FS_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack(
        "=QQQ",
        everything,
        _BIND_TCP | _CONNECT_TCP if version >= 4 else 0,
        _ABSTRACT_SOCKETS | _SIGNALS if version >= 6 else 0,
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _checked(libc.syscall(_CREATE_RULESET, attributes, size, 0))

    def allow(rights: int, path: int) -> None:
        _checked(libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights & everything, path), 0))

    allow(everything & ~_EXECUTE, os.open(folder, os.O_PATH | os.O_CLOEXEC))
    allow(_EXECUTE | _READ_FILE, program)
    for path in filter(os.path.exists, _LIBRARIES):
        allow(_EXECUTE | _READ_FILE | _READ_DIR, os.open(path, os.O_PATH | os.O_CLOEXEC))
    for path in filter(os.path.exists, _READ):
        allow(_READ_FILE | (_WRITE_FILE if path == "/dev/null" else 0), os.open(path, os.O_PATH | os.O_CLOEXEC))
    if version >= 4:
        for number in (port, _ANY_PORT):
            _checked(libc.syscall(_ADD_RULE, rules, _NET_PORT, struct.pack("=QQ", _BIND_TCP, number), 0))
    _checked(libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


def main() -> None:
    """Become the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--user")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    # By its open file, as another account may not be let through the folders above it.
    program = os.open(options.command[0], os.O_RDONLY)
    os.chdir(options.folder)
    if options.user:
        uid, gid = (int(part) for part in options.user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _checked(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    confine(".", program, options.port)
    path = program if os.execve in os.supports_fd else options.command[0]
    os.execve(path, options.command, dict(os.environ))  # noqa: S606 (no shell is wanted)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


if __name__ == "__main__":
    main()
