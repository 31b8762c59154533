"""What usage is made of."""

from dataclasses import dataclass
from pathlib import Path

from chassis.health import Check
from chat_service.served import Served, Subject
from chat_service.shared import Shared
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Subject):
    """The operator's rules, and what counts and refuses outside of runs."""

    rules: UsageRulesInForce
    meter: Meter


def build_usage(shared: Shared, operators: Path | None, *, answers_kept_hours: int) -> Usage:
    """Usage under the rules of the file `operators`; `answers_kept_hours` is told beside the limits.

    Raises BadFile.
    """
    rules = UsageRulesInForce(operators)
    servicer = UsageServicer(
        shared.open_transaction,
        ReadLimits(shared.open_transaction, rules, list_allowances_over(shared.apikey)),
        ReadTenantsUsage(TenantsUsage(shared.worker), note_reading_over(shared.parts.auth)),
        answers_kept_hours,
    )
    return Usage(
        rules=rules,
        meter=Meter(shared.open_transaction, rules),
        served=[Served(servicer, usage_pb2_grpc.add_UsageServiceServicer_to_server, POLICY)],
        components=[UsageSweep(shared.worker), rules],
        checks=[] if operators is None else [Check("usage-file", rules.probe)],
    )
