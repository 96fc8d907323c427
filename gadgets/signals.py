"""Signals of gadgets. `card_fetched(outcome: FetchOutcome)`: a card was asked for, and what came of it."""

from django.dispatch import Signal

from gadgets.metrics import call_metrics, recent_faults

card_fetched = Signal()
card_fetched.connect(call_metrics.note, dispatch_uid="gadgets.metrics.call_metrics")
card_fetched.connect(recent_faults.note, dispatch_uid="gadgets.metrics.recent_faults")
