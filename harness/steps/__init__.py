"""The Gherkin phrases. Each acts on the world or asks a check of it; an instance is always named by its number."""
