"""The truth table: for each claim, curves of which a person would say that its sentence is true or false."""
