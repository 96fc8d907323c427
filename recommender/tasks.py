"""Jobs of the recommender; nothing imports it but the executor's table."""

from core.jobs import Job
from recommender.learning.job import learn

JOBS = (Job("recommender.learn", 300, learn, queue="learning"),)
