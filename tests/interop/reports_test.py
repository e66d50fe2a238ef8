"""What a run leaves for other tools to look at, as those tools read it: scikit-learn's numbers, transformers' trainer state and early
stopping, TensorBoard's events, huggingface_hub's model card."""
import json
import os
import pathlib
import random
import shutil
import subprocess

import numpy as np
import pytest

from conftest import ROOT, run

WORDS = {"good": ["lovely", "warm", "fine"], "bad": ["dull", "cold", "poor"], "odd": ["strange", "queer", "weird"]}


def write_reviews(path, classes, count, noise, seed):
    """Short texts that mostly tell their class; some tell another's."""
    letters = random.Random(seed)
    with open(path, "w") as file:
        for i in range(count):
            label = classes[i % len(classes)]
            told = letters.choice(classes) if letters.random() < noise else label
            file.write(json.dumps({"text": " ".join(letters.choices(WORDS[told], k=3)), "label": label}) + "\n")
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    program = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))
    subprocess.run([program.with_name("gemtune_make_tiny_model"), folder / "base"], check=True)
    return folder / "base"


def train(base, out, classes, *arguments, noise=0.3):
    files = [write_reviews(out.parent / f"{name}.jsonl", classes, count, noise, seed) for name, count, seed in (("train", 64, 1), ("valid", 60, 2))]
    run("train", "--model", base, "--train-file", files[0], "--validation-file", files[1], "--output-dir", out, "--dtype", "fp32", "--no-cache",
        "--per-device-train-batch-size", 8, "--learning-rate", 0.01, "--seed", 5, *arguments)
    return files[1]


@pytest.mark.parametrize("classes", [["bad", "good"], ["bad", "good", "odd"]])
def test_metrics_of_probabilities_are_scikit_learns(tiny, tmp_path, classes):
    from sklearn import metrics
    out = tmp_path / "out"
    valid = train(tiny, out, classes, "--num-train-epochs", 1)
    ours = json.loads(run("evaluate", "--model", out, "--test-file", valid, "--dtype", "fp32", "--no-cache").stdout)
    rows = [json.loads(line) for line in valid.read_text().splitlines()]
    lines = [json.loads(line) for line in run("predict", "--model", out, "--input-file", valid, "--logits", "--dtype", "fp32", "--no-cache").stdout.splitlines()]
    names = json.loads((out / "config.json").read_text())["id2label"]
    targets = np.array([[names[str(c)] for c in range(len(names))].index(row["label"]) for row in rows])
    logits = np.array([line["logits"] for line in lines], dtype=np.float64)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    binary = len(classes) == 2
    expected = {
        "log_loss": metrics.log_loss(targets, p),
        "brier": metrics.brier_score_loss(targets, p[:, 1] if binary else p),
        "auroc": metrics.roc_auc_score(targets, p[:, 1] if binary else p, multi_class="ovr"),
        "average_precision": metrics.average_precision_score(targets, p[:, 1]) if binary
        else np.mean([metrics.average_precision_score(targets == c, p[:, c]) for c in range(3)])}
    for name, value in expected.items():
        assert abs(ours[name] - value) <= 1e-6, name
    confidence, right = p.max(1), p.argmax(1) == targets
    bins = np.clip(np.ceil(confidence * 15) - 1, 0, 14)
    error = sum(abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in range(15)) / len(rows)
    assert abs(ours["expected_calibration_error"] - error) <= 1e-6


def test_transformers_reads_the_trainer_state(tiny, tmp_path):
    from transformers.trainer_callback import TrainerState
    out = tmp_path / "out"
    train(tiny, out, ["bad", "good"], "--num-train-epochs", 2, "--logging-steps", 4, "--save-strategy", "epoch", "--eval-on-start")
    for path in (out / "trainer_state.json", out / "checkpoint-16" / "trainer_state.json"):
        state = TrainerState.load_from_json(path)
        assert (state.global_step, state.max_steps, state.logging_steps, state.epoch) == (16, 16, 4, 2.0)
        assert [entry["step"] for entry in state.log_history if "loss" in entry] == [4, 8, 12, 16]
        evaluated = {entry["step"]: entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry}
        assert list(evaluated) == [0, 8, 16]
        assert state.best_metric == min(evaluated[8], evaluated[16])
        assert state.best_global_step == min((8, 16), key=evaluated.get)
    assert "train_runtime" in TrainerState.load_from_json(out / "trainer_state.json").log_history[-1]


@pytest.mark.parametrize("patience, threshold", [(1, 0.0), (2, 0.0), (2, 0.05)])
def test_a_run_ends_early_at_the_step_of_transformers_callback(tiny, tmp_path, patience, threshold):
    from transformers import EarlyStoppingCallback, TrainingArguments
    from transformers.trainer_callback import TrainerControl, TrainerState
    every = ["--num-train-epochs", 6, "--eval-strategy", "steps", "--eval-steps", 2, "--learning-rate", 0.05]
    train(tiny, tmp_path / "whole", ["bad", "good"], *every, noise=0.6)
    history = json.loads((tmp_path / "whole" / "trainer_state.json").read_text())["log_history"]
    arguments = TrainingArguments(tmp_path / "hf", eval_strategy="steps", save_strategy="steps", load_best_model_at_end=True,
                                  metric_for_best_model="loss", greater_is_better=False, use_cpu=True)
    callback, state, control = EarlyStoppingCallback(patience, threshold), TrainerState(), TrainerControl()
    expected = history[-1]["step"]
    for entry in history:
        if "eval_loss" not in entry:
            continue
        callback.on_evaluate(arguments, state, control, metrics=entry)
        if state.best_metric is None or entry["eval_loss"] < state.best_metric:  # as Trainer._determine_best_metric, afterwards
            state.best_metric = entry["eval_loss"]
        if control.should_training_stop:
            expected = entry["step"]
            break
    assert expected < history[-1]["step"]  # else this would test nothing
    train(tiny, tmp_path / "early", ["bad", "good"], *every, "--early-stopping-patience", patience, "--early-stopping-threshold", threshold, noise=0.6)
    assert json.loads((tmp_path / "early" / "trainer_state.json").read_text())["global_step"] == expected


def test_tensorboard_reads_the_events(tiny, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    out = tmp_path / "out"
    train(tiny, out, ["bad", "good"], "--num-train-epochs", 2, "--logging-steps", 4, "--report-to", "tensorboard")
    assert not (out / "train_log.jsonl").exists()
    board = EventAccumulator(str(out / "runs"))
    board.Reload()
    history = json.loads((out / "trainer_state.json").read_text())["log_history"]
    losses = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    np.testing.assert_allclose([(event.step, event.value) for event in board.Scalars("train/loss")], losses, rtol=1e-6)
    evaluated = [(entry["step"], entry["eval_auroc"]) for entry in history if "eval_auroc" in entry]
    np.testing.assert_allclose([(event.step, event.value) for event in board.Scalars("eval/auroc")], evaluated, rtol=1e-6)
    assert {"train/learning_rate", "train/grad_norm", "eval/loss", "eval/accuracy"} <= set(board.Tags()["scalars"])
    text = board.Tensors("args/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "per-device-train-batch-size = 8" in text
    from tensorboard.util import tensor_util
    curve = tensor_util.make_ndarray(board.Tensors("pr/good")[-1].tensor_proto)
    assert curve.shape == (6, 101)
    assert curve[0, 0] == 30 and curve[1, 0] == 30 and curve[5, 0] == 1.0 and curve[4, 0] == 0.5
    assert board.SummaryMetadata("pr/good").plugin_data.plugin_name == "pr_curves"


def test_a_resumed_run_goes_on_in_tensorboard(tiny, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    out = tmp_path / "out"
    train(tiny, out, ["bad", "good"], "--num-train-epochs", 2, "--logging-steps", 1, "--report-to", "all", "--save-steps", 5, "--save-total-limit", 0)
    shutil.rmtree(out / "checkpoint-15")
    run("train", "--config", out / "run.toml", "--resume-from-checkpoint")
    assert len(list((out / "runs").iterdir())) == 2
    board = EventAccumulator(str(out / "runs"))
    board.Reload()
    steps = [event.step for event in board.Scalars("train/loss")]
    assert steps == list(range(1, 17))


def test_huggingface_hub_reads_the_model_card(tiny, tmp_path):
    from huggingface_hub import ModelCard
    out = tmp_path / "out"
    train(tiny, out, ["bad", "good"], "--num-train-epochs", 1, "--method", "lora")
    card = ModelCard.load(out / "README.md")
    assert card.data.library_name == "peft" and card.data.pipeline_tag == "text-classification"
    results = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert results["accuracy"] == json.loads((out / "all_results.json").read_text())["validation"]["accuracy"]
    for part in ("train.jsonl", "gemtune train --config run.toml", 'method = "lora"', "| validation | accuracy |"):
        assert part in card.content, part


def test_contributions_are_the_integrated_gradients_of_transformers(tiny, tmp_path):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    out = tmp_path / "out"
    train(tiny, out, ["bad", "good"], "--num-train-epochs", 2)
    text = "lovely dull warm"
    explanation = json.loads(run("predict", "--model", out, "--explain", "--dtype", "fp32", text).stdout)["explanation"]
    model = AutoModelForSequenceClassification.from_pretrained(out, dtype=torch.float32).eval()
    model.requires_grad_(False)
    ids = torch.tensor([AutoTokenizer.from_pretrained(out)(text)["input_ids"]])
    baseline = torch.full_like(ids, model.config.pad_token_id)
    baseline[0, 0] = ids[0, 0]
    embed = model.get_input_embeddings()
    x, x0 = embed(ids), embed(baseline)
    output = next(i for i, name in model.config.id2label.items() if name == explanation["label"])
    points, weights = np.polynomial.legendre.leggauss(64)
    total = torch.zeros(ids.shape[1])
    for point, weight in zip((points + 1) / 2, weights / 2):
        inputs = (x0 + float(point) * (x - x0)).requires_grad_(True)
        # transformers finds the last token by input_ids; without them it takes the last row, which here is the same
        model(inputs_embeds=inputs).logits[0, output].backward()
        total += float(weight) * (inputs.grad * (x - x0))[0].sum(-1)
    ours = [token["contribution"] for token in explanation["tokens"]]
    assert len(ours) == len(total)
    np.testing.assert_allclose(ours, total.numpy(), atol=0.01 * abs(explanation["logit"] - explanation["baseline_logit"]))


def test_a_readme_of_somebody_else_stays(tiny, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("mine")
    train(tiny, out, ["bad", "good"], "--max-steps", 1)
    assert (out / "README.md").read_text() == "mine"
