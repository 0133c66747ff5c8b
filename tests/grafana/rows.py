"""Rows that the Infinity plugin makes of the bridge's answers: `rows.py FILE`, a JSON list of
`{"kind": "json", "root": "items", "columns": [["start", "begin", "timestamp"], ...], "body":
"..."}`. Writes for each how many rows there are, and what is wrong with them.

The root selector is JSONata, as in the plugin's backend parser; a CSV has its columns by its head.
"""

import csv
import datetime
import io
import json
import sys

import jsonata

KINDS = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    # Of a CSV, too, since both are text there.
    "timestamp": lambda value: datetime.datetime.fromisoformat(value) is not None,
}


def rows_of(question):
    if question["kind"] == "csv":
        rows = list(csv.DictReader(io.StringIO(question["body"])))
        for row in rows:
            for selector, _, kind in question["columns"]:
                if kind == "number" and row.get(selector):
                    row[selector] = float(row[selector])
        return rows
    found = jsonata.Jsonata(question["root"]).evaluate(json.loads(question["body"]))
    return found if isinstance(found, list) else [found]


def wrong(question, rows):
    for selector, text, kind in question["columns"]:
        if not all(selector in row for row in rows):
            yield f"{text}: not every row has {selector}"
            continue
        values = [row[selector] for row in rows if row[selector] not in (None, "")]
        if not values:
            yield f"{text}: {selector} is empty in every row"
        for value in values:
            if not KINDS[kind](value):
                yield f"{text}: {value!r} of {selector} is no {kind}"
                break


def main():
    answers = []
    with open(sys.argv[1], encoding="utf-8") as file:
        questions = json.load(file)
    for question in questions:
        rows = rows_of(question)
        answers.append({"rows": len(rows), "wrong": list(wrong(question, rows))})
    json.dump(answers, sys.stdout)


main()
