"""Error studies of whole networks: a description becomes rows, rows become tables and pictures.

`description.read_study` reads a study, `run.StudyRun` runs it, `results.write_results` writes what
it leaves. Importing this package imports none of them.
"""
