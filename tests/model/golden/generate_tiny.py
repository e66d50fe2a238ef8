"""Makes tests/model/golden/tiny: a tiny random Gemma 3 classifier in transformers' own format, and in golden.safetensors
what transformers computes with it: hidden states of every layer, logits, loss, every gradient, ten AdamW losses.

    python tests/model/golden/generate_tiny.py        (transformers and torch from PyPI)
"""
import pathlib

import torch
from safetensors.torch import save_file
from transformers import Gemma3TextConfig, Gemma3TextForSequenceClassification

OUT = pathlib.Path(__file__).parent / "tiny"
LENGTHS = [5, 13, 8, 21, 1]  # around and beyond the window of 8
LABELS = [0, 2, 1, 2, 0]


def tiny_config():
    return Gemma3TextConfig(
        vocab_size=96, hidden_size=16, intermediate_size=32, num_hidden_layers=7, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=12, sliding_window=8, max_position_embeddings=64,
        rope_parameters={"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}},
        num_labels=3, pad_token_id=0, problem_type="single_label_classification",
        id2label={0: "bad", 1: "fair", 2: "good"}, label2id={"bad": 0, "fair": 1, "good": 2})


def padded(sequences):
    longest = max(map(len, sequences))
    ids = torch.zeros(len(sequences), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, :len(sequence)] = sequence
        mask[row, :len(sequence)] = 1
    return ids, mask


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    model = Gemma3TextForSequenceClassification(tiny_config())
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0, 0.3 if parameter.dim() == 1 else 0.25)
    model.save_pretrained(OUT)

    sequences = [torch.randint(3, 96, (n,)) for n in LENGTHS]
    ids, mask = padded(sequences)
    labels = torch.tensor(LABELS)
    golden = {"ids": torch.cat(sequences), "labels": labels,
              "cu_seqlens": torch.tensor([0] + LENGTHS).cumsum(0).to(torch.int32)}
    output = model(input_ids=ids, attention_mask=mask, labels=labels, output_hidden_states=True)
    output.loss.backward()
    golden["logits"], golden["loss"] = output.logits, output.loss
    for i, state in enumerate(output.hidden_states):
        golden[f"hidden_states.{i}"] = state[mask.bool()]
    for name, parameter in model.named_parameters():
        golden[f"grad.{name}"] = parameter.grad

    decayed = [p for p in model.parameters() if p.dim() >= 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
                                  lr=3e-3, betas=(0.9, 0.98), eps=1e-8)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    golden["adamw_losses"] = torch.tensor(losses, dtype=torch.float64)
    save_file({k: v.detach().contiguous() for k, v in golden.items()}, OUT / "golden.safetensors")
    print("losses", losses)


if __name__ == "__main__":
    main()
