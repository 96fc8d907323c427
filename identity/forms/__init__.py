"""Forms that are sent twice, too late, or refused: nothing is done twice, nothing typed is lost."""
