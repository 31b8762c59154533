"""Names that are unique for their users: which of them look alike."""

import unicodedata

from parley.bounds import JOINERS

_WITHOUT_JOINERS = str.maketrans("", "", JOINERS)


def fold_name(name: str) -> str:
    """What two names that look alike have in common: equal for names that may not coexist.

    Compatibility forms and letter case make no difference (Unicode's caseless matching,
    definition D146), nor does what joins characters, which most fonts do not show between most of them.
    """
    told = name.translate(_WITHOUT_JOINERS)
    decomposed = unicodedata.normalize("NFD", told).casefold()
    folded = unicodedata.normalize("NFKD", decomposed).casefold()
    return unicodedata.normalize("NFKD", folded)
