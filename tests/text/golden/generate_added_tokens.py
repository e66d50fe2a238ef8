"""Adds tokens with all kinds of flags to the tiny tokenizer and writes down what Hugging Face says about it.

    python generate_added_tokens.py

writes added_tokens_golden.json beside this file: sets of {"added_tokens": as tokenizer.json has them, those of the
tiny one included, "cases": texts with ids, without <bos>, and what they decode to, all and without special ones}.

Needs tokenizers and transformers, and the tiny tokenizer (generate_tiny.py).
"""

import itertools
import json
import os
import pathlib
import random
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

from tokenizers import Tokenizer  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

HERE = pathlib.Path(__file__).parent
FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")

# Content and flags that are set. What the tiny tokenizer has as a piece or an added token keeps its id.
EVERY_FLAG = {f"<{n}>": flags for n, flags in enumerate(
    c for size in range(len(FLAGS) + 1) for c in itertools.combinations(FLAGS, size))}
WORDS = {
    "foo": ("single_word",), "bar": ("single_word", "normalized"), "foobar": ("normalized",), "fo": ("lstrip", "rstrip"),
    "日本": ("single_word",), "é": ("single_word", "normalized"), "_x": ("single_word", "rstrip"), "7": ("single_word",),
    "hello": ("normalized",), "a": ("single_word", "normalized"), "ab": ("normalized", "lstrip"), "haha": (),
    "<b>": ("lstrip",), "<br>": ("normalized", "special"), "<eos>": ("normalized", "rstrip"), "<unk>": ("single_word",),
}
SPACES = {
    " foo": ("normalized",), "foo bar": ("normalized",), "foo": ("normalized", "single_word"), "foo bar baz": (),
    "bar ": ("normalized", "rstrip"), " x": (), "▁x": ("normalized", "lstrip"), "x ": ("special",), "▁y": ("special",),
    " y": ("normalized",), " z": ("normalized", "special"), "  ": ("normalized",), " \n": ("normalized", "lstrip"),
    "▁the": ("normalized", "rstrip"), "hello world": ("normalized", "special"), "<0x41>": ("normalized",),
}
WHITE = {
    "<r>": ("rstrip",), "<l>": ("lstrip",), "<n>": ("normalized", "lstrip", "rstrip"), "\n": ("rstrip",),
    "\n\n": ("lstrip",), "\t": ("rstrip", "normalized"), "\t\t": ("normalized",), "\r": ("single_word",), "\u3000": (),
    "▁": ("normalized", "single_word"), " \t": ("lstrip",), "<start_of_turn>": ("lstrip", "rstrip", "special"),
}
SETS = (EVERY_FLAG, WORDS, SPACES, WHITE)

# \w or not, \s or not, by more than ASCII: letters, marks, digits, joiners, connectors, symbols that are letters.
GLUE = list("ab_x7.-<> \n\t\r") + [
    " ", "  ", "\n\n", " \n ", "▁", "▁▁", "\u3000", "\u00a0", "\u2028", "\u0085", "\u200b", "\u200c", "\u200d", "e\u0301",
    "\u0301", "\u0903", "é", "ß", "日", "あ", "ب", "٣", "²", "Ⅷ", "ⓐ", "🄰", "😀", "‿", "\ufe0f", "\0", "hello", " world", " the",
]


def added_tokens(tokens):
    """tokenizer.json of the tiny tokenizer with these tokens."""
    tokenizer = json.loads((HERE / "tiny/tokenizer.json").read_text("utf-8"))
    vocab, added = tokenizer["model"]["vocab"], {t["content"]: t for t in tokenizer["added_tokens"]}
    free = itertools.count(max(t["id"] for t in tokenizer["added_tokens"]) + 1)
    for content, flags in tokens.items():
        known = added[content]["id"] if content in added else vocab.get(content)
        added[content] = {"id": next(free) if known is None else known, "content": content,
                          **{flag: flag in flags for flag in FLAGS}}
    tokenizer["added_tokens"] = sorted(added.values(), key=lambda token: token["id"])
    return tokenizer


def mixtures(tokens, seed, count, most):
    draw = random.Random(seed)
    contents = list(tokens)
    for _ in range(count):
        yield "".join(draw.choice(contents if draw.random() < 0.45 else GLUE) for _ in range(draw.randint(2, most)))


def texts(tokens, seed):
    for content in tokens:
        yield content
        yield f"a{content}b {content} \n{content}{content}\u3000{content}."
    yield from mixtures(tokens, seed, 40, 12)


def load(tokenizer):
    """The tokenizer as tokenizers and as transformers load it."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        (path / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
        (path / "tokenizer_config.json").write_text('{"tokenizer_class": "GemmaTokenizer"}')
        return Tokenizer.from_file(str(path / "tokenizer.json")), AutoTokenizer.from_pretrained(path)


def golden(tokens, seed):
    tokenizer = added_tokens(tokens)
    raw, auto = load(tokenizer)
    cases = []
    for text in texts(tokens, seed):
        try:
            ids = raw.encode(text, add_special_tokens=False).ids
        except BaseException as error:  # a panic, where two tokens claim the same white space
            assert "bad split" in str(error), error
            continue
        assert auto(text, add_special_tokens=False)["input_ids"] == ids, text
        cases.append({"text": text, "ids": ids, "decoded": auto.decode(ids),
                      "without_special": auto.decode(ids, skip_special_tokens=True)})
    return {"added_tokens": tokenizer["added_tokens"], "cases": cases}


def main():
    sets = [golden(tokens, seed) for seed, tokens in enumerate(SETS)]
    text = json.dumps(sets, ensure_ascii=False, separators=(",", ":")).replace('{"text"', '\n{"text"')
    (HERE / "added_tokens_golden.json").write_text(text.replace('{"added', '\n{"added') + "\n", "utf-8")


if __name__ == "__main__":
    main()
