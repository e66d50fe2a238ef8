"""LoRA on GSM8K with gemtune and with transformers + PEFT: the same start and rows, one epoch; losses and perplexity.

    python bench/gsm8k.py --hf-model DIR --data GSM8K --output-dir OUT [--rows 1000 --test-rows 400]

GSM8K holds train.jsonl and test.jsonl. Batches are of questions of similar lengths in a random order, which is another on each side.
Both start from the adapter that gemtune writes, gemtune with a bf16 base, PEFT in fp32 under autocast to bf16. Each side evaluates what
it trained. Prints the table as Markdown; OUT keeps the logs, both adapters and result.json. PEFT takes half an hour on two cores.
"""
import argparse
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import time

import peer_hf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, get_linear_schedule_with_warmup

BATCH, RATE, DECAY = 8, 2e-4, 0.01
COLUMNS = ["--task", "sft", "--prompt-column", "question", "--completion-column", "answer", "--no-cache"]


def read(path, count):
    with open(path) as file:
        return [json.loads(line) for line, _ in zip(file, range(count))]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def in_batches_of_similar_length(rows):
    rows = sorted(rows, key=lambda row: len(row["question"]) + len(row["answer"]))
    batches = [rows[i:i + BATCH] for i in range(0, len(rows), BATCH)]
    random.Random(0).shuffle(batches)
    return [row for batch in batches for row in batch]


def gemtune(*arguments):
    done = subprocess.run([os.environ.get("GEMTUNE_BIN", "build/gemtune"), *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def train_ours(arguments, train_file, out, *more):
    gemtune("train", *COLUMNS, "--model", arguments.hf_model, "--train-file", train_file, "--method", "lora", "--lora-r", 16, "--lora-alpha", 32,
            "--dtype", "bf16", "--batch-size", BATCH, "--num-train-epochs", 1, "--lr-scheduler-type", "linear",
            "--warmup-ratio", 0, "--weight-decay", DECAY, "--logging-steps", 1, "--output-dir", out, *more)


def train_theirs(arguments, train_file, start, out):
    """The loss of each step."""
    from peft import PeftModel
    tokenizer = AutoTokenizer.from_pretrained(arguments.hf_model)
    base = AutoModelForCausalLM.from_pretrained(arguments.hf_model, dtype=torch.float32, attn_implementation="sdpa")
    model = PeftModel.from_pretrained(base, start, is_trainable=True).train()
    batches = peer_hf.load_batches(train_file, lambda rows: peer_hf.encode_questions(rows, tokenizer, 1 << 20), BATCH, 0)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE, weight_decay=DECAY)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, len(batches))
    losses = []
    for batch in batches:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        print(f"peft: step {len(losses)} of {len(batches)}: {losses[-1]:.4f}", flush=True)
    model.save_pretrained(out)
    return losses, perplexity(model.eval(), tokenizer, arguments.output_dir / "test.jsonl")


def perplexity(model, tokenizer, test_file):
    total, count = 0.0, 0
    for batch in peer_hf.load_batches(test_file, lambda rows: peer_hf.encode_questions(rows, tokenizer, 1 << 20), BATCH, 0):
        targets = int((batch["labels"] != -100).sum())
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            total += model(**batch).loss.item() * targets
        count += targets
    return math.exp(total / count)


def timed(work):
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hf-model", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--output-dir", type=pathlib.Path, required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--test-rows", type=int, default=400)
    arguments = parser.parse_args()
    out = arguments.output_dir
    out.mkdir(parents=True)
    train_file = write(out / "train.jsonl", in_batches_of_similar_length(read(arguments.data / "train.jsonl", arguments.rows)))
    test_file = write(out / "test.jsonl", in_batches_of_similar_length(read(arguments.data / "test.jsonl", arguments.test_rows)))

    train_ours(arguments, train_file, out / "start", "--max-steps", 1, "--learning-rate", 0)
    _, our_seconds = timed(lambda: train_ours(arguments, train_file, out / "gemtune", "--learning-rate", RATE))
    log = [json.loads(line) for line in (out / "gemtune" / "train_log.jsonl").read_text().splitlines()]
    ours = [line["loss"] for line in log if "step" in line and "loss" in line]
    our_perplexity, base_perplexity = (
        json.loads(gemtune("evaluate", *COLUMNS, "--model", model, "--test-file", test_file, "--dtype", "bf16"))["perplexity"]
        for model in (out / "gemtune", arguments.hf_model))
    (theirs, their_perplexity), their_seconds = timed(lambda: train_theirs(arguments, train_file, out / "start", out / "peft"))

    result = dict(ours=ours, theirs=theirs, base_perplexity=base_perplexity, our_perplexity=our_perplexity, their_perplexity=their_perplexity,
                  our_seconds=our_seconds, their_seconds=their_seconds)
    (out / "result.json").write_text(json.dumps(result))
    print(f"| | gemtune | transformers + PEFT |\n|---|---|---|\n"
          f"| mean loss of all steps | {statistics.mean(ours):.4f} | {statistics.mean(theirs):.4f} |\n"
          f"| perplexity of the test answers (untrained {base_perplexity:.3f}) | {our_perplexity:.4f} | {their_perplexity:.4f} |\n"
          f"| time (PEFT's with its evaluation) | {our_seconds:.0f} s | {their_seconds:.0f} s |")


if __name__ == "__main__":
    main()
