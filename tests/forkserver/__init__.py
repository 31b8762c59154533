"""Processes of Parley for tests, forked from one that has loaded them already.

A start of ``python -m <service> serve`` is two seconds of CPU time, nearly all of it imports, and
the tests start a hundred. Here a *fork server* (:mod:`tests.forkserver.__main__`) imports what all
services and the runner load, once for each pytest process, and forks a child for each start, which
then is what ``python -m`` makes of a process (:mod:`tests.forkserver.identity`). Each runner has
a fork server of its own, forked from itself before it has any thread. The workers of pytest-xdist are
forked as well, from a process that has imported all tests (:mod:`tests.forkserver.workers`), and fork
their fork servers from themselves (:mod:`tests.forkserver.worker`): there is little left to import.

**The process is its starter's child**, so that waiting for it, its exit code, its signals, its
death with its parent and psutil's trees are what they are for any other. A fork server forks twice,
the process between the two ends at once, and Linux gives the orphan to the nearest *child
subreaper*: the starter, which is one for as long as the start takes
(:mod:`tests.forkserver.client`). ``clone(CLONE_PARENT)`` would do it in one step, but by a raw
system call behind the C library's back; :mod:`multiprocessing.forkserver` keeps the children, and
gives them no arguments, environment or streams. A fork server has one thread and has begun nothing
(no event loop, no channel, no log), so that there is nothing in it which fork() could tear.

**As after exec** are arguments, environment, working directory, session, the three standard
streams, ``/proc/<pid>/cmdline`` and ``environ``, signal handlers, and the absence of any other file
descriptor; random numbers are seeded anew by Python and OpenSSL when they see the fork.

**Not as after exec** are:

- Variables that the interpreter, the loader or a library reads at its start (``PYTHON*``, ``LD_*``,
  ``GRPC_*``, ``OTEL_*``, …) have their effect from the fork server's environment. A start that
  gives one another value is refused.
- The modules of all services are loaded, in a worker's processes those of the tests as well, so that
  an import which is missing goes unnoticed, and metrics of chassis are there (as 0) which the service
  would not have loaded. Metrics of other services are taken out.
- The hash seed, the umask, resource limits other than that of a core, and the addresses of memory are the fork server's.
- Pages are shared until they are written, so that proportional set sizes are smaller.
- It ends without freeing its objects, so that what their finalizers would do at the very end is not done.
- The command line has ``-X room=…`` in it, without effect.

So what is *about* starting goes on with exec: the tests of the runner, of settings that are refused,
and the end-to-end tests with ``executed_stack``: a day of every service, a command, and the README's
first conversation.
"""
