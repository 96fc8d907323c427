"""Learning from what residents open who said yes to it: folding, allowances, checks of a snapshot, the job."""
