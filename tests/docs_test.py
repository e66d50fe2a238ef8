"""The pages name files that are there, in lines that fit an editor."""
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md"))
PLACEHOLDER = re.compile(r"(^|/)x[._]")  # x.h, x_test.cc: of any name


def test_files_that_pages_name_exist():
    named = re.compile(r"\b((?:gemtune|tests|scripts|bench|fuzz|cmake|examples|docs)/[\w/]+\.(?:h|cc|py|sh|cmake|md|svg))\b")
    missing = [f"{page.name}: {name}" for page in PAGES for name in named.findall(page.read_text())
               if not (ROOT / name).exists() and not PLACEHOLDER.search(name)]
    assert not missing, missing


def anchors_of(page):
    """As GitHub makes them of headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def test_links_lead_somewhere():
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            linked = page if not path else page.parent / path
            if not linked.exists() or (anchor and anchor not in anchors_of(linked)):
                broken.append(f"{page.name}: {target}")
    assert not broken, broken


def test_the_site_has_every_page():
    nav = (ROOT / "mkdocs.yml").read_text()
    missing = [page.name for page in PAGES if page.name not in ("README.md",) and page.name not in nav]
    assert not missing, missing


def test_lines_fit():
    long = []
    for page in PAGES:
        in_code = False
        for number, line in enumerate(page.read_text().splitlines(), 1):
            in_code ^= line.startswith("```")
            if len(line) > 120 and not in_code and not line.startswith("|") and "](http" not in line:
                long.append(f"{page.name}:{number}")
    assert not long, long


def test_the_readme_shows_the_example_as_it_is():
    example = (ROOT / "examples" / "train_classifier.cc").read_text()
    shown = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    assert shown.strip() and shown.strip() in example
