"""llama.cpp's own HTTP server: ``python -m tests.interop.llama_server MODEL PORT KEY THINKING``.

Runs in the environment of the model servers, for their ``xllamacpp``, until it is ended. THINKING is
``apart``, as a server is set up by default, or ``within``: in the text, between its tags.
"""

import signal
import sys

import xllamacpp

from tests.interop.llama_limits import CONTEXT, SLOTS


def main(model: str, port: int, key: str, thinking: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"table"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.api_keys = [key]
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT * SLOTS
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.use_jinja = True
    params.endpoint_metrics = True
    params.warmup = False
    if thinking == "within":
        formats = xllamacpp.common_reasoning_format
        params.reasoning_format = formats.COMMON_REASONING_FORMAT_NONE
    server = xllamacpp.Server(params)
    # It serves for as long as it is kept.
    assert server.listening_address
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
