"""report.html in a browser: its numbers are those of its document, whatever that holds, and it reaches for nothing else."""
import fcntl
import json
import math
import os
import pathlib
import select
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
FOLDER = pathlib.Path(__file__).parents[1] / "gemtune" / "train" / "report"
HOSTILE = ["</script><script>alert(1)</script>", "<img src=x onerror=console.error(1)>", "\u2028\u2029\u202e\x01", "w" * 500, "10",
           "<!--<script>", "2", "#3", "__proto__", "$& $1 \\ \"'"]


def page(document):
    """The page as the program makes it."""
    text = (FOLDER / "page.html").read_text()
    data = json.dumps(document, ensure_ascii=False).replace("</", "<\\/")
    for line, content in {"\n/* chart.js */\n": (FOLDER / "chart.js").read_text(), "\n/* data */\n": f"\n{data}\n"}.items():
        assert text.count(line) == 1
        text = text.replace(line, content)
    return text


def metrics(names, scale=1.0):
    right, wrong = ([round(most * (1 - i / 100) ** power) for i in range(101)] for most, power in ((500, 0.2), (501, 3)))
    return {
        "loss": 0.2071 * scale, "accuracy": 0.92345 * scale, "macro_f1": 0.92301, "auroc": None, "expected_calibration_error": 0.000123456,
        "per_class": {name: {"precision": 0.91234 * scale, "recall": 0.88766, "f1": 0.9, "support": 500} for name in names},
        "confusion_matrix": [[450 if i == j else 50 for j in range(len(names))] for i in range(len(names))],
        "calibration": [{"count": 12 * i, "confidence": i / 15 + 0.03 if i else None, "accuracy": i / 16 if i else None} for i in range(15)],
        "pr_curves": {name: {"positives": 500, "negatives": 501, "true_positives": right, "false_positives": wrong} for name in names}}


def run(name="out/imdb", steps=60, names=("negative", "positive"), scale=1.0):
    tokens = [{"token": word, "contribution": math.sin(i) / 7} for i, word in enumerate(["<bos>", "A", " dull", " film", ",", "\n", " yet"] * 5)]
    return {
        "name": name, "state": "finished", "task": "classification", "method": "lora", "model": "google/gemma-3-270m",
        "options": {"learning-rate": "1e-05", "epochs": "1", "seed": name}, "versions": {"gemtune": "0.1.0", "LibTorch": "2.15.0"},
        "machine": {"processor": "AMD EPYC", "threads": 2, "device": "cpu", "dtype": "bf16"},
        "start": {"total_steps": steps, "train_examples": 2000, "train_tokens": 500000, "trained_parameters": 268100000},
        "steps": [{"step": i + 1, "epoch": (i + 1) / steps, "loss": scale * (0.2 + 0.6 * math.exp(-3 * i / steps) + 0.1 * math.sin(i * i)),
                   "learning_rate": 1e-5 * (1 - i / steps), "grad_norm": 3 + 2 * math.sin(i * i + 1), "tokens": 2000 + i % 7,
                   "seconds": 2.1 + 0.1 * math.cos(i * i)} for i in range(steps)],
        "evaluations": [{"step": steps * k // 4, "epoch": k / 4, "train_loss": 0.7 / k, "is_best": k == 3, "seconds": 12.25,
                         "loss": scale * (0.5 - 0.1 * k + 0.012 * k * k), "accuracy": 0.7 + 0.05 * k} for k in range(1, 5)],
        "summary": {"train_loss": 0.41234, "train_steps": steps, "train_runtime": 512.34, "train_tokens_per_second": 980.123,
                    "validation": metrics(names, 0.99), "test": metrics(names, scale)},
        "lengths": [{"split": "training", "examples": 2000, "tokens": 500000, "truncated": 120, "max_length": 512,
                     "bins": [{"from": 32 * i + 1, "to": 32 * i + 32, "count": 250 - (i - 6) ** 2 * 2} for i in range(16)]}],
        "wrong": [{"split": "test", "row": 17, "label": "positive", "predicted": "negative", "probability": 0.998, "tokens": tokens}],
        "generations": [{"prompt": "What is 2 + 2?", "reference": "4", "before": "What is 2 + 2?\nWhat is", "after": "4"}]}


class Browser:
    def __init__(self, profile):
        self.buffer, self.count, self.events, self.session = b"", 0, [], {}
        (theirs, self.out), (self.incoming, back) = os.pipe(), os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs, back)]  # clear of 3 and 4
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", f"--user-data-dir={profile}"], stderr=subprocess.DEVNULL, pass_fds=(3, 4),
            preexec_fn=lambda: [os.dup2(end, number) for end, number in zip(ends, (3, 4))])
        for end in (theirs, back, *ends):
            os.close(end)
        target = self.send("Target.createTarget", url="about:blank")
        self.session = {"sessionId": self.send("Target.attachToTarget", **target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.buffer:
            ready = select.select([self.incoming], [], [], 60)[0]
            self.buffer += ready and os.read(self.incoming, 1 << 20) or pytest.fail("the browser does not answer")
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, **params):
        self.count += 1
        os.write(self.out, json.dumps({"id": self.count, "method": method, "params": params, **self.session}).encode() + b"\0")
        while (message := self.receive()).get("id") != self.count:
            self.events.append(message)
        assert "error" not in message, message
        return message["result"]

    def run(self, script):
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def key(self, key):
        code, text = {"Enter": (13, {"text": "\r"}), "Tab": (9, {}), "ArrowRight": (39, {})}[key]
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)

    def load(self, method, **params):
        self.events.clear()
        self.send(method, **params)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())


COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Page.javascriptDialogOpening")
DRAW_CHARTS = """(async () => {
  for (const node of document.querySelectorAll("canvas"))
    for (let i = 0; i < 50 && !Chart.getChart(node); ++i) await new Promise(requestAnimationFrame, node.scrollIntoView());
  return [...document.querySelectorAll("canvas")].every(node => Chart.getChart(node));
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.send("Browser.close")
    browser.process.wait(timeout=20)


@pytest.fixture
def show(browser, tmp_path):
    """Shows a document; once every chart is drawn there is no message, no request and no text that names a mistake."""
    def shows(*runs, **more):
        (path := tmp_path / "report.html").write_text(page({"generated": "2026-11-30T15:20:00Z", "runs": runs, **more}), encoding="utf-8")
        browser.send("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
        browser.load("Page.navigate", url=path.as_uri())
        assert browser.run(DRAW_CHARTS) and browser.run("document.querySelector('main > [role=alert], main:empty')") is None
        assert not [event for event in browser.events if event["method"] in COMPLAINTS]
        requests = [event["params"]["request"] for event in browser.events if event["method"] == "Network.requestWillBeSent"]
        assert {request["url"] for request in requests} <= {path.as_uri(), "data:,"}
        assert browser.run("document.getElementById('main').textContent.match(/undefined|NaN|\\[object/)") is None
        return browser
    return shows


def shown(value):
    if value == int(value) or 9999.5 <= abs(value) < 1e9:
        return f"{round(value):,}"
    return f"{value:#.4g}" if abs(value) >= 1e-3 else f"{value:.3e}".replace("e-0", "e-")


def numbers(value):
    if isinstance(value, (dict, list)):
        return {found for part in (value.values() if isinstance(value, dict) else value) for found in numbers(part)}
    return {shown(value)} if type(value) in (int, float) else set()


def rows(browser, label, part="tbody"):
    return browser.run(f"[...document.querySelector('[aria-label=\"{label}\"] {part}').rows].map(row => [...row.cells].map(c => c.textContent))")


def fits(browser, width):
    browser.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    return browser.run("document.querySelectorAll('details').forEach(node => node.open = true), document.documentElement.scrollWidth <= innerWidth")


def test_every_number_of_the_document_is_in_the_page(show):
    runs = [run(), run("out/other", steps=300, scale=1.3)]
    browser = show(*runs)
    cells = browser.run("[...document.querySelectorAll('td, p, h4')].flatMap(node => [node.textContent, ...node.textContent.split(' ')])")
    assert not numbers(runs) - {cell.strip(".,%()") for cell in cells}
    assert rows(browser, "Training loss: numbers") == [[each["name"], shown(step["step"]), shown(step["loss"]), shown(step["epoch"])]
                                                       for each in runs for step in each["steps"]]


@pytest.mark.parametrize("absent", [{}, None])
def test_every_field_may_be_missing(show, absent):
    def without(value, name):
        return {key: part for key, part in value.items() if key != name} | ({name: None} if absent is None else {})
    whole = run(steps=3, names=("negative",))
    runs = [{"name": "bare", "state": "running"}, *(without(whole, name) for name in whole if name != "name")]
    runs += [{**whole, "summary": without(whole["summary"], name)} for name in whole["summary"]]
    runs += [{"name": "test", "summary": {"test": without(whole["summary"]["test"], name)}} for name in whole["summary"]["test"]]
    for part in ("steps", "evaluations", "lengths", "wrong", "generations"):
        runs += [{"name": part, part: [without(row, name) for row in whole[part]]} for name in whole[part][0]]
    assert len(rows(show(*runs), "Summary of the runs", "thead")[0]) == len(runs) + 1
    show(runs[0])


def test_texts_are_only_ever_text(show):
    def hostile(value, text):
        if isinstance(value, list):
            return [hostile(part, text) for part in value]
        return {key: hostile(part, text) for key, part in value.items()} if isinstance(value, dict) else text if type(value) is str else value
    browser = show(*(hostile(run(text, steps=3, names=HOSTILE), text) for text in HOSTILE[:4]), {"name": HOSTILE[5]})
    assert browser.run("document.querySelectorAll('img, script').length") == 3
    assert rows(browser, "Summary of the runs", "thead")[0][1:] == [*HOSTILE[:4], HOSTILE[5]]
    assert [row[0] for row in rows(browser, "Confusion matrix")] == HOSTILE
    assert fits(browser, 360) and fits(browser, 1440)


def test_many_steps_classes_and_runs(show):
    many = run(steps=4000)
    many["steps"][100:3000:7] = [{**step, "loss": None, "grad_norm": None, "skipped": True} for step in many["steps"][100:3000:7]]
    many["summary"]["test"] = {
        "worst_classes": {f"class {i}": {"precision": i / 1000, "f1": i / 999, "support": i} for i in range(1000)},
        "worst_confusions": [{"true": f"class {i}", "predicted": f"class {i + 1}", "count": 1000 - i} for i in range(1000)]}
    browser = show(many, *(run(f"run {i}", steps=200) for i in range(8)))
    assert rows(browser, "Training loss: numbers")[100][2:4] == ["not finite", "skipped"]
    assert "415 steps skipped" in browser.run("document.body.textContent")
    assert len(rows(browser, "Classes with the lowest F1")) == len(rows(browser, "Most frequent confusions")) == 1000
    assert fits(browser, 360) and fits(browser, 1440)


def test_the_keyboard_reaches_table_matrix_and_legend(show):
    one = run()
    one["summary"]["test"]["per_class"] = {name: {"f1": f1, "support": 1} for name, f1 in zip("abc", [0.5, None, 0.75])}
    browser = show(one, run("out/other"))
    browser.run("document.querySelectorAll('[aria-label=\"Per class\"] th button')[1].focus()")
    for order in (["c", "a", "b"], ["a", "c", "b"]):  # falling, rising; what is missing is last
        browser.key("Enter")
        assert [row[0] for row in rows(browser, "Per class")] == order
    assert browser.run("document.activeElement.parentElement.ariaSort") == "ascending"
    browser.run("document.querySelector('.matrix td[tabindex=\"0\"]').focus()")
    browser.key("ArrowRight")
    assert browser.run("document.activeElement.closest('.panel').textContent").endswith("True a, predicted b: 50 of 500, 10.0 %")
    browser.run("document.querySelector('[data-series=\"run 1\"]').focus()")
    browser.key("Enter")
    assert browser.run("Chart.getChart(document.querySelector('canvas')).getSortedVisibleDatasetMetas().length") == 3
    browser.key("Tab")
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_light_and_dark(show):
    browser, ticks = show(run()), []
    texts = "[...document.querySelectorAll('.panel, .muted, summary, th')].map(node => getComputedStyle(node).color)"
    colors = f"[getComputedStyle(document.querySelector('.panel')).backgroundColor, ...{texts}]"
    for scheme in ("light", "dark"):
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.run("new Promise(requestAnimationFrame)")
        panel, *texts = (sum(share * (int(part) / 255) ** 2.2 for share, part in zip((0.2126, 0.7152, 0.0722), color[4:-1].split(",")))
                         for color in browser.run(colors))
        assert panel > 0.8 if scheme == "light" else panel < 0.1
        assert all((max(text, panel) + 0.05) / (min(text, panel) + 0.05) > 4.5 for text in texts)
        ticks.append(browser.run("Object.values(Chart.instances)[0].options.scales.x.ticks.color"))
    assert ticks[0] != ticks[1]


def test_a_reload_keeps_what_is_open_and_where_the_reader_is(show, browser):
    browser.send("Page.addScriptToEvaluateOnNewDocument", source="setInterval = (call, each) => { reloads = call; milliseconds = each; }")
    show(run(), {**run("b"), "state": "running"}, refresh=True)
    assert "reloads itself every 15 s" in browser.run("document.body.textContent") and browser.run("milliseconds") == 15000
    browser.run("document.querySelectorAll('details')[3].open = true; document.querySelector('[data-series=mean]').click(); scrollTo(0, 700)")
    browser.load("Runtime.evaluate", expression="reloads()")
    kept = "[...document.querySelectorAll('details')].map((node, i) => node.open && i).filter(i => i)"
    assert browser.run(f"[scrollY, document.querySelector('[data-series=mean]').ariaPressed, ...{kept}]") == [700, "false", 3]
