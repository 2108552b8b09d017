"""Developers' programs: write the documents from measured results, and test the tests."""
