"""What is taken of a question and its answer: each message as `order<parent role: content`.

It has a `*` where it is on the chosen path; `u` is a user's, `a` an answer.
"""

from typing import Any

ASKED, ANSWERED = "1<0* u: ?", "2<1* a: !"
BOTH = [ASKED, ANSWERED]

#: By what is odd about it: what is written, what is taken, and what of it is left out.
Cases = dict[str, tuple[Any, list[str], dict[str, int]]]
