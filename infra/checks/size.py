"""Size is cold-start time: the binaries that `sam build` made must stay below a limit.

    size.py .aws-sam/build
"""

import sys
from pathlib import Path

LIMIT_MIB = 20


def main(build: Path) -> int:
    binaries = sorted(build.glob("*/bootstrap"))
    if not binaries:
        print(f"no function in {build}: run `sam build`")
        return 1
    too_large = False
    for binary in binaries:
        size = binary.stat().st_size / 2**20
        too_large |= size >= LIMIT_MIB
        print(f"{binary.parent.name:20} {_machine(binary):8} {size:6.1f} MiB")
    if too_large:
        print(f"the limit is {LIMIT_MIB} MiB")
    return 1 if too_large else 0


def _machine(binary: Path) -> str:
    # e_machine of the ELF header.
    with open(binary, "rb") as file:
        number = int.from_bytes(file.read(20)[18:20], "little")
    return {62: "x86_64", 183: "arm64"}.get(number, f"? ({number})")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
