"""gemtune generate beside transformers' generate: the same model and prompt, greedy, one sequence and many, in turn.

    python bench/generate.py --hf-model DIR [--gguf FILE] [--rounds 3] [--device cuda --prompts 64]

DIR is a Hugging Face directory with safetensors, FILE the same model in blocks. Loading is not counted. Prints medians over the rounds
as a Markdown table, with how fast the processor sums numbers in memory.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

PROMPT, NEW = "The history of the city of Lisbon begins", 128


def ours(model, count, folder, device):
    prompts = folder / f"{count}.jsonl"
    prompts.write_text((json.dumps({"prompt": PROMPT}) + "\n") * count)
    done = subprocess.run([os.environ.get("GEMTUNE_BIN", "build/gemtune"), "generate", "--model", model, "--device", device, "--input-file", prompts,
                           "--max-new-tokens", str(NEW), "--min-new-tokens", str(NEW)], capture_output=True, text=True, check=True)
    return float(re.search(r"\(([\d.]+) tokens/s\)", done.stderr).group(1))


def wait(device):
    import torch
    if device != "cpu":
        torch.cuda.synchronize()


def theirs(model, counts, device):
    """Tokens per second for each of the counts, and the gigabytes a second that a sum over 1 GB reads; in a process of its own."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16).eval().to(device)
    speeds = []
    for count in counts:
        inputs = tokenizer([PROMPT] * count, return_tensors="pt").to(device)
        network.generate(**inputs, max_new_tokens=4, do_sample=False)
        wait(device)
        begin = time.perf_counter()
        network.generate(**inputs, max_new_tokens=NEW, min_new_tokens=NEW, do_sample=False)
        wait(device)
        speeds.append(count * NEW / (time.perf_counter() - begin))
    numbers = torch.ones(1 << 28, device=device)
    wait(device)
    begin = time.perf_counter()
    for _ in range(4):
        numbers.sum()
    wait(device)
    return speeds + [4 * numbers.numel() * 4 / (time.perf_counter() - begin) / 1e9]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hf-model", required=True)
    parser.add_argument("--gguf")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for both sides (default: %(default)s)")
    parser.add_argument("--prompts", type=int, default=32, help="at once, besides one (default: %(default)s)")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    counts = 1, arguments.prompts
    models = [model for model in (arguments.hf_model, arguments.gguf) if model]
    if arguments.peer:
        print(json.dumps(theirs(arguments.hf_model, counts, arguments.device)))
        return
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            done = subprocess.run([sys.executable, __file__, "--hf-model", arguments.hf_model, "--peer", "--device", arguments.device,
                                   "--prompts", str(arguments.prompts)], capture_output=True, text=True, check=True)
            *peer, gigabytes = json.loads(done.stdout.splitlines()[-1])
            rounds.append(([[ours(model, count, pathlib.Path(folder), arguments.device) for count in counts] for model in models], peer, gigabytes))
            print(rounds[-1], file=sys.stderr)
    median = lambda values: statistics.median(list(values))
    print("| | gemtune | transformers, bf16 | faster by |\n|---|---|---|---|")
    for kind, title in enumerate(("bf16", "from blocks")[:len(models)]):
        for i, count in enumerate(counts):
            print(f"| {count} at once, {title} | {median(r[0][kind][i] for r in rounds):.1f} tokens/s | {median(r[1][i] for r in rounds):.1f} | "
                  f"{median(r[0][kind][i] / r[1][i] for r in rounds):.2f}x |")
    print(f"\na sum reads {median(r[2] for r in rounds):.1f} GB/s")


if __name__ == "__main__":
    main()
