"""Sentences that the voice tests speak: short, long, odd."""

ENGLISH = (
    "Yes.",
    "The quick brown fox jumps over the lazy dog.",
    "Would you like tea, coffee, or something colder?",
    "In 1984 he paid $3.50 for a ticket; today it costs four times as much!",
    "She said that the weather would change before evening, and, as so often, she was right: "
    "first the wind turned, then the clouds came, and at six o'clock it rained.",
)
