"""Texts that are to be run, that blow up elsewhere, or that are none."""

import json
from collections.abc import Iterator

from .made import SCRIPT, Hostile


def texts() -> Iterator[Hostile]:
    yield Hostile("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT, ("code",))
    yield Hostile("page.png", b"<!doctype html><html>" + SCRIPT, ("code",))
    laughs = b"".join(b'<!ENTITY l%d "%b">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 20))
    yield Hostile(
        "laughs.xml", b"<?xml version='1.0'?><!DOCTYPE l [" + laughs + b"]><l>&l19;</l>", ("code",)
    )
    yield Hostile("deep.json", b"[" * 100_000 + b"]" * 100_000, ("json", "text"))
    yield Hostile(
        "numbers.json", json.dumps([1e308] * 1000).replace("1e+308", "1e999999").encode(), ("json",)
    )
    yield Hostile("formulas.csv", b"=cmd|'/c calc'!A1,2\n@SUM(1),3\n", ("csv",))
    yield Hostile("rows.csv", b'"' + b"a" * 3_000_000, ("text",))
    yield Hostile("zero.txt", b"text \0 text")
    yield Hostile("zero-late.txt", b"text " * 10_000 + b"\0")
    yield Hostile("control-late.txt", b"text " * 10_000 + b"\x01")
    yield Hostile("no-mark.txt", "text without a mark".encode("utf-16-le"))
    yield Hostile("half.txt", "text".encode("utf-16") + b"x")
    yield Hostile("zero-wide.txt", "zero \0 in it".encode("utf-16"))
    yield Hostile("half-late.txt", b"text " * 10_000 + b"\xff\xff\xfe\xfe", ("text",))
    yield Hostile("surrogate.txt", b"text \xed\xa0\x80\xed\xb0\x80 text", ("text",))
    yield Hostile("overlong.txt", b"text \xc0\xaf\xc0\xae text", ("text",))
    yield Hostile("one-line.txt", b"word " * 4_000_000, ("text",))
    yield Hostile(
        "escapes.txt", b"\x1b]0;title\x07".replace(b"\x07", b"") + b"\x1b[2J" * 1_000, ("text",)
    )
    yield Hostile(
        "bidi.py",
        "if access: # \u202e \u2066begin\u2069 \u2066\n    return\n".encode(),
        ("code", "text"),
    )
    yield Hostile("script.sh", b"#!/bin/sh\nrm -rf /\n", ("code",))
    yield Hostile(
        "anchors.yaml",
        b"a: &a [x]\n" + b"".join(b"b%d: [*a,*a]\n" % n for n in range(99)),
        ("text", "code"),
    )
