"""The charts of docs/benchmarks.md, from what bench/compare.py and bench/methods.py wrote. Needs matplotlib.

    python bench/charts.py bench/results/compare.json bench/results/methods.json docs
"""
import argparse
import json
import pathlib

import matplotlib
from matplotlib import pyplot

matplotlib.use("Agg")
# The same bytes for the same numbers; text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "gemtune", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10})

OURS, THEIRS = "#1f6feb", ["#8c959f", "#b1bac4", "#d0d7de"]
SIDES = {"gemtune": "gemtune", "bf16": "transformers, bf16 weights", "amp": "transformers, bf16 autocast", "recipe": "transformers, the plain recipe",
         "fp32": "transformers, fp32", "lora": "transformers + PEFT"}
COLOURS = {"full": "#1f6feb", "lora": "#bf3989", "freeze": "#1a7f37", "head": "#9a6700", "dora": "#8250df"}
LABELS = {"full": "all weights", "lora": "LoRA, r=16", "freeze": "layers 12 to 17", "head": "the head alone", "dora": "DoRA, r=16"}


def save(figure, path):
    figure.savefig(path, format="svg", bbox_inches="tight", facecolor="white", metadata={"Date": None})
    print(path)


def speed_and_memory(report, path):
    """A group of bars for each row of the table: tokens a second, and peak memory."""
    bars, ticks, at = [], [], 0
    for row in report["rows"].values():
        begin = at
        for i, (name, side) in enumerate(row["sides"].items()):
            bars.append((at, side, SIDES.get(name, name), OURS if i == 0 else THEIRS[min(i - 1, 2)]))
            at += 1
        ticks.append(((begin + at - 1) / 2, row["title"]))
        at += 1
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 0.34 * at + 0.8), sharey=True)
    for axis, key, scale, unit in ((axes[0], "tokens_per_second", 1, "tokens a second (more is better)"),
                                   (axes[1], "peak_rss_bytes", 1e9, "peak memory in GB (less is better)")):
        for y, side, name, colour in bars:
            value = side[key] / scale
            axis.barh(y, value, color=colour, height=0.85)
            text = f"{value:,.0f}" if scale == 1 else f"{value:.1f}"
            axis.annotate(f"{text}  {name}" if axis is axes[0] else text, (value, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
        axis.set_xlabel(unit)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(0, 1.45 * max(side[key] / scale for _, side, _, _ in bars) if axis is axes[0] else None)
    axes[0].set_yticks([y for y, _ in ticks], [title.replace(", ", ",\n", 1) for _, title in ticks])
    axes[0].tick_params(axis="y", length=0)
    axes[0].invert_yaxis()
    figure.tight_layout()
    save(figure, path)


def accuracy_over_time(report, path):
    figure, axis = pyplot.subplots(figsize=(8, 4.2))
    for key, done in report.items():
        name = key.removeprefix("final/")
        if name == key or name == "tfidf":
            continue
        minutes, accuracies = [point["seconds"] / 60 for point in done["curve"]], [100 * point["accuracy"] for point in done["curve"]]
        axis.plot(minutes, accuracies, marker="o", markersize=4, color=COLOURS[name], label=f"{LABELS[name]}: {100 * done['test']['accuracy']:.1f} % on the test reviews")
    points = report["final/tfidf"]["curve"]
    same = points[2]
    axis.plot([point["seconds"] / 60 for point in points[:3]], [100 * point["accuracy"] for point in points[:3]], marker="s", markersize=4, color="#57606a",
              label=f"TF-IDF + logistic regression: {100 * same['test_accuracy']:.1f} %")
    axis.set_xlabel("minutes of training, loading included")
    axis.set_ylabel("accuracy on the validation reviews, %")
    axis.set_ylim(78, 96)
    axis.grid(axis="y", color="#d8dee4", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    figure.tight_layout()
    save(figure, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compare", type=pathlib.Path, help="of bench/compare.py")
    parser.add_argument("methods", type=pathlib.Path, help="of bench/methods.py")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    speed_and_memory(json.loads(arguments.compare.read_text()), arguments.folder / "speed.svg")
    accuracy_over_time(json.loads(arguments.methods.read_text()), arguments.folder / "accuracy.svg")


if __name__ == "__main__":
    main()
