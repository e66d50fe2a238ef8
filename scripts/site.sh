#!/usr/bin/env bash
# The pages as a site, in out/site (out/site/index.html), with every link and anchor checked.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -c "import mkdocs" 2> /dev/null || scripts/pip.sh mkdocs==1.6.1
stage=build/site
rm -rf $stage
mkdir -p $stage/docs
cp docs/*.md docs/*.svg docs/*.png CHANGELOG.md CONTRIBUTING.md LICENSE NOTICE $stage
cp -r examples $stage/examples
rm -f $stage/examples/*.md
cp README.md $stage/index.md
# All pages lie in one folder there.
sed -i -E 's#\]\(docs/#](#g; s#\]\(\.\./README\.md#](index.md#g; s#\]\(README\.md#](index.md#g; s#\]\(\.\./#](#g' $stage/*.md
rmdir $stage/docs
.venv/bin/python -m mkdocs build --quiet --strict --clean
echo "out/site/index.html"
