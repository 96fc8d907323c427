"""The parts of a card: blocks, rules, sizes, clocks, pictures; pure."""
