"""Does a training's memory grow? Trains and reads the process's resident memory at every step from /proc.

    python scripts/soak/memory.py --steps 500 -- gemtune train --model MODEL --train-file F --output-dir D --max-length 128 ...

Prints resident memory after --settle steps, at the end, and the largest in between, and ends with 1 if it has grown by more
than --allowed percent since it settled.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return 1024 * int(line.split()[1])
    return 0


def steps_in(log):
    return sum('"step"' in line for line in log.read_text().splitlines()) if log.exists() else 0


def watch(command, log):
    """{step: resident bytes} of the running command, as often as it logs a step."""
    seen = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            try:
                seen[steps_in(log)] = resident_bytes(child.pid)
            except OSError:
                break
            time.sleep(0.2)
    if child.returncode != 0:
        sys.exit(f"the training ended with {child.returncode}")
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--settle", type=int, default=20, help="steps before memory must be flat (default: %(default)s)")
    parser.add_argument("--allowed", type=float, default=1.0, help="percent of growth (default: %(default)s)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="gemtune train ... with --output-dir")
    arguments = parser.parse_args()
    command = [part for part in arguments.command if part != "--"] + ["--max-steps", str(arguments.steps)]
    log = pathlib.Path(command[command.index("--output-dir") + 1]) / "train_log.jsonl"
    log.unlink(missing_ok=True)
    # After the last step the model is saved, which takes memory of its own.
    seen = {step: rss for step, rss in watch(command, log).items() if arguments.settle <= step < arguments.steps and rss > 0}
    if not seen:
        sys.exit(f"the training was over before step {arguments.settle} was seen")
    first, last = seen[min(seen)], seen[max(seen)]
    growth = 100 * (max(seen.values()) / first - 1)
    print(json.dumps(dict(steps=arguments.steps, settled_at_step=min(seen), settled_bytes=first, last_step=max(seen), last_bytes=last,
                          largest_bytes=max(seen.values()), growth_percent=round(growth, 2))))
    sys.exit(growth > arguments.allowed)


if __name__ == "__main__":
    main()
