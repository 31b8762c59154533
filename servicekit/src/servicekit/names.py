"""Names that are unique for their users: which of them look alike."""

import unicodedata


def fold_name(name: str) -> str:
    """What two names that look alike have in common: equal for names that may not coexist.

    Compatibility forms and letter case make no difference (Unicode's caseless matching,
    definition D146).
    """
    decomposed = unicodedata.normalize("NFD", name).casefold()
    folded = unicodedata.normalize("NFKD", decomposed).casefold()
    return unicodedata.normalize("NFKD", folded)
