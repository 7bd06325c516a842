"""Runs alone: sets limits on itself, then becomes the program of the command line.

python -I -S limits.py BYTES_OF_MEMORY CPU_SECONDS BYTES_OF_FILE PROCESSES PROGRAM [ARG…]
"""

import os
import resource
import sys


def main() -> None:
    memory, cpu, file_size, processes = (int(word) for word in sys.argv[1:5])
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606 - never a shell


if __name__ == "__main__":
    main()
