"""Writes the table family × (logits, gradients, greedy, save, loads in transformers) from what tests and checks printed.

    python families-table.py TESTS.txt … CHECK_FAMILIES.log

TESTS.txt are outputs of the golden tests (GoldenDecoderTest, GoldenGradientTest, GoldenSearchTest …: lines that begin with
"golden"); the last file is what check-families wrote. Prints Markdown.
"""
import collections
import pathlib
import re
import sys

LINE = re.compile(r"golden (\S+) (.*?)\s+largest difference (\S+) \(tolerance")
SEARCH = re.compile(r"golden (\S+): (\d+) searches exact, beam scores differ by at most (\S+)")


def largest(pairs):
    return max((value for _, value in pairs), default=None)


def main():
    values = collections.defaultdict(list)
    searches = {}
    for file in sys.argv[1:-1]:
        for line in pathlib.Path(file).read_text().splitlines():
            found = LINE.search(line)
            if found:
                values[found[1]].append((found[2], float(found[3])))
            found = SEARCH.search(line)
            if found:
                searches[found[1]] = (int(found[2]), found[3])
    reports = {}
    for part in pathlib.Path(sys.argv[-1]).read_text().split("=== ")[1:]:
        name, _, report = part.partition("\n")
        reports[name.strip()] = report
    print("| fixture | logits, hidden | gradients | greedy, beam, contrastive | beam scores | loads in transformers | its logits of what we saved |")
    print("|---|---|---|---|---|---|---|")
    for name in searches:
        logits = largest([p for p in values[name] if "logits" in p[0] or "hidden" in p[0]])
        grads = largest([p for p in values[name] if " grad, worst" in p[0]])
        count, scores = searches[name]
        report = reports.get(name, "")
        passed = len(re.findall(r"^PASS", report, re.M))
        theirs = [float(v) for v in re.findall(r"^PASS \S+\.logits: largest difference (\S+)", report, re.M)]
        loads = f"yes, {passed} checks pass" if report.count("loaded ") else "not checked"
        print(f"| {name} | {logits:.1e} | {grads:.1e} | {count} of {count} exact | {float(scores):.1e} | {loads} | {max(theirs, default=float('nan')):.1e} |")


main()
