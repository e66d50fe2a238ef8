"""Writes the Parquet and the compressed text files that table_test.cc and parquet_test.cc read, beside itself.

Needs pyarrow; made with 26.0.
"""

import bz2
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent


def types():
    text = ["one", "zwei ü", ""]
    numbers = [0, 1, 2]
    columns = {
        "text": pa.array(text, pa.string()),
        "large_text": pa.array(text, pa.large_string()),
        "view_text": pa.array(text, pa.string_view()),
        "dictionary_text": pa.array(text, pa.string()).dictionary_encode(),
        "binary_text": pa.array([t.encode() for t in text], pa.binary()),
        "latin1_text": pa.array([b"one", "zwei ü".encode("latin-1"), b""], pa.binary()),
        "null_text": pa.array(["one", None, "three"], pa.string()),
        "bool": pa.array([False, True, True]),
        "float": pa.array([0.5, 1, -2], pa.float32()),
        "double": pa.array([0.1, 1, -2], pa.float64()),
        "string": pa.array(["b", "a", "b"], pa.string()),
        "dictionary": pa.array(["b", "a", "b"], pa.string()).dictionary_encode(),
        "list_int64": pa.array([[0, 2], [], [1]], pa.list_(pa.int64())),
        "list_string": pa.array([["a"], [], ["b", "a"]], pa.list_(pa.string())),
        "large_list_uint8": pa.array([[0, 2], [], [1]], pa.large_list(pa.uint8())),
        "fixed_list_int32": pa.array([[0, 1], [1, 2], [2, 0]], pa.list_(pa.int32(), 2)),
        "uint64_large": pa.array([0, 2**63 - 1, 2**63], pa.uint64()),
        "null_label": pa.array([0, 1, None], pa.int64()),
        "null_item": pa.array([[0], [1, None], []], pa.list_(pa.int64())),
        "decimal": pa.array([Decimal("0.1")] * 3, pa.decimal128(10, 2)),
        "timestamp": pa.array([0, 1, 2], pa.timestamp("s")),
        "list_double": pa.array([[0.0], [], [1.0]], pa.list_(pa.float64())),
        "struct": pa.array([{"a": 1}] * 3),
        "nulls": pa.nulls(3),
    }
    for bits in (8, 16, 32, 64):
        columns[f"int{bits}"] = pa.array([-1, 0, 1], getattr(pa, f"int{bits}")())
        columns[f"uint{bits}"] = pa.array(numbers, getattr(pa, f"uint{bits}")())
    pq.write_table(pa.table(columns), HERE / "types.parquet", compression="none")


def class_labels():
    names = {"names": ["negative", "positive"], "_type": "ClassLabel"}
    text = {"dtype": "string", "_type": "Value"}
    features = {
        "text": text,
        "label": names,
        "sequence": {"feature": names, "_type": "Sequence"},
        "list": {"feature": names, "_type": "List"},
        "old_list": [names],
        "plain": {"dtype": "int64", "_type": "Value"},
        "twice": {"names": ["a", "a"], "_type": "ClassLabel"},
    }
    lists = pa.array([[1], [0, 1]], pa.list_(pa.int64()))
    table = pa.table({
        "text": ["bad", "good"], "label": [0, 1], "sequence": lists, "list": lists, "old_list": lists,
        "plain": [0, 1], "twice": [0, 1],
    })
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, HERE / "class_label.parquet")


def many_rows():
    table = pa.table({"text": [f"row {i}" for i in range(1, 3001)], "label": list(range(1, 3001)), "other": [0] * 3000})
    pq.write_table(table, HERE / "row_groups.parquet", row_group_size=700, compression="zstd")


def duplicate_columns():
    columns = [pa.array(["a"]), pa.array([0]), pa.array([1])]
    pq.write_table(pa.Table.from_arrays(columns, names=["text", "label", "label"]), HERE / "duplicate.parquet")


def compressed():
    rows = [("first", "a"), ("zweite, ü", "b")]
    csv = "text,label\nfirst,a\n\"zweite, ü\",b\n".encode()
    tsv = "".join(f"{t}\t{l}\n" for t, l in [("text", "label"), *rows]).encode()
    lines = "".join(json.dumps({"text": t, "label": l}) + "\n" for t, l in rows).encode()
    # Two members each: what `cat a.gz b.gz` makes is one file.
    (HERE / "rows.csv.gz").write_bytes(gzip.compress(csv[:15], mtime=0) + gzip.compress(csv[15:], mtime=0))
    (HERE / "rows.jsonl.bz2").write_bytes(bz2.compress(lines[:15]) + bz2.compress(lines[15:]))
    for suffix, codec, data in (("tsv.zst", "zstd", tsv), ("json.lz4", "lz4", lines)):
        with pa.CompressedOutputStream(str(HERE / f"rows.{suffix}"), codec) as out:
            out.write(data)


types()
class_labels()
many_rows()
duplicate_columns()
compressed()
