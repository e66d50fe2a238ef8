"""What the soak tests share: a tiny model and data, runs of gemtune train on them, and the comparison of two runs. Standard library only."""
import json
import os
import pathlib
import random
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))


def prepare(folder):
    """The tiny model of the C++ tests and 200 texts, in `folder`."""
    subprocess.run([PROGRAM.with_name("gemtune_make_tiny_model"), folder / "base"], check=True)
    rng = random.Random(1)
    rows = []
    for _ in range(200):
        label = rng.choice(["good", "bad"])
        rows.append(f"{label[0]}{''.join(rng.choices('hijklmnop qrst', k=rng.randint(3, 40)))},{label}\n")
    (folder / "data.csv").write_text("text,label\n" + "".join(rows))


def command(folder, out, *more):
    return [str(argument) for argument in (
        PROGRAM, "train", "--model", folder / "base", "--train-file", folder / "data.csv", "--validation-split", "0.2", "--learning-rate", "2e-3",
        "--weight-decay", "0.01", "--dtype", "bf16", "--eval-strategy", "steps", "--eval-steps", "50", "--no-cache", "--threads", "1",
        "--output-dir", out, *more)]


def start(arguments, **kwargs):
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


def newest_step(out):
    """Of the newest whole checkpoint; 0: none."""
    return max((int(path.parent.name.split("-")[1]) for path in out.glob("checkpoint-*/trainer_state.json") if "tmp" not in path.parent.name), default=0)


def logged_steps(out):
    """Steps in the log; while a resumed run is starting, those of the previous one."""
    log = out / "train_log.jsonl"
    return log.read_text().count('"type":"step"') if log.exists() else 0


def leftovers(out):
    return [path.name for path in out.rglob("*.tmp-*")]


def without_times(value):
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if not name.endswith(("seconds", "runtime", "per_second"))}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def differences(one, other):
    """Names of the files of a finished run that are not the same: byte by byte, the records but for their times. The pages for people
    show nothing that the records do not have."""
    differing = []
    names = {path.name for out in (one, other) for path in out.iterdir() if path.is_file()} - {"run.toml", "README.md", "report.html"}
    for name in sorted(names):
        if not (one / name).exists() or not (other / name).exists():
            differing.append(name)
            continue
        a, b = (one / name).read_bytes(), (other / name).read_bytes()
        if name == "train_log.jsonl":
            a, b = ([without_times(json.loads(line)) for line in text.splitlines()] for text in (a, b))
        elif name in ("all_results.json", "trainer_state.json"):
            a, b = without_times(json.loads(a)), without_times(json.loads(b))
            for state in (a, b):  # without the options, the directory among them
                state.pop("save_steps", None)
                state.get("stateful_callbacks", {}).get("gemtune", {}).pop("run", None)
        if a != b:
            differing.append(name)
    return differing
