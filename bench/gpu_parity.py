"""The same runs on a card and on the processor: losses side by side, and a resumed run bit for bit.

    python bench/gpu_parity.py --gemtune build/gemtune --make-model build/gemtune_make_tiny_model [--device cuda]

A tiny model with random weights and the sample of IMDB. Ends with 1 if anything differs.
"""
import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

DATA = pathlib.Path(__file__).parents[1] / "data"
IMDB = ["--train-file", DATA / "imdb-sample" / "train.parquet"]
RUNS = {
    "full": IMDB,
    "lora": [*IMDB, "--method", "lora"],
    "dora, dropout": [*IMDB, "--method", "lora", "--use-dora", "--lora-dropout", "0.1"],
    "freeze": [*IMDB, "--method", "freeze", "--trainable-layers", "4-"],
    "head": [*IMDB, "--method", "head"],
    "checkpointing": [*IMDB, "--gradient-checkpointing"],
    "clm": [*IMDB, "--task", "clm", "--packing"],
    "clm, lora": [*IMDB, "--task", "clm", "--method", "lora"],
}
STEPS = 20


class Runner:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.model = folder / "model"
        subprocess.run([arguments.make_model, self.model], check=True)

    def train(self, name, device, *options):
        target = self.folder / name
        command = [self.arguments.gemtune, "train", "--model", self.model, "--output-dir", target, "--device", device, "--no-cache",
                   "--max-length", "96", *options]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
        lines = [json.loads(line) for line in (target / "train_log.jsonl").read_text().splitlines()]
        return [line["loss"] for line in lines if line.get("type") == "step"], target


def furthest(some, others):
    return max(abs(a - b) / abs(b) for a, b in zip(some, others))


def digest(target):
    files = sorted(path for path in target.glob("*.safetensors"))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gemtune", required=True, type=pathlib.Path)
    parser.add_argument("--make-model", required=True, type=pathlib.Path)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(arguments, pathlib.Path(folder))
        for i, (name, options) in enumerate(RUNS.items()):
            steps = ["--max-steps", STEPS, "--save-strategy", "no"]
            on_card, _ = runner.train(f"card{i}", arguments.device, "--dtype", "fp32", *options, *steps)
            exact, _ = runner.train(f"host{i}", "cpu", "--dtype", "fp32", *options, *steps)
            in_bf16, _ = runner.train(f"card_bf16_{i}", arguments.device, "--dtype", "bf16", *options, *steps)
            host_bf16, _ = runner.train(f"host_bf16_{i}", "cpu", "--dtype", "bf16", *options, *steps)
            fp32, card, host = furthest(on_card, exact), furthest(in_bf16, exact), furthest(host_bf16, exact)
            is_good = fp32 < 1e-4 and card < 2 * host + 1e-3
            bad += not is_good
            print(f"{name:16} fp32 {fp32:.1e}  bf16 {card:.1e} (processor {host:.1e})  {'ok' if is_good else 'BAD'}")
        for name, options in {"full": RUNS["full"], "clm": RUNS["clm"]}.items():
            fixed = ["--dtype", "bf16", "--deterministic", "--max-steps", STEPS, *options]
            _, whole = runner.train(f"whole-{name}", arguments.device, *fixed, "--save-strategy", "no")
            _, part = runner.train(f"part-{name}", arguments.device, *fixed, "--save-steps", STEPS // 2, "--save-total-limit", 0)
            for path in (part / f"checkpoint-{STEPS}", *part.glob("*.safetensors")):  # as if it had ended before
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            resumed = [*fixed, "--resume-from-checkpoint", part / f"checkpoint-{STEPS // 2}", "--save-steps", STEPS // 2, "--save-total-limit", 0]
            runner.train(f"part-{name}", arguments.device, *resumed)
            is_good = digest(whole) == digest(part) and digest(whole)
            bad += not is_good
            print(f"{name:16} resumed: {'the same bits' if is_good else 'OTHER BITS'}")
    print(f"{bad} bad")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
