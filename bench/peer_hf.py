"""The other side of compare.py: transformers (and PEFT) training or predicting on batches from a file, in one process.

    python bench/peer_hf.py --model DIR --batches FILE.jsonl --mode amp

FILE holds one {"text", "label"} a line, or with --task sft one {"question", "answer"}, --batch-size lines a batch, in order; in training the first batch warms up and is not
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
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

# weights' dtype, autocast to bf16, every batch padded to the maximum length, fused AdamW, LoRA
MODES = {
    "recipe": dict(dtype=torch.float32, autocast=False, pad_to_maximum=True, fused=False, lora=False),
    "fp32": dict(dtype=torch.float32, autocast=False, pad_to_maximum=False, fused=True, lora=False),
    "amp": dict(dtype=torch.float32, autocast=True, pad_to_maximum=False, fused=True, lora=False),
    "bf16": dict(dtype=torch.bfloat16, autocast=False, pad_to_maximum=False, fused=True, lora=False),
    "lora": dict(dtype=torch.float32, autocast=True, pad_to_maximum=False, fused=True, lora=True),
    "lora-fp32": dict(dtype=torch.float32, autocast=False, pad_to_maximum=False, fused=True, lora=True),
}


def load_model(path, mode, task):
    if task == "sft":
        model = AutoModelForCausalLM.from_pretrained(path, dtype=mode["dtype"], attn_implementation="sdpa")
    else:
        model = AutoModelForSequenceClassification.from_pretrained(path, num_labels=2, dtype=mode["dtype"], attn_implementation="sdpa")
        model.config.pad_token_id = 0
    if mode["lora"]:
        from peft import LoraConfig, get_peft_model
        task_type = "CAUSAL_LM" if task == "sft" else "SEQ_CLS"
        model = get_peft_model(model, LoraConfig(task_type=task_type, r=16, lora_alpha=32, target_modules="all-linear"))
    return model


def encode_labelled(rows, tokenizer, max_length):
    """ids and label of each row."""
    ids = tokenizer([row["text"] for row in rows], truncation=True, max_length=max_length)["input_ids"]
    return [(tokens, row["label"]) for tokens, row in zip(ids, rows)]


def encode_questions(rows, tokenizer, max_length):
    """ids of each row in Gemma 3's turns, and its labels: the answer and its <end_of_turn>, -100 elsewhere."""
    encoded = []
    for row in rows:
        prompt = tokenizer(f"<start_of_turn>user\n{row['question'].strip()}<end_of_turn>\n<start_of_turn>model\n")["input_ids"]
        answer = tokenizer(f"{row['answer'].strip()}<end_of_turn>", add_special_tokens=False)["input_ids"]
        newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
        labels = [-100] * len(prompt) + answer + [-100] * len(newline)
        encoded.append(((prompt + answer + newline)[:max_length], labels[:max_length]))
    return encoded


def load_batches(path, encode, batch_size, pad_to):
    """input_ids and attention_mask [B, L] and labels ([B], or [B, L]) of each batch, padded on the right to its longest row or to
    `pad_to`."""
    with open(path) as file:
        encoded = encode([json.loads(line) for line in file])
    batches = []
    for begin in range(0, len(encoded), batch_size):
        part = encoded[begin:begin + batch_size]
        width = pad_to or max(len(ids) for ids, _ in part)
        pad = lambda tokens, value: tokens + [value] * (width - len(tokens))
        batches.append(dict(
            input_ids=torch.tensor([pad(ids, 0) for ids, _ in part]), attention_mask=torch.tensor([pad([1] * len(ids), 0) for ids, _ in part]),
            labels=torch.tensor([pad(label, -100) if isinstance(label, list) else label for _, label in part])))
    return batches


def now(device):
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def train_step(model, optimizer, batch, autocast, device):
    """Seconds of forward, backward and optimiser. A card is waited for at the end alone."""
    wait = device if device == "cpu" else "cpu"
    start = now(device)
    with autocast():
        loss = model(**batch).loss
    if device == "cpu":
        loss.item()
    forward = now(wait)
    loss.backward()
    backward = now(wait)
    optimizer.step()
    optimizer.zero_grad()
    return forward - start, backward - forward, now(device) - backward


def predict_step(model, batch, autocast, device):
    start = now(device)
    with torch.no_grad(), autocast():
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.float().argmax(-1)
    return now(device) - start, 0.0, 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--batches", required=True)
    parser.add_argument("--mode", choices=MODES, required=True)
    parser.add_argument("--task", choices=["classification", "sft"], default="classification")
    parser.add_argument("--predict", action="store_true", help="forward passes without gradients")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model; more batches warm up")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    mode = MODES[arguments.mode]
    device = arguments.device
    model = load_model(arguments.model, mode, arguments.task).to(device)
    if arguments.compile:
        model = torch.compile(model, dynamic=True)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    encode = encode_questions if arguments.task == "sft" else encode_labelled
    batches = load_batches(arguments.batches, lambda rows: encode(rows, tokenizer, arguments.max_length), arguments.batch_size,
                           arguments.max_length if mode["pad_to_maximum"] else 0)
    batches = [{name: tensor.to(device) for name, tensor in batch.items()} for batch in batches]
    autocast = (lambda: torch.autocast(device, dtype=torch.bfloat16)) if mode["autocast"] else contextlib.nullcontext
    if arguments.predict:
        model.eval()
        step = lambda batch: predict_step(model, batch, autocast, device)
    else:
        model.train()
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-5, fused=mode["fused"])
        step = lambda batch: train_step(model, optimizer, batch, autocast, device)
    warm_up = 0 if arguments.predict else 1  # gemtune evaluate, which is beside it, counts all
    if arguments.compile:
        for batch in batches:
            step(batch)
    parts = [step(batch) for batch in batches][warm_up:]
    tokens = [int(batch["attention_mask"].sum()) for batch in batches][warm_up:]
    seconds = [sum(part) for part in parts]
    mean = lambda i: sum(part[i] for part in parts) / len(parts)
    print(json.dumps(dict(
        tokens_per_second=sum(tokens) / sum(seconds), step_seconds=seconds, step_tokens=tokens,
        mean_step_split=dict(forward_seconds=mean(0), backward_seconds=mean(1), optimizer_seconds=mean(2)),
        **({} if device == "cpu" else dict(card=torch.cuda.get_device_name(), peak_device_bytes=torch.cuda.max_memory_reserved())))))


if __name__ == "__main__":
    main()
