"""Folders of conversations."""

from gateway.clients import Services
from gateway.identity.authentication import ChatReader
from gateway.routes.api import router as api_router
from gateway.schemas.sessions import Folders
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Chat", "/chat/folders")


@router.get("")
async def list_folders(caller: ChatReader, services: Services) -> Folders:
    """List the folders that one's active conversations are in.

    One is made by putting a conversation into it, and is gone with the last.
    """
    sessions = services.sessions
    response = await sessions.ask(sessions.stub.ListFolders, pb.ListFoldersRequest(), caller)
    return Folders.of(response)
