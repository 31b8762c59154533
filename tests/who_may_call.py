"""Which methods of the services are for others than the gateway, without a user's token, or for one that is over."""

from chassis.grpc.server import allow

EVERYBODY = ("gateway", "auth-service", "apikey-service", "chat-service", "notes-service")
#: All others are for the gateway alone, and for users whose token is good. An entry more is a door more.
OTHERS = {
    "parley.apikey.v1.ApiKeyService/ResolveKey": allow("chat-service", outlived=True),
    "parley.apikey.v1.ApiKeyService/ReportUse": allow("chat-service", outlived=True),
    "parley.apikey.v1.ApiKeyService/CheckKey": allow("chat-service"),
    "parley.apikey.v1.ApiKeyService/ListAllowances": allow("chat-service"),
    "parley.auth.v1.AuthService/NoteUsageRead": allow("chat-service"),
    "parley.auth.v1.SettingsService/ListSettingsChanges": allow("chat-service", open=True),
    "parley.auth.v1.AuthService/WatchRevocations": allow(*EVERYBODY, open=True),
    "parley.notes.v1.NotesService/ImportNotes": allow("chat-service", open=True),
    **dict.fromkeys(
        (
            *("parley.auth.v1.AuthService/Register", "parley.auth.v1.AuthService/LogIn"),
            *("parley.auth.v1.AuthService/Refresh", "parley.auth.v1.AuthService/GetErasure"),
            *("parley.auth.v1.AuthService/ExchangeToken", "parley.auth.v1.AuthService/SendCode"),
            *("parley.auth.v1.AuthService/VerifyCode", "parley.auth.v1.AuthService/ResetPassword"),
            *(
                "parley.chat.v1.ShareService/OpenShare",
                "parley.chat.v1.ShareService/ReadSharedFile",
            ),
            "parley.chat.v1.FrameService/OpenChannel",
        ),
        allow("gateway", open=True),
    ),
    **dict.fromkeys(
        (
            *("parley.chat.v1.FrameService/FollowRun", "parley.chat.v1.RunService/GetRun"),
            *("parley.chat.v1.FileService/ReadFile", "parley.chat.v1.NoticeService/WatchNotices"),
            "parley.notes.v1.NotesService/ListNotes",
        ),
        allow("gateway", outlived=True),
    ),
}
