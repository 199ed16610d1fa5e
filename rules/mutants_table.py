"""All mutant operators: those that must be found out, and those whose damage Wikibase itself calls equal."""

from rules.mutants import Operator
from rules.mutants_heads import HEAD_OPERATORS, SPECIAL
from rules.mutants_statements import OPERATORS as OF_STATEMENTS
from rules.mutants_terms import OPERATORS as OF_TERMS

CONTENT_OPERATORS: tuple[Operator, ...] = (*OF_TERMS, *OF_STATEMENTS)

DAMAGING = tuple(one for one in CONTENT_OPERATORS if not one.equal_to_wikibase)
"""Operators whose damage must be found out."""

EQUAL = tuple(one for one in CONTENT_OPERATORS if one.equal_to_wikibase)
"""Operators whose damage need not be found out, each with its source. Never tried on live samples."""

WORDS: dict[str, str] = {
    **{one.name: one.what for one in CONTENT_OPERATORS},
    **{one.name: one.what for one in HEAD_OPERATORS},
    **SPECIAL,
}
"""What each operator does, by its name."""

TRIED = (*(one.name for one in DAMAGING), *(one.name for one in HEAD_OPERATORS), *SPECIAL)
"""The names of everything that is tried on live samples."""
