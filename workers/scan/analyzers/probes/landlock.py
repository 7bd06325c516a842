"""Runs alone: gives up files, network and other processes, then becomes the program given to it.

python -I -S landlock.py DIRECTORY [READABLE…] -- PROGRAM [ARG…]

Landlock and seccomp need no namespaces and no rights, so they also work in containers where
bubblewrap does not. Landlock leaves DIRECTORY to be written and READABLE to be read and executed;
seccomp refuses what Landlock can't restrict: sockets, signals to other processes, changes of
owners and modes. Exits with 1 and a sentence where the kernel or the processor lacks either.
Names and sizes of other files can still be seen, but not listed.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path

# https://docs.kernel.org/userspace-api/landlock.html
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
#: Of files: execute, write, read, truncate, ioctl of devices. All else is of directories.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | 1 << 15
#: Making devices and sockets; programs that were written there are not executed.
_NEVER = _EXECUTE | 1 << 6 | 1 << 9 | 1 << 11
#: Rights of files that each version of Landlock knows, from the first on.
_FILE_RIGHTS = ((1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)
_NETWORK = 0b11  # bind and connect, from version 4 on
_SCOPES = 0b11  # abstract sockets and signals, from version 6 on
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")

# https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_X32 = 0x40000000
_NEW_USER = 0x10000000

#: Architecture for the filter, and by name the numbers of refused calls: of x86-64 and ARM64.
_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED = {
    # the network, local servers and what would go around this filter
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # other processes
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    # memory and queues shared with other processes of the user, keys of the kernel
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    # namespaces, and what is attacked to get out
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
    # what Landlock does not restrict of files: modes, owners, attributes, times
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "utime": (132, None),
    "utimes": (235, None),
    "utimensat": (280, 88),
    "futimesat": (261, None),
    "truncate": (76, 45),
}
_CLONE, _CLONE3, _TGKILL, _PRLIMIT = (56, 220), (435, 435), (234, 131), (302, 261)

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    end = sys.argv.index("--")
    directory, *readable = sys.argv[1:end]
    program = sys.argv[end + 1 :]
    try:
        _succeed(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
        _restrict_files(directory, readable)
        _filter_calls()
    except OSError as exc:
        sys.exit(f"Landlock and seccomp do not work here: {exc}")
    os.execv(program[0], program)  # noqa: S606 - never a shell


def _restrict_files(directory: str, readable: list[str]) -> None:
    version = _succeed(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG))
    rights = _FILE_RIGHTS[min(version, len(_FILE_RIGHTS)) - 1]
    attributes = struct.pack("=Q", rights)
    if version >= 4:
        attributes += struct.pack("=Q", _NETWORK)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    size = ctypes.c_size_t(len(attributes))
    rules = _succeed(_libc.syscall(_CREATE_RULESET, attributes, size, 0))
    for path in readable:
        _allow(rules, path, rights & (_EXECUTE | _READ_FILE | _READ_DIR))
    for path in _DEVICES:
        _allow(rules, path, rights & (_READ_FILE | _WRITE_FILE))
    _allow(rules, directory, rights & ~_NEVER)
    _succeed(_libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    """Give these rights to all below a path, if it exists."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not Path(path).is_dir():
        rights &= _OF_FILES
    rule = struct.pack("=Qi", rights, descriptor)
    _succeed(_libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0))
    os.close(descriptor)


def _filter_calls() -> None:
    machine = platform.machine()
    if machine not in _ARCHES:
        raise OSError(errno.ENOSYS, f"no list of system calls of {machine}")
    column = list(_ARCHES).index(machine)
    refuse = _ERRNO | errno.EPERM
    code = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _ARCHES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for numbers in _REFUSED.values():
        if (number := numbers[column]) is not None:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    # Its flags are out of a filter's sight; libraries then use the older call.
    code += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    for number, test in (
        (_CLONE[column], (_ANY_BIT, 0, 1, _NEW_USER)),
        (_TGKILL[column], (_EQUAL, 1, 0, os.getpid())),  # it stays the same over exec
        (_PRLIMIT[column], (_EQUAL, 1, 0, 0)),  # 0: of itself
    ):
        code += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            test,
            (_RETURN, 0, 0, refuse),
            (_RETURN, 0, 0, _ALLOW),
        ]
    code.append((_RETURN, 0, 0, _ALLOW))
    instructions = b"".join(struct.pack("=HBBI", *each) for each in code)
    buffer = ctypes.create_string_buffer(instructions)
    program = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    _succeed(_libc.prctl(_SET_SECCOMP, _FILTER, program, 0, 0))


def _succeed(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


if __name__ == "__main__":
    main()
