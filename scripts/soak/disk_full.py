#!/usr/bin/env python3
"""Lets the disk refuse while a training saves its checkpoints: full (a small tmpfs; needs root), and with a limit on a file's size. Each time
the run must end with 1 and one clear line, the last checkpoint must stand with nothing beside it, and with the hindrance gone the run must go
on to what an unbroken one gives.

  scripts/soak/disk_full.py [--folder DIR]

Prints a JSON object; exits with 1 if anything was lost.
"""
import argparse
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

import runs

TRAIN = ("--num-train-epochs", "3")


def bytes_in(path):
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def fails_then_goes_on(folder, out, name, message, remedy, **hindrance):
    arguments = runs.command(folder, out, "--save-steps", "10", *TRAIN, "--resume-from-checkpoint")
    process = runs.start(arguments, **hindrance)
    _, errors = process.communicate()
    result = {"fault": name, "exit_code": process.returncode, "last_line": errors.splitlines()[-1], "checkpoint_that_stands": runs.newest_step(out),
              "leftovers": runs.leftovers(out)}
    remedy()
    process = runs.start(arguments)
    _, errors = process.communicate()
    result["exit_code_of_the_next_run"] = process.returncode
    result["differing_files"] = runs.differences(folder / "unbroken", out)
    result["passed"] = (result["exit_code"] == 1 and message in result["last_line"] and not result["leftovers"] and process.returncode == 0
                        and not result["differing_files"])
    return result


def full_disk(folder, checkpoint_bytes):
    """Room for the model and one and a half checkpoints: the first is written, the second is not."""
    out = folder / "tmpfs"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={bytes_in(folder / 'unbroken') + checkpoint_bytes * 3 // 2}", "none", out]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        return {"fault": "disk full", "passed": None, "left_out": "a tmpfs cannot be mounted (not root?)"}
    try:
        grow = ["mount", "-o", "remount,size=1g", out]
        return fails_then_goes_on(folder, out, "disk full", "No space left on device", lambda: subprocess.run(grow, check=True))
    finally:
        subprocess.run(["umount", out], check=True)


def limited_file_size(folder, largest_file_bytes):
    """The optimiser's state, the largest file, fails halfway: nothing is ever saved."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file_bytes // 2, largest_file_bytes // 2))
    return fails_then_goes_on(folder, folder / "limited", "file size limited", "File too large", lambda: None, preexec_fn=limit)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, help="an empty folder, kept; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        runs.prepare(folder)
        for out, saves in (("unbroken", ("--save-strategy", "no")), ("measured", ("--save-steps", "10"))):
            process = runs.start(runs.command(folder, folder / out, *saves, *TRAIN))
            _, errors = process.communicate()
            assert process.returncode == 0, errors
        checkpoint = next((folder / "measured").glob("checkpoint-*"))
        results = [full_disk(folder, bytes_in(checkpoint)), limited_file_size(folder, (checkpoint / "optimizer.safetensors").stat().st_size)]
    print(json.dumps(results, indent=2))
    sys.exit(1 if any(result["passed"] is False for result in results) else 0)


if __name__ == "__main__":
    main()
