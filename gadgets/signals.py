"""Signals of gadgets. `card_fetched(outcome: FetchOutcome)`: a card was asked for, and what came of it."""

from django.dispatch import Signal

from gadgets.serving import figures, outcomes

card_fetched = Signal()
card_fetched.connect(figures.note, dispatch_uid="gadgets.serving.figures")
card_fetched.connect(outcomes.note, dispatch_uid="gadgets.serving.outcomes")
