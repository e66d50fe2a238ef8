"""What is weighed in training and decided afterwards, against the programs whose words we use: torch's weighted losses, scikit-learn's
class weights and precision-recall curve, SciPy's minimum of the temperature's loss; and that transformers loads what is kept of it."""
import json
import os
import pathlib
import random
import subprocess

import numpy as np
import pytest

from conftest import ROOT, run

WORDS = {"bad": "dull cold poor", "good": "lovely warm fine", "odd": "strange queer weird"}
NAMES = sorted(WORDS)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decisions")
    program = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))
    subprocess.run([program.with_name("gemtune_make_tiny_model"), folder / "base"], check=True)
    return folder / "base"


def rows(several, count, seed):
    """Texts that mostly tell their classes, the first class more often than the others; with weights."""
    dice = random.Random(seed)
    for _ in range(count):
        labels = sorted({dice.choice(["bad", "bad", "bad", "good", "odd"]) for _ in range(1 + several * dice.randrange(2))})
        told = [dice.choice(NAMES) if dice.random() < 0.3 else label for label in labels]
        text = " ".join(dice.choice(WORDS[name].split()) for name in told for _ in range(2))
        yield {"text": text, "label": labels if several else labels[0], "weight": dice.choice([0, 0.5, 1, 2])}


def train(base, folder, several, *arguments):
    """The summary, and the rows and logits of the validation data."""
    for name, count, seed in (("train", 96, 1), ("valid", 80, 2)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(several, count, seed)))
    done = run("train", "--model", base, "--train-file", folder / "train.jsonl", "--validation-file", folder / "valid.jsonl", "--output-dir", folder / "out",
               "--dtype", "fp32", "--no-cache", "--batch-size", 8, "--learning-rate", 0.01, "--num-train-epochs", 1, "--label-names", ",".join(NAMES),
               "--task", "multi-label" if several else "classification", *arguments)
    valid = [json.loads(line) for line in (folder / "valid.jsonl").read_text().splitlines()]
    return json.loads(done.stdout), valid, predict(folder, "--logits")


def predict(folder, *arguments):
    done = run("predict", "--model", folder / "out", "--input-file", folder / "valid.jsonl", "--dtype", "fp32", "--no-cache", *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


def evaluate(folder, *arguments):
    return json.loads(run("evaluate", "--model", folder / "out", "--test-file", folder / "valid.jsonl", "--dtype", "fp32", "--no-cache", *arguments).stdout)


def ids(valid):
    return np.array([NAMES.index(row["label"]) for row in valid])


def table(valid):
    return np.array([[float(name in row["label"]) for name in NAMES] for row in valid])


@pytest.mark.parametrize("wanted, weights", [("balanced", None), ("bad=0.5,odd=3", [0.5, 1, 3])])
def test_class_weights_are_those_of_torch(tiny, tmp_path, wanted, weights):
    import torch
    from sklearn.utils.class_weight import compute_class_weight
    summary, valid, lines = train(tiny, tmp_path, False, "--class-weights", wanted)
    if weights is None:
        trained = [json.loads(line)["label"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
        weights = compute_class_weight("balanced", classes=np.array(NAMES), y=trained)
    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor(weights, dtype=torch.float64))
    logits = torch.tensor([line["logits"] for line in lines], dtype=torch.float64)
    assert abs(summary["validation"]["loss"] - loss(logits, torch.tensor(ids(valid))).item()) <= 1e-6
    # `evaluate` knows of no training and weighs nothing.
    assert abs(evaluate(tmp_path)["loss"] - torch.nn.functional.cross_entropy(logits, torch.tensor(ids(valid))).item()) <= 1e-6


def test_weights_of_rows_and_labels_are_those_of_torch(tiny, tmp_path):
    import torch
    summary, valid, lines = train(tiny, tmp_path, True, "--class-weights", "odd=4", "--loss-weight-column", "weight")
    logits, labels = torch.tensor([line["logits"] for line in lines], dtype=torch.float64), torch.tensor(table(valid))
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=torch.tensor([1.0, 1.0, 4.0]), reduction="none").mean(1)
    weights = torch.tensor([row["weight"] for row in valid], dtype=torch.float64)
    assert abs(summary["validation"]["loss"] - ((losses * weights).sum() / weights.sum()).item()) <= 1e-6


def test_the_focal_loss_is_the_papers(tiny, tmp_path):
    summary, valid, lines = train(tiny, tmp_path, False, "--focal-gamma", 2)
    logits = np.array([line["logits"] for line in lines], dtype=np.float64)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p = (p / p.sum(1, keepdims=True))[np.arange(len(valid)), ids(valid)]
    assert abs(summary["validation"]["loss"] - np.mean(-(1 - p) ** 2 * np.log(p))) <= 1e-6


def test_accumulation_adds_up_weights(tiny, tmp_path):
    """Eight small batches are one large one, though their weights differ."""
    losses = []
    for size, passes in ((32, 1), (4, 8)):
        folder = tmp_path / str(size)
        folder.mkdir()
        train(tiny, folder, False, "--class-weights", "balanced", "--loss-weight-column", "weight", "--batch-size", size, "--gradient-accumulation-steps", passes,
              "--group-by-length", "false", "--max-steps", 3)
        log = [json.loads(line) for line in (folder / "out" / "train_log.jsonl").read_text().splitlines()]
        losses.append([entry["loss"] for entry in log if entry["type"] == "step"])
    assert np.allclose(losses[0], losses[1], rtol=1e-5)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_temperature_is_the_minimum(tiny, tmp_path, several, method):
    from scipy.optimize import minimize_scalar
    summary, valid, lines = train(tiny, tmp_path, several, "--calibrate", "--method", method)
    logits = np.array([line["logits"] for line in lines], dtype=np.float64)

    def loss(temperature):
        z = logits / temperature
        if several:
            return np.mean(np.logaddexp(0, z) - table(valid) * z)
        return np.mean(np.logaddexp.reduce(z, 1) - z[np.arange(len(valid)), ids(valid)])

    found = minimize_scalar(loss, bounds=(0.01, 100), method="bounded", options=dict(xatol=1e-9)).x
    kept = json.loads((tmp_path / "out" / ("classifier.json" if method == "lora" else "config.json")).read_text())["gemtune"]["temperature"]
    assert abs(kept - found) <= 1e-4 * found and kept == summary["decisions"]["temperature"]
    measured = evaluate(tmp_path)
    assert abs(measured["log_loss"] - loss(kept)) <= 1e-6 and abs(measured["uncalibrated_log_loss"] - loss(1)) <= 1e-6
    z = logits[0] / kept
    scores = 1 / (1 + np.exp(-z)) if several else np.exp(z - np.logaddexp.reduce(z))
    assert np.allclose([lines[0]["scores"][name] for name in NAMES], scores, atol=1e-6)


@pytest.mark.parametrize("goal", ["f1", "precision=0.8", "recall=0.9"])
def test_thresholds_are_the_best_of_the_curve(tiny, tmp_path, goal):
    from sklearn.metrics import f1_score, precision_recall_curve, precision_score, recall_score
    summary, valid, lines = train(tiny, tmp_path, True, "--tune-thresholds", goal)
    given = np.array([[name in line["labels"] for name in NAMES] for line in lines])
    for c, name in enumerate(NAMES):
        target, score = table(valid)[:, c], [line["scores"][name] for line in lines]
        precision, recall, _ = precision_recall_curve(target, score)
        precision, recall = precision[:-1], recall[:-1]  # scikit-learn adds the point of no predictions
        found = summary["decisions"]["thresholds"][name]
        if goal == "f1":
            best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
            assert abs(f1_score(target, given[:, c]) - best) <= 1e-6
        elif goal.startswith("precision"):
            reached = recall[precision >= 0.8]
            best = reached.max() if len(reached) else recall[precision == precision.max()].max()
            assert abs(recall_score(target, given[:, c]) - best) <= 1e-6
        else:
            assert abs(precision_score(target, given[:, c]) - precision[recall >= 0.9].max()) <= 1e-6
        assert abs(found["recall"] - recall_score(target, given[:, c])) <= 1e-6
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert set(config["gemtune"]["thresholds"]) == set(NAMES)
    measured = evaluate(tmp_path)
    assert abs(measured["macro_f1"] - f1_score(table(valid), given, average="macro", zero_division=0)) <= 1e-6


def test_transformers_loads_the_model_and_leaves_our_key_alone(tiny, tmp_path):
    import torch
    from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast
    _, valid, lines = train(tiny, tmp_path, True, "--calibrate", "--tune-thresholds", "f1")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "out" / "tokenizer.json"))
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([tokenizer(valid[0]["text"])["input_ids"]])).logits[0]
    assert np.allclose(logits, lines[0]["logits"], atol=1e-4)
    model.save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text())["gemtune"]["temperature"] > 0


def test_a_score_below_the_least_decides_nothing(tiny, tmp_path):
    _, valid, lines = train(tiny, tmp_path, False)
    least = float(np.median([line["score"] for line in lines]))
    asked = predict(tmp_path, "--min-score", least, "--top-k", 1)
    for line, before in zip(asked, lines):
        assert line["label"] == (before["label"] if before["score"] >= least else None) and list(line["scores"]) == [before["label"]]
    measured = evaluate(tmp_path, "--min-score", least)
    decided = [line["label"] == row["label"] for line, row in zip(asked, valid) if line["label"]]
    assert abs(measured["coverage"] - len(decided) / len(valid)) <= 1e-6 and abs(measured["covered_accuracy"] - np.mean(decided)) <= 1e-6


@pytest.mark.parametrize("arguments, message", [
    (["--class-weights", "goood=2"], "`class_weights`: there is no class 'goood' (did you mean 'good'?)"),
    (["--class-weights", "weights.json"], "is neither balanced, nor name=weight, nor a file"),
    (["--focal-gamma", "2", "--label-smoothing-factor", "0.1"], "do not go together"),
    (["--tune-thresholds", "f1"], "is for --task multi-label"),
    (["--task", "multi-label", "--tune-thresholds", "best"], "is none of f1, precision=X and recall=X"),
    (["--task", "regression", "--calibrate"], "is for --task classification or multi-label"),
    (["--task", "sft", "--loss-weight-column", "weight"], "--loss-weight-column"),
    (["--loss-weight-column", "weihgt"], "has no column 'weihgt' (did you mean 'weight'?)"),
    (["--loss-weight-column", "text"], "row 1: the loss weight is not a number"),
    (["--calibrate", "--validation-file", "one.jsonl"], "validation examples are of one class, 'bad'"),
    (["--calibrate", "--no-validation"], "needs validation data"),
])
def test_bad_input_is_one_line(tiny, tmp_path, arguments, message):
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(False, 20, 1)))
    (tmp_path / "one.jsonl").write_text(json.dumps(dict(text="dull", label="bad", weight=1)) + "\n")
    validation = [] if arguments[-1] in ("--no-validation", "one.jsonl") else ["--validation-split", "0.5"]
    arguments = [argument for argument in arguments if argument != "--no-validation"]
    done = run("train", "--model", tiny, "--train-file", "train.jsonl", "--output-dir", "out", "--no-cache", *validation, *arguments, check=False, cwd=tmp_path)
    said = done.stderr.strip().splitlines()
    assert done.returncode == 2 and message in said[-1].replace("--class-weights", "`class_weights`"), done.stderr
    assert not (tmp_path / "out" / "model.safetensors").exists()
