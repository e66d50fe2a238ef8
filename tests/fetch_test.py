"""gemtune fetch against a hub on the loopback interface, which misbehaves as networks, hubs and disks do."""
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support.fake_hub import Hub

ROOT = pathlib.Path(__file__).parents[1]
PROGRAM = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))
REPO = "owner/tiny-gemma"
WEIGHTS = b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(40_000))  # 1.28 MB
FILES = {"config.json": b'{"model_type": "gemma3_text"}\n', "model.safetensors": WEIGHTS, "tokenizer.json": b"{}",
         "README.md": b"# tiny", "extra/notes.txt": b"not read", "pytorch_model.bin": b"not read either"}
READ = {"config.json", "model.safetensors", "tokenizer.json", "README.md"}


@pytest.fixture
def hub():
    hub = Hub()
    hub.add(REPO, FILES)
    yield hub
    hub.close()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "hf"


def environment(hub, home, **variables):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("HF_", "HUGGING")) and not name.lower().endswith("_proxy")}
    return {**kept, "HF_HOME": str(home), "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:9", "HF_HUB_DOWNLOAD_TIMEOUT": "5", **variables}


def gemtune(hub, home, *arguments, **variables):
    return subprocess.run([str(PROGRAM), *map(str, arguments)], env=environment(hub, home, **variables), capture_output=True, text=True, timeout=120)


def fetch(hub, home, *arguments, **variables):
    return gemtune(hub, home, "fetch", *(arguments or (REPO,)), **variables)


def fetched(done):
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.removesuffix("\n"))


def refused(done, code, *parts):
    """Ends with one line of error that has these parts, and prints no result."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ") and done.stderr.count("error: ") == 1, done.stderr
    for part in parts:
        assert part in last, last
    return last


def blobs(home):
    return sorted(path.name for path in home.glob("hub/models--*/blobs/*"))


def is_whole(snapshot):
    assert {str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file()} == READ
    return all((snapshot / name).read_bytes() == FILES[name] for name in READ)


# What it does

def test_it_fetches_what_gemtune_reads_into_hugging_face_s_layout(hub, home):
    snapshot = fetched(fetch(hub, home))
    folder = home / "hub" / "models--owner--tiny-gemma"
    commit = Hub.commit(FILES)
    assert snapshot == folder / "snapshots" / commit and is_whole(snapshot)
    assert (folder / "refs" / "main").read_text() == commit
    assert os.readlink(snapshot / "model.safetensors") == f"../../blobs/{hashlib.sha256(WEIGHTS).hexdigest()}"
    assert blobs(home) == sorted(Hub.etag(name, FILES[name]) for name in READ)


def test_what_is_there_is_not_fetched_again(hub, home):
    first = fetched(fetch(hub, home))
    hub.seen.clear()
    assert fetched(fetch(hub, home)) == first
    assert [entry[1:3] for entry in hub.seen] == [("GET", f"/api/models/{REPO}/revision/main")]


def test_a_new_commit_shares_the_blobs_that_did_not_change(hub, home):
    first = fetched(fetch(hub, home))
    hub.seen.clear()
    hub.add(REPO, {**FILES, "config.json": b"{}"})
    second = fetched(fetch(hub, home))
    assert second != first and (second / "config.json").read_bytes() == b"{}" and is_whole(first)
    assert not hub.asked(server=hub.storage.url)


def test_files_globs_and_revisions(hub, home):
    hub.add(REPO, {"config.json": b"old"}, revision="refs/pr/1")
    assert fetched(fetch(hub, home, REPO, "extra/notes.txt")).read_bytes() == b"not read"
    assert fetched(fetch(hub, home, REPO, "--revision", "refs/pr/1")).joinpath("config.json").read_bytes() == b"old"
    assert fetched(fetch(hub, home, REPO + "@refs/pr/1", "config.json")).read_bytes() == b"old"
    commit = Hub.commit(FILES)
    assert fetched(fetch(hub, home, REPO, "--revision", commit, "config.json")).read_bytes() == FILES["config.json"]
    chosen = fetched(fetch(hub, home, REPO, "--include", "*.txt", "--include", "*.bin", "--exclude", "py*", "--cache-dir", home / "other"))
    assert [path.name for path in chosen.rglob("*") if path.is_file()] == ["notes.txt"]
    assert chosen.is_relative_to(home / "other")


def test_a_repository_of_gguf_files(hub, home):
    hub.add("owner/one-GGUF", {"model-Q8_0.gguf": b"GGUF8", "mmproj-model.gguf": b"GGUF"})
    snapshot = fetched(fetch(hub, home, "owner/one-GGUF"))
    assert [path.name for path in snapshot.iterdir()] == ["model-Q8_0.gguf"]
    hub.add("owner/many-GGUF", {"model-Q8_0.gguf": b"GGUF8", "model-Q4_0.gguf": b"GGUF4"})
    refused(fetch(hub, home, "owner/many-GGUF"), 2, "'model-Q8_0.gguf', 'model-Q4_0.gguf'", "name the one")
    assert fetched(fetch(hub, home, "owner/many-GGUF", "model-Q4_0.gguf")).read_bytes() == b"GGUF4"


def test_a_repository_without_weights_that_gemtune_reads(hub, home):
    hub.add("owner/torch", {"config.json": b"{}", "pytorch_model.bin": b"x"})
    refused(fetch(hub, home, "owner/torch"), 2, "safetensors or GGUF", "pytorch_model.bin")


def test_offline_only_the_cache_is_used(hub, home):
    refused(fetch(hub, home, HF_HUB_OFFLINE="1"), 2, "HF_HUB_OFFLINE")
    snapshot = fetched(fetch(hub, home))
    hub.seen.clear()
    assert fetched(fetch(hub, home, HF_HUB_OFFLINE="1")) == snapshot
    refused(fetch(hub, home, REPO, "extra/notes.txt", HF_HUB_OFFLINE="1"), 2, "extra/notes.txt", "HF_HUB_OFFLINE")
    assert not hub.seen


# Access

def test_a_gated_model(hub, home):
    hub.access[REPO] = "hf_right"
    refused(fetch(hub, home), 2, "is gated", f"{hub.url}/{REPO}", f"{hub.url}/settings/tokens", "HF_TOKEN")
    refused(fetch(hub, home, HF_TOKEN="hf_wrong"), 2, "is gated", "the token of HF_TOKEN gives no access")
    assert blobs(home) == []
    assert is_whole(fetched(fetch(hub, home, HF_TOKEN="hf_right")))


@pytest.mark.parametrize("of_file", [False, True])
def test_the_token_goes_to_the_hub_and_nowhere_else(hub, home, of_file):
    hub.access[REPO] = "hf_right"
    home.mkdir()
    (home / "token").write_text("hf_right\n")
    fetched(fetch(hub, home, **({} if of_file else {"HF_TOKEN": "hf_right"})))
    assert hub.asked(server=hub.storage.url)
    for server, method, path, headers in hub.seen:
        assert (headers.get("Authorization") == "Bearer hf_right") == (server == hub.url), (server, method, path)
        assert server == hub.url or "hf_right" not in str(headers) + path


def test_a_redirect_of_a_description_to_another_host_is_not_followed(hub, home):
    hub.rule("HEAD", "tokenizer.json", lambda handler: handler.reply(302, headers={"Location": hub.storage.url + "/elsewhere"}))
    refused(fetch(hub, home, HF_TOKEN="hf_secret"), 1, "tokenizer.json", "no hash")
    assert not hub.asked("elsewhere")


def test_a_relative_redirect_is_followed_with_the_token(hub, home):
    hub.add("old/name", {})
    hub.rule("HEAD", "config.json", lambda handler: handler.reply(307, headers={"Location": handler.path.replace("config", "config")  + "?again=1"}))
    hub.rule("HEAD", r"config.json\?again", lambda handler: handler.send_file(FILES["config.json"], {"ETag": f'W/"{Hub.etag("config.json", FILES["config.json"])}"'}))
    fetched(fetch(hub, home, HF_TOKEN="hf_secret"))
    assert hub.asked(r"again")[0][3]["Authorization"] == "Bearer hf_secret"


def test_a_token_that_the_hub_does_not_know(hub, home):
    hub.rule("GET", "/api/", lambda handler: handler.error(401, message="Invalid username or password."))
    refused(fetch(hub, home, HF_TOKEN="hf_old"), 2, "does not accept the token of HF_TOKEN", "/settings/tokens")
    refused(fetch(hub, home, HF_TOKEN="two words"), 2, "HF_TOKEN", "is not a token")
    assert "two words" not in fetch(hub, home, HF_TOKEN="two words").stderr


def test_what_is_not_there(hub, home):
    refused(fetch(hub, home, "owner/none"), 2, "owner/none", "no such repository", "private", "HF_TOKEN")
    refused(fetch(hub, home, "owner/none", HF_TOKEN="hf_x"), 2, "owner/none", "no such repository", "the token of HF_TOKEN does not show it")
    refused(fetch(hub, home, REPO, "--revision", "v9"), 2, REPO, "no branch, tag or commit 'v9'")
    refused(fetch(hub, home, REPO, "confg.json"), 2, "has no file 'confg.json' (did you mean 'config.json'?)")
    refused(fetch(hub, home, REPO, "--include", "*.onnx"), 2, "--include matches none")
    refused(fetch(hub, home, REPO, "--exclude", "*"), 2, "--exclude leaves none")
    refused(fetch(hub, home, REPO, "config.json", "--include", "*"), 2, "--include")
    for name in ["a/b/c", "../x", "/etc/passwd", "owner/name.git", "owner/a--b", "owner/.x", "owner/na me", "", "owner/x@", "x" * 97]:
        refused(fetch(hub, home, name), 2)
    assert blobs(home) == []


def test_a_file_that_vanished_from_the_hub(hub, home):
    hub.rule("HEAD", "tokenizer.json", lambda handler: handler.error(404, "EntryNotFound"))
    refused(fetch(hub, home), 2, "tokenizer.json", "no such file at commit")


# Networks

def test_drops_are_resumed_where_they_broke_off(hub, home):
    for stop in (100_000, 300_000):
        hub.rule("GET", "signature", lambda handler, stop=stop: handler.send_file(WEIGHTS, stop_after=stop))
    assert is_whole(fetched(fetch(hub, home)))
    assert [entry[3].get("Range") for entry in hub.asked("signature")] == [None, "bytes=100000-", "bytes=400000-"]


def test_a_hub_that_only_drops_is_given_up_and_what_came_is_kept(hub, home):
    hub.rule("GET", "signature", lambda handler: handler.send_file(WEIGHTS, stop_after=500_000))
    hub.rule("GET", "signature", lambda handler: handler.send_file(WEIGHTS, stop_after=0), times=20)
    refused(fetch(hub, home), 1, "model.safetensors", "running it again goes on from here")
    assert (home / "hub" / "models--owner--tiny-gemma" / "refs").exists() is False
    hub.rules.clear()
    hub.seen.clear()
    assert is_whole(fetched(fetch(hub, home)))
    assert [entry[3].get("Range") for entry in hub.asked("signature")] == ["bytes=500000-"]


def test_a_connection_that_stalls_counts_as_broken(hub, home):
    def stall(handler):
        handler.send_file(WEIGHTS, stop_after=100_000)
        time.sleep(30)
    hub.rule("GET", "signature", stall)
    started = time.monotonic()
    assert is_whole(fetched(fetch(hub, home, HF_HUB_DOWNLOAD_TIMEOUT="1")))
    assert time.monotonic() - started < 20  # libcurl looks at the speed of the last five seconds


def test_a_fetch_that_was_killed_goes_on(hub, home):
    def stop(handler):
        handler.send_file(WEIGHTS, stop_after=700_000)
        time.sleep(20)
    hub.rule("GET", "signature", stop)
    process = subprocess.Popen([PROGRAM, "fetch", REPO], env=environment(hub, home, HF_HUB_DOWNLOAD_TIMEOUT="30"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    part = home / "hub/models--owner--tiny-gemma/blobs" / (hashlib.sha256(WEIGHTS).hexdigest() + ".incomplete")
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size == 700_000):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hub.seen.clear()
    assert is_whole(fetched(fetch(hub, home)))
    assert [entry[3].get("Range") for entry in hub.asked("signature")] == ["bytes=700000-"]
    assert not part.exists()


@pytest.mark.parametrize("what", ["ignores the range", "416"])
def test_a_server_that_cannot_resume_begins_anew(hub, home, what):
    hub.rule("GET", "signature", lambda handler: handler.send_file(WEIGHTS, stop_after=100_000))
    answer = {"ignores the range": lambda handler: handler.send_file(WEIGHTS, ignore_range=True), "416": lambda handler: handler.reply(416)}[what]
    hub.rule("GET", "signature", answer)
    assert is_whole(fetched(fetch(hub, home)))


def test_faults_of_the_server_are_tried_again(hub, home):
    for method, pattern in (("GET", "/api/"), ("HEAD", "config.json"), ("GET", "signature")):
        hub.rule(method, pattern, lambda handler: handler.error(503), times=2)
    hub.rule("GET", "signature", lambda handler: handler.error(403))  # an address whose time is over
    assert is_whole(fetched(fetch(hub, home)))
    hub.rule("GET", "/api/", lambda handler: handler.error(500), times=20)
    refused(fetch(hub, home), 1, REPO, "answers 500")


def test_too_many_requests(hub, home):
    for pattern, headers in (("/api/", {"Retry-After": "1"}), ("signature", {"RateLimit": '"resolvers";r=0;t=1'})):
        hub.rule("GET", pattern, lambda handler, headers=headers: handler.error(429, headers=headers))
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))
    hub.rule("HEAD", "config.json", lambda handler: handler.error(429, headers={"Retry-After": date}))
    started = time.monotonic()
    assert is_whole(fetched(fetch(hub, home)))
    assert 2.5 < time.monotonic() - started < 20
    hub.rule("GET", "/api/", lambda handler: handler.error(429, headers={"Retry-After": "3600"}))
    refused(fetch(hub, home), 1, "too many requests", "60 minutes")


def test_a_hub_that_is_not_there(home):
    for endpoint in ("http://127.0.0.1:9", "http://no-such-host.invalid"):
        started = time.monotonic()
        refused(fetch(None, home, HF_ENDPOINT=endpoint), 1, "cannot be reached", "HF_ENDPOINT")
        assert time.monotonic() - started < 20
    for endpoint in ("nonsense", "ftp://x", "file:///etc/passwd", "http://", "https://a b"):
        refused(fetch(None, home, HF_ENDPOINT=endpoint), 2, endpoint.split(":")[0])


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"sha": 1}', b'{"sha": "main", "siblings": []}', b'{"sha": "../..", "siblings": []}', b"[" * 100_000, b"x" * (17 << 20)])
def test_an_answer_that_describes_no_model(hub, home, body):
    hub.rule("GET", "/api/", lambda handler: handler.reply(200, body))
    refused(fetch(hub, home), 1)


def test_redirects_without_end(hub, home):
    hub.rule("GET", "signature", lambda handler: handler.reply(302, headers={"Location": handler.path}), times=100)
    refused(fetch(hub, home), 1, "more than 5 redirects")
    assert len(hub.asked("signature")) <= 6


def test_a_redirect_to_what_is_not_http(hub, home):
    for target in ("file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/x"):
        hub.rules.clear()
        hub.rule("GET", "signature", lambda handler, target=target: handler.reply(302, headers={"Location": target}), times=9)
        refused(fetch(hub, home), 1, "redirects to what is no address")


# Hashes, names, disks

@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_wrong_hash(hub, home, name):
    wrong = bytes(FILES[name][:-1]) + b"?"
    hub.rule("GET", "signature" if Hub.is_large(name) else name, lambda handler: handler.send_file(wrong))
    refused(fetch(hub, home), 1, Hub.etag(name, FILES[name]), Hub.etag(name, wrong), "removed")
    assert Hub.etag(name, FILES[name]) not in blobs(home) and not list(home.rglob("*.incomplete"))
    assert not (home / "hub/models--owner--tiny-gemma/refs").exists()
    assert is_whole(fetched(fetch(hub, home)))


def test_a_wrong_beginning_of_a_part_is_found(hub, home):
    etag = hashlib.sha256(WEIGHTS).hexdigest()
    folder = home / "hub/models--owner--tiny-gemma/blobs"
    folder.mkdir(parents=True)
    (folder / f"{etag}.incomplete").write_bytes(b"x" * 1000)
    refused(fetch(hub, home), 1, etag, "removed")
    assert is_whole(fetched(fetch(hub, home)))
    (folder / etag).unlink()
    (folder / f"{etag}.incomplete").write_bytes(WEIGHTS)  # all of it, but the name is missing
    (folder.parent / "snapshots" / Hub.commit(FILES) / "model.safetensors").unlink()
    hub.seen.clear()
    assert is_whole(fetched(fetch(hub, home))) and not hub.asked("signature")


def test_more_bytes_than_announced(hub, home):
    hub.rule("GET", "signature", lambda handler: handler.send_file(WEIGHTS + b"x"))
    refused(fetch(hub, home), 1, "more bytes")


@pytest.mark.parametrize("name", ["../../../../evil.safetensors", "/tmp/evil.safetensors", "a/../../evil.safetensors", "a\\evil.safetensors", "evil\n.safetensors",
                                  "evil\x1b[2J.safetensors", "./evil.safetensors", "a//evil.safetensors", "x" * 300 + ".safetensors", ".."])
def test_hostile_names(hub, home, name):
    hub.add(REPO, {**FILES, name: b"evil"})
    for arguments in ((REPO, "--include", "*"), (REPO, name)):
        last = refused(fetch(hub, home, *arguments), 2)
        assert "no name for a file" in last and last.isprintable()
    assert not list(home.rglob("*")) and not pathlib.Path("/tmp/evil.safetensors").exists()


@pytest.mark.parametrize("etag", ["../../evil", "", "a/b", "x" * 200])
def test_hostile_etags(hub, home, etag):
    hub.rule("HEAD", "config.json", lambda handler: handler.send_file(FILES["config.json"], {"ETag": f'"{etag}"'}))
    refused(fetch(hub, home), 1, "config.json", "no hash")


def test_a_full_disk_is_seen_before_the_first_byte(hub, home):
    home.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", home], capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        refused(fetch(hub, home), 1, "1.3 MB are to be fetched", "are free", "HF_HOME")
        assert not hub.asked("signature")
    finally:
        subprocess.run(["umount", home], check=True)


def test_a_disk_that_becomes_full_keeps_what_came(hub, home):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
    done = subprocess.run([PROGRAM, "fetch", REPO], env=environment(hub, home), capture_output=True, text=True, timeout=60, preexec_fn=limit, restore_signals=False)
    refused(done, 1, "no room is left", "600.0 kB of 1.3 MB are kept")
    hub.seen.clear()
    assert is_whole(fetched(fetch(hub, home)))
    assert [entry[3].get("Range") for entry in hub.asked("signature")] == ["bytes=600000-"]


def test_a_cache_that_cannot_be_written(hub, tmp_path):
    (tmp_path / "file").write_text("")
    refused(fetch(hub, tmp_path / "file"), 2, "cannot make the folder", "HF_HOME", "--cache-dir")


def test_two_at_once_fetch_each_file_once(hub, home):
    def slowly(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(WEIGHTS)))
        handler.end_headers()
        for begin in range(0, len(WEIGHTS), 100_000):
            handler.wfile.write(WEIGHTS[begin:begin + 100_000])
            time.sleep(0.1)
    hub.rule("GET", "signature", slowly, times=2)
    both = [subprocess.Popen([PROGRAM, "fetch", REPO], env=environment(hub, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0] and is_whole(pathlib.Path(outputs[0][0].strip()))
    assert len(hub.asked("signature")) == 1


def test_variables_that_cannot_be_meant(hub, home):
    refused(fetch(hub, home, HF_HUB_DOWNLOAD_TIMEOUT="soon"), 2, "HF_HUB_DOWNLOAD_TIMEOUT", "soon")
    assert fetched(fetch(hub, home, HF_HUB_CACHE=str(home / "elsewhere"))).is_relative_to(home / "elsewhere")
    done = subprocess.run([PROGRAM, "fetch", REPO], env={"HF_ENDPOINT": hub.url, "HOME": str(home), "LC_ALL": "tr_TR.UTF-8"}, capture_output=True, text=True)
    assert fetched(done).is_relative_to(home / ".cache/huggingface/hub")
    done = subprocess.run([PROGRAM, "fetch", REPO], env={"HF_ENDPOINT": hub.url, "HOME": str(home), "XDG_CACHE_HOME": str(home / "xdg")}, capture_output=True, text=True)
    assert fetched(done).is_relative_to(home / "xdg/huggingface/hub")


# Hugging Face's own programs

def huggingface(hub, home, code, **variables):
    pytest.importorskip("huggingface_hub")
    done = subprocess.run([sys.executable, "-c", f"from huggingface_hub import *\nprint({code})"], capture_output=True, text=True, timeout=120,
                          env=environment(hub, home, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", **variables))
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip())


def test_hugging_face_finds_what_gemtune_fetched(hub, home):
    snapshot = fetched(fetch(hub, home))
    hub.seen.clear()
    assert huggingface(hub, home, f"snapshot_download('{REPO}', local_files_only=True)") == snapshot
    assert huggingface(hub, home, f"hf_hub_download('{REPO}', 'model.safetensors', local_files_only=True)") == snapshot / "model.safetensors"
    assert not hub.asked(REPO)
    assert huggingface(hub, home, f"hf_hub_download('{REPO}', 'model.safetensors')") == snapshot / "model.safetensors"
    assert not hub.asked("signature")


def test_gemtune_finds_what_hugging_face_fetched(hub, home):
    snapshot = huggingface(hub, home, f"snapshot_download('{REPO}')")
    hub.seen.clear()
    assert fetched(fetch(hub, home)) == snapshot
    assert [entry[1] for entry in hub.seen] == ["GET"]


def test_gemtune_goes_on_with_what_hugging_face_began(hub, home):
    etag = hashlib.sha256(WEIGHTS).hexdigest()
    fetched(fetch(hub, home, REPO, "config.json"))
    (home / f"hub/models--owner--tiny-gemma/blobs/{etag}.incomplete").write_bytes(WEIGHTS[:1000])
    hub.seen.clear()
    assert is_whole(fetched(fetch(hub, home)))
    assert [entry[3].get("Range") for entry in hub.asked("signature")] == ["bytes=1000-"]


# Models by name

@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    subprocess.run([PROGRAM.with_name("gemtune_make_tiny_model"), folder / "base"], check=True)
    return {path.name: path.read_bytes() for path in (folder / "base").iterdir()}


def done(process):
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_a_model_by_its_name(hub, home, model, tmp_path):
    hub.add(REPO, model)
    message = refused(gemtune(hub, home, "inspect", REPO), 2, f"gemtune fetch {REPO}", "no such file or directory", str(home / "hub"))
    assert "--" not in message
    snapshot = fetched(fetch(hub, home))
    assert "parameters" in done(gemtune(hub, home, "inspect", REPO))
    texts = tmp_path / "data.jsonl"
    texts.write_text("".join(json.dumps({"text": letter * 3, "label": letter < "e"}) + "\n" for letter in "abcdefgh" * 2))
    by_path = done(gemtune(hub, home, "tokenize", "--model", snapshot, "--input-file", texts, "--no-cache"))
    assert done(gemtune(hub, home, "tokenize", "--model", REPO, "--input-file", texts, "--no-cache")) == by_path
    done(gemtune(hub, home, "generate", "--model", REPO, "--prompt", "a", "--max-new-tokens", "2"))

    train = ["train", "--model", REPO, "--method", "lora", "--train-file", texts, "--max-steps", "2", "--save-steps", "1",
             "--no-cache", "--output-dir", tmp_path / "out"]
    done(gemtune(hub, home, *train))
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == REPO and config["revision"] is None
    assert f'model = "{REPO}"' in (tmp_path / "out" / "run.toml").read_text()
    predicted = done(gemtune(hub, home, "predict", "--model", tmp_path / "out", "aaa"))
    assert done(gemtune(hub, home, "predict", "--model", tmp_path / "out", "--base-model", snapshot, "aaa")) == predicted
    done(gemtune(hub, home, "merge", "--model", tmp_path / "out", "--dtype", "fp32", "--output-dir", tmp_path / "merged"))
    again = json.loads(done(gemtune(hub, home, "predict", "--model", tmp_path / "merged", "aaa")))
    assert again["label"] == json.loads(predicted)["label"]
    refused(gemtune(hub, home, "merge", "--model", tmp_path / "out", "--output-dir", snapshot, "--overwrite-output-dir"), 2, "overwritten")
    done(gemtune(hub, home, "train", "--config", tmp_path / "out" / "run.toml", "--resume-from-checkpoint"))

    shutil.rmtree(home)
    refused(gemtune(hub, home, "predict", "--model", tmp_path / "out", "aaa"), 2, REPO, "--base-model", f"gemtune fetch {REPO}")


def test_a_revision_of_a_model_and_an_adapter_of_the_hub(hub, home, model, tmp_path):
    hub.add(REPO, model, revision="v1")
    fetched(fetch(hub, home, REPO + "@v1"))
    refused(gemtune(hub, home, "inspect", REPO), 2, f"gemtune fetch {REPO}")
    texts = tmp_path / "data.jsonl"
    texts.write_text("".join(json.dumps({"text": letter * 3}) + "\n" for letter in "abcdefgh" * 2))
    done(gemtune(hub, home, "train", "--task", "clm", "--model", REPO + "@v1", "--method", "lora", "--train-file", texts, "--max-steps", "1",
                 "--no-cache", "--output-dir", tmp_path / "out"))
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (REPO, "v1")
    hub.add("owner/adapter", {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()})
    fetched(fetch(hub, home, "owner/adapter"))
    generate = ["generate", "--prompt", "a", "--max-new-tokens", "3", "--model"]
    assert done(gemtune(hub, home, *generate, "owner/adapter")) == done(gemtune(hub, home, *generate, tmp_path / "out"))
    done(gemtune(hub, home, "export", "--model", "owner/adapter", "--format", "gguf-lora", "--outfile", tmp_path / "lora.gguf"))
    done(gemtune(hub, home, "export", "--model", REPO + "@v1", "--outtype", "f32", "--outfile", tmp_path / "model.gguf"))
    assert b"tiny-gemma" in (tmp_path / "model.gguf").read_bytes()[:4000]
    hub.add("owner/tiny-GGUF", {"model.gguf": (tmp_path / "model.gguf").read_bytes()})
    fetched(fetch(hub, home, "owner/tiny-GGUF"))
    assert "gguf" in done(gemtune(hub, home, "inspect", "owner/tiny-GGUF"))
    done(gemtune(hub, home, "generate", "--model", "owner/tiny-GGUF", "--prompt", "a", "--max-new-tokens", "2"))


def test_a_path_comes_before_a_name(hub, home, model, tmp_path):
    hub.add(REPO, model)
    fetched(fetch(hub, home))
    local = tmp_path / REPO
    local.mkdir(parents=True)
    finished = subprocess.run([PROGRAM, "inspect", REPO], cwd=tmp_path, env=environment(hub, home), capture_output=True, text=True)
    refused(finished, 2, REPO, "config.json")
