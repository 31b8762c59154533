"""How servers say that something failed, and what stands beside that, by kind; as in ``zoo.py``."""

from typing import Any

from .zoo import END, Case, Outcome, delta, error, event, failed, head, refused, say, sse

_HI = say("hi")
_BOTH = _HI + END
_DELTA = delta(content="hi")
_BROKEN = failed("FAILED", "Broken.")


def told(name: str, value: Any, outcome: Outcome = _BROKEN) -> Case:
    return sse(name, event(value), outcome)


def fine(name: str, value: Any) -> Case:
    return sse(f"no failure: {name}", event(value) + _BOTH)


SAID = [
    fine("a code of nought", {"code": 0, "message": "success"}),
    fine("a code of 200", {"code": 200, "msg": "ok"}),
    fine("a status", {"status": "success", "message": "started"}),
    fine("an empty error", {"error": {}}),
    fine("an error that is false", {"error": False}),
    sse("no failure: an error that says success", event({"error": {"code": 0, "message": "success"}, **_DELTA}) + END),
    sse("no failure: a message beside choices", event({"code": 0, "message": "Success", "sid": "x", **_DELTA}) + END),
    fine("news of a queue", {"object": "queue", "position": 3, "message": "Queued"}),
    fine("a status that goes on", {"id": "x", "status": "processing", "message": "Loading model"}),
    fine("a warning", {"warning": "provider_did_not_report_usage"}),
    fine("a warning with words", {"type": "warning", "message": "Slow."}),
    sse("no failure: what it cost", _HI + event(delta("stop")) + event({"choices": [], "cost": "0"})),
    sse("in a delta", _HI + event(delta(error={"message": "Broken."})), failed("FAILED", "Broken.", text="hi")),
    sse("in a delta, a text", _HI + event(delta(error="Broken.")), failed("FAILED", "Broken.", text="hi")),
    sse("in a message", _HI + event({"choices": [{"index": 0, "message": {"error": {"message": "Broken."}}}]}), failed("FAILED", "Broken.", text="hi")),
    sse("in a response", _HI + event({"type": "response.failed", "response": {"error": {"message": "Broken."}}}), failed("FAILED", "Broken.", text="hi")),
    sse("behind half a chunk", _HI + b'data: {"choices":[{"delta":{"con\ndata: {"type":"error","error":{"message":"Broken."}}\n\n', failed("FAILED", "Broken.", text="hi")),
    sse("behind half a chunk, on a line of its own", _HI + b'data: {"choices":[{"delta":{"con\n{"error":{"message":"Broken.","code":502}}\n\n', failed("FAILED", "Broken.", text="hi")),
    sse("behind half a chunk and a blank line", _HI + b'data: {"choices":[{"delta":{"con\n\ndata: {"error":{"message":"Broken."}}\n\n', failed("FAILED", "Broken.", text="hi")),
    told("a status of failure", {"status": "failed", "reason": "Broken."}),
    told("a code of another name", {"retcode": 5, "retmsg": "Broken."}),
    told("a number of an error", {"errno": 5, "errmsg": "Broken."}),
    told("words of no name that is known", {"error": {"id": "e-1", "what_went_wrong": {"here": "Broken."}}}),
    told("true, and a message", {"error": True, "message": "Broken."}),
    told("one, and a message", {"error": 1, "message": "Broken."}),
    told("a list of texts", {"error": ["Broken."]}),
    told("an error of an error", {"error": {"error": {"message": "Broken.", "code": 429}}}, failed("RATE_LIMITED", "Broken.")),
    told("JSON in a message", {"error": {"message": '{"error":{"message":"Broken.","type":"rate_limit_error"}}'}}, failed("RATE_LIMITED", "Broken.")),
    told("a page in a message", {"error": {"message": "<html><title>504 Gateway Time-out</title></html>", "code": 504}}, failed("TIMED_OUT", "504 Gateway Time-out")),
    told("capitals", {"Error": {"Code": "Other", "Message": "Broken."}}),
    told("within a response", {"Response": {"Error": {"Code": "Other", "Message": "Broken."}, "RequestId": "x"}}),
    told("as Hunyuan says it", {"ErrorMsg": {"Msg": "Broken.", "Code": 2003}}),
    told("as Spark says it", {"header": {"code": 10013, "message": "Broken.", "sid": "x"}}),
    told("as Apigee says it", {"fault": {"faultstring": "Broken.", "detail": {"errorcode": "x"}}}),
    told("as Bedrock says it", {"internalServerException": {"message": "Broken."}}),
    told("as AWS says it", {"__type": "ThrottlingException", "message": "Broken."}, failed("RATE_LIMITED", "Broken.")),
    told("as Cloudflare says it", {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None}, failed("UNAUTHORIZED", "Authentication error")),
    told("as Baidu says it", {"error_code": 18, "error_msg": "Open api qps request limit reached"}, failed("RATE_LIMITED")),
    told("as Zhipu says it", {"error": {"code": "1302", "message": "您当前使用该API的并发数过高，请降低并发。"}}, failed("RATE_LIMITED")),
    told("as SiliconFlow says it", {"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None}, failed("QUOTA_EXCEEDED")),
    told("as New API says it", {"error": {"message": "当前分组上游负载已饱和，请稍后再试", "type": "new_api_error"}}, failed("OVERLOADED")),
    told("as New API says it of a model", {"error": {"message": "当前分组 default 下对于模型 x 无可用渠道", "type": "new_api_error"}}, failed("MODEL_NOT_FOUND")),
    told("as Mistral says it", {"object": "error", "message": "Service tier capacity exceeded for this model.", "code": "3505"}, failed("OVERLOADED")),
    told("as Groq says it", {"error": {"message": "Flex tier capacity exceeded", "type": "capacity_exceeded"}}, failed("OVERLOADED")),
    told("as Google says it, in a list", [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}], failed("OVERLOADED")),
    told("as OpenRouter says it", {"error": {"code": 429, "message": "Rate limited", "metadata": {"retry_after_seconds": 12}}}, failed("RATE_LIMITED", retry_after=12)),
    told("with a time in the body", {"error": {"code": 429, "message": "Slow.", "retry_after": 3.5}}, failed("RATE_LIMITED", retry_after=4)),
    told("with something of their own beside it", {"msg": "Broken.", "code": 500, "data": None, "traceId": "x"}),
    told("with a status of its own", {"error": {"message": "Broken.", "http_code": 429}}, failed("RATE_LIMITED", "Broken.")),
    *(told(f"within {name}", {name: {"error": {"message": "Broken."}}}) for name in ("result", "data", "status")),
    *(told(f"a flag: {flag}", {**flag, "message": "Broken."}) for flag in ({"ok": False}, {"success": False, "traceId": "x"}, {"ret": -1})),
    *(fine(f"a flag: {flag}", flag) for flag in ({"ok": True}, {"success": True}, {"result": {"error": None}}, {"data": {"error": ""}}, {"status": {"code": 0}})),
    told("as FastChat says it", {"text": "Broken.", "error_code": 50001}),
    told("as Bedrock's limits say it", {"message": "Too many tokens, please wait before trying again.", "__type": "ThrottlingException"}, failed("RATE_LIMITED", "Too many tokens")),
    told("as Baidu says it of a long question", {"error_code": 336003, "error_msg": "the max length of current question is 2000"}, failed("CONTEXT_TOO_LONG", "2000")),
    told("a number for a parameter, as One API has it", error("Broken.", type="upstream_error", param="500", code="bad_response_status_code")),
    sse("an event without words", b"event: error\ndata:\n\n", failed("FAILED")),
    sse("an event of null", b"event: error\ndata: null\n\n", failed("FAILED")),
    sse("an event of [DONE]", _HI + b"event: error\ndata: [DONE]\n\n", failed("FAILED", text="hi")),
    sse("an event of another name", _HI + b"event: exception\ndata: Broken.\n\n", failed("FAILED", "Broken.", text="hi")),
    sse("in brackets", _HI + b"data: [ERROR] Broken.\n\n", failed("FAILED", "Broken.", text="hi")),
    sse("a text and an error in Ollama's line", event({"message": {"content": "hi"}, "error": "Broken."}), failed("FAILED", "Broken.", text="hi")),
    sse("LM Studio's crash", _HI + b'event: error\ndata: {"error":{"message":"The model has crashed without additional information."}}\n\n', failed("FAILED", "has crashed", text="hi")),
]  # fmt: skip


def status(number: int, reason: str, says: str = "") -> Case:
    return Case(f"{number}", (head("", f"{number} X"),), failed(reason, says))


_TIME = failed("RATE_LIMITED", "Slow.")
_FOR_EVER = {"error": {"message": "Request too large for gpt-4 on tokens per min (TPM): Limit 10000, Requested 20000.", "code": "rate_limit_exceeded"}}  # fmt: skip
_PAGE = b"<html><title>%b</title></html>"
STATUSES = [
    *(status(number, "REDIRECTED", "base URL") for number in (300, 301, 302, 303, 304, 305, 307, 308)),
    *(status(number, "REFUSED") for number in (400, 406, 407, 410, 411, 414, 415, 417, 418, 421, 422, 426, 431)),
    *(status(number, "FAILED", "try again") for number in (409, 423, 424, 425, 499)),
    *(status(number, "TIMED_OUT") for number in (408, 504, 522, 524, 598, 599)),
    *(status(number, "FAILED") for number in (500, 501, 502, 505, 507, 520, 521, 523, 525, 526, 527, 530, 999)),
    *(status(number, "OVERLOADED") for number in (503, 529)),
    status(401, "UNAUTHORIZED", "check the key"),
    status(402, "QUOTA_EXCEEDED"),
    status(403, "FORBIDDEN"),
    status(404, "PATH_NOT_FOUND", "/v1"),
    status(405, "PATH_NOT_FOUND"),
    status(413, "TOO_LARGE"),
    status(429, "RATE_LIMITED"),
    status(451, "CONTENT_REFUSED"),
    refused(403, _PAGE % b"Just a moment...", failed("FORBIDDEN", "a firewall perhaps")),
    refused(400, _PAGE % b"400 The plain HTTP request was sent to HTTPS port", failed("REFUSED", "begin the base URL with https://")),
    refused(400, b"Client sent an HTTP request to an HTTPS server.", failed("REFUSED", "begin the base URL with https://")),
    refused(404, b"404 page not found", failed("PATH_NOT_FOUND", "404 page not found")),
    refused(404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}, failed("MODEL_NOT_FOUND")),
    refused(404, error("This is not a chat model.", param="model"), failed("MODEL_NOT_FOUND")),
    refused(400, error("The model `x` has been decommissioned and is no longer supported.", code="model_decommissioned"), failed("MODEL_NOT_FOUND")),
    refused(400, error('"x" does not support chat'), failed("MODEL_NOT_FOUND")),
    refused(400, error("The chatCompletion operation does not work with the specified model, x.", code="OperationNotSupported"), failed("MODEL_NOT_FOUND")),
    refused(400, {"message": "property 'stream_options' is unsupported", "param": "validation_error", "code": "wrong_api_format"}, failed("PARAMETER_REFUSED", "the parameter stream_options")),
    refused(429, _FOR_EVER, failed("TOO_LARGE")),
    refused(429, error("No capacity"), failed("OVERLOADED")),
    refused(403, error("Your account has been suspended due to insufficient balance"), failed("QUOTA_EXCEEDED")),
    refused(400, {"detail": {"error": {"message": "Broken."}}}, failed("REFUSED", "Broken.")),
    refused(500, b"{broken", failed("FAILED", "{broken")),
    refused(503, b"no healthy upstream", failed("OVERLOADED", "no healthy upstream")),
    refused(503, {"error": "Model x is currently loading", "estimated_time": 20.0}, failed("OVERLOADED", "currently loading")),
    refused(302, b"", failed("REDIRECTED", "its path /login;"), "Location: /login?next=%2Fv1&token=x"),
    refused(301, b"", failed("REDIRECTED", "to http://[::1]:80;"), "Location: http://[::1]:80/x"),
    refused(302, b"", failed("REDIRECTED"), "Location: //elsewhere.example/v1"),
    refused(302, b"", failed("REDIRECTED"), "Location: javascript:alert(1)"),
]  # fmt: skip


def wait(seconds: int | None, *headers: str) -> Case:
    return refused(429, error("Slow."), failed("RATE_LIMITED", "Slow.", retry_after=seconds), *headers)  # fmt: skip


_DAY = 86400
TIMES = [
    *(wait(None, f"Retry-After: {value}") for value in ("-1", "1e3", "Infinity", "soon", "", "+5", "0x10", "PT30S")),
    wait(0, "Retry-After: 0"),
    wait(1, "Retry-After: 0.4"),
    wait(12, "Retry-After:   12  "),
    wait(60, "Retry-After: 60, 60"),
    wait(30, "Retry-After: 30s"),
    wait(90, "Retry-After: 1m30s"),
    wait(1, "Retry-After: 500ms"),
    wait(_DAY, "Retry-After: 99999999999"),
    wait(0, "Retry-After: 1600000000"),
    wait(0, "Retry-After: 1600000000000"),
    wait(_DAY, "Retry-After: 4102444800"),
    wait(_DAY, "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT"),
    wait(_DAY, "Retry-After: 2100-12-31T23:59:59Z"),
    wait(0, "Retry-After: Sunday, 06-Nov-94 08:49:37 GMT"),
    wait(5, "Retry-After: soon", "RateLimit-Reset: 5"),
    wait(30, "RateLimit-Reset: 30"),
    wait(30, "X-RateLimit-Reset: 30"),
    wait(None, "X-RateLimit-Reset: 30", "X-RateLimit-Remaining: 7"),
    wait(30, "X-RateLimit-Reset: 30", "X-RateLimit-Remaining: 0"),
    wait(50, "RateLimit: limit=10, remaining=0, reset=50"),
    wait(40, 'RateLimit: "default";r=0;t=40'),
    wait(None, 'RateLimit: "default";r=9;t=40'),
    wait(90, "X-RateLimit-Remaining-Requests: 0", "X-RateLimit-Reset-Requests: 1m30s"),
    wait(1, "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 250ms", "x-ratelimit-remaining-requests: 9", "x-ratelimit-reset-requests: 8h"),
    wait(_DAY, "anthropic-ratelimit-requests-remaining: 0", "anthropic-ratelimit-requests-reset: 2100-01-01T00:00:00Z"),
    wait(2, "Retry-After: 100", "Retry-After-Ms: 1500"),
]  # fmt: skip

KINDS = {"said": SAID, "statuses": STATUSES, "times": TIMES}
