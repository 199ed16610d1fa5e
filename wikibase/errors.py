"""The one error of this floor: content that is not what it is said to be."""


class NotAnEntityError(ValueError):
    """The content is no entity, in no shape that Wikibase is known to serve. The message says what is wrong with it."""
