"""The ways to move the weights and TF-IDF, beside one another: accuracy, time, memory and size of what is saved, on the same reviews.

    python bench/methods.py --model MODEL --train-file imdb/train.parquet --validation-file imdb/validation.parquet \
        --test-file imdb/test.parquet --output methods.json

First a small search: each method trains on --search-samples reviews with every learning rate of its row and is measured on
--validation-samples others (`--methods full=1e-5` gives the rate instead). Then each trains one epoch on --train-samples with the
rate of the lowest validation loss, is measured on --validation-samples --curve-points times on its way, and on --test-samples at the
end. Every training is a process of its own. --output is written after each, and a run that finds it goes on from there. Prints two
Markdown tables; bench/charts.py draws accuracy over time.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import tfidf
from compare import machine


class Method:
    """A row: what gemtune is told, the learning rates that are tried, epochs."""

    def __init__(self, title, arguments, rates, epochs=1):
        self.title, self.arguments, self.rates, self.epochs = title, arguments, rates, epochs


BATCH = 8  # gemtune's default
METHODS = {
    "full": Method("full", ["--method", "full"], ["5e-6", "1e-5", "2e-5", "4e-5"]),
    "freeze": Method("freeze, layers 12 to 17 move", ["--method", "freeze", "--trainable-layers", "12-17"], ["1e-5", "2e-5", "4e-5", "8e-5"]),
    "head": Method("head alone, 3 epochs", ["--method", "head"], ["3e-4", "1e-3", "3e-3", "1e-2"], epochs=3),
    "lora": Method("LoRA, r=16, all linear layers", ["--method", "lora", "--lora-r", "16", "--lora-alpha", "32"], ["1e-4", "2e-4", "4e-4"]),
    "dora": Method("DoRA, the same", ["--method", "lora", "--use-dora", "--lora-r", "16", "--lora-alpha", "32"], ["2e-4"]),
}


def size_of(directory):
    """Bytes of the weights that a training saved."""
    return sum(path.stat().st_size for path in directory.rglob("*.safetensors"))


def train(arguments, method, rate, samples, measured, output):
    """One training in a process of its own: what gemtune prints, with its peak memory and processor time."""
    command = [arguments.gemtune, "train", "--model", arguments.model, "--train-file", arguments.train_file, "--max-train-samples", samples,
               "--num-train-epochs", method.epochs, "--learning-rate", rate, "--seed", arguments.seed, "--output-dir", output, "--save-strategy", "no",
               "--threads", arguments.threads, *method.arguments, *measured]
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}\nended with {child.returncode}:\n{err.read()[-2000:]}")
        result = json.load(out)
    return result | dict(seconds=time.monotonic() - start, processor_seconds=usage.ru_utime + usage.ru_stime,
                         peak_rss_bytes=1024 * usage.ru_maxrss, saved_bytes=size_of(output))


def curve_of(output, seconds):
    """Accuracy on the validation reviews over the training's time: all of the process but the evaluations, with what is not a step
    (loading, a head's kept states, saving) before the first."""
    entries = [json.loads(line) for line in (output / "train_log.jsonl").read_text().splitlines()]
    spent = seconds - sum(entry["seconds"] for entry in entries if entry["type"] in ("step", "evaluation"))
    curve = []
    for entry in entries:
        if entry["type"] == "step":
            spent += entry["seconds"]
        elif entry["type"] == "evaluation":
            curve.append(dict(step=entry["step"], seconds=spent, accuracy=entry["accuracy"], loss=entry["loss"]))
    return curve


def once(arguments, report, key, run):
    if key not in report:
        report[key] = run()
        arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    return report[key]


def search(arguments, report, name):
    """The learning rate with the lowest validation loss."""
    method = METHODS[name]
    measured = ["--validation-file", arguments.validation_file, "--max-eval-samples", arguments.validation_samples]
    for rate in method.rates:
        with tempfile.TemporaryDirectory() as output:
            found = once(arguments, report, f"search/{name}/{rate}",
                         lambda: train(arguments, method, rate, arguments.search_samples, measured, pathlib.Path(output)))
        print(f"  {name} at {rate}: {found['validation']}", file=sys.stderr)
    return min(method.rates, key=lambda rate: report[f"search/{name}/{rate}"]["validation"]["loss"])


def measure(arguments, report, name, rate):
    method = METHODS[name]
    steps = method.epochs * -(-arguments.train_samples // BATCH)
    measured = ["--validation-file", arguments.validation_file, "--max-eval-samples", arguments.validation_samples,
                "--eval-strategy", "steps", "--eval-steps", -(-steps // arguments.curve_points)]

    def both():
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder)
            done = train(arguments, method, rate, arguments.train_samples, measured, output)
            evaluate = [arguments.gemtune, "evaluate", "--model", output, "--test-file", arguments.test_file, "--max-test-samples", arguments.test_samples,
                        "--threads", arguments.threads]
            test = json.loads(subprocess.run([str(part) for part in evaluate], check=True, capture_output=True, text=True).stdout)
            return done | dict(learning_rate=rate, test=dict(accuracy=test["accuracy"], loss=test["loss"]), curve=curve_of(output, done["seconds"]))

    done = once(arguments, report, f"final/{name}", both)
    print(f"  {name} at {rate}: {done['test']['accuracy']:.3f}", file=sys.stderr)


def measure_tfidf(arguments):
    """The baseline on a quarter, half and all of the reviews, and on all that the file has."""
    curve = []
    for samples in (arguments.train_samples // 4, arguments.train_samples // 2, arguments.train_samples, None):
        start = time.monotonic()
        model = tfidf.fit(arguments.train_file, samples)
        curve.append(dict(samples=samples, seconds=time.monotonic() - start, accuracy=tfidf.score(model, arguments.validation_file, arguments.validation_samples),
                          test_accuracy=tfidf.score(model, arguments.test_file, arguments.test_samples)))
    return dict(curve=curve)


def markdown(report):
    lines = ["| | learning rate | validation loss | accuracy |", "|---|---|---|---|"]
    for key, found in report.items():
        if key.startswith("search/"):
            _, name, rate = key.split("/")
            lines.append(f"| {METHODS[name].title} | {rate} | {found['validation']['loss']:.3f} | {100 * found['validation']['accuracy']:.1f} % |")
    lines += ["", "| | learning rate | test accuracy | test loss | processor time | peak memory | saved |", "|---|---|---|---|---|---|---|"]
    for key, done in report.items():
        if key.startswith("final/") and key != "final/tfidf":
            method = METHODS[key.split("/")[1]]
            lines.append(f"| {method.title} | {done['learning_rate']} | {100 * done['test']['accuracy']:.1f} % | {done['test']['loss']:.3f} | "
                         f"{done['processor_seconds'] / 60:.1f} min | {done['peak_rss_bytes'] / 1e9:.1f} GB | {done['saved_bytes'] / 1e6:.1f} MB |")
    return "\n".join(lines)


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="Hugging Face directory or GGUF")
    parser.add_argument("--train-file", required=True)
    parser.add_argument("--validation-file", required=True)
    parser.add_argument("--test-file", required=True)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("methods.json"))
    parser.add_argument("--methods", default=",".join(METHODS), help="each may have its learning rate: full=1e-5 (default: %(default)s)")
    parser.add_argument("--search-samples", type=int, default=500)
    parser.add_argument("--validation-samples", type=int, default=500)
    parser.add_argument("--train-samples", type=int, default=2000)
    parser.add_argument("--curve-points", type=int, default=5, help="validations on the way (default: %(default)s)")
    parser.add_argument("--test-samples", type=int, default=1000)
    parser.add_argument("--gemtune", type=pathlib.Path, default=here.parent / "build" / "gemtune")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    rates = dict(entry.partition("=")[::2] for entry in arguments.methods.split(","))
    for name in rates:
        if name not in METHODS:
            parser.error(f"--methods: '{name}' is none of {', '.join(METHODS)}")
    report = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    report.setdefault("machine", machine())
    once(arguments, report, "final/tfidf", lambda: measure_tfidf(arguments))
    for name, rate in rates.items():
        measure(arguments, report, name, rate or search(arguments, report, name))
    print(markdown(report))


if __name__ == "__main__":
    main()
