"""Folders of conversations."""

from gateway.clients import Services
from gateway.identity.authentication import ChatReader
from gateway.routes.api import router as api_router
from gateway.schemas.base import Count, Page
from gateway.schemas.sessions import Folder
from parley.chat.v1 import chat_pb2 as pb

router = api_router("Chat", "/chat/folders")


@router.get("")
async def list_folders(
    caller: ChatReader, services: Services, count: Count = False
) -> Page[Folder]:
    """List the folders that one's active conversations are in.

    By name, a thousand at most, on one page. One is made by putting a conversation into it, and is gone with the last.
    """
    sessions = services.sessions
    response = await sessions.ask(sessions.stub.ListFolders, pb.ListFoldersRequest(), caller)
    folders = [Folder(name=item.name, sessions=item.sessions) for item in response.items]
    return Page[Folder].whole(folders, count=count)
