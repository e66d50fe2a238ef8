#!/usr/bin/env python3
"""Draws the IMDB sample in data/imdb-sample from the whole data set.

The source folder holds train.parquet, validation.parquet and test.parquet with the columns text (string) and label
(integer, 0 = negative, 1 = positive). Each file of the sample has as many rows of either label, drawn from the file of
the same name; which ones, and their order, follows from the seed alone.
"""

import argparse
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CLASS_NAMES = ["negative", "positive"]
ROWS_PER_CLASS = {"train": 500, "validation": 250, "test": 250}
SEED = 20110619  # ACL 2011, where the data set was published

# How Hugging Face's datasets marks a column of classes.
FEATURES = {
    "text": {"dtype": "string", "_type": "Value"},
    "label": {"names": CLASS_NAMES, "_type": "ClassLabel"},
}
SCHEMA = pa.schema(
    [("text", pa.string()), ("label", pa.int64())],
    metadata={"huggingface": json.dumps({"info": {"features": FEATURES}})},
)


def draw(table, rows_per_class, generator):
    """The indices of rows_per_class rows of either label, in random order."""
    labels = table["label"].to_pylist()
    chosen = []
    for label in range(len(CLASS_NAMES)):
        of_label = [row for row, value in enumerate(labels) if value == label]
        chosen += generator.sample(of_label, rows_per_class)
    generator.shuffle(chosen)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder with the whole data set")
    parser.add_argument("output", type=Path, help="folder to write the sample to")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, rows_per_class in ROWS_PER_CLASS.items():
        table = pq.read_table(arguments.source / f"{name}.parquet", columns=["text", "label"])
        rows = draw(table, rows_per_class, random.Random(f"{SEED} {name}"))
        sample = pa.table({c: table[c].take(pa.array(rows)).combine_chunks() for c in table.column_names})
        path = arguments.output / f"{name}.parquet"
        pq.write_table(sample.cast(SCHEMA), path, compression="zstd", compression_level=19)
        print(f"{path}: {sample.num_rows} rows")


if __name__ == "__main__":
    main()
