"""Children end for certain."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from chassis.processes import end_process
from chassis.testing import eventually


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_one_whose_output_nobody_reads_ends_all_the_same(stream: str) -> None:
    program = f"import sys\nwhile True: sys.{stream}.write('x' * 65536)"
    command = (sys.executable, "-Sc", program)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, limit=1)
    transport = process._transport.get_pipe_transport({"stdout": 1, "stderr": 2}[stream])  # type: ignore[attr-defined]
    # There is more than is taken in of what nobody reads.
    await eventually(lambda: not transport.is_reading())
    async with asyncio.timeout(10):
        await end_process(process)
        await end_process(process)
    assert process.returncode == -9
