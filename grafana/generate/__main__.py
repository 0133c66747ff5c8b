"""Writes grafana/dashboards/*.json: `python3 grafana/generate`. With `--check` it only says
which are not as they would be written. Nothing but Python's own library is needed."""

import json
import pathlib
import sys

import fleet
import history
import latency
import line
import monitoring
import outages
import overview

BOARDS = [overview, latency, line, outages, history, fleet, monitoring]
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "dashboards"
WIDTH = 100


def text(value, indent=0):
    """JSON for people: what fits into a line is one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, (dict, list)) or len(flat) + indent <= WIDTH:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [
            f"{inner}{json.dumps(key)}: {text(part, indent + 2)}" for key, part in value.items()
        ]
        opening, closing = "{}"
    else:
        parts = [inner + text(part, indent + 2) for part in value]
        opening, closing = "[]"
    return f"{opening}\n" + ",\n".join(parts) + f"\n{' ' * indent}{closing}"


def main():
    is_check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not is_check:
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    stale = []
    for module in BOARDS:
        file = FOLDER / f"{module.__name__}.json"
        written = text(module.BOARD) + "\n"
        if not file.exists() or file.read_text(encoding="utf-8") != written:
            stale.append(file.name)
            if not is_check:
                file.parent.mkdir(exist_ok=True)
                file.write_text(written, encoding="utf-8")
    if is_check and stale:
        sys.exit(f"not up to date: {' '.join(stale)}; run python3 grafana/generate")


main()
