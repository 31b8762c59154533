"""Headers of connections."""

from parley.apikey.v1 import apikey_pb2


def headers(**values: str) -> apikey_pb2.Headers:
    items = [apikey_pb2.Header(name=name, value=value) for name, value in values.items()]
    return apikey_pb2.Headers(items=items)
