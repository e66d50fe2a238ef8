"""gemtune beside Hugging Face (transformers, PEFT): the same model, the same batches, in turn on the same machine.

    python bench/compare.py --hf-model DIR --train-file imdb/train.parquet --sft-file gsm8k/train.jsonl --output compare.json
        [--rows full-bf16,fp32]

DIR is a Hugging Face directory with safetensors, which both sides load. A row of the table is a way of working; in each of --rounds rounds its
gemtune run and its peers run one after the other, every one a process of its own, so that what else happens on the machine hits
them alike. Figures are medians over the rounds, and a ratio is the median of the ratios within a round. Prints a Markdown
table; --output is written again after every row, so a run that is stopped keeps what it has.
"""
import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
SFT = ["--task", "sft", "--prompt-column", "question", "--completion-column", "answer"]
LONG = 8192  # tokens of the one long sequence


class Row:
    """Of the table: arguments of `gemtune bench` (or evaluate), modes of peer_hf.py beside it, what both work on. `also` are other
    arguments of gemtune that take their turn, by what the table calls them."""

    def __init__(self, title, gemtune, peers=(), batches="spread", batch_size=8, max_length=512, measures="step", task="classification", also=None):
        self.title, self.gemtune, self.peers, self.task, self.also = title, gemtune, peers, task, also or {}
        self.batches, self.batch_size, self.max_length, self.measures = batches, batch_size, max_length, measures


BF16, FP32, INT8 = ["--dtype", "bf16"], ["--dtype", "fp32"], ["--matmul-dtype", "int8"]
# A peer's mode may end in +compile. Rows of 64 are for cards.
ROWS = {
    "full-bf16": Row("full, bf16, 8 reviews <= 512", BF16, ["bf16", "amp", "recipe"]),
    "full-fp32": Row("full, fp32, 8 reviews <= 512", ["--dtype", "fp32"], ["fp32"]),
    "full-int8": Row("full, int8 products, 8 reviews <= 512", [*BF16, "--matmul-dtype", "int8"], ["bf16", "amp"]),
    "lora": Row("LoRA r=16 on all linear layers, bf16", [*BF16, "--method", "lora"], ["lora"]),
    "lora-int8": Row("LoRA r=16, int8 products", [*BF16, "--method", "lora", "--matmul-dtype", "int8"], ["lora"]),
    # For processors that do not multiply bf16, where Hugging Face is fastest in fp32.
    "full-widened": Row("full, fp32, 8 reviews <= 512", FP32, ["fp32"], also={"bf16 widened": BF16}),
    "lora-widened": Row("LoRA r=16, fp32", [*FP32, "--method", "lora"], ["lora-fp32"], also={"bf16 widened": [*BF16, "--method", "lora"]}),
    "predict-widened": Row("prediction, fp32, reviews <= 512", FP32, ["fp32"], batch_size=16, measures="predict", also={"bf16 widened": BF16}),
    "full-int8-fp32": Row("full, int8 products in fp32, 8 reviews <= 512", [*FP32, *INT8], ["fp32"]),
    "lora-int8-fp32": Row("LoRA r=16, int8 products in fp32", [*FP32, "--method", "lora", *INT8], ["lora-fp32"]),
    "predict-int8-fp32": Row("prediction, int8 products in fp32", [*FP32, *INT8], ["fp32"], batch_size=16, measures="predict"),
    "memory": Row("full, bf16, 8 x 512 tokens", BF16, ["bf16", "amp"], batches="longest"),
    "predict": Row("prediction, bf16, reviews <= 512", BF16, ["amp", "bf16"], batch_size=16, measures="predict"),
    "predict-int8": Row("prediction, int8 products", [*BF16, "--matmul-dtype", "int8"], ["amp", "bf16"], batch_size=16, measures="predict"),
    "long": Row(f"forward + backward, 1 x {LONG} tokens", BF16, ["bf16"], batches="long", batch_size=1, max_length=LONG, measures="gradient"),
    "tokens-1x": Row("full, bf16, 4 x 512 tokens", BF16, batches="longest", batch_size=4),
    "tokens-2x": Row("full, bf16, 8 x 512 tokens", BF16, batches="longest", batch_size=8),
    "tokens-4x": Row("full, bf16, 16 x 512 tokens", BF16, batches="longest", batch_size=16),
    "sft": Row("instruction tuning, full, bf16, 8 questions", BF16, ["bf16", "amp"], task="sft"),
    "sft-lora": Row("instruction tuning, LoRA r=16, bf16", [*BF16, "--method", "lora"], ["lora"], task="sft"),
    "sft-fp32": Row("instruction tuning, full, fp32", ["--dtype", "fp32"], ["fp32"], task="sft"),
    "full-bf16-64": Row("full, bf16, 64 reviews <= 512", BF16, ["bf16", "bf16+compile", "amp"], batch_size=64),
    "lora-64": Row("LoRA r=16, bf16, 64 reviews <= 512", [*BF16, "--method", "lora"], ["lora"], batch_size=64),
    "sft-64": Row("instruction tuning, full, bf16, 64 questions", BF16, ["bf16", "amp"], task="sft", batch_size=64),
    "sft-lora-64": Row("instruction tuning, LoRA r=16, bf16, 64 questions", [*BF16, "--method", "lora"], ["lora"], task="sft", batch_size=64),
    "head": Row("head alone, bf16, 8 reviews <= 512", [*BF16, "--method", "head"]),
}


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def measure(command):
    """The JSON that a command prints, with the peak memory of its process."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode != 0:
            sys.exit(f"{' '.join(command)}\nended with {child.returncode}:\n{err.read()[-2000:]}")
        return json.load(out) | dict(peak_rss_bytes=1024 * usage.ru_maxrss)


class Batches:
    """Writes the files that both sides read: one row a line, batch after batch, the first batch to warm up in training."""

    def __init__(self, arguments, folder, task):
        self.arguments, self.folder, self.task = arguments, folder, task
        rows = self.read_questions() if task == "sft" else self.read_labelled()
        random.Random(arguments.seed).shuffle(rows)
        self.rows = rows[:arguments.pool]
        pool = self.write("pool", self.rows)
        lines = run([arguments.gemtune, "tokenize", "--model", arguments.hf_model, "--input-file", pool, "--no-cache", *(SFT if task == "sft" else [])])
        ids = [json.loads(line) for line in lines.splitlines()]
        self.lengths = [len(row["input_ids"] if task == "sft" else row) for row in ids]

    def read_labelled(self):
        table = pq.read_table(self.arguments.train_file)
        return [dict(text=text, label=label) for text, label in zip(table["text"].to_pylist(), table["label"].to_pylist())]

    def read_questions(self):
        with open(self.arguments.sft_file) as file:
            return [json.loads(line) for line in file]

    def write(self, name, rows):
        path = self.folder / f"{self.task}-{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def make(self, row):
        name = f"{row.batches}-{row.batch_size}"
        path = self.folder / f"{self.task}-{name}.jsonl"
        return path if path.exists() else self.write(name, getattr(self, row.batches)(row))

    def spread(self, row):
        """Batches of similar length, at even distances over the lengths of the pool, in random order; the longest one warms up."""
        order = sorted(range(len(self.rows)), key=lambda i: min(self.lengths[i], row.max_length))
        batches = [order[i:i + row.batch_size] for i in range(0, len(order) - row.batch_size + 1, row.batch_size)]
        if not batches:
            sys.exit(f"{len(self.rows)} examples make no batch of {row.batch_size}; give more, or a larger --pool")
        steps = self.arguments.steps
        chosen = [batches[int((i + 0.5) * len(batches) / steps)] for i in range(steps)]
        random.Random(self.arguments.seed).shuffle(chosen)
        return [self.rows[i] for batch in [batches[-1], *chosen] for i in batch]

    def longest(self, row):
        """Reviews of max_length tokens and more, in the pool's order; from the beginning again where they are too few."""
        full = [self.rows[i] for i, length in enumerate(self.lengths) if length >= row.max_length]
        if not full:
            sys.exit(f"none of {len(self.rows)} examples has {row.max_length} tokens; give longer ones, or a larger --pool")
        return [full[i % len(full)] for i in range(row.batch_size * (self.arguments.steps + 1))]

    def long(self, row):
        """Reviews put together until they have the tokens."""
        texts, next_review = [], 0
        for _ in range(self.arguments.steps + 1):
            parts, tokens = [], 0
            while tokens < row.max_length:
                parts.append(self.rows[next_review % len(self.rows)]["text"])
                tokens += self.lengths[next_review % len(self.rows)] - 1  # without <bos>
                next_review += 1
            texts.append("\n".join(parts))
        return [dict(text=text, label=i % 2) for i, text in enumerate(texts)]


class Runs:
    """Runs one side once; a result is a dictionary with tokens_per_second, peak_rss_bytes and, from bench, mfu."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.made = arguments, folder, {}

    def batches(self, row):
        if row.task not in self.made:
            self.made[row.task] = Batches(self.arguments, self.folder, row.task)
        return self.made[row.task]

    def classifier(self):
        """A directory that both sides predict with: gemtune's after a step that moves nothing."""
        path = self.folder / "classifier"
        if not path.exists():
            rows = self.batches(ROWS["predict"]).write("two", [dict(text="a", label=0), dict(text="b", label=1)])
            run([self.arguments.gemtune, "train", "--model", self.arguments.hf_model, "--train-file", rows, "--output-dir", path, "--max-steps", 1,
                 "--learning-rate", 0, "--dtype", "fp32", "--no-cache"])
        return path

    def gemtune(self, row, options):
        path, threads = self.batches(row).make(row), ["--threads", self.arguments.threads]
        shared = ["--device", self.arguments.device, *options, "--max-length", row.max_length, "--no-cache", *threads, *(SFT if row.task == "sft" else [])]
        if row.measures == "predict":
            return measure([self.arguments.gemtune, "evaluate", "--model", self.classifier(), "--test-file", path, *shared])
        return measure([self.arguments.gemtune, "bench", "--model", self.arguments.hf_model, "--train-file", path, "--in-file-order",
                        "--batch-size", row.batch_size, "--steps", self.arguments.steps, *shared])

    def peer(self, row, mode):
        predict = row.measures == "predict"
        mode, _, compiled = mode.partition("+")
        return measure([sys.executable, HERE / "peer_hf.py", "--model", self.classifier() if predict else self.arguments.hf_model,
                        "--batches", self.batches(row).make(row), "--mode", mode, "--task", row.task, "--batch-size", row.batch_size, "--max-length", row.max_length,
                        "--threads", self.arguments.threads, "--device", self.arguments.device, *(["--predict"] if predict else []),
                        *(["--compile"] if compiled else [])])


def speed(row, result):
    """Tokens a second, of the part that the row measures."""
    if row.measures == "gradient":
        split = result["mean_step_split"]
        return statistics.mean(result["step_tokens"]) / (split["forward_seconds"] + split["backward_seconds"])
    return result["tokens_per_second"]


def compare(row, runs, rounds):
    """Rounds of gemtune and its peers, each side's results and what the table shows of them."""
    ours = {"gemtune": row.gemtune, **row.also}
    results = {name: [] for name in (*ours, *row.peers)}
    for _ in range(rounds):
        for name, done in results.items():
            done.append(runs.gemtune(row, ours[name]) if name in ours else runs.peer(row, name))
            print(f"  {name}: {speed(row, done[-1]):.0f} tokens/s", file=sys.stderr)
    speeds = {name: [speed(row, result) for result in done] for name, done in results.items()}
    sides = {}
    for name, done in results.items():
        ratios = [first / other for first, other in zip(speeds["gemtune"], speeds[name])]
        sides[name] = dict(is_gemtune=name in ours, tokens_per_second=statistics.median(speeds[name]), peak_rss_bytes=max(result.get("peak_device_bytes", result["peak_rss_bytes"]) for result in done),
                           ratio=statistics.median(ratios), ratio_range=[min(ratios), max(ratios)])
        for key in ("mfu", "gemm_flops_per_second", "mfu_of_own_gemm"):
            if key in done[0]:
                sides[name][key] = statistics.median(result[key] for result in done)
    return dict(title=row.title, sides=sides, results=results)


def markdown(report):
    lines = ["| | tokens/s | gemtune is faster by (range) | peak memory | share of the GEMM rate |", "|---|---|---|---|---|"]
    for row in report["rows"].values():
        for name, side in row["sides"].items():
            is_first = name == "gemtune"
            what = f"{row['title']}: **gemtune**" if is_first else f"**gemtune**, {name}" if side["is_gemtune"] else f"transformers, {name}"
            low, high = side["ratio_range"]
            ratio = "" if is_first else f"{side['ratio']:.2f}x ({low:.2f} to {high:.2f})"
            mfu = f"{100 * side['mfu']:.0f} %" if "mfu" in side else ""
            lines.append(f"| {what} | {side['tokens_per_second']:.0f} | {ratio} | {side['peak_rss_bytes'] / 1e9:.1f} GB | {mfu} |")
    return "\n".join(lines)


def machine():
    processors = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    name = next(line.split(":", 1)[1].strip() for line in processors if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return dict(processor=name, cores=os.cpu_count(), memory_bytes=memory)


def versions(gemtune):
    try:
        commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:  # no git here
        commit = ""
    return dict(gemtune=run([gemtune, "--version"]).split()[1], commit=commit, python=sys.version.split()[0],
                **{name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft")})


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hf-model", required=True, type=pathlib.Path, help="directory with safetensors and tokenizer.json")
    parser.add_argument("--train-file", required=True, type=pathlib.Path, help="Parquet with text and label (0 or 1)")
    parser.add_argument("--sft-file", type=pathlib.Path, default=HERE.parent / "data" / "gsm8k-sample" / "train.jsonl",
                        help="JSON Lines with question and answer (default: %(default)s)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("compare.json"))
    parser.add_argument("--rows", default=",".join(name for name in ROWS if not name.endswith("-64")),
                        help=f"of the table, of {', '.join(ROWS)} (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda: both sides on the card, with its memory (default: %(default)s)")
    parser.add_argument("--gemtune", type=pathlib.Path, default=HERE.parent / "build" / "gemtune")
    parser.add_argument("--steps", type=int, default=5, help="measured in each run, after one to warm up (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(default: %(default)s)")
    parser.add_argument("--pool", type=int, default=800, help="examples that batches are made from (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    arguments = parser.parse_args()
    arguments.rows = arguments.rows.split(",")
    for name in arguments.rows:
        if name not in ROWS:
            parser.error(f"--rows: '{name}' is none of {', '.join(ROWS)}")
    return arguments


def main():
    arguments = parse_arguments()
    report = dict(date=datetime.date.today().isoformat(), machine=machine(), versions=versions(arguments.gemtune),
                  options={key: getattr(arguments, key) for key in ("device", "steps", "rounds", "threads", "pool", "seed")}, rows={})
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(arguments, pathlib.Path(folder))
        for name in arguments.rows:
            print(f"{name}: {ROWS[name].title}", file=sys.stderr)
            report["rows"][name] = compare(ROWS[name], runs, arguments.rounds)
            arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    print(markdown(report))


if __name__ == "__main__":
    main()
