"""What usage is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction
from chassis.grpc.client import Channel
from chassis.health import Check
from chat_service.served import Served
from chat_service.usage.apikey_service import list_allowances_over
from chat_service.usage.auth_service import note_reading_over
from chat_service.usage.operators.rules import UsageRulesInForce
from chat_service.usage.rpc import POLICY, UsageServicer
from chat_service.usage.store.erasure import UsageSweep
from chat_service.usage.store.tenants import TenantsUsage
from chat_service.usage.usecases.meter import Meter
from chat_service.usage.usecases.report import ReadLimits
from chat_service.usage.usecases.tenants import ReadTenantsUsage
from parley.chat.v1 import usage_pb2_grpc


@dataclass(frozen=True, slots=True)
class Usage:
    """The operator's rules, what counts and refuses outside of runs, what is served, and what takes away the old."""

    rules: UsageRulesInForce
    meter: Meter
    served: Served
    sweep: UsageSweep
    checks: Sequence[Check]


def build_usage(
    operators: Path | None,
    open_transaction: OpenTransaction,
    worker: Database,
    *,
    apikey: Channel,
    auth: Channel,
    answers_kept_hours: int,
) -> Usage:
    """Usage under the rules of the file `operators`; `worker` is connected in the background role.

    `answers_kept_hours` is told beside the limits.

    Raises BadFile.
    """
    rules = UsageRulesInForce(operators)
    servicer = UsageServicer(
        open_transaction,
        ReadLimits(open_transaction, rules, list_allowances_over(apikey)),
        ReadTenantsUsage(TenantsUsage(worker), note_reading_over(auth)),
        answers_kept_hours,
    )
    return Usage(
        rules=rules,
        meter=Meter(open_transaction, rules),
        served=Served(servicer, usage_pb2_grpc.add_UsageServiceServicer_to_server, POLICY),
        sweep=UsageSweep(worker),
        checks=[] if operators is None else [Check("usage-file", rules.probe)],
    )
