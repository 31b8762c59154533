"""To be imported before gRPC is, which reads the variable when it is loaded.

Tests run gRPC servers and start processes by fork(). gRPC's handlers of fork() would start its threads in
the child, where they trip over the parent's state and end it before its program has begun: of a busy
process, one child in fifty.
"""

import os

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
