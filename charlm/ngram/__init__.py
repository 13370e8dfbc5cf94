"""Models that count: what a recurrent network has to beat."""
