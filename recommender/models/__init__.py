"""The tables of the recommender; nobody outside this package reads them."""

from recommender.models.comparing import Experiment
from recommender.models.counting import Count, Share
from recommender.models.editing import PriorChange, Rule
from recommender.models.learning import Batch, Cell, Dismissal, Interaction, Pending, Snapshot

__all__ = [
    "Batch",
    "Cell",
    "Count",
    "Dismissal",
    "Experiment",
    "Interaction",
    "Pending",
    "PriorChange",
    "Rule",
    "Share",
    "Snapshot",
]
