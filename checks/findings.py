"""Tests that check everything, and fail with a list of all problems."""


def no_findings(check):
    """Turns a function that yields a message per problem into a test."""

    def test():
        findings = list(check())
        assert not findings, "\n".join(["", *findings])

    test.__name__, test.__doc__ = check.__name__, check.__doc__
    return test
