"""What makes a password acceptable: its length and not being everybody's, not its characters."""

import unicodedata

from parley.bounds import PASSWORD

# Those of at least eight characters that lists of leaked passwords agree on; case-folded.
_COMMON = """
00000000 01234567 0123456789 11111111 111111111 1111111111 11223344 1122334455 12121212 12341234
123123123 12344321 12345678 123456789 1234567890 12345678910 123456789a 1234qwer 123654789
123abc123 123qwe123 123qweasd 123qweasdzxc 147258369 159357159 1a2b3c4d 1q2w3e4r 1q2w3e4r5t
1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20202020 22222222 31415926 33333333 44444444
55555555 5201314520 66666666 77777777 789456123 87654321 88888888 987654321 9876543210 99999999
a1234567 a12345678 a123456789 aa123456 aa12345678 aaaaaaaa abc12345 abc123456 abc123abc abcd1234
abcd12345 abcdefgh abcdefghi adminadmin admin123 admin1234 admin12345 administrator alexander
asdasdasd asdf1234 asdfasdf asdfghjk asdfghjkl babygirl baseball basketball butterfly caroline
changeme changeme1 changeme123 charlotte chocolate computer danielle december dragon123 einstein
elizabeth facebook football football1 freedom1 garfield hello123 hello1234 helloworld iloveyou
iloveyou1 iloveyou2 internet jennifer jonathan kimberly letmein1 letmein123 liverpool lovelove
manchester maverick mercedes michelle midnight monkey123 mustang1 nicholas november p@ssw0rd
p@ssword pa$$w0rd pass1234 passw0rd passw0rd1 passwort password password! password00 password01
password1 password1! password12 password123 password123! password1234 password2 passwordpassword
patricia princess princess1 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedc qazxswedc qq123456
qwe123qwe qweasdzxc qwer1234 qwerasdf qwert123 qwert12345 qwerty12 qwerty123 qwerty1234
qwerty12345 qwerty123456 qwertyui qwertyuiop qwertyuiop123 qweqweqwe rockyou1 samantha samsung1
scooter1 security september snowball spiderman starwars starwars1 sunshine sunshine1 superman
superman1 swordfish test1234 test12345 testtest trustno1 undertaker unknown1 victoria welcome1
welcome123 whatever wordpass woaini1314 woaini520 zaq12wsx zaq1xsw2 zxcasdqwe zxcvbnm1
zxcvbnm123 zxcvbnmm zzzzzzzz
"""
COMMON_PASSWORDS = frozenset(_COMMON.split())


def normalise_password(text: str) -> str:
    """``text`` in the one form that is hashed: NFC, as keyboards differ in how they compose."""
    # What is far too long stays too long: it is not worth the work.
    return unicodedata.normalize("NFC", text) if len(text) <= 4 * PASSWORD.maximum else text


def password_problem(password: str) -> str | None:
    """Why a normalised new ``password`` is refused, None if it is not.

    Accepted are 8–256 characters other than U+0000 that are not on the list of common ones,
    whatever the case.
    """
    if not password:
        return "REQUIRED"
    if len(password) < PASSWORD.minimum:
        return "TOO_SHORT"
    if len(password) > PASSWORD.maximum:
        return "TOO_LONG"
    if "\0" in password:
        return "INVALID_CHARACTER"
    return "TOO_COMMON" if password.casefold() in COMMON_PASSWORDS else None
