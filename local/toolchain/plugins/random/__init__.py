"""Stand-in for pulumi-random: RandomPassword, RandomString, RandomId, RandomUuid and RandomBytes.

Values come from the operating system (``secrets``). State and the published plugin's state are interchangeable.
"""
