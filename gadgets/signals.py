"""Signals of gadgets. `card_fetched(outcome: FetchOutcome)`: a card was asked for, and what came of it."""

from django.dispatch import Signal

card_fetched = Signal()
