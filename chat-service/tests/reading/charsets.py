"""Bodies in other charsets than UTF-8, said and not said; as in ``zoo.py``."""

import json

from .zoo import END, Case, Outcome, delta, failed, head, say, served

# What is said, the codec, and what is written in it.
_CHARSETS = [
    ("GBK", "gbk", "你好"),
    ("GB2312", "gb2312", "你好"),
    ("gb18030", "gb18030", "你好 é"),
    ('"GBK"', "gbk", "联通"),
    ("Big5", "big5", "你好"),
    ("Shift_JIS", "cp932", "日本語ソ"),
    ("EUC-JP", "euc_jp", "日本"),
    ("EUC-KR", "euc_kr", "안녕"),
    ("iso-8859-1", "latin-1", "é ü"),
    ("windows-1252", "cp1252", "é “x” €"),
    ("windows-1251", "cp1251", "привет"),
    ("koi8-r", "koi8_r", "привет"),
    ("utf-16", "utf-16", "你好 é 😀"),
    ("utf-16le", "utf-16-le", "你好 é"),
    ("utf-16be", "utf-16-be", "你好 é"),
    ("utf-32", "utf-32", "你好 é"),
]
_WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
_NOT_SAID = failed("GARBLED", "say its charset")


def _events(text: str) -> str:
    return f"data: {json.dumps(delta(content=text), ensure_ascii=False)}\n\n{END.decode()}"


def _document(text: str) -> str:
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]}, ensure_ascii=False)


def _error(text: str) -> str:
    return json.dumps({"error": {"message": text}}, ensure_ascii=False)


def _whole(text: str) -> Outcome:
    return Outcome(text, finish="stop")


def _refused(name: str, content_type: str, body: bytes, says: str) -> Case:
    return Case(name, (head(content_type, "400 X"), body), failed("REFUSED", says))


CHARSETS = [
    *(served(f"events in {said}", f"text/event-stream; charset={said}", _events(text).encode(codec), _whole(text)) for said, codec, text in _CHARSETS),
    *(served(f"a document in {said}", f"application/json;Charset={said}", _document(text).encode(codec), _whole(text)) for said, codec, text in _CHARSETS),
    *(served(f"events that are called {said} and are UTF-8", f"text/event-stream; charset={said}", _events(text).encode(), _whole(text)) for said, _, text in _CHARSETS),
    *(served(f"an error in {said}", f"text/event-stream; charset={said}", f"data: {_error(text)}\n\n".encode(codec), failed("FAILED", text)) for said, codec, text in _CHARSETS),
    *(_refused(f"a refusal in {said}", f"application/json; charset={said}", _error(text).encode(codec), text) for said, codec, text in _CHARSETS),
    *(served(f"events in {codec}, not said", "text/event-stream", _events("你好 é").encode(codec), _whole("你好 é")) for codec in _WIDE),
    *(served(f"a document in {codec}, not said", "application/json", _document("你好 é").encode(codec), _whole("你好 é")) for codec in _WIDE),
    *(_refused(f"a refusal in {codec}, not said", "application/json", _error("你好").encode(codec), "你好") for codec in _WIDE),
    Case("GBK byte by byte", (head("text/event-stream; charset=GBK"), *(bytes([byte]) for byte in _events("你好").encode("gbk"))), _whole("你好")),
    Case("UTF-16 byte by byte", (head(), *(bytes([byte]) for byte in _events("你好").encode("utf-16"))), _whole("你好")),
    served("UTF-8 that is called UTF-8", "text/event-stream; charset=UTF-8", _events("你好").encode(), _whole("你好")),
    served("events in GBK, not said", "text/event-stream", _events("你好吗").encode("gbk"), _NOT_SAID),
    served("a document in Latin-1, not said", "application/json", _document("éüöäéü").encode("latin-1"), _NOT_SAID),
    served("two broken bytes in a text of UTF-8", "text/event-stream", _events("你好").encode() .replace("好".encode(), b"\xff\xff"), _whole("你\ufffd\ufffd")),
    served("a charset that is unknown, and UTF-8", "text/event-stream; charset=x-none", _events("你好").encode(), _whole("你好")),
    *(served(f"a charset that is unknown: {said}", f"text/event-stream; charset={said}", _events("你好").encode("gbk"), failed("GARBLED", f"charset {said}")) for said in ("x-none", "utf-7", "base64", "idna", "unicode_escape")),
    Case("a page in GBK", (head("text/html", "502 X"), '<html><head><meta charset="gbk"><title>网关错误</title></head></html>'.encode("gbk")), failed("FAILED", "网关错误")),
    served("a page in place of an answer, in GBK", "text/html", '<html><meta http-equiv="x" content="text/html; charset=gb2312"><title>请登录</title>'.encode("gbk"), failed("GARBLED", "请登录")),
    Case("XML in Latin-1", (head("application/xml", "400 X"), "<?xml version='1.0' encoding='ISO-8859-1'?><Error><Message>é</Message></Error>".encode("latin-1")), failed("REFUSED", "é")),
    served("text behind the finish in GBK", "text/event-stream; charset=gbk", say("h") + "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"好\"},\"finish_reason\":\"stop\"}]}\n\n".encode("gbk"), _whole("h好")),
]  # fmt: skip

KINDS = {"charsets": CHARSETS}
