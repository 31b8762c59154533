"""What the chat service is made of."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import grpc.aio

from chassis.address_policy import AddressPolicy
from chassis.db.transactions import transactions
from chassis.grpc.client import Channel
from chassis.health import Check
from chassis.ids import new_id
from chassis.service import Service
from chassis.settings import UnusableSetting, variable_of
from chat_service.apikeys import check_key_over, report_use_over, resolve_key_over
from chat_service.asides.ask import Asides
from chat_service.asides.behind import all_of
from chat_service.asides.learning import Learning
from chat_service.asides.summing_up import SummingUp
from chat_service.connections.rpc import POLICY as PROVIDER_POLICY
from chat_service.connections.rpc import ProviderServicer
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.trial import ConnectionTest
from chat_service.conversations.rpc import POLICY as SESSION_POLICY
from chat_service.conversations.rpc import SessionServicer
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.exports.rpc import POLICY as EXPORT_POLICY
from chat_service.exports.rpc import ExportServicer
from chat_service.exports.usecases.export import Exporting
from chat_service.files.rpc import POLICY as FILE_POLICY
from chat_service.files.wiring import build_files
from chat_service.imports.importing import Importing, ImportSweep
from chat_service.imports.rpc import POLICY as IMPORT_POLICY
from chat_service.imports.rpc import ImportServicer
from chat_service.imports.store.erasure import delete_imports
from chat_service.imports.store.leases import Leases
from chat_service.imports.usecases.jobs import ImportJobs
from chat_service.imports.usecases.upload import Uploads
from chat_service.migrations import MIGRATIONS
from chat_service.notices.erasure import forget_notices
from chat_service.notices.log import NoticeLog
from chat_service.notices.publisher import Publisher
from chat_service.notices.rpc import POLICY as NOTICE_POLICY
from chat_service.notices.rpc import NoticeServicer
from chat_service.notices.watchers import Watchers
from chat_service.personas.operators.personas import PersonasInForce
from chat_service.personas.rpc import POLICY as PERSONA_POLICY
from chat_service.personas.rpc import PersonaServicer
from chat_service.personas.store.erasure import delete_personas
from chat_service.personas.usecases.read import ReadPersonas
from chat_service.personas.usecases.write import WritePersonas
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.prompt.vision import Vision
from chat_service.providers.client import ModelClient
from chat_service.providers.trying import ModelServers
from chat_service.runs.domain.limits import Limits
from chat_service.runs.rpc import POLICY as RUN_POLICY
from chat_service.runs.rpc import RunServicer
from chat_service.runs.store.deleted import forget_deleted_runs
from chat_service.runs.store.ends import RunEnds
from chat_service.runs.store.erasure import DeleteConversations, end_live_runs
from chat_service.runs.store.left_of_erased import LeftOfErased
from chat_service.runs.store.purge import Purge
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.beginning import RunMeans
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.regenerate import RegenerateRun
from chat_service.runs.usecases.start import StartRun
from chat_service.search.indexing import Indexing
from chat_service.search.rpc import POLICY as SEARCH_POLICY
from chat_service.search.rpc import SearchServicer
from chat_service.search.store.unindexed import Unindexed
from chat_service.settings import NAME, Settings
from chat_service.shares.rpc import POLICY as SHARE_POLICY
from chat_service.shares.store.erasure import delete_shares
from chat_service.shares.store.shares import end_shares_of
from chat_service.shares.wiring import build_sharing
from chat_service.streaming.cache.answers import AnswerCache
from chat_service.streaming.cache.erasure import forget_answers
from chat_service.streaming.cache.forgetting import Forgetting
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.rpc import POLICY as FRAME_POLICY
from chat_service.streaming.rpc import FrameServicer
from chat_service.streaming.store.answers_to_forget import AnswersToForget, forget_wish
from chat_service.streaming.wiring import build_streaming
from chat_service.streaming.write.generate import Bounds
from chat_service.titles.behind import Titles
from chat_service.usage.operators.rules import UsageRulesInForce
from chat_service.usage.rpc import POLICY as USAGE_POLICY
from chat_service.usage.store.erasure import forget_usage
from chat_service.usage.wiring import build_usage
from chat_service.user_settings.auth_service import list_changes_over
from chat_service.user_settings.rpc import POLICY as USER_SETTINGS_POLICY
from chat_service.user_settings.rpc import UserSettingsServicer
from chat_service.user_settings.store.copy import forget_user_settings
from chat_service.user_settings.store.following import FollowUserSettings
from chat_service.words.operators.words import WordsInForce
from parley.chat.v1 import (
    chat_pb2_grpc,
    exports_pb2_grpc,
    files_pb2_grpc,
    imports_pb2_grpc,
    personas_pb2_grpc,
    search_pb2_grpc,
    shares_pb2_grpc,
    usage_pb2_grpc,
    user_settings_pb2_grpc,
)
from servicekit.operator_file import file_of
from servicekit.parts import parts_of

InRedis = TypeVar("InRedis", RunLog, NoticeLog, AnswerCache)


def build(settings: Settings) -> Service:
    """The service, not started yet. Raises UnusableSetting."""
    # An erasure may delete a hundred thousand messages at a time.
    parts = parts_of(NAME, settings, worker_statement_seconds=60)
    window = ContextWindow(settings.window_messages // 2, settings.window_characters)
    with file_of(Settings, "usage_file"):
        rules = UsageRulesInForce(settings.usage_file)
    open_transaction, turns = transactions(parts.database), Turns(parts.database, window, rules)

    apikey = Channel(target=settings.apikey_target, server="apikey-service", settings=settings)
    resolve_key = resolve_key_over(apikey)

    replica = str(new_id())
    addresses = AddressPolicy(settings.allowed_hosts)
    provider = ModelClient(
        addresses,
        streams=settings.provider_connections,
        per_host=settings.provider_connections_per_host,
        answer_bytes=settings.answer_bytes,
        setting=variable_of(Settings, "allowed_hosts"),
    )
    notice_log = _of_redis(settings, NoticeLog)
    publisher, watchers = Publisher(notice_log), Watchers(notice_log)
    usage = build_usage(rules, open_transaction, parts.worker, apikey=apikey, auth=parts.auth)
    with file_of(Settings, "words_file"):
        words = WordsInForce(settings.words_file)
    asides = Asides(provider, usage.meter, in_force=words)
    memory = ModelMemory(settings.context_tokens)
    servers = ModelServers(provider, addresses)
    cache = _of_redis(settings, partial(AnswerCache, bounds=settings.cache_bounds))
    forgetting = Forgetting(AnswersToForget(parts.worker), cache)
    titles = Titles(asides, open_transaction, publisher.tell)
    streaming = build_streaming(
        replica,
        log=_of_redis(settings, RunLog),
        provider=provider,
        bounds=Bounds(
            first_token_seconds=settings.first_token_seconds,
            idle_seconds=settings.idle_seconds,
            total_seconds=settings.total_seconds,
            answer_bytes=settings.answer_bytes,
        ),
        turns=turns,
        open_transaction=open_transaction,
        worker=parts.worker,
        resolve_key=resolve_key,
        report_use=report_use_over(apikey),
        tell=publisher.tell,
        flush_seconds=settings.flush_seconds,
        drain_seconds=settings.drain_seconds,
        behind=all_of(
            titles.behind,
            Learning(asides, servers, memory),
            SummingUp(asides, open_transaction, memory, window),
        ),
        memory=memory,
        in_force=words,
        cache=cache,
    )
    engine, followers = streaming.engine, streaming.followers

    with file_of(Settings, "personas_file"):
        operators = PersonasInForce(settings.personas_file)
    read_personas = ReadPersonas(open_transaction, operators)
    follow_settings = FollowUserSettings(parts.worker, list_changes_over(parts.auth))
    limits = Limits(
        content_characters=settings.content_characters,
        runs_per_user=settings.runs_per_user,
        answer_bytes=settings.answer_bytes,
    )
    with file_of(Settings, "files_file"):
        files = build_files(
            *(settings.files_file, settings.files_dir, open_transaction, parts.worker),
            picture_bytes=settings.picture_bytes,
        )
    means = RunMeans(
        open_transaction,
        resolve_key,
        engine,
        owner=replica,
        window=window,
        limits=limits,
        memory=memory,
        in_force=words,
        rules=rules,
        reads_files=lambda run: files.attached(run.user_id),
        sees=Vision(servers.models, memory),
    )
    start_run = StartRun(means, turns, tell=publisher.tell, default_persona=read_personas.default)

    purge = Purge(
        parts.worker,
        engine.forget,
        settings.retention,
        knows_users=lambda: follow_settings.is_fresh,
    )
    end_sessions = EndSessions(
        open_transaction,
        RunEnds(),
        cancel_here=engine.cancel,
        drop=engine.drop,
        purge=purge.wake,
        unshare=end_shares_of,
        forget_answers=forgetting.wake,
    )
    write_personas = WritePersonas(open_transaction, operators, most=settings.personas_per_user)
    personas = PersonaServicer(read_personas, write_personas)
    sessions = SessionServicer(
        open_transaction,
        resolve_key,
        end_sessions,
        publisher.tell,
        read_personas.find,
        read_personas.default,
        words,
    )
    runs = RunServicer(
        open_transaction,
        start_run,
        ContinueRun(means),
        RegenerateRun(means),
        followers,
        engine.cancel,
        followers.recall,
        engine.subscribe,
        words,
    )
    trial_limit = TrialLimit()
    providers = ProviderServicer(
        ConnectionTest(servers, trial_limit, usage.meter, in_force=words),
        resolve_key,
        check_key_over(apikey),
        servers,
        trial_limit,
        words,
    )
    notices = NoticeServicer(watchers)
    user_settings = UserSettingsServicer(follow_settings.take)
    search = SearchServicer(open_transaction)
    sharing = build_sharing(
        parts,
        open_transaction,
        files.read.stored,
        most=settings.shares_per_user,
        tell=publisher.tell,
    )
    exports = ExportServicer(Exporting(open_transaction))
    leases = Leases(parts.worker, replica)
    import_sweep = ImportSweep(leases)
    importing = Importing(
        leases,
        open_transaction,
        publisher.tell,
        write_personas,
        in_force=words,
        scratch=files.spool,
        ended=import_sweep.wake,
        retention=settings.retention,
    )
    imports = ImportServicer(
        Uploads(
            open_transaction,
            most_bytes=settings.import_bytes,
            wake=importing.wake,
            in_force=words,
        ),
        ImportJobs(open_transaction, importing.wake),
    )
    frames = FrameServicer(open_transaction, followers, streaming.channels, replica, words)

    def register(server: grpc.aio.Server) -> None:
        chat_pb2_grpc.add_SessionServiceServicer_to_server(sessions, server)
        chat_pb2_grpc.add_RunServiceServicer_to_server(runs, server)
        chat_pb2_grpc.add_FrameServiceServicer_to_server(frames, server)
        chat_pb2_grpc.add_NoticeServiceServicer_to_server(notices, server)
        chat_pb2_grpc.add_ProviderServiceServicer_to_server(providers, server)
        personas_pb2_grpc.add_PersonaServiceServicer_to_server(personas, server)
        user_settings_pb2_grpc.add_UserSettingsServiceServicer_to_server(user_settings, server)
        search_pb2_grpc.add_SearchServiceServicer_to_server(search, server)
        shares_pb2_grpc.add_ShareServiceServicer_to_server(sharing.servicer, server)
        exports_pb2_grpc.add_ExportServiceServicer_to_server(exports, server)
        usage_pb2_grpc.add_UsageServiceServicer_to_server(usage.servicer, server)
        files_pb2_grpc.add_FileServiceServicer_to_server(files.servicer, server)
        imports_pb2_grpc.add_ImportServiceServicer_to_server(imports, server)

    return parts.service(
        migrations=MIGRATIONS,
        policy=SESSION_POLICY
        | RUN_POLICY
        | FRAME_POLICY
        | NOTICE_POLICY
        | PROVIDER_POLICY
        | PERSONA_POLICY
        | USER_SETTINGS_POLICY
        | SEARCH_POLICY
        | SHARE_POLICY
        | EXPORT_POLICY
        | USAGE_POLICY
        | FILE_POLICY
        | IMPORT_POLICY,
        register=register,
        erasure=[
            end_live_runs,
            delete_shares,
            delete_imports,
            DeleteConversations(engine.forget),
            # Behind it nothing is counted any more.
            forget_deleted_runs,
            forget_usage,
            forget_notices(notice_log),
            forget_answers(cache),
            forget_wish,
            files.erase,
            delete_personas,
            forget_user_settings,
        ],
        # The publisher before what it hears of: it stops behind the last run's end.
        components=[
            apikey,
            notice_log,
            publisher,
            watchers,
            *streaming.components,
            forgetting,
            # Behind the engine, so that what it begins has stopped before model servers are out of reach.
            asides,
            usage.sweep,
            follow_settings,
            purge,
            Indexing(Unindexed(parts.worker)),
            LeftOfErased(
                parts.worker,
                [
                    delete_imports,
                    forget_deleted_runs,
                    forget_usage,
                    delete_shares,
                    files.erase,
                    forget_wish,
                ],
            ),
            *sharing.components,
            importing,
            import_sweep,
            operators,
            words,
            rules,
            *files.components,
        ],
        checks=[
            Check("redis", streaming.log.probe),
            Check("apikey-service", apikey.probe),
            *([] if settings.personas_file is None else [Check("personas-file", operators.probe)]),
            *([] if settings.words_file is None else [Check("words-file", words.probe)]),
            *([] if settings.usage_file is None else [Check("usage-file", rules.probe)]),
            *files.checks,
        ],
    )


def _of_redis(settings: Settings, make: Callable[..., InRedis]) -> InRedis:
    try:
        return make(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix)
    except ValueError:  # redis-py's own, which may quote the URL
        raise UnusableSetting(
            variable_of(Settings, "redis_url"), "an option of the URL has no value that it can have"
        ) from None
