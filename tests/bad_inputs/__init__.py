"""Bad inputs, each with what is promised of it, and the processes that try them.

A case is data: a command of the command line, or a call of the API, the files that it meets, and
the promise. Each runs in a process of its own, in a folder of its own, with limits of time and
memory. `python -m tests.bad_inputs` tries all and prints the table by area.
"""
