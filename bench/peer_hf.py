"""The other side of compare.py: transformers (and PEFT) training or predicting on batches from a file, in one process.

    python bench/peer_hf.py --model DIR --batches FILE.jsonl --mode amp

FILE holds one {"text", "label"} a line, --batch-size lines a batch, in order; in training the first batch warms up and is not
counted. Prints what gemtune bench prints, as far as both have it. Only real tokens are counted, never padding. Gradients are not
clipped, which saves transformers some work that gemtune does.
"""
import argparse
import contextlib
import json
import os
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

# weights' dtype, autocast to bf16, every batch padded to the maximum length, fused AdamW, LoRA
MODES = {
    "recipe": dict(dtype=torch.float32, autocast=False, pad_to_maximum=True, fused=False, lora=False),
    "fp32": dict(dtype=torch.float32, autocast=False, pad_to_maximum=False, fused=True, lora=False),
    "amp": dict(dtype=torch.float32, autocast=True, pad_to_maximum=False, fused=True, lora=False),
    "bf16": dict(dtype=torch.bfloat16, autocast=False, pad_to_maximum=False, fused=True, lora=False),
    "lora": dict(dtype=torch.float32, autocast=True, pad_to_maximum=False, fused=True, lora=True),
}


def load_model(path, mode):
    model = AutoModelForSequenceClassification.from_pretrained(path, num_labels=2, dtype=mode["dtype"], attn_implementation="sdpa")
    model.config.pad_token_id = 0
    if mode["lora"]:
        from peft import LoraConfig, get_peft_model
        model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=16, lora_alpha=32, target_modules="all-linear"))
    return model


def load_batches(path, tokenizer, batch_size, max_length, pad_to):
    """input_ids and attention_mask [B, L] and labels [B] of each batch, padded on the right to its longest row or to `pad_to`."""
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    ids = tokenizer([row["text"] for row in rows], truncation=True, max_length=max_length)["input_ids"]
    batches = []
    for begin in range(0, len(rows), batch_size):
        part = ids[begin:begin + batch_size]
        width = pad_to or max(map(len, part))
        input_ids = torch.zeros(len(part), width, dtype=torch.long)
        attention_mask = torch.zeros_like(input_ids)
        for row, tokens in enumerate(part):
            input_ids[row, :len(tokens)] = torch.tensor(tokens)
            attention_mask[row, :len(tokens)] = 1
        batches.append(dict(input_ids=input_ids, attention_mask=attention_mask,
                            labels=torch.tensor([row["label"] for row in rows[begin:begin + batch_size]])))
    return batches


def train_step(model, optimizer, batch, autocast):
    """Seconds of forward, backward and optimiser."""
    start = time.perf_counter()
    with autocast():
        loss = model(**batch).loss
    loss.item()
    forward = time.perf_counter()
    loss.backward()
    backward = time.perf_counter()
    optimizer.step()
    optimizer.zero_grad()
    return forward - start, backward - forward, time.perf_counter() - backward


def predict_step(model, batch, autocast):
    start = time.perf_counter()
    with torch.no_grad(), autocast():
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.float().argmax(-1)
    return time.perf_counter() - start, 0.0, 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--batches", required=True)
    parser.add_argument("--mode", choices=MODES, required=True)
    parser.add_argument("--predict", action="store_true", help="forward passes without gradients")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    mode = MODES[arguments.mode]
    model = load_model(arguments.model, mode)
    batches = load_batches(arguments.batches, AutoTokenizer.from_pretrained(arguments.model), arguments.batch_size,
                           arguments.max_length, arguments.max_length if mode["pad_to_maximum"] else 0)
    autocast = (lambda: torch.autocast("cpu", dtype=torch.bfloat16)) if mode["autocast"] else contextlib.nullcontext
    if arguments.predict:
        model.eval()
        step = lambda batch: predict_step(model, batch, autocast)
    else:
        model.train()
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-5, fused=mode["fused"])
        step = lambda batch: train_step(model, optimizer, batch, autocast)
    warm_up = 0 if arguments.predict else 1  # gemtune evaluate, which is beside it, counts all
    parts = [step(batch) for batch in batches][warm_up:]
    tokens = [int(batch["attention_mask"].sum()) for batch in batches][warm_up:]
    seconds = [sum(part) for part in parts]
    mean = lambda i: sum(part[i] for part in parts) / len(parts)
    print(json.dumps(dict(
        tokens_per_second=sum(tokens) / sum(seconds), step_seconds=seconds, step_tokens=tokens,
        mean_step_split=dict(forward_seconds=mean(0), backward_seconds=mean(1), optimizer_seconds=mean(2)))))


if __name__ == "__main__":
    main()
