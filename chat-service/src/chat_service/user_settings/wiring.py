"""What the copy of users' settings is made of."""

from dataclasses import dataclass

from chassis.db.engine import Database
from chassis.grpc.client import Channel
from chat_service.served import Served
from chat_service.user_settings.auth_service import list_changes_over
from chat_service.user_settings.rpc import POLICY, UserSettingsServicer
from chat_service.user_settings.store.following import FollowUserSettings
from parley.chat.v1 import user_settings_pb2_grpc


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What is served, and what follows auth-service."""

    served: Served
    following: FollowUserSettings


def build_user_settings(worker: Database, *, auth: Channel) -> UserSettings:
    """Their copy; `worker` is connected in the background role."""
    following = FollowUserSettings(worker, list_changes_over(auth))
    return UserSettings(
        Served(
            UserSettingsServicer(following.take),
            user_settings_pb2_grpc.add_UserSettingsServiceServicer_to_server,
            POLICY,
        ),
        following,
    )
