"""Adds up the JUnit files that GoogleTest and pytest wrote; fails if a test failed or a program left no results.

    python scripts/count_results.py build/results

Each test that ctest knows in build/ leaves <its name>.xml, pytest pytest.xml and interop.xml.
"""
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


def main():
    folder = pathlib.Path(sys.argv[1])
    passed = failed = skipped = 0
    known = subprocess.check_output(["ctest", "--test-dir", folder.parent, "--show-only=json-v1"])
    expected = [test["name"] for test in json.loads(known)["tests"]] + ["pytest", "interop"]
    for name in expected:
        path = folder / f"{name}.xml"
        if not path.exists():
            print(f"{name}: no results (it did not run to its end)")
            failed += 1
            continue
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            label = f"{name}: {case.get('classname')}.{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {label}")
            elif case.find("skipped") is not None or case.get("result") == "skipped":
                skipped += 1
                reason = case.find("skipped")
                print(f"left out: {label}: {reason.get('message') if reason is not None else ''}")
            elif case.get("status") != "notrun":
                passed += 1
    if skipped:
        print(f"{skipped} left out, as said above")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
