#!/usr/bin/env python3
"""Makes LuCI's form of a translation: po2lmo.py FILE.po FILE.lmo

LuCI reads `/usr/lib/lua/luci/i18n/*.LANGUAGE.lmo`. Such a file has the texts, each filled up with
zeros to a multiple of four bytes; then, sorted by hash, four big-endian words for each text: hash
of the original, 1 (forms of plural), place, length; then the place of that table. The hash is
Paul Hsieh's SuperFastHash of the UTF-8 bytes, begun with their number. What has no translation is
left out, and LuCI shows the original.

Originals are as LuCI looks them up: without line breaks and with no two spaces in a row. Contexts
and plurals are refused, since no page of ours has them.
"""

import re
import struct
import sys

WORD = 0xFFFFFFFF


def sfh(data: bytes) -> int:
    """SuperFastHash as LuCI has it; 0 for nothing."""
    if not data:
        return 0
    hashed = len(data)
    whole = len(data) // 4 * 4
    for low, high in struct.iter_unpack("<HH", data[:whole]):
        hashed = (hashed + low) & WORD
        hashed = ((hashed << 16) ^ (high << 11) ^ hashed) & WORD
        hashed = (hashed + (hashed >> 11)) & WORD
    rest = data[whole:]
    if len(rest) >= 2:
        hashed = (hashed + struct.unpack("<H", rest[:2])[0]) & WORD
    # A single byte is signed there.
    if len(rest) == 3:
        hashed = (hashed ^ (hashed << 16)) & WORD
        hashed = (hashed ^ (struct.unpack("b", rest[2:])[0] << 18)) & WORD
        hashed = (hashed + (hashed >> 11)) & WORD
    elif len(rest) == 2:
        hashed = (hashed ^ (hashed << 11)) & WORD
        hashed = (hashed + (hashed >> 17)) & WORD
    elif len(rest) == 1:
        hashed = (hashed + struct.unpack("b", rest)[0]) & WORD
        hashed = (hashed ^ (hashed << 10)) & WORD
        hashed = (hashed + (hashed >> 1)) & WORD
    for left, shift in ((True, 3), (False, 5), (True, 4), (False, 17), (True, 25), (False, 6)):
        hashed = (hashed ^ (hashed << shift) if left else hashed + (hashed >> shift)) & WORD
    return hashed


def entries(text: str) -> list[tuple[str, str]]:
    """Originals and translations, without the head."""
    found = []
    current = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = re.fullmatch(r'(?:(msgid|msgstr) )?"((?:[^"\\]|\\["\\n])*)"', line)
        if not parts:
            raise ValueError(f"line {number}: expected msgid, msgstr or a text in quotes: {line}")
        keyword, quoted = parts.groups()
        part = re.sub(r"\\(.)", lambda sign: "\n" if sign[1] == "n" else sign[1], quoted)
        if keyword == "msgid":
            current = [part, None]
            found.append(current)
        elif keyword == "msgstr" and current and current[1] is None:
            current[1] = part
        elif keyword or current is None:
            raise ValueError(f"line {number}: msgid and msgstr take turns: {line}")
        else:
            current[0 if current[1] is None else 1] += part
    head, *rest = found or [["", ""]]
    if head[0] != "":
        raise ValueError("the first msgid is the head's, which is empty")
    for original, translation in rest:
        if translation is None:
            raise ValueError(f"no msgstr: {original}")
        if original != re.sub(r"\s+", " ", original.strip()):
            raise ValueError(f"LuCI would look for it with single spaces: {original}")
    return [(original, translation) for original, translation in rest]


def lmo(translated: list[tuple[str, str]]) -> bytes:
    """The file; nothing if nothing is translated."""
    texts = bytearray()
    index = {}
    for original, translation in translated:
        if not translation:
            continue
        key, value = sfh(original.encode()), translation.encode()
        if key in index:
            raise ValueError(f"two originals have one hash: {original}")
        index[key] = struct.pack(">4I", key, 1, len(texts), len(value))
        texts += value + bytes(-len(value) % 4)
    table = b"".join(index[key] for key in sorted(index))
    return bytes(texts) + table + struct.pack(">I", len(texts)) if index else b""


def main() -> int:
    """Exit code."""
    if len(sys.argv) != 3:
        print("usage: po2lmo.py FILE.po FILE.lmo", file=sys.stderr)
        return 2
    try:
        with open(sys.argv[1], encoding="utf-8") as source:
            made = lmo(entries(source.read()))
    except (OSError, ValueError) as error:
        print(f"po2lmo.py: {sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    with open(sys.argv[2], "wb") as target:
        target.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
