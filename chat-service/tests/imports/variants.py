"""What versions of other applications write differently, and people's tools make of it: one conversation each."""

from .variants_of_chatgpt import CHATGPT
from .variants_of_desks import CHERRY_STUDIO, NEXTCHAT
from .variants_of_servers import LIBRECHAT, OPEN_WEBUI

ALL = {
    "chatgpt": CHATGPT,
    "open-webui": OPEN_WEBUI,
    "librechat": LIBRECHAT,
    "cherry-studio": CHERRY_STUDIO,
    "nextchat": NEXTCHAT,
}
