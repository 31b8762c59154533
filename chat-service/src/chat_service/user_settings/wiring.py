"""What the copy of users' settings is made of."""

from dataclasses import dataclass

from chat_service.served import Served, Subject
from chat_service.shared import Shared
from chat_service.user_settings.auth_service import list_changes_over
from chat_service.user_settings.rpc import POLICY, UserSettingsServicer
from chat_service.user_settings.store.following import FollowUserSettings
from parley.chat.v1 import user_settings_pb2_grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSettings(Subject):
    """What follows auth-service."""

    following: FollowUserSettings


def build_user_settings(shared: Shared) -> UserSettings:
    """Their copy."""
    following = FollowUserSettings(shared.worker, list_changes_over(shared.parts.auth))
    return UserSettings(
        served=[
            Served(
                UserSettingsServicer(following.take),
                user_settings_pb2_grpc.add_UserSettingsServiceServicer_to_server,
                POLICY,
            )
        ],
        components=[following],
        following=following,
    )
