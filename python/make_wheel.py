#!/usr/bin/env python3
"""Packs python/gemtune and installed programs into a wheel for pip.

    python/make_wheel.py OUTPUT_DIR TORCH-ARROW=PREFIX ...     2.15-26=FOLDER: the program for torch 2.15 and pyarrow 26, as
                                                               `cmake --install --component program` installed it
"""
import base64
import hashlib
import os
import pathlib
import re
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
VERSION = re.search(r"project\(gemtune VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
INFO = f"gemtune-{VERSION}.dist-info"


def by_number(version):
    return [int(part) for part in version.split(".")]


def requirement(name, versions):
    """From the oldest to before the one that comes after the newest."""
    oldest, newest = min(versions, key=by_number), max(versions, key=by_number)
    *major, last = newest.split(".")
    return f"Requires-Dist: {name}>={oldest},<{'.'.join([*major, str(int(last) + 1)])}"


def plain_files(folder):
    """Every file by the name under which it is looked for. A wheel has no links: what a link stands for is packed in its
    place, and that by its own name not at all."""
    folder = folder.resolve()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    linked = {path.resolve() for path in files if path.is_symlink()}
    return [(path, path.relative_to(folder)) for path in files if path.is_symlink() or path not in linked]


def contents(programs):
    """(name in the wheel, bytes, whether it is a program)"""
    package = ROOT / "python" / "gemtune"
    for path in sorted(package.glob("*.py")):
        yield f"gemtune/{path.name}", path.read_bytes(), False
    for (torch, arrow), prefix in programs.items():
        yield f"gemtune/bin/gemtune-torch{torch}-arrow{arrow}", (prefix / "bin" / "gemtune").read_bytes(), True
    # All but the program is the same for each of them.
    for path, name in plain_files(prefix):
        if name.parts[0] == "lib":
            yield f"gemtune/{name}", path.read_bytes(), False
        elif name.parts[:2] == ("share", "doc"):
            yield f"{INFO}/licenses/{name.name}", path.read_bytes(), False
        elif name.parts[0] == "share":  # the man page and what shells complete
            yield f"gemtune-{VERSION}.data/data/{name}", path.read_bytes(), False


def metadata(programs):
    torches, arrows = zip(*programs)
    return "\n".join([
        "Metadata-Version: 2.1", "Name: gemtune", f"Version: {VERSION}", "Summary: Fine-tune Gemma 3", "License: Apache-2.0",
        "Requires-Python: >=3.10", requirement("torch", torches), requirement("pyarrow", arrows),
        "Description-Content-Type: text/markdown", "", (ROOT / "README.md").read_text()])


def platform(files):
    """Of the newest glibc that anything in the wheel asks for."""
    asked = [int(minor) for _, content, _ in files if content[:4] == b"\x7fELF" for minor in re.findall(rb"GLIBC_2\.(\d+)", content)]
    return f"manylinux_2_{max(asked)}_{os.uname().machine}"


def write(folder, programs):
    files = list(contents(programs))
    tag = f"py3-none-{platform(files)}"
    files += [(f"{INFO}/METADATA", metadata(programs).encode(), False),
              (f"{INFO}/WHEEL", f"Wheel-Version: 1.0\nGenerator: gemtune\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(), False),
              (f"{INFO}/entry_points.txt", b"[console_scripts]\ngemtune = gemtune:_main\n", False)]
    record = ""
    for name, content, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files.append((f"{INFO}/RECORD", f"{record}{INFO}/RECORD,,\n".encode(), False))
    wheel = folder / f"gemtune-{VERSION}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content, program in files:
            entry = zipfile.ZipInfo(name)  # of 1980: the same contents make the same wheel
            entry.external_attr = (0o100755 if program else 0o100644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return wheel


def main():
    programs = {}
    for argument in sys.argv[2:]:
        versions, _, prefix = argument.partition("=")
        programs[tuple(versions.split("-"))] = pathlib.Path(prefix)
    print(write(pathlib.Path(sys.argv[1]), programs))


if __name__ == "__main__":
    main()
