"""Runs on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from dataclasses import dataclass
from uuid import UUID

from chassis.db.transactions import OpenTransaction
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import request_key
from chassis.grpc.server import Method, allow
from chassis.ids import parse_named_id
from chat_service.answer.domain.form import TextForm
from chat_service.conversations.domain.errors import MessageNotFound, SessionNotFound
from chat_service.conversations.in_form import in_form, text_in_form
from chat_service.conversations.mapping import form_from_proto, message_to_proto
from chat_service.files.domain.errors import FileNotFound
from chat_service.providers.domain.errors import KeyNotFound
from chat_service.runs import mapping
from chat_service.runs.domain.admission import Again, Question
from chat_service.runs.domain.errors import RunNotFound
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.cancel import cancel_run
from chat_service.runs.usecases.context import get_context
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.here import RunsHere
from chat_service.runs.usecases.read import get_message, get_run_with_messages, list_live_runs
from chat_service.runs.usecases.recover import recover_run
from chat_service.runs.usecases.regenerate import RegenerateRun
from chat_service.runs.usecases.start import StartRun
from chat_service.words.domain.word_filter import InForce, no_words
from parley.chat.v1 import chat_pb2, chat_pb2_grpc
from servicekit.generation_messages import parameters_from_proto

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.RunService": {
        "StartRun": allow("gateway"),
        "RegenerateRun": allow("gateway"),
        "ContinueRun": allow("gateway"),
        "CancelRun": allow("gateway"),
        "RecoverRun": allow("gateway"),
        # The gateway goes on with what it has begun, when a whole answer is waited for, minutes
        # after the question.
        "GetRun": allow("gateway", outlived=True),
        "GetContext": allow("gateway"),
        "GetMessage": allow("gateway"),
        "ListLiveRuns": allow("gateway"),
    }
}


@dataclass(frozen=True, slots=True)
class RunServicer(chat_pb2_grpc.RunServiceServicer):
    """parley.chat.v1.RunService."""

    open_transaction: OpenTransaction
    start_run: StartRun
    continue_run: ContinueRun
    regenerate_run: RegenerateRun
    here: RunsHere
    in_force: InForce = no_words

    async def StartRun(
        self, request: chat_pb2.StartRunRequest, context: object
    ) -> chat_pb2.StartRunResponse:
        destination = _take_destination(request)
        run = await self.start_run(current_caller(), _question(request))
        return chat_pb2.StartRunResponse(
            accepted=mapping.accepted_to_proto(run), channel_id=self._subscribe(run, destination)
        )

    async def ContinueRun(
        self, request: chat_pb2.ContinueRunRequest, context: object
    ) -> chat_pb2.ContinueRunResponse:
        destination = _take_destination(request)
        run = await self.continue_run(
            current_caller(), parse_named_id(request.run_id, RunNotFound), request_key(request)
        )
        return chat_pb2.ContinueRunResponse(
            accepted=mapping.accepted_to_proto(run), channel_id=self._subscribe(run, destination)
        )

    async def RegenerateRun(
        self, request: chat_pb2.RegenerateRunRequest, context: object
    ) -> chat_pb2.RegenerateRunResponse:
        destination = _take_destination(request)
        run = await self.regenerate_run(current_caller(), _again(request))
        return chat_pb2.RegenerateRunResponse(
            accepted=mapping.accepted_to_proto(run), channel_id=self._subscribe(run, destination)
        )

    def _subscribe(self, run: Run, destination: tuple[str, int] | None) -> str | None:
        # A channel carries what the model wrote, for all readers alike.
        if destination is None or run.form is not TextForm.MARKDOWN:
            return None
        return self.here.subscribe(run, *destination)

    async def CancelRun(
        self, request: chat_pb2.CancelRunRequest, context: object
    ) -> chat_pb2.CancelRunResponse:
        await cancel_run(
            self.open_transaction,
            self.here.in_memory,
            self.here.cancel,
            current_caller(),
            parse_named_id(request.run_id, RunNotFound),
        )
        return chat_pb2.CancelRunResponse()

    async def RecoverRun(
        self, request: chat_pb2.RecoverRunRequest, context: object
    ) -> chat_pb2.RecoverRunResponse:
        found = await recover_run(
            self.open_transaction,
            self.here.in_memory,
            self.here.recall,
            current_caller(),
            parse_named_id(request.session_id, RunNotFound),
        )
        form = form_from_proto(request.form, found.run.form)
        text, behind_text = await text_in_form(found.text, form, self.in_force, ended=found.ended)
        reasoning, behind_reasoning = await text_in_form(
            found.reasoning, form, self.in_force, ended=found.ended
        )
        return chat_pb2.RecoverRunResponse(
            run=mapping.run_to_proto(found.run, can_continue=found.can_continue),
            text=text,
            reasoning=reasoning,
            # The last frame is numbered behind those that have what was held back.
            seq=found.seq + behind_text + behind_reasoning,
        )

    async def GetRun(
        self, request: chat_pb2.GetRunRequest, context: object
    ) -> chat_pb2.GetRunResponse:
        found = await get_run_with_messages(
            self.open_transaction, current_caller(), parse_named_id(request.run_id, RunNotFound)
        )
        answers = () if found.answer is None else (found.answer,)
        shown = await in_form(answers, form_from_proto(request.form, found.run.form), self.in_force)
        return chat_pb2.GetRunResponse(
            run=mapping.run_to_proto(found.run, can_continue=found.can_continue),
            question=None if found.question is None else message_to_proto(found.question),
            answer=message_to_proto(shown[0]) if shown else None,
        )

    async def GetContext(
        self, request: chat_pb2.GetContextRequest, context: object
    ) -> chat_pb2.GetContextResponse:
        given = await get_context(
            self.open_transaction,
            current_caller(),
            parse_named_id(request.session_id, SessionNotFound),
            parse_named_id(request.message_id, MessageNotFound),
        )
        return mapping.given_to_proto(given)

    async def GetMessage(
        self, request: chat_pb2.GetMessageRequest, context: object
    ) -> chat_pb2.GetMessageResponse:
        message = await get_message(
            self.open_transaction, current_caller(), parse_named_id(request.id, MessageNotFound)
        )
        return chat_pb2.GetMessageResponse(message=message_to_proto(message))

    async def ListLiveRuns(
        self, request: chat_pb2.ListLiveRunsRequest, context: object
    ) -> chat_pb2.ListLiveRunsResponse:
        live = await list_live_runs(self.open_transaction, current_caller())
        return chat_pb2.ListLiveRunsResponse(
            items=[mapping.run_to_proto(run, can_continue=False) for run in live]
        )


def _again(request: chat_pb2.RegenerateRunRequest) -> Again:
    key_id = request.key_id if request.HasField("key_id") else None
    return Again(
        session_id=parse_named_id(request.session_id, SessionNotFound),
        message_id=parse_named_id(request.message_id, MessageNotFound),
        key_id=None if key_id is None else parse_named_id(key_id, KeyNotFound),
        model=request.parameters.model if request.parameters.HasField("model") else None,
        parameters=parameters_from_proto(request.parameters),
        request=request_key(request),
    )


def _question(request: chat_pb2.StartRunRequest) -> Question:
    session_id = request.session_id if request.HasField("session_id") else None
    key_id = request.key_id if request.HasField("key_id") else None
    edits = request.edits_message_id if request.HasField("edits_message_id") else None
    if edits is not None and session_id is None:
        raise MessageNotFound()
    return Question(
        session_id=None if session_id is None else parse_named_id(session_id, SessionNotFound),
        content=request.content,
        key_id=None if key_id is None else parse_named_id(key_id, KeyNotFound),
        model=request.parameters.model if request.parameters.HasField("model") else None,
        parameters=parameters_from_proto(request.parameters),
        request=request_key(request),
        edits=None if edits is None else parse_named_id(edits, MessageNotFound),
        cache=request.cache,
        form=form_from_proto(request.form),
        attachments=_attachments(request),
    )


def _attachments(request: chat_pb2.StartRunRequest) -> tuple[UUID, ...] | None:
    if not request.HasField("attachments"):
        return None
    return tuple(parse_named_id(one, FileNotFound) for one in request.attachments.file_ids)


def _take_destination(
    request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest | chat_pb2.RegenerateRunRequest,
) -> tuple[str, int] | None:
    """Out of the request: by what it asks it is known again, wherever the answer is to go."""
    if not request.HasField("destination"):
        return None
    destination = (request.destination.gateway_id, request.destination.subscription)
    request.ClearField("destination")
    return destination
