"""The baseline without a language model: TF-IDF of words and pairs of words, and logistic regression.

    python bench/tfidf.py TRAIN.parquet TEST.parquet --train-samples 2000 --test-samples 1000
"""
import argparse

import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def load(path, samples):
    table = pq.read_table(path).slice(0, samples)
    return table["text"].to_pylist(), table["label"].to_pylist()


def fit(path, samples):
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), LogisticRegression(C=10, max_iter=1000))
    return model.fit(*load(path, samples))


def score(model, path, samples):
    return model.score(*load(path, samples))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--train-samples", type=int, default=2000)
    parser.add_argument("--test-samples", type=int, default=1000)
    arguments = parser.parse_args()
    model = fit(arguments.train, arguments.train_samples)
    print(f"accuracy {score(model, arguments.test, arguments.test_samples):.3f}")


if __name__ == "__main__":
    main()
