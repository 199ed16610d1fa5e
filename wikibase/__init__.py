"""Floor 0: the language of the domain. Pure: no I/O, no clock, no dice.

Entity ids, entity JSON, the canonical form and its digest, hashes, revisions,
and the shapes in which MediaWiki's APIs speak of them.
"""
