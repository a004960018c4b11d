"""Real servers for tests: one that a variable names, else a private one from binaries, else Docker, else a skip.

A private server's data lies in a folder of its own and goes with it. In a server that was given, tests touch only the
databases that they made themselves.
"""
