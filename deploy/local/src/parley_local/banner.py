"""What one reads when everything is up."""

from collections.abc import Sequence

_REGISTER = """\
    curl -s {url}/api/v1/auth/register -H 'content-type: application/json' \\
      -d '{{"username": "ada", "email": "ada@example.org", "password": "a long enough secret"}}'"""


def banner(*, urls: Sequence[str], seconds: float, demo_url: str, data: str, colour: bool) -> str:
    """The ready banner; ``seconds`` is how long the start took, ``urls`` are the gateways'."""
    url, *others = urls
    further = "".join(f"  Also at        {other}\n" for other in others)
    strong, plain = ("\x1b[1m", "\x1b[0m") if colour else ("", "")
    return f"""
  {strong}Parley is ready at {url}{plain}   (started in {seconds:.1f} s)

{further}  API documents  {url}/docs
  Demo model     {demo_url}   model "demo", any text as API key
                 A scripted stand-in, no language model: for a first chat without a key.
  Data           {data}   everything is in there, the keys to your keys included
  Note           Model servers on loopback addresses are allowed here. A deployment refuses them
                 unless its operator lists them.

  Next, in another terminal (the README goes on from there):

{_REGISTER.format(url=url)}

  Ctrl-C stops everything.
"""
