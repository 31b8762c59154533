"""What usage is made of, over the operator's rules in force."""

from dataclasses import dataclass

from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction
from chassis.grpc.client import Channel
from chat_service.usage.apikey_service import list_allowances_over
from chat_service.usage.auth_service import note_reading_over
from chat_service.usage.domain.rules import RulesInForce
from chat_service.usage.rpc import UsageServicer
from chat_service.usage.store.erasure import UsageSweep
from chat_service.usage.store.tenants import TenantsUsage
from chat_service.usage.usecases.meter import Meter
from chat_service.usage.usecases.report import ReadLimits
from chat_service.usage.usecases.tenants import ReadTenantsUsage


@dataclass(frozen=True, slots=True)
class Usage:
    """What counts and refuses outside of runs, what is asked over the wire, and what takes away the old."""

    meter: Meter
    servicer: UsageServicer
    sweep: UsageSweep


def build_usage(
    rules: RulesInForce,
    open_transaction: OpenTransaction,
    worker: Database,
    *,
    apikey: Channel,
    auth: Channel,
) -> Usage:
    """Usage under `rules`; `worker` is connected in the background role."""
    return Usage(
        Meter(open_transaction, rules),
        UsageServicer(
            open_transaction,
            ReadLimits(open_transaction, rules, list_allowances_over(apikey)),
            ReadTenantsUsage(TenantsUsage(worker), note_reading_over(auth)),
        ),
        UsageSweep(worker),
    )
