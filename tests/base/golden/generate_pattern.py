"""Writes pattern.tsv, what Python's re says of expressions and names: expression, name, fullmatch, search. See pattern_test.cc."""

import re
from pathlib import Path

PATTERNS = [
    "q_proj", r".*\.(q|v)_proj", r".*layers\.(1[0-7]|[0-9])\..*mlp.*", r"model\.layers\.\d+\.self_attn\.[qkv]_proj",
    r"(?:.*?(?:language|text).*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:k_proj|up_proj)))",
    r"^(?!.*mlp).*_proj$", r".*(?=q_proj)q.*", r"(?=.*attn)(?!.*k_proj).+", r"(?P<a>model)\.(?P<b>norm)", r"", r"a*", r"a+?",
    r"(a|ab)(c|bcd)(d*)", r"(a*)*b", r"(a|b)*abb", r"(|a)+", r"x{0}y", r"a{2}", r"a{2,}", r"a{1,3}b?", r"a{0,2}a{0,2}",
    r"[^a-c.]+", r"[]a]+", r"[a\]\-]+", r"[\w.]+", r"[-a]+", r"\W", r"\bmlp\b", r"\Bproj", r"a.c", r"^$", r"$^",
    r"(?:a|b|)c", r"((a)(b)?)+", r"a|b|c|", r"\.", r"model\..*\.weight|score", r"[0-9]{1,2}", r"\d\d?\D",
    r"(?<=attn\.)[qk]_proj", r".*(?<!k)_proj", r"(a|b)\1.*", r"(?P<x>a+)b(?P=x)?", r"(?i)A[B-C]*", r"(?>a*)a", r"a++b", r"a{x}",
]
NAMES = [
    "", "a", "aa", "aaa", "aaaa", "aaaaa", "b", "ab", "abb", "aabb", "abcd", "abc", "ac", "c", "y", "xy", ".", "a]", "-a", "mlp",
    "12", "7.", "q_proj", "model.norm", "score", "model.layers.0.self_attn.q_proj", "model.layers.17.self_attn.k_proj",
    "model.layers.3.mlp.up_proj", "model.layers.12.mlp.down_proj", "language.q", "model.embed_tokens.weight", "a\tc",
]

with open(Path(__file__).parent / "pattern.tsv", "w") as out:
    for pattern in PATTERNS:
        for name in NAMES:
            if "\t" in name:
                continue
            full, part = re.fullmatch(pattern, name), re.search(pattern, name)
            out.write(f"{pattern}\t{name}\t{int(full is not None)}\t{int(part is not None)}\n")
