"""Writes of gadgets, the door for other packages: each step of a life from the module that does it.

One function for each step: it checks who asks, changes the tables and writes the audit row in one
transaction, and lets effects (clients at the ID, the registry's number, the executor) follow the commit.
Nothing is fetched inside a transaction. Residents' layouts are in `gadgets.placing`.
"""

from gadgets.cityos.contracts import agree as agree_contract
from gadgets.cityos.contracts import end as end_contract
from gadgets.cityos.contracts import refuse as refuse_contract
from gadgets.ending import announce_retirement, cancel_retirement, retire
from gadgets.forgetting import forget_resident
from gadgets.maintenance import cancel as cancel_maintenance
from gadgets.maintenance import plan as plan_maintenance
from gadgets.organisations import add_member, create_organisation
from gadgets.placing import configure, hide, move, place, unplace
from gadgets.registering import finish_checks, refresh, register, rotate_secret, run_checks, submit
from gadgets.reviewing import approve, refuse, roll_back, roll_out
from gadgets.running import resume, suspend
from gadgets.thread import say

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
    "hide",
    "move",
    "place",
    "plan_maintenance",
    "refresh",
    "refuse",
    "refuse_contract",
    "register",
    "resume",
    "retire",
    "roll_back",
    "roll_out",
    "rotate_secret",
    "run_checks",
    "say",
    "submit",
    "suspend",
    "unplace",
]
