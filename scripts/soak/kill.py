#!/usr/bin/env python3
"""Kills one training again and again (SIGKILL, at random moments), resumes it each time with --resume-from-checkpoint, and compares the
final result with an uninterrupted run: every file must be the same, byte by byte, records except for their times.

  scripts/soak/kill.py [--kills 50] [--pairs] [--seed 1] [--folder DIR] [-- more options of gemtune train]

--pairs: two SIGTERM at once in the place of SIGKILL, as timeout(1) sends them; each must end in a checkpoint of the last step taken.

Prints a JSON object; exits with 1 if anything was lost.
"""
import argparse
import json
import pathlib
import random
import signal
import sys
import tempfile
import time

import runs


def stop(process, out, pairs):
    """Ends the process; false if it was through before. A pair of signals that came once it trained must leave a checkpoint where it stood."""
    if not pairs:
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (0, -9), errors
        return process.returncode != 0
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode in (0, 128 + signal.SIGTERM, -signal.SIGTERM), errors
    if process.returncode == 128 + signal.SIGTERM:
        step = int(errors.split("stopped by ")[1].split("after step ")[1].split(";")[0])
        assert step == 0 or runs.newest_step(out) == step, errors
    return process.returncode != 0


def soak(folder, kills, seed, pairs, more):
    runs.prepare(folder)
    train = ["--num-train-epochs", "20", *more]
    unbroken = runs.start(runs.command(folder, folder / "unbroken", "--save-strategy", "no", *train))
    output, errors = unbroken.communicate()
    assert unbroken.returncode == 0, errors
    steps = json.loads(output)["train_steps"]

    rng = random.Random(seed)
    out = folder / "killed"
    arguments = runs.command(folder, out, "--save-steps", "2", *train, "--resume-from-checkpoint")
    killed_at, while_saving, before_training = [], 0, 0
    while len(killed_at) < kills:
        # By steps and not by time, which other work on the machine stretches: the kills are spread over what is left of the run.
        left = steps - runs.newest_step(out)
        target = runs.newest_step(out) + rng.randint(0, max(0, min(2 * left // (kills - len(killed_at)), left - 10)))
        process = runs.start(arguments)
        while process.poll() is None and runs.logged_steps(out) < target:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.3 if runs.newest_step(out) == target else 0.03))
        if not stop(process, out, pairs):
            sys.exit(f"the run came to its end after {len(killed_at)} kills; give it more --num-train-epochs")
        before_training += pairs and process.returncode < 0  # the default action, as there was nothing to save yet
        killed_at.append(runs.newest_step(out))
        while_saving += any("checkpoint" in name or "incomplete" in name for name in runs.leftovers(out))
    process = runs.start(arguments)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return {"kills": kills, "of_them_while_writing_a_checkpoint_or_model": while_saving, "of_them_before_the_first_checkpoint": killed_at.count(0),
            "of_them_before_training": before_training, "steps": steps, "newest_checkpoint_at_each_kill": killed_at, "leftovers": runs.leftovers(out),
            "differing_files": runs.differences(folder / "unbroken", out)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path, help="an empty folder, kept; default: a temporary one")
    parser.add_argument("more", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = soak(folder, arguments.kills, arguments.seed, arguments.pairs, arguments.more)
    print(json.dumps(result))
    sys.exit(1 if result["leftovers"] or result["differing_files"] else 0)


if __name__ == "__main__":
    main()
