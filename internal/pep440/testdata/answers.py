"""Answers questions about versions with Python's packaging library.

Each line of standard input is a JSON array: ["version", text], ["compare", a, b] or ["match", specifiers, version].
Each line of standard output is the answer: the normal form or null, a number below, at or above zero or null, a
boolean or null. Null says that something is not valid.
"""

import json
import sys

from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import InvalidVersion, Version


def match(specifiers, version):
    # Not a SpecifierSet, which takes ",,", too.
    return all([Specifier(s.strip()).contains(Version(version), prereleases=True) for s in specifiers.split(",")])


def compare(a, b):
    a, b = Version(a), Version(b)
    return (a > b) - (a < b)


QUESTIONS = {"version": lambda text: str(Version(text)), "compare": compare, "match": match}

for line in sys.stdin:
    question, *args = json.loads(line)
    try:
        answer = QUESTIONS[question](*args)
    except (InvalidVersion, InvalidSpecifier):
        answer = None
    print(json.dumps(answer))
