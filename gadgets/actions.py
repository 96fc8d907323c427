"""Writes of gadgets, the door for other packages: each step of a life from the module that does it.

One function for each step: it checks who asks, changes the tables and writes the audit row in one
transaction, and lets effects (clients at the ID, the registry's number, the executor) follow the commit.
Nothing is fetched inside a transaction. Residents' layouts are in `gadgets.layout.placement`.
"""

from gadgets.cityos.contracts import agree as agree_contract
from gadgets.cityos.contracts import end as end_contract
from gadgets.cityos.contracts import refuse as refuse_contract
from gadgets.cityos.owners import give as give_data
from gadgets.cityos.owners import take_back as take_data_back
from gadgets.layout.placement import configure, hide, move, place, unplace
from gadgets.operation.maintenance import cancel as cancel_maintenance
from gadgets.operation.maintenance import plan as plan_maintenance
from gadgets.operation.retirement import announce_retirement, cancel_retirement, retire
from gadgets.operation.suspension import resume, suspend
from gadgets.providers.contacts import vouch
from gadgets.providers.organisations import add_member, create_organisation
from gadgets.providers.verification import let_alert, settle_reports
from gadgets.providers.verification import report as report_card
from gadgets.registration.registering import (
    finish_checks,
    refresh,
    register,
    rotate_secret,
    run_checks,
    submit,
)
from gadgets.review.conversation import say
from gadgets.review.publication import approve, refuse, roll_back, roll_out
from gadgets.webhooks.forgetting import forget_resident

__all__ = [
    "add_member",
    "agree_contract",
    "announce_retirement",
    "approve",
    "cancel_maintenance",
    "cancel_retirement",
    "configure",
    "create_organisation",
    "end_contract",
    "finish_checks",
    "forget_resident",
    "give_data",
    "hide",
    "let_alert",
    "move",
    "place",
    "plan_maintenance",
    "refresh",
    "refuse",
    "refuse_contract",
    "register",
    "report_card",
    "resume",
    "retire",
    "roll_back",
    "roll_out",
    "rotate_secret",
    "run_checks",
    "say",
    "settle_reports",
    "submit",
    "suspend",
    "take_data_back",
    "unplace",
    "vouch",
]
