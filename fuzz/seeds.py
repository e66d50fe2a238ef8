"""Fills CORPUS/<target>/ with inputs to start from, out of the small files that the tests hold.

usage: python3 fuzz/seeds.py CORPUS MAKE_TOKEN_CACHE
"""

import bz2
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
corpus, make_token_cache = Path(sys.argv[1]), sys.argv[2]


def target(name):
    (corpus / name).mkdir(parents=True, exist_ok=True)
    return corpus / name


def copy(name, *patterns):
    for pattern in patterns:
        for file in sorted(TESTS.glob(pattern)):
            shutil.copy(file, target(name) / "-".join(file.relative_to(TESTS).parts))


copy("safetensors", "io/golden/*.safetensors", "model/golden/*/adapter_model.safetensors")
copy("gguf", "io/golden/*.gguf")
copy("tokenizer_json", "text/golden/*/tokenizer.json")
copy("tokenizer_model", "text/golden/*/tokenizer.model")
copy("tokenizer_config", "text/golden/*/tokenizer_config.json")
copy("config", "*/golden/*config.json", "model/golden/*/config.json")
copy("adapter_config", "model/golden/*/adapter_config.json")
copy("parquet", "data/golden/*.parquet")

tokenizer = json.loads((TESTS / "text/golden/tiny/tokenizer.json").read_text("utf-8"))
for number, flagged in enumerate(json.loads((TESTS / "text/golden/added_tokens_golden.json").read_text("utf-8"))):
    tokens = flagged["added_tokens"]
    (target("tokenizer_json") / f"flags-{number}.json").write_text(json.dumps(tokenizer | {"added_tokens": tokens}))
    decoder = {token["id"]: {key: token[key] for key in token if key != "id"} for token in tokens}
    (target("tokenizer_config") / f"flags-{number}.json").write_text(json.dumps({"added_tokens_decoder": decoder}))

shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
weight_map = {"model.norm.weight": shards[1], "score.weight": shards[1], "model.embed_tokens.weight": shards[0]}
index = {"metadata": {"total_size": 104176}, "weight_map": weight_map}
(target("safetensors_index") / "index.json").write_text(json.dumps(index))

golden = TESTS / "data/golden"
(target("csv") / "rows.csv").write_bytes(gzip.decompress((golden / "rows.csv.gz").read_bytes()))
(target("csv") / "quotes.csv").write_text('label,text\r\n1,"a ""b"", c"\r\n0,"two\nlines"\r\n-1.5,\r\n')
(target("json_lines") / "rows.jsonl").write_bytes(bz2.decompress((golden / "rows.jsonl.bz2").read_bytes()))
(target("csv") / "quotes.tsv").write_text('label\ttext\n1\t"a\n""b"""\n0\t"c\td"\n1\t"e\t0\nf"\n')
(target("csv") / "utf16.csv").write_bytes("text,label\na\u00e4\U0001f600,1\n".encode("utf-16"))
lists = [{"text": "a", "label": [0, 2]}, {"text": "\u00fc", "label": ["x"]}, {"text": "", "label": -1.5}]
(target("json_lines") / "lists.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lists))
(target("json_lines") / "array.json").write_text(json.dumps(lists, indent=1))
(target("json_lines") / "nan.jsonl").write_text(json.dumps({"x": float("nan"), "text": "a", "label": float("-inf")}))

turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}]
shared = [{"from": "system", "value": "c"}, {"from": "human", "value": "d"}, {"from": "gpt", "value": "e"}]
chats = [{"messages": turns}, {"conversations": shared}, {"prompt": "f", "completion": "g"}, {"instruction": "h", "input": "i", "output": "j"}]
(target("conversation") / "chats.jsonl").write_text("".join(json.dumps(chat) + "\n" for chat in chats))
(target("conversation") / "array.json").write_text(json.dumps(chats))
(target("plain_text") / "lines.txt").write_text("a\n\nb\r\n\tc")

options = 'model = "gemma" # a comment\n\nlearning-rate = 1e-5\nbf16 = true\ntrain-file = [\n  "a\\n\\"b\\"", # one\n  \'C:\\c\',\n]\nlabels = []\n'
(target("toml") / "options.toml").write_text(options)

expressions = [line.split("\t")[:2] for line in (TESTS / "base/golden/pattern.tsv").read_text("utf-8").splitlines()]
for number, (expression, name) in enumerate(expressions[::8]):
    (target("pattern") / f"{number}.txt").write_text(f"{expression}\n{name}")

names = ["skipped_steps", "skipped_in_a_row", "passes", "num_input_tokens_seen", "steps_since_evaluation", "evaluated_step", "best_global_step"]
state = {"global_step": 7} | dict.fromkeys(names, 3) | dict.fromkeys(["train_runtime", "train_loss", "loss_since_evaluation"], 0.1)
(target("trainer_state") / "state.json").write_text(json.dumps(state | {"best_metrics": {"loss": 0.5, "accuracy": None}}))
(target("trainer_state") / "first.json").write_text(json.dumps(state | {"best_metrics": None}))

subprocess.run([make_token_cache, str(target("token_cache") / "entry.safetensors")], check=True)
