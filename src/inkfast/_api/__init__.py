"""What `inkfast` offers to Python programs: see the names in `inkfast.__all__`.

Everything else in the package is internal and may change without notice, except what
docs/plugins.md names for plug-ins.
"""
