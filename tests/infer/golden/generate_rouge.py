"""Makes tests/infer/golden/rouge_golden.json: pairs of texts and what rouge_score says of them.

    python tests/infer/golden/generate_rouge.py        (rouge-score 0.1.2 from PyPI)
"""
import json
import pathlib
import random

from rouge_score.rouge_scorer import RougeScorer

PAIRS = [
    ("the quick brown fox", "the quick brown fox"), ("the quick brown fox", "a quick red fox jumped"), ("", ""), ("a", ""), ("", "a"),
    ("...", "a"), ("A-B_c's 3.14", "a b c s 3 14"), ("The cat, the CAT", "the cat"), ("\u212aelvin", "kelvin k"), ("\u0130stanbul \u0130", "i stanbul"),
    ("naïve café", "naive cafe na ve caf"), ("日本語 text", "text 日本"), ("Привет world", "world"), ("#### 72", "#### 27"), ("x\x00y\tz\n", "x y z"),
    ("ﬁne ＡＢ ß", "fine ab ss"), ("d c b a", "a b c d"), ("a b a b a", "b a b"), ("don't stop", "dont stop don t"),
]


def main():
    chooser = random.Random(7)
    words = "a b c d e f The the 1 22 x-y".split()
    for _ in range(40):
        PAIRS.append(tuple(" ".join(chooser.choices(words, k=chooser.randint(1, 40))) for _ in range(2)))
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    rows = []
    for reference, text in PAIRS:
        score = scorer.score(reference, text)["rougeL"]
        rows.append({"reference": reference, "text": text, "precision": score.precision, "recall": score.recall, "fmeasure": score.fmeasure})
    (pathlib.Path(__file__).parent / "rouge_golden.json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")


if __name__ == "__main__":
    main()
