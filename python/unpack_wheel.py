"""Unpacks the native libraries of one wheel: unpack_wheel.py WHEEL SHA256 TARGET

From a TensorFlow wheel come the two shared libraries (into TARGET/lib) and the C headers that the
addon includes (into TARGET/include); from a CUDA wheel, everything under nvidia/ but its headers.
"""

import hashlib
import re
import shutil
import sys
import zipfile
from pathlib import Path

# Member of the wheel -> path under TARGET. The headers moved between TensorFlow 2.16 (tsl) and 2.21.
PLACES = [
    (re.compile(r"tensorflow/(libtensorflow_(?:cc|framework)\.(?:so\.2|2\.dylib))$"), r"lib/\1"),
    (re.compile(r"tensorflow/(include/tensorflow/c/.*\.h)$"), r"\1"),
    (re.compile(r"tensorflow/(include/(?:xla/)?tsl/c/.*\.h)$"), r"\1"),
    (re.compile(r"tensorflow/(include/.*/ctstring(?:_internal)?\.h)$"), r"\1"),
    (re.compile(r"(nvidia/(?!.*/include/).*)$"), r"\1"),
]


def place(member: str) -> "str | None":
    """The path for a member of the wheel, None for one that is not needed."""
    for pattern, replacement in PLACES:
        if pattern.match(member):
            return pattern.sub(replacement, member)
    return None


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def unpack(wheel: Path, expected: str, target: Path) -> int:
    found = sha256(wheel)
    if found != expected:
        raise SystemExit(f"{wheel.name}: expected SHA-256 {expected}, found {found}")
    count = 0
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            relative = None if member.is_dir() else place(member.filename)
            if relative is None:
                continue
            if ".." in Path(relative).parts:
                raise SystemExit(f"{wheel.name}: {member.filename} leads out of its folder")
            path = target / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, path.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            # nvcc's programs must stay executable.
            path.chmod((member.external_attr >> 16) & 0o777 or 0o644)
            count += 1
    return count


if __name__ == "__main__":
    if not unpack(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])):
        raise SystemExit(f"{sys.argv[1]}: holds no library that the engine needs")
