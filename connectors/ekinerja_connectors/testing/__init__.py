"""What a vendor's tests import: the suite to inherit, signatures, and support for fake services.

`suite` needs pytest (the extra `testing`); `signing` and `fakes` do not.
"""
