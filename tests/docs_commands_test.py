"""Every gemtune command in the pages is run as it stands there, on a tiny model and a few rows under the names that the pages use.

Not what other programs do, but what the pages tell our own scripts is held to the options that they have.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

ROOT = pathlib.Path(__file__).parents[1]
BUILD = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune")).parent
# In the order of a reader, who has made what README says before opening another page.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]
OURS = re.compile(r"(^|[(|] ?)(build/)?gemtune( |$)")
ASSIGNMENT = re.compile(r"^(export )?\w+=(\S*|\"[^\"]*\")( *#.*)?$")
MODEL = "models/gemma-3-270m-q4_k_m.gguf"


def commands_of(page):
    """Of ```sh blocks every line, of blocks without a language those after "$ ", of tables what starts with the program; lines that
    end with a backslash are one with the next."""
    found, language, command = [], None, ""
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            language, command = (line[3:] or "console") if language is None else None, ""
            continue
        if language is None:
            found += re.findall(r"\| `((?:build/)?gemtune [^`]*)`", line)
            continue
        if language not in ("sh", "console") or (language == "console" and not command and not line.startswith("$ ")):
            continue
        command += line.removeprefix("$ ") if not command else line
        if command.endswith("\\"):
            command = command[:-1]
            continue
        if command and not command.startswith("#"):
            found.append(command)
        command = ""
    return found


def cut(source, target, rows):
    """The first rows, with texts of at most 60 characters."""
    table = pq.read_table(source).slice(0, rows).to_pylist()
    import pyarrow as pa
    pq.write_table(pa.Table.from_pylist([dict(row, text=row["text"][:60]) for row in table]), target)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that looks like the repository after its quickstart, with a tiny model in the place of the real one."""
    place = tmp_path_factory.mktemp("pages")
    for name in ("build", "models", "data/imdb-sample", "data/gsm8k-sample", "out", "bin"):
        (place / name).mkdir(parents=True)
    for program in ("build/gemtune", "bin/gemtune", "build/gemtune_make_tiny_model"):
        (place / program).symlink_to(BUILD / pathlib.Path(program).name)
    for split, rows in dict(train=24, validation=8, test=8).items():
        cut(ROOT / "data" / "imdb-sample" / f"{split}.parquet", place / "data" / "imdb-sample" / f"{split}.parquet", rows)
    for split in ("train", "test"):
        # The tiny model's tokens are letters.
        lines = sorted((ROOT / "data" / "gsm8k-sample" / f"{split}.jsonl").read_text().splitlines(), key=len)[:8]
        (place / "data" / "gsm8k-sample" / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    # What scripts/tutorials/ make of packages.
    for name, rows in (("newsgroups", [dict(text=f"{a} and {b}", label=[a, b]) for a in ("sport", "space") for b in ("cars", "for-sale")]),
                       ("small-talk", [dict(messages=[dict(role="user", content="Hello"), dict(role="assistant", content="Hi")])] * 4)):
        (place / "data" / name).mkdir()
        for split in ("train", "validation", "test"):
            (place / "data" / name / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "data.csv").write_text("text,label\na good film,1\na bad one,0\n")
    (place / "prompts.jsonl").write_text(json.dumps(dict(prompt="Once")) + "\n")
    (place / "reviews.jsonl").write_text(json.dumps(dict(text="A film of rare warmth.")) + "\n")
    # The folder of the model in the hub's cache, and on its own where pages say $HF_270M.
    snapshot = place / "hub" / "models--google--gemma-3-270m" / "snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    subprocess.run([BUILD / "gemtune_make_tiny_model", snapshot, "--turns"], check=True, capture_output=True)
    for revision in ("main", "v1"):
        reference = snapshot.parents[1] / "refs" / revision
        reference.parent.mkdir(exist_ok=True)
        reference.write_text(snapshot.name)
    subprocess.run([BUILD / "gemtune", "export", "--model", snapshot, "--outtype", "q8_0", "--outfile", place / MODEL], check=True, capture_output=True)
    gguf = place / "hub" / "models--owner--many-GGUF"
    shutil.copytree(snapshot.parents[1], gguf)
    shutil.copy(place / MODEL, gguf / "snapshots" / snapshot.name / "model-Q4_0.gguf")
    # What bench/gsm8k.py makes, and what pages call a model of the reader's own.
    run(place, [f"gemtune train --task sft --model {MODEL} --max-steps 1 --train-file data/gsm8k-sample/train.jsonl --prompt-column question "
                "--completion-column answer --output-dir out/gsm8k-1000/gemtune", "build/gemtune_make_tiny_model base"])
    return place


def run(place, commands):
    """In one shell, for the variables that one sets for the next; standard error of each that failed, by command."""
    environment = dict(os.environ, PATH=f"{place / 'bin'}:{os.environ['PATH']}", IMDB=str(place / "data" / "imdb-sample"),
                       GSM8K=str(place / "data" / "gsm8k-sample"), HF_270M=str(place / "hub" / "models--google--gemma-3-270m" / "snapshots" / ("0" * 40)),
                       HF_HUB_CACHE=str(place / "hub"), HF_HUB_OFFLINE="1", OMP_WAIT_POLICY="passive", MANPAGER="cat")
    lines = []
    for number, command in enumerate(commands):
        # A command may end in a comment, so the brace has a line of its own.
        lines += ["{", command, f"}} < /dev/null > {place}/{number}.out 2> {place}/{number}.err || echo {number}"]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], cwd=place, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return {commands[int(number)]: (place / f"{number}.err").read_text()[-600:] for number in done.stdout.split()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_work(place, page):
    commands = [command for command in commands_of(page) if OURS.search(command) or ASSIGNMENT.match(command)]
    failed = run(place, commands)
    assert not failed, json.dumps(failed, indent=1)


def test_there_are_commands():
    assert sum(OURS.search(command) is not None for page in PAGES for command in commands_of(page)) > 40


def scripts_of(page):
    """Our Python programs with their arguments, in blocks and in code within sentences."""
    spans = re.findall(r"`((?:\S*python )?(?:bench|scripts)/[^`]*)`", re.sub(r"\s+", " ", page.read_text()))
    for command in (*commands_of(page), *spans):
        script = re.match(r"(?:\S*python )?((?:bench|scripts)/\S+\.py)\b(.*)", command)
        if script:
            # Neither a comment nor what is passed on to another program.
            yield script.group(1), re.split(r"\s#| -- ", script.group(2))[0]


def test_options_of_our_scripts_exist():
    wrong, helps = [], {}
    for page in PAGES:
        for name, arguments in scripts_of(page):
            if name not in helps:
                helps[name] = subprocess.run([sys.executable, ROOT / name, "--help"], capture_output=True, text=True).stdout
            wrong += [f"{page.name}: {name} has no {option}" for option in re.findall(r"--[a-z][\w-]*", arguments) if option not in helps[name]]
    assert len(helps) > 5 and not wrong, wrong


def test_options_within_sentences_exist():
    wrong, helps = [], {}
    for page in PAGES:
        for command, arguments in re.findall(r"`(?:build/)?gemtune (\w+)( [^`]*)`", re.sub(r"\s+", " ", page.read_text())):
            if command not in helps:
                helps[command] = subprocess.run([BUILD / "gemtune", command, "--help"], capture_output=True, text=True).stdout
            wrong += [f"{page.name}: gemtune {command} has no {option}" for option in re.findall(r"--[a-z][\w-]*", arguments) if option not in helps[command]]
    assert len(helps) > 5 and not wrong, wrong
