"""What the chat service is made of: its subjects, in the order in which they are started, and stopped in reverse."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

from chassis.grpc.client import Channel
from chassis.health import Check
from chassis.service import Service
from chassis.settings import UnusableSetting, variable_of
from chat_service.apikeys import report_use_over
from chat_service.asides.ask import Asides
from chat_service.asides.behind import all_of
from chat_service.asides.learning import Learning
from chat_service.asides.summing_up import SummingUp
from chat_service.connections.wiring import build_connections
from chat_service.conversations.wiring import build_conversations
from chat_service.exports.wiring import build_exports
from chat_service.files.wiring import Files, build_files
from chat_service.imports.store.erasure import delete_imports
from chat_service.imports.wiring import build_imports
from chat_service.migrations import MIGRATIONS
from chat_service.models import Models, models_of
from chat_service.notices.log import NoticeLog
from chat_service.notices.wiring import Notices, build_notices
from chat_service.personas.store.erasure import delete_personas
from chat_service.personas.wiring import build_personas
from chat_service.prompt.vision import Vision
from chat_service.runs.domain.limits import Limits
from chat_service.runs.store.deleted import forget_deleted_runs
from chat_service.runs.store.ends import RunEnds
from chat_service.runs.store.erasure import DeleteConversations, end_live_runs
from chat_service.runs.store.left_of_erased import LeftOfErased
from chat_service.runs.store.purge import Purge
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.beginning import RunMeans
from chat_service.runs.wiring import build_keeping, build_runs
from chat_service.search.wiring import build_search
from chat_service.served import Subject, policy_of, register_all
from chat_service.settings import NAME, Settings
from chat_service.shared import Shared, shared_by
from chat_service.shares.store.erasure import delete_shares
from chat_service.shares.store.shares import end_shares_of, end_shares_that_show
from chat_service.shares.wiring import build_sharing
from chat_service.streaming.cache.answers import AnswerCache
from chat_service.streaming.cache.erasure import forget_answers
from chat_service.streaming.cache.forgetting import Forgetting
from chat_service.streaming.cache.kept_answers import KeptAnswers
from chat_service.streaming.engine import Engine
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.store.answers_to_forget import AnswersToForget, forget_wish
from chat_service.streaming.wiring import Streaming, build_streaming
from chat_service.streaming.write.alternatives import Alternatives
from chat_service.streaming.write.means import Bounds, GenerationMeans
from chat_service.titles.behind import Titles
from chat_service.usage.store.erasure import forget_usage
from chat_service.usage.wiring import Usage, build_usage
from chat_service.user_settings.store.copy import forget_user_settings
from chat_service.user_settings.wiring import build_user_settings
from chat_service.words.wiring import build_words
from servicekit.erasure import Step
from servicekit.operator_file import file_of
from servicekit.parts import parts_of

InRedis = TypeVar("InRedis", RunLog, NoticeLog, AnswerCache)


def build(settings: Settings) -> Service:
    """The service, not started yet. Raises UnusableSetting."""
    # An erasure may delete a hundred thousand messages at a time.
    parts = parts_of(NAME, settings, worker_statement_seconds=60, plan_once=True)
    apikey = Channel(target=settings.apikey_target, server="apikey-service", settings=settings)
    with file_of(Settings, "words_file"):
        words = build_words(settings.words_file)
    shared = shared_by(parts, apikey, words.in_force)
    models = models_of(settings)
    with file_of(Settings, "usage_file"):
        usage = build_usage(shared, settings.usage_file, answers_kept_hours=settings.cache_hours)
    notices = build_notices(_of_redis(settings, NoticeLog))
    turns = Turns(parts.database, models.window, usage.rules)
    asides = Asides(models.provider, usage.meter, in_force=words.in_force)
    cache = _of_redis(settings, partial(AnswerCache, bounds=settings.cache_bounds))
    forgetting = Forgetting(AnswersToForget(parts.worker), cache)
    streaming = _streaming_of(settings, shared, models, turns, cache, asides, notices)
    engine = streaming.engine
    with file_of(Settings, "personas_file"):
        personas = build_personas(shared, settings.personas_file, most=settings.personas_per_user)
    user_settings = build_user_settings(shared)
    with file_of(Settings, "files_file"):
        files = build_files(
            shared,
            settings.files_file,
            settings.files_dir,
            picture_bytes=settings.picture_bytes,
        )
    with file_of(Settings, "retention_file"):
        keeping = build_keeping(settings.retention_file, settings.retention)
    purge = Purge(
        parts.worker,
        engine.forget,
        keeping.in_force,
        knows_users=lambda: user_settings.following.is_fresh,
    )
    subjects: list[Subject] = [
        # The publisher before what it hears of: it stops behind the last run's end.
        notices,
        streaming,
        # Behind the engine, so that what it begins has stopped before model servers are out of reach.
        Subject(components=[forgetting, asides]),
        usage,
        user_settings,
        keeping,
        build_runs(
            _run_means_of(settings, shared, models, engine, files, usage),
            turns,
            purge,
            streaming.here,
            tell=notices.tell,
            default_persona=personas.read.default,
        ),
        build_conversations(
            shared,
            tell=notices.tell,
            personas=personas.read,
            runs=RunEnds(),
            cancel_here=engine.cancel,
            drop=engine.drop,
            purge=purge.wake,
            unshare=end_shares_of,
            unshare_messages=end_shares_that_show,
            forget_answers=forgetting.wake,
        ),
        build_search(shared),
        build_sharing(shared, files.read.stored, most=settings.shares_per_user, tell=notices.tell),
        build_imports(
            shared,
            bounds=settings.import_bounds,
            tell=notices.tell,
            write_personas=personas.write,
            scratch=files.spool,
            retention=keeping.in_force,
            notes=_notes_of(settings),
            take_file=files.uploads.take,
        ),
        build_exports(shared),
        build_connections(shared, models.servers, usage.meter),
        personas,
        words,
        files,
    ]
    return parts.service(
        migrations=MIGRATIONS,
        policy=policy_of(subjects),
        register=partial(register_all, subjects),
        erasure=_erasure_of(engine, cache, notices, files),
        components=[
            apikey,
            *chain.from_iterable(subject.components for subject in subjects),
            LeftOfErased(parts.worker, _erasure_of_later_tables(files)),
        ],
        checks=[
            Check("apikey-service", apikey.probe),
            *chain.from_iterable(subject.checks for subject in subjects),
        ],
    )


def _streaming_of(
    settings: Settings,
    shared: Shared,
    models: Models,
    turns: Turns,
    cache: AnswerCache,
    asides: Asides,
    notices: Notices,
) -> Streaming:
    return build_streaming(
        shared.replica,
        log=_of_redis(settings, RunLog),
        means=GenerationMeans(
            models.provider,
            Bounds(
                first_token_seconds=settings.first_token_seconds,
                idle_seconds=settings.idle_seconds,
                total_seconds=settings.total_seconds,
                answer_bytes=settings.answer_bytes,
            ),
            Alternatives(shared.resolve_key, turns.may_use, turns.note_fallback, models.memory),
            shared.in_force,
            KeptAnswers(cache, shared.open_transaction),
        ),
        turns=turns,
        open_transaction=shared.open_transaction,
        worker=shared.worker,
        report_use=report_use_over(shared.apikey),
        tell=notices.tell,
        doubt_notices=notices.doubt,
        behind=all_of(
            Titles(asides, shared.open_transaction, notices.tell).behind,
            Learning(asides, models.servers, models.memory),
            SummingUp(asides, shared.open_transaction, models.memory, models.window),
        ),
        flush_seconds=settings.flush_seconds,
        drain_seconds=settings.drain_seconds,
    )


def _run_means_of(
    settings: Settings, shared: Shared, models: Models, engine: Engine, files: Files, usage: Usage
) -> RunMeans:
    return RunMeans(
        shared.open_transaction,
        shared.resolve_key,
        engine,
        owner=shared.replica,
        window=models.window,
        limits=Limits(
            content_characters=settings.content_characters,
            runs_per_user=settings.runs_per_user,
            answer_bytes=settings.answer_bytes,
        ),
        memory=models.memory,
        in_force=shared.in_force,
        rules=usage.rules,
        reads_files=lambda run: files.attached(run.user_id),
        sees=Vision(models.servers.models, models.memory),
    )


def _erasure_of(
    engine: Engine, cache: AnswerCache, notices: Notices, files: Files
) -> Sequence[Step]:
    return [
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
    ]


def _erasure_of_later_tables(files: Files) -> Sequence[Step]:
    return [
        delete_imports,
        forget_deleted_runs,
        forget_usage,
        delete_shares,
        files.erase,
        forget_wish,
    ]


def _notes_of(settings: Settings) -> Channel | None:
    if settings.notes_target is None:
        return None
    return Channel(target=settings.notes_target, server="notes-service", settings=settings)


def _of_redis(settings: Settings, make: Callable[..., InRedis]) -> InRedis:
    try:
        return make(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix)
    except ValueError:  # redis-py's own, which may quote the URL
        raise UnusableSetting(
            variable_of(Settings, "redis_url"), "an option of the URL has no value that it can have"
        ) from None
