"""Short conversations from ChatterBot's corpus, for docs/tutorials/chat.md.

    pip download --no-deps chatterbot-corpus
    python scripts/tutorials/small_talk.py chatterbot_corpus-*.whl data/small-talk

Writes train.jsonl and test.jsonl: {"messages": [{"role": "user", ...}, {"role": "assistant", ...}]}.
"""
import argparse
import json
import pathlib
import random
import zipfile

import yaml

# Of its subjects those that are talk, not lists of facts or of problems with a computer.
SUBJECTS = ("ai", "botprofile", "conversations", "emotion", "food", "gossip", "greetings", "humor", "literature", "money", "movies", "psychology", "science")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--test", type=int, default=40, help="(default: %(default)s)")
    arguments = parser.parse_args()
    rows = []
    with zipfile.ZipFile(arguments.wheel) as file:
        for subject in SUBJECTS:
            corpus = yaml.safe_load(file.read(f"chatterbot_corpus/data/english/{subject}.yml"))
            for said, *answers in corpus["conversations"]:
                rows += [{"messages": [{"role": "user", "content": str(said)}, {"role": "assistant", "content": str(answer)}]} for answer in answers[:2]]
    random.Random(1).shuffle(rows)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, part in dict(test=rows[:arguments.test], train=rows[arguments.test:]).items():
        (arguments.folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))


if __name__ == "__main__":
    main()
