#!/usr/bin/env python3
"""Runs a fixed set of gemtune commands and records what they compute, so that two builds can be compared bit by bit.

  fixed_runs.py record BINARY OUT.json [--real MODEL.gguf]
  fixed_runs.py check  BINARY OUT.json [--real MODEL.gguf]     exit 1 where anything differs

Recorded: a hash of every weight file, the log, results and states without what is a duration, evaluate's and predict's
output. BINARY's folder needs gemtune_make_tiny_model.
"""
import argparse
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import tempfile

DURATIONS = ("seconds", "runtime", "per_second")


def plain(value):
    """JSON without what differs from run to run."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not any(word in key for word in DURATIONS)}
    return [plain(item) for item in value] if isinstance(value, list) else value


def digest(path, work):
    text = path.read_bytes()
    if path.suffix in (".json", ".jsonl"):
        text = text.replace(str(work).encode(), b"WORK")
    if path.suffix == ".json":
        text = json.dumps(plain(json.loads(text))).encode()
    elif path.suffix == ".jsonl":
        text = "\n".join(json.dumps(plain(json.loads(line))) for line in text.splitlines()).encode()
    return hashlib.sha256(text).hexdigest()[:16]


class Runs:
    def __init__(self, binary, work, real):
        self.binary, self.work, self.real, self.found = binary, work, real, {}

    def run(self, *arguments):
        done = subprocess.run([str(self.binary), *map(str, arguments)], capture_output=True, text=True, cwd=self.work)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def record_directory(self, name, directory):
        for path in sorted(p for p in (self.work / directory).rglob("*") if p.is_file() and p.name != "run.toml"):
            self.found[f"{name}/{path.relative_to(self.work / directory)}"] = digest(path, self.work)

    def train(self, name, *options, model="tiny", data="single", epochs=("--num-train-epochs", 2)):
        self.found[f"{name}: stdout"] = plain(json.loads(self.run(
            "train", "--model", model, "--train-file", f"{data}.jsonl", "--validation-file", f"{data}_valid.jsonl", "--test-file", f"{data}_valid.jsonl",
            "--output-dir", name, "--batch-size", 4, "--seed", 7, "--no-cache", "--threads", 2, "--save-steps", 5, "--save-total-limit", 0, *epochs, *options)))
        self.record_directory(name, name)

    def resume(self, name, of, step):
        shutil.copytree(self.work / of, self.work / name)
        for path in (self.work / name).glob("checkpoint-*"):
            if int(path.name.split("-")[1]) > step:
                shutil.rmtree(path)
        (self.work / name / "all_results.json").unlink()
        record = (self.work / name / "run.toml").read_text().replace(f"/{of}\"", f"/{name}\"")
        (self.work / name / "run.toml").write_text(record)
        self.found[f"{name}: stdout"] = plain(json.loads(self.run("train", "--config", f"{name}/run.toml", "--resume-from-checkpoint")))
        self.record_directory(name, name)
        for path in sorted((self.work / of).rglob("*.safetensors")):
            if path.read_bytes() != (self.work / name / path.relative_to(self.work / of)).read_bytes():
                raise SystemExit(f"{name}: {path.name} differs from the uninterrupted run's")

    def measure(self, name, data="single"):
        self.found[f"{name}: evaluate"] = plain(json.loads(self.run("evaluate", "--model", name, "--test-file", f"{data}_valid.jsonl", "--dtype", "fp32", "--no-cache")))
        out = self.run("predict", "--model", name, "--input-file", f"{data}_valid.jsonl", "--dtype", "fp32", "--logits", "--no-cache")
        self.found[f"{name}: predict"] = hashlib.sha256(out.encode()).hexdigest()[:16]

    def all(self):
        subprocess.run([str(self.binary.parent / "gemtune_make_tiny_model"), "tiny"], cwd=self.work, check=True, capture_output=True)
        rng = random.Random(3)
        def rows(count):
            for _ in range(count):
                letters = [rng.choice("abcdefgh ") for _ in range(rng.randint(2, 60))]
                yield "".join(letters).strip() or "a"
        for split, count in (("", 40), ("_valid", 12)):
            texts = list(rows(count))
            def write(name, label):
                lines = [json.dumps({"text": t, "label": label(t)}) for t in texts]
                (self.work / f"{name}{split}.jsonl").write_text("\n".join(lines) + "\n")
            write("single", lambda t: "yes" if t.count("a") > t.count("b") else "no")
            write("multi", lambda t: [c for c in "abc" if c in t])
            write("number", lambda t: t.count("a") / 4)
        for dtype in ("fp32", "bf16"):
            self.train(f"full_{dtype}", "--dtype", dtype)
            self.train(f"decay_{dtype}", "--dtype", dtype, "--weight-decay", 0.1, "--gradient-accumulation-steps", 2, "--max-tokens-per-batch", 40)
            self.train(f"head_{dtype}", "--dtype", dtype, "--method", "head")
            self.train(f"freeze_{dtype}", "--dtype", dtype, "--method", "freeze", "--trainable-layers", "1-", "--cache-frozen")
            self.train(f"lora_{dtype}", "--dtype", dtype, "--method", "lora", "--lora-r", 4, "--lora-dropout", 0.2)
            self.train(f"dora_{dtype}", "--dtype", dtype, "--method", "lora", "--lora-r", 4, "--lora-dropout", 0.1, "--use-dora")
            self.resume(f"full_{dtype}_resumed", f"full_{dtype}", 10)
            self.resume(f"lora_{dtype}_resumed", f"lora_{dtype}", 10)
        self.train("checkpointing", "--dtype", "fp32", "--gradient-checkpointing", "--lr-scheduler-type", "cosine", "--label-smoothing-factor", 0.1)
        self.train("multi", "--dtype", "fp32", "--task", "multi-label", data="multi")
        self.train("number", "--dtype", "fp32", "--task", "regression", data="number")
        for name, data in (("full_fp32", "single"), ("lora_bf16", "single"), ("multi", "multi"), ("number", "number")):
            self.measure(name, data)
        self.run("merge", "--model", "lora_fp32", "--output-dir", "merged", "--dtype", "fp32")
        self.record_directory("merged", "merged")
        if self.real:
            for name, options in (("real_full", []), ("real_lora", ["--method", "lora", "--lora-dropout", 0.1])):
                self.train(name, "--max-steps", 3, "--max-length", 96, "--save-strategy", "no", *options, model=self.real, epochs=())
        return self.found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["record", "check"])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--real")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        found = Runs(given.binary.resolve(), pathlib.Path(work), given.real).all()
    if given.what == "record":
        given.file.write_text(json.dumps(found, indent=1) + "\n")
        print(f"recorded {len(found)} facts")
        return
    expected = json.loads(given.file.read_text())
    different = [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]
    if not given.real:
        different = [name for name in different if not name.startswith("real_")]
    for name in different[:60]:
        print(f"differs: {name}: {str(expected.get(name))[:200]} -> {str(found.get(name))[:200]}")
    print(f"{len(expected)} facts, {len(different)} differ")
    raise SystemExit(1 if different else 0)


if __name__ == "__main__":
    main()
