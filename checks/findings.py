"""Tests that look at everything, and fail with all that is wrong."""


def no_findings(check):
    """The test of a function that yields a sentence about each thing that is wrong."""

    def test():
        findings = list(check())
        assert not findings, "\n".join(["", *findings])

    test.__name__, test.__doc__ = check.__name__, check.__doc__
    return test
