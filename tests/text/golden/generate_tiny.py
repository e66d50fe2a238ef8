"""Makes a tokenizer of Gemma 3's kind with 400 tokens and what Hugging Face says about it.

    python generate_tiny.py

writes beside this file
    tiny/tokenizer.json, tiny/tokenizer_config.json   as transformers would save it
    tiny_spm/tokenizer.model                          the same as a SentencePiece model
    tiny_pieces.json                                  pieces, scores, types: what a GGUF would hold
    tiny_golden.json                                  texts and their ids, from tokenizers and transformers

Needs tokenizers, transformers and sentencepiece.
"""

import json
import os
import pathlib
import random

os.environ["HF_HUB_OFFLINE"] = "1"

from sentencepiece import sentencepiece_model_pb2  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from transformers.tokenization_utils_base import generate_merges  # noqa: E402

HERE = pathlib.Path(__file__).parent
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6

# What follows in this order is Gemma 3's layout: control tokens, runs, tags, bytes, pieces by rank, characters.
CONTROLS = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
USER = ["[multimodal]", "<start_of_turn>", "<end_of_turn>"]
USER += ["\n" * n for n in range(1, 5)] + ["▁" * n for n in range(2, 7)] + ["\t\t", "<b>", "</b>", "<br>"]
SPECIAL = {"<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<image_soft_token>"}
PIECES = """
    ▁t in ▁a er on he ▁th ▁the ll lo hel hello ▁h ▁hello ▁w or ld orld ▁world ha haha ah hah aa aaa aaaa
    == === -- ab ba aba abab bab ▁a▁ >< ▁</ >▁</ don 't n't ▁日 日本 本語 日本語 ▁日本 éé ▁é
""".split()
PIECES.remove("▁a▁")  # no piece but one has a ▁ inside, as in Gemma 3
CHARACTERS = list("▁abcdehlnortwiAZ0123.,!?'\"-=<>/\t") + ["é", "日", "本", "語", "あ", "ب", "​", "😀", "‍"]

TEXTS = [
    "", " ", "hello", "hello world", " hello  world ", "Hello", "the hello", "in on er he", "haha", "hahaha", "hahah",
    "ahahah", "aaaaaaaaa", "aaaaaaa aaaa", "ababababab", "bababa", "=====", "a==b", "----", "don't", "n't 't",
    "one. two, three!", "日本語", " 日本 日本語日本", "éé é ééé", "あ日あ", "\n", "\n\n\n\n\n\n", "a\n\nb", "\n a", "\r\n",
    "\t", "\t\t\t", "a\tb", " \t ", "      ", "a       b", "▁", "▁▁", "▁▁▁▁▁▁▁▁", " ▁ ▁▁ ", "▁hello▁world", "><", "> </",
    "a> </b>", ">▁</", ">  </", "> <", "<b>hello</b>", "<b> hello </b>", "<br><br>", "<br", "<b", "</b", "<bb>",
    "<start_of_turn>", "<start_of_turn", "start_of_turn>", "<start_of_<start_of_turn>", "<eos><bos>", "<unk>", "<pad>a",
    "[multimodal]", "[multimodal", "<mask> <mask>", "<image_soft_token>", "a<image_soft_token>b", "<0x41>", "<0x0A>",
    "\0", "a\0b", "\x7f", "\x01\x02", "ﬁ", "xyz", "x", "½", "𠀀", "𝄞", "😀", "😀😀", "👩‍👩‍👧", "​", "a​b", "\ufeffhello",
    "\u00ad", "مرحبا", "ب", "עברית", "ประเทศ", "देवनागरी", "e\u0301", "\u2028", "\ufffd", "\U0010ffff", "\ue000",
    "hello" * 20, "hello " * 20, "a" * 40, "x" * 20, " " * 40, "\n" * 40, "日" * 20, "😀" * 5, "0123 3210", "A Z",
    "<start_of_turn>the\nhello world<end_of_turn>\n<start_of_turn>hello\n",
]


def write(name, value, indent=None):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    separators = None if indent else (",", ":")
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n", "utf-8")


def make_pieces():
    rows = [(p, 0.0, UNKNOWN if p == "<unk>" else CONTROL) for p in CONTROLS]
    rows += [(p, 0.0, USER_DEFINED) for p in USER]
    rows += [(f"<0x{b:02X}>", 0.0, BYTE) for b in range(256)]
    rows += [(p, -float(i), NORMAL) for i, p in enumerate(PIECES + CHARACTERS)]
    assert len({p for p, _, _ in rows}) == len(rows)
    return rows


def added_token(i, content):
    return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": content in SPECIAL}


def make_tokenizer_json(rows):
    vocab = {p: i for i, (p, _, _) in enumerate(rows)}
    merges = generate_merges(vocab, {p: s for p, s, _ in rows})
    added = [added_token(i, p) for i, (p, _, t) in enumerate(rows) if t not in (NORMAL, BYTE)]
    added.append(added_token(len(rows), "<image_soft_token>"))
    bos, bos_b = ({"SpecialToken": {"id": "<bos>", "type_id": n}} for n in (0, 1))
    a, b = ({"Sequence": {"id": name, "type_id": n}} for n, name in enumerate("AB"))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
                          "invert": False},
        "post_processor": {"type": "TemplateProcessing", "single": [bos, a], "pair": [bos, a, bos_b, b],
                           "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": vocab, "merges": [list(m) for m in merges]},
    }


def make_model(rows):
    model = sentencepiece_model_pb2.ModelProto()
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    trainer.model_type = 2
    trainer.byte_fallback = True
    trainer.pad_id, trainer.eos_id, trainer.bos_id, trainer.unk_id = 0, 1, 2, 3
    normalizer.name = "identity"
    normalizer.add_dummy_prefix = False
    normalizer.remove_extra_whitespaces = False
    for piece, score, kind in rows:
        model.pieces.add(piece=piece, score=score, type=kind)
    return model.SerializeToString()


def damaged_texts():
    """Bytes with what Python reads in them, made of whole, cut and wrong characters."""
    parts = [c.encode() for c in "aéß日😀\ufffd\ud7ff\ue000\U0010ffff"] + [bytes([b]) for b in range(0x7F, 0x100)]
    parts += [b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc0\x80"]
    parts += [b"\xe2\x82", b"\xf0\x9f", b"\xf0\x9f\x98", b"abcdefghij"]
    draw = random.Random(1)
    cases = parts + [b"".join(draw.choice(parts) for _ in range(draw.randint(2, 9))) for _ in range(300)]
    return [{"bytes": list(c), "text": c.decode("utf-8", "replace")} for c in cases]


def golden():
    raw = Tokenizer.from_file(str(HERE / "tiny/tokenizer.json"))
    auto = AutoTokenizer.from_pretrained(HERE / "tiny")
    encode = [{"text": t, "ids": raw.encode(t).ids} for t in TEXTS]
    for case in encode:
        assert auto(case["text"])["input_ids"] == case["ids"], case
    truncated = [
        {"text": t, "max_length": n, "ids": auto(t, truncation=True, max_length=n)["input_ids"]}
        for t in ("", "hello", "ab ab ab xyz <b>") for n in range(1, 16)
    ]
    # In lists: of a single example, transformers drops a second text that is empty.
    pairs = [{"text": t, "pair": p, "max_length": 0, "ids": auto([t], [p])["input_ids"][0]}
             for t, p in (("hello", "world"), ("", ""), ("", "a"), ("<b>", " x"))]
    pairs += [
        {"text": "0" * i, "pair": "1" * j, "max_length": n,
         "ids": auto(["0" * i], ["1" * j], truncation=True, max_length=n)["input_ids"][0]}
        for i in range(0, 7) for j in range(0, 7) for n in range(2, 12)
    ]
    plain = [{"text": "0123 0123", "pair": "3210", "max_length": n,
              "ids": auto("0123 0123", "3210", truncation=True, max_length=n, add_special_tokens=False)["input_ids"]}
             for n in range(1, 12)]
    piece_ids = {p: i for i, (p, _, _) in enumerate(make_pieces())}
    byte = lambda *values: [piece_ids[f"<0x{v:02X}>"] for v in values]  # noqa: E731
    sequences = [c["ids"] for c in encode] + [
        [], byte(0x41), byte(0xE2, 0x96, 0x81), byte(0xE2, 0x96), byte(0xE2, 0x96, 0x41), byte(0xFF, 0xFE),
        byte(0xF0, 0x9F, 0x98, 0x80), byte(0xF0, 0x9F) + [piece_ids["▁hello"]] + byte(0x98, 0x80),
        byte(0xC3) + [2] + byte(0xA9), byte(0x00, 0x0A), byte(0xED, 0xA0, 0x80), [4, 3, 2, 1, 0],
    ]
    decode = [{"ids": s, "skip": k, "text": auto.decode(s, skip_special_tokens=k)}
              for s in sequences for k in (False, True)]
    return {"encode": encode, "truncated": truncated, "pairs": pairs, "pairs_without_special": plain, "decode": decode,
            "damaged": damaged_texts()}


def main():
    rows = make_pieces()
    tokenizer = make_tokenizer_json(rows)
    write("tiny/tokenizer.json", tokenizer)
    # All of them: transformers takes the added tokens of this file where it lists any.
    decoder = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tokenizer["added_tokens"]}
    write("tiny/tokenizer_config.json",
          {"add_bos_token": True, "add_eos_token": False, "bos_token": "<bos>", "eos_token": "<eos>",
           "pad_token": "<pad>", "unk_token": "<unk>", "clean_up_tokenization_spaces": False,
           "tokenizer_class": "GemmaTokenizer", "chat_template": "{{ bos_token }}{{ messages[0]['content'] }}",
           "added_tokens_decoder": decoder})
    (HERE / "tiny_spm").mkdir(exist_ok=True)
    (HERE / "tiny_spm/tokenizer.model").write_bytes(make_model(rows))
    write("tiny_pieces.json", {"pieces": [p for p, _, _ in rows], "scores": [s for _, s, _ in rows],
                               "types": [t for _, _, t in rows]})
    write("tiny_golden.json", golden())


if __name__ == "__main__":
    main()
