"""What the chat service is made of: one list, long as it is, since an order of starts and stops is read from it."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

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
from chat_service.audit import Audit
from chat_service.connections.wiring import build_connections
from chat_service.conversations.usecases.delete_message import DeleteMessage
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.conversations.wiring import build_conversations
from chat_service.exports.wiring import build_exports
from chat_service.files.wiring import build_files
from chat_service.imports.store.erasure import delete_imports
from chat_service.imports.wiring import build_imports
from chat_service.migrations import MIGRATIONS
from chat_service.notices.log import NoticeLog
from chat_service.notices.wiring import build_notices
from chat_service.personas.store.erasure import delete_personas
from chat_service.personas.wiring import build_personas
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.prompt.vision import Vision
from chat_service.providers.client import ModelClient
from chat_service.providers.trying import ModelServers
from chat_service.runs.domain.limits import Limits
from chat_service.runs.store.deleted import forget_deleted_runs
from chat_service.runs.store.ends import RunEnds
from chat_service.runs.store.erasure import DeleteConversations, end_live_runs
from chat_service.runs.store.left_of_erased import LeftOfErased
from chat_service.runs.store.purge import Purge
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.beginning import RunMeans
from chat_service.runs.wiring import build_runs
from chat_service.search.wiring import build_search
from chat_service.served import policy_of, register_all
from chat_service.settings import NAME, Settings
from chat_service.shares.store.erasure import delete_shares
from chat_service.shares.store.shares import end_shares_of, end_shares_that_show
from chat_service.shares.wiring import build_sharing
from chat_service.streaming.cache.answers import AnswerCache
from chat_service.streaming.cache.erasure import forget_answers
from chat_service.streaming.cache.forgetting import Forgetting
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.store.answers_to_forget import AnswersToForget, forget_wish
from chat_service.streaming.wiring import build_streaming
from chat_service.streaming.write.generate import Bounds
from chat_service.titles.behind import Titles
from chat_service.usage.store.erasure import forget_usage
from chat_service.usage.wiring import build_usage
from chat_service.user_settings.store.copy import forget_user_settings
from chat_service.user_settings.wiring import build_user_settings
from chat_service.words.operators.words import WordsInForce
from servicekit.operator_file import file_of
from servicekit.parts import parts_of

InRedis = TypeVar("InRedis", RunLog, NoticeLog, AnswerCache)


def build(settings: Settings) -> Service:
    """The service, not started yet. Raises UnusableSetting."""
    # An erasure may delete a hundred thousand messages at a time.
    parts = parts_of(NAME, settings, worker_statement_seconds=60, plan_once=True)
    window = ContextWindow(settings.window_messages // 2, settings.window_characters)
    open_transaction = transactions(parts.database)
    audit = Audit(settings.events_prefix)

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
    with file_of(Settings, "usage_file"):
        usage = build_usage(
            *(settings.usage_file, open_transaction, parts.worker),
            apikey=apikey,
            auth=parts.auth,
            answers_kept_hours=settings.cache_hours,
        )
    notices = build_notices(_of_redis(settings, NoticeLog))
    turns = Turns(parts.database, window, usage.rules)
    with file_of(Settings, "words_file"):
        words = WordsInForce(settings.words_file)
    asides = Asides(provider, usage.meter, in_force=words)
    memory = ModelMemory(settings.context_tokens)
    servers = ModelServers(provider, addresses)
    cache = _of_redis(settings, partial(AnswerCache, bounds=settings.cache_bounds))
    forgetting = Forgetting(AnswersToForget(parts.worker), cache)
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
        tell=notices.tell,
        flush_seconds=settings.flush_seconds,
        drain_seconds=settings.drain_seconds,
        behind=all_of(
            Titles(asides, open_transaction, notices.tell).behind,
            Learning(asides, servers, memory),
            SummingUp(asides, open_transaction, memory, window),
        ),
        memory=memory,
        in_force=words,
        cache=cache,
    )
    engine, followers = streaming.engine, streaming.followers

    with file_of(Settings, "personas_file"):
        personas = build_personas(
            settings.personas_file, open_transaction, most=settings.personas_per_user
        )
    user_settings = build_user_settings(parts.worker, auth=parts.auth)
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
        limits=Limits(
            content_characters=settings.content_characters,
            runs_per_user=settings.runs_per_user,
            answer_bytes=settings.answer_bytes,
        ),
        memory=memory,
        in_force=words,
        rules=usage.rules,
        reads_files=lambda run: files.attached(run.user_id),
        sees=Vision(servers.models, memory),
    )
    runs = build_runs(
        means,
        turns,
        tell=notices.tell,
        default_persona=personas.read.default,
        in_memory=followers,
        cancel_here=engine.cancel,
        recall=followers.recall,
        subscribe=engine.subscribe,
    )

    purge = Purge(
        parts.worker,
        engine.forget,
        settings.retention,
        knows_users=lambda: user_settings.following.is_fresh,
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
    delete_message = DeleteMessage(
        open_transaction,
        RunEnds(),
        drop=engine.drop,
        unshare=end_shares_that_show,
        forget_answers=forgetting.wake,
    )
    conversations = build_conversations(
        parts.database,
        open_transaction,
        resolve_key,
        end_sessions,
        delete_message,
        tell=notices.tell,
        personas=personas.read,
        in_force=words,
    )
    connections = build_connections(
        servers,
        usage.meter,
        resolve_key=resolve_key,
        check_key=check_key_over(apikey),
        in_force=words,
    )
    search = build_search(parts.database, parts.worker)
    sharing = build_sharing(
        *(parts, open_transaction, files.read.stored),
        most=settings.shares_per_user,
        tell=notices.tell,
        audit=audit,
    )
    imports = build_imports(
        *(replica, open_transaction, parts.worker),
        bounds=settings.import_bounds,
        tell=notices.tell,
        write_personas=personas.write,
        in_force=words,
        scratch=files.spool,
        retention=settings.retention,
        notes=None
        if settings.notes_target is None
        else Channel(target=settings.notes_target, server="notes-service", settings=settings),
        audit=audit,
        take_file=files.uploads.take,
    )
    served = [
        conversations,
        runs,
        streaming.served,
        notices.served,
        connections,
        personas.served,
        user_settings.served,
        search.served,
        sharing.served,
        build_exports(open_transaction, audit),
        usage.served,
        files.served,
        imports.served,
    ]

    return parts.service(
        migrations=MIGRATIONS,
        policy=policy_of(served),
        register=partial(register_all, served),
        erasure=[
            end_live_runs,
            delete_shares,
            delete_imports,
            DeleteConversations(engine.forget),
            # Behind it nothing is counted any more.
            forget_deleted_runs,
            forget_usage,
            notices.erase,
            forget_answers(cache),
            forget_wish,
            files.erase,
            delete_personas,
            forget_user_settings,
        ],
        # The publisher before what it hears of: it stops behind the last run's end.
        components=[
            apikey,
            *notices.components,
            *streaming.components,
            forgetting,
            # Behind the engine, so that what it begins has stopped before model servers are out of reach.
            asides,
            usage.sweep,
            user_settings.following,
            purge,
            search.indexing,
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
            *imports.components,
            *personas.components,
            words,
            usage.rules,
            *files.components,
        ],
        checks=[
            Check("redis", streaming.log.probe),
            Check("apikey-service", apikey.probe),
            *personas.checks,
            *([] if settings.words_file is None else [Check("words-file", words.probe)]),
            *usage.checks,
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
