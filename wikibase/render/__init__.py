"""Answers to entity reads in exactly the wiki's shapes, made of revision content and parameters. Pure.

What cannot be told for certain is not answered but declined, with a reason: the wiki then answers
(docs/reads-from-the-store.md). Written after REL1_39 and checked against recordings of it.
"""
